// SPDX-License-Identifier: MIT
// The standard simplification of a kernel's statements, so that loops can be made of them: what no longer
// depends on a loop that may have no values is kept from running without it, and no accumulate is left inside
// the loops of another one that binds the same range. Tested through lower_test.cc and lower_fuzz_test.cc.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::loop {

// As many statements, in their order. Raises kVerify when the kernel is ill-formed.
std::vector<ir::Node> simplify_statements(ir::Graph& graph, std::span<const ir::Node> statements);

}  // namespace anneal::loop
