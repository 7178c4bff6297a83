// SPDX-License-Identifier: MIT
// Orders over a graph, never recursive. The order depends on the roots and on source positions alone.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"
#include "ir/side_table.h"

namespace anneal::ir {

// Every node that the roots reach, sources before users, each once. `extents`: also the nodes of symbolic
// extents and arguments, which a printer or a copy needs and a differentiator does not.
std::vector<Node> postorder(const Graph& graph, std::span<const Node> roots, bool extents = false);

// From the roots down, for searches that end early: `visit` gets each node once and returns the nodes below
// it that are to be visited too.
template <typename Visit>
void descend(std::span<const Node> roots, const Visit& visit) {
  std::vector<Node> stack(roots.begin(), roots.end());
  SideTable<uint8_t> seen;
  while (!stack.empty()) {
    const Node n = stack.back();
    stack.pop_back();
    if (seen.get(n) != 0) continue;
    seen.set(n, 1);
    const std::span<const Node> next = visit(n);
    stack.insert(stack.end(), next.begin(), next.end());
  }
}

// Calls `visit` with every Dim expression that the node's shape or argument holds.
std::vector<Node> extent_nodes(const Graph& graph, Node n);

}  // namespace anneal::ir
