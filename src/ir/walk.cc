// SPDX-License-Identifier: MIT
#include "ir/walk.h"

namespace anneal::ir {

std::vector<Node> extent_nodes(const Graph& graph, Node n) {
  std::vector<Node> out;
  const auto visit = [&](const Dim& d) {
    if (!d.is_const()) out.push_back(d.expr);
  };
  for (const Dim& d : graph.shape(n)) visit(d);
  if (const auto* pad = std::get_if<PadArg>(&graph.arg(n))) {
    for (const Dim& d : pad->low) visit(d);
    for (const Dim& d : pad->high) visit(d);
  } else if (const auto* slice = std::get_if<SliceArg>(&graph.arg(n))) {
    for (const Dim& d : slice->start) visit(d);
  }
  return out;
}

std::vector<Node> postorder(const Graph& graph, std::span<const Node> roots, bool extents) {
  enum : uint8_t { kNew, kOpen, kDone };
  SideTable<uint8_t> state;
  std::vector<Node> order, stack;
  for (Node root : roots) {
    stack.push_back(root);
    while (!stack.empty()) {
      const Node n = stack.back();
      uint8_t& s = state[n];
      if (s == kNew) {
        s = kOpen;
        const std::span<const Node> sources = graph.sources(n);
        for (size_t i = sources.size(); i-- > 0;)
          if (state.get(sources[i]) == kNew) stack.push_back(sources[i]);
        if (extents)
          for (Node e : extent_nodes(graph, n))
            if (state.get(e) == kNew) stack.push_back(e);
      } else {
        stack.pop_back();
        if (s == kOpen) {
          s = kDone;
          order.push_back(n);
        }
      }
    }
  }
  return order;
}

}  // namespace anneal::ir
