// SPDX-License-Identifier: MIT
// Functions over tensors, a header a topic. Numbers stand on either side; shapes broadcast as in numpy; names
// and defaults follow PyTorch where it has the function. Every one is differentiable unless its result is not
// a float.
#pragma once

#include "anneal/activation.h"
#include "anneal/conv.h"
#include "anneal/creation.h"
#include "anneal/elementwise.h"
#include "anneal/indexing.h"
#include "anneal/linalg.h"
#include "anneal/loss.h"
#include "anneal/movement.h"
#include "anneal/norm.h"
#include "anneal/reduce.h"
