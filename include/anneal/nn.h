// SPDX-License-Identifier: MIT
// Modules, initial values and layers.
#pragma once

#include "anneal/nn/init.h"
#include "anneal/nn/linear.h"
#include "anneal/nn/module.h"
#include "anneal/nn/norm.h"
