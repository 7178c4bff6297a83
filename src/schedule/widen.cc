// SPDX-License-Identifier: MIT
#include "schedule/widen.h"

#include "ir/builder.h"
#include "ir/walk.h"

namespace anneal::schedule {

using ir::Node;
using ir::Op;

namespace {

bool folds_narrow(const ir::Graph& graph, Node n) {
  const Op op = graph.op(n);
  const bool adds =
      op == Op::Scan || (op == Op::Scatter && graph.arg_as<ir::ScatterArg>(n).mode == ir::ScatterMode::kAdd);
  return adds && is_float(graph.dtype(n)) && dtype_size(graph.dtype(n)) < 4;
}

}  // namespace

std::vector<Node> widen_folds(ir::Graph& graph, std::span<const Node> roots) {
  const ir::OriginScope origin(graph);
  const ir::Builder b{graph};
  std::vector<Node> now(graph.id_limit()), sources, out;
  for (Node n : ir::postorder(graph, roots)) {
    sources.clear();
    bool same = true;
    for (Node s : graph.sources(n)) {
      sources.push_back(now[s.id]);
      same = same && now[s.id] == s;
    }
    now[n.id] = n;
    graph.set_origin(graph.origin(n));
    if (folds_narrow(graph, n)) {
      for (Node& s : sources)
        if (is_float(graph.dtype(s))) s = b.cast(s, DType::kF32);
      now[n.id] = b.cast(b.make(graph.op(n), sources, graph.arg(n)), graph.dtype(n));
    } else if (!same) {
      now[n.id] = graph.intern({graph.op(n), graph.dtype(n), graph.shape_id(n), sources, &graph.arg(n)});
    }
  }
  for (Node r : roots) out.push_back(now[r.id]);
  return out;
}

}  // namespace anneal::schedule
