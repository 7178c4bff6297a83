// SPDX-License-Identifier: MIT
// All of anneal.
#pragma once

#include "anneal/compile.h"
#include "anneal/counters.h"
#include "anneal/dtype.h"
#include "anneal/error.h"
#include "anneal/files.h"
#include "anneal/functions.h"
#include "anneal/gpt2.h"
#include "anneal/nn.h"
#include "anneal/optim.h"
#include "anneal/random.h"
#include "anneal/resume.h"
#include "anneal/sampling.h"
#include "anneal/tensor.h"
#include "anneal/tokenizer.h"
#include "anneal/training.h"
#include "anneal/transforms.h"
