// SPDX-License-Identifier: MIT
// Optimizers as they are written on a command line and in reference sets. Tested by sequential_test.cc.
#pragma once

#include <string_view>

#include "anneal/optim.h"

namespace anneal::programs {

// "adamw lr=1e-2 wd=0": a name, then settings of the form key=value; other words are remarks. Weight decay
// applies to all parameters.
Optimizer parse_optimizer(std::string_view text);

// The learning rate of the first step.
double learning_rate(const Optimizer& optimizer);
void set_learning_rate(Optimizer& optimizer, double lr);

}  // namespace anneal::programs
