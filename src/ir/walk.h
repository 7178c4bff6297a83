// SPDX-License-Identifier: MIT
// Orders over a graph, never recursive. The order depends on the roots and on source positions alone.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

// Every node that the roots reach, sources before users, each once. `extents`: also the nodes of symbolic
// extents and arguments, which a printer or a copy needs and a differentiator does not.
std::vector<Node> postorder(const Graph& graph, std::span<const Node> roots, bool extents = false);

// Calls `visit` with every Dim expression that the node's shape or argument holds.
std::vector<Node> extent_nodes(const Graph& graph, Node n);

}  // namespace anneal::ir
