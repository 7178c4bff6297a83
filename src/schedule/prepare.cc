// SPDX-License-Identifier: MIT
#include "schedule/prepare.h"

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

bool scatters_one(const ir::Graph& graph, Node n) {
  if (graph.op(n) != Op::Scatter) return false;
  const auto axis = static_cast<size_t>(graph.arg_as<ir::ScatterArg>(n).axis);
  const ir::Shape places = graph.shape(graph.source(n, 1)), updates = graph.shape(graph.source(n, 2));
  const ir::Shape all = graph.shape(n);
  for (size_t i = 0; i < all.size(); ++i)
    if (i == axis ? !places[i].is(1) || !updates[i].is(1) : !(places[i] == all[i]) || !(updates[i] == all[i]))
      return false;
  return true;
}

// `sources` are those of the scatter n, rewritten.
Node select_one(ir::Graph& graph, Node n, std::span<const Node> sources) {
  const ir::Builder b{graph};
  const auto& arg = graph.arg_as<ir::ScatterArg>(n);
  const ir::Shape shape = graph.shape(n);
  const Node hit =
      b.eq(b.iota(shape, arg.axis, DType::kI64), b.expand(b.cast(sources[1], DType::kI64), shape));
  const Node update = b.expand(sources[2], shape);
  return b.where(hit, arg.mode == ir::ScatterMode::kAdd ? b.add(sources[0], update) : update, sources[0]);
}

}  // namespace

std::vector<Node> prepare(ir::Graph& graph, std::span<const Node> roots) {
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
    if (scatters_one(graph, n)) {
      now[n.id] = select_one(graph, n, sources);
    } else if (folds_narrow(graph, n)) {
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
