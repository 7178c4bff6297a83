// SPDX-License-Identifier: MIT
// Running folds of narrow floats run in f32 and round at the end, as their meaning says: scan and scatter of
// f16, bf16 and fp8 become the same op on f32 between casts, because a kernel keeps its running values in
// memory. Tested by program_fuzz_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::schedule {

std::vector<ir::Node> widen_folds(ir::Graph& graph, std::span<const ir::Node> roots);

}  // namespace anneal::schedule
