// SPDX-License-Identifier: MIT
#include "schedule/prepare.h"

#include <algorithm>

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

// How a node is used by others.
struct Uses {
  uint32_t count = 0;
  bool by_the_rest = false;  // of the program: not as a result, nor by the optimizer
};

std::vector<Uses> uses_of(const ir::Graph& graph, std::span<const Node> order, std::span<const Node> roots) {
  std::vector<Uses> uses(graph.id_limit());
  for (Node r : roots) ++uses[r.id].count;
  for (size_t i = order.size(); i-- > 0;) {
    const Node n = order[i];
    const bool rest = has_flag(graph.op(n), ir::kMovement) ? uses[n.id].by_the_rest
                                                           : graph.origin(n).phase != ir::Phase::kOptimizer;
    for (Node s : graph.sources(n)) {
      ++uses[s.id].count;
      uses[s.id].by_the_rest = uses[s.id].by_the_rest || rest;
    }
  }
  return uses;
}

// The last two axes of a batch change places: of those that are not 1, at least one stays in front.
bool transposes_batch(const ir::Graph& graph, Node permute) {
  const ir::Shape before = graph.shape(graph.source(permute, 0));
  std::vector<uint8_t> now;
  for (const uint8_t axis : graph.arg_as<ir::PermArg>(permute).perm)
    if (!before[axis].is(1)) now.push_back(axis);
  if (now.size() < 3) return false;
  std::swap(now[now.size() - 2], now[now.size() - 1]);
  return std::is_sorted(now.begin(), now.end());
}

// The reduction that a permutation moves, seen through reshapes that add or drop axes of extent 1; null when
// it, or one of those, is needed otherwise, or the rest of the program needs it with rows in another order.
Node only_moved(const ir::Graph& graph, Node permute, const std::vector<Uses>& uses) {
  if (uses[permute.id].by_the_rest && !transposes_batch(graph, permute)) return {};
  const auto extents = [&](Node n) {
    std::vector<ir::Dim> out;
    for (const ir::Dim& d : graph.shape(n))
      if (!d.is(1)) out.push_back(d);
    return out;
  };
  Node n = graph.source(permute, 0);
  const std::vector<ir::Dim> moved = extents(n);
  while (graph.op(n) == Op::Reshape && uses[n.id].count == 1 && extents(graph.source(n, 0)) == moved)
    n = graph.source(n, 0);
  return graph.op(n) == Op::Reduce && uses[n.id].count == 1 ? n : Node{};
}

// A permutation of a reduction as the reduction of a permutation of `source`, its rewritten source.
Node permute_first(ir::Graph& graph, Node permute, Node reduce, Node source) {
  const ir::Builder b{graph};
  const ir::Shape before = graph.shape(graph.source(permute, 0)), kept = graph.shape(reduce);
  std::vector<uint8_t> from;  // axes of the reduction in the order of the axes that are permuted
  for (size_t i = 0; i < kept.size(); ++i)
    if (!kept[i].is(1)) from.push_back(static_cast<uint8_t>(i));
  std::vector<size_t> place(before.size());  // among those that are not 1
  for (size_t i = 0, next = 0; i < before.size(); ++i)
    if (!before[i].is(1)) place[i] = next++;
  std::vector<uint8_t> order(kept.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint8_t>(i);
  size_t next = 0;
  for (const uint8_t axis : graph.arg_as<ir::PermArg>(permute).perm)
    if (!before[axis].is(1)) order[from[next++]] = from[place[axis]];
  const auto& arg = graph.arg_as<ir::ReduceArg>(reduce);
  const Node moved = b.reduce(b.permute(source, order), arg.op, arg.axes);
  return b.reshape(moved, graph.shape(permute));
}

}  // namespace

std::vector<Node> prepare(ir::Graph& graph, std::span<const Node> roots) {
  const ir::OriginScope origin(graph);
  const ir::Builder b{graph};
  std::vector<Node> now(graph.id_limit()), sources, out;
  const std::vector<Node> order = ir::postorder(graph, roots);
  const std::vector<Uses> uses = uses_of(graph, order, roots);
  for (Node n : order) {
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
    } else if (const Node r = graph.op(n) == Op::Permute ? only_moved(graph, n, uses) : Node{}) {
      now[n.id] = permute_first(graph, n, r, now[graph.source(r, 0).id]);
    } else if (!same) {
      now[n.id] = graph.intern({graph.op(n), graph.dtype(n), graph.shape_id(n), sources, &graph.arg(n)});
    }
  }
  for (Node r : roots) out.push_back(now[r.id]);
  return out;
}

}  // namespace anneal::schedule
