// SPDX-License-Identifier: MIT
// Graphs to time the simplifier on. Tested by simplify_test.cc.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace anneal::rules {

// At least `nodes` nodes of addresses as lowering first writes them: loops carried back through chains of
// reshapes, permutes, pads, slices, flips and sliding windows, each a div and mod of a flat index. Returns
// the addresses.
std::vector<ir::Node> build_index_heavy_graph(ir::Graph& graph, size_t nodes);

}  // namespace anneal::rules
