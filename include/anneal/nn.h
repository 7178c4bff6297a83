// SPDX-License-Identifier: MIT
// Modules, initial values and layers.
#pragma once

#include "anneal/nn/attention.h"
#include "anneal/nn/conv.h"
#include "anneal/nn/gpt.h"
#include "anneal/nn/init.h"
#include "anneal/nn/linear.h"
#include "anneal/nn/module.h"
#include "anneal/nn/norm.h"
#include "anneal/nn/recurrent.h"
#include "anneal/nn/sequential.h"
