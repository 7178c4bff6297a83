// SPDX-License-Identifier: MIT
#include "ir/substitute.h"

#include "ir/infer.h"
#include "ir/side_table.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

ShapeId with_extents(Graph& graph, ShapeId shape, const Substitution& change) {
  std::vector<Dim> dims(graph.shape(shape).begin(), graph.shape(shape).end());
  for (Dim& d : dims)
    for (const auto& [from, to] : change.extents)
      if (d.is(from)) {
        d = Dim(to);
        break;
      }
  return graph.intern_shape(dims);
}

}  // namespace

std::optional<std::vector<Node>> substitute(Graph& graph, std::span<const Node> roots,
                                            const Substitution& change) {
  SideTable<Node> now;
  for (const auto& [from, to] : change.nodes) now[from] = to;
  std::vector<Node> sources;
  for (Node n : postorder(graph, roots)) {
    if (now.get(n)) continue;
    sources.clear();
    bool same = true;
    for (Node s : graph.sources(n)) {
      sources.push_back(now.get(s));
      same = same && sources.back() == s;
    }
    const ShapeId given =
        change.extents.empty() ? graph.shape_id(n) : with_extents(graph, graph.shape_id(n), change);
    if (same && given == graph.shape_id(n)) {
      now[n] = n;
      continue;
    }
    const Inferred inferred = infer(graph, graph.op(n), sources, graph.arg(n), {graph.dtype(n), given});
    if (!inferred.error.empty()) return std::nullopt;
    const Arg arg = graph.arg(n);
    now[n] = graph.intern({graph.op(n), inferred.type.dtype, inferred.type.shape, sources, &arg});
  }
  std::vector<Node> out;
  for (Node r : roots) out.push_back(now.get(r));
  return out;
}

}  // namespace anneal::ir
