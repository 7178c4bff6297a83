// SPDX-License-Identifier: MIT
// Whether what a kernel writes may take the memory of what it reads. Tested by plan_test.cc and
// src/runtime/program_fuzz_slow_test.cc.
#pragma once

#include "ir/graph.h"

namespace anneal::plan {

// Every element of slot `read` that the kernel loads is loaded only where the element of slot `written` at
// the same position is stored: by that statement, or by stores over the same loops. Then one memory serves
// both, in whatever order and on whatever thread the points run, and where loops are vectors. Where a kernel
// folds, skeletons may run its stores one after the other: there only that statement may load the element.
// Never in a kernel with sums inside the loops of others: it runs in phases (loop/fold.h), and one may load
// behind another's stores.
bool maps_one_to_one(ir::Graph& graph, ir::Node sink, int64_t read, int64_t written);

}  // namespace anneal::plan
