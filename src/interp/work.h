// SPDX-License-Identifier: MIT
// How long a run will take, told from the extents before it starts. Memory has a limit of its own; a fold
// over an expanded scalar needs no memory and can still run for days. Tested by work_test.cc.
#pragma once

#include "interp/interp.h"

namespace anneal::interp {

// Many minutes.
inline constexpr double kMuchWork = 1e11;

// Element operations that one run takes, roughly: elements made, and elements read by folds and orders.
// Raises as evaluate() does where an extent has no value under these bindings.
double estimate_work(const ir::Graph& graph, std::span<const ir::Node> roots, const Bindings& bindings = {});

}  // namespace anneal::interp
