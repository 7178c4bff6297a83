// SPDX-License-Identifier: MIT
#include "schedule/prepare.h"

#include <algorithm>

#include "ir/builder.h"
#include "ir/walk.h"
#include "schedule/updates.h"

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

// How a node is used by others, through any movement.
struct Uses {
  uint32_t count = 0;
  bool by_sums = false;      // that add up what is moved, and nothing else of it
  bool by_the_rest = false;  // of the program: not as a result, nor by the optimizer
  bool only_by_sums() const { return by_sums && !by_the_rest; }
};

bool sums_what_is_moved(const ir::Graph& graph, Node n) {
  return graph.op(n) == Op::Reduce && graph.arg_as<ir::ReduceArg>(n).op == ir::ReduceOp::kAdd &&
         has_flag(graph.op(graph.source(n, 0)), ir::kMovement);
}

std::vector<Uses> uses_of(const ir::Graph& graph, std::span<const Node> order, std::span<const Node> roots,
                          std::span<const int32_t> replaced) {
  const std::vector<bool> updates = update_nodes(graph, order, roots, replaced);
  std::vector<Uses> uses(graph.id_limit());
  for (Node r : roots) ++uses[r.id].count;
  for (size_t i = order.size(); i-- > 0;) {
    const Node n = order[i];
    Uses how;
    if (has_flag(graph.op(n), ir::kMovement))
      how = uses[n.id];
    else if (sums_what_is_moved(graph, n))
      how.by_sums = true;
    else
      how.by_the_rest = !updates[n.id];
    for (Node s : graph.sources(n)) {
      ++uses[s.id].count;
      uses[s.id].by_sums = uses[s.id].by_sums || how.by_sums;
      uses[s.id].by_the_rest = uses[s.id].by_the_rest || how.by_the_rest;
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

// The places of the axes that are not of extent 1.
std::vector<uint8_t> wide_axes(ir::Shape shape) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < shape.size(); ++i)
    if (!shape[i].is(1)) out.push_back(static_cast<uint8_t>(i));
  return out;
}

std::vector<ir::Dim> wide_extents(const ir::Graph& graph, Node n) {
  std::vector<ir::Dim> out;
  for (const uint8_t i : wide_axes(graph.shape(n))) out.push_back(graph.shape(n)[i]);
  return out;
}

// A reduction that is moved and not used otherwise, and its axes that are not of extent 1 in the new order.
struct Moved {
  Node reduce;
  std::vector<uint8_t> order;
};

// Of a permutation, seen through others and through reshapes that add or drop axes of extent 1. No reduction
// when it, or one of those, is needed otherwise, or the rest of the program needs it with rows in another
// order.
Moved only_moved(const ir::Graph& graph, Node permute, const std::vector<Uses>& uses) {
  if (uses[permute.id].by_the_rest && !transposes_batch(graph, permute)) return {};
  std::vector<Node> permutes{permute};
  Node n = graph.source(permute, 0);
  for (; uses[n.id].count == 1; n = graph.source(n, 0)) {
    if (graph.op(n) == Op::Permute)
      permutes.push_back(n);
    else if (graph.op(n) != Op::Reshape || wide_extents(graph, n) != wide_extents(graph, graph.source(n, 0)))
      break;
  }
  if (graph.op(n) != Op::Reduce || uses[n.id].count != 1) return {};
  Moved out{n, wide_axes(graph.shape(n))};
  for (size_t p = permutes.size(); p-- > 0;) {
    const std::vector<uint8_t> wide = wide_axes(graph.shape(graph.source(permutes[p], 0)));
    std::vector<uint8_t> order;
    for (const uint8_t axis : graph.arg_as<ir::PermArg>(permutes[p]).perm) {
      const auto at = std::find(wide.begin(), wide.end(), axis);
      if (at != wide.end()) order.push_back(out.order[static_cast<size_t>(at - wide.begin())]);
    }
    out.order = order;
  }
  return out;
}

// The axes along which a factor of a product changes.
std::vector<bool> axes_of_factor(const ir::Graph& graph, Node factor) {
  std::vector<bool> out(graph.shape(factor).size(), true);
  const Node from = graph.op(factor) == Op::Expand ? graph.source(factor, 0) : factor;
  if (graph.shape(from).size() != out.size()) return out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = !graph.shape(from)[i].is(1);
  return out;
}

// The order with the axes of each factor of a sum of products together, those of the last axis' factor last:
// a product of two matrices, whose columns lie in memory as whoever reads it goes along.
std::vector<uint8_t> by_factors(const ir::Graph& graph, const Moved& moved) {
  const Node product = graph.source(moved.reduce, 0);
  if (graph.op(product) != Op::Mul || moved.order.empty() ||
      graph.rank(graph.source(product, 0)) != graph.rank(graph.source(product, 1)))
    return moved.order;
  const std::vector<bool> a = axes_of_factor(graph, graph.source(product, 0));
  const std::vector<bool> b = axes_of_factor(graph, graph.source(product, 1));
  const auto kind = [&](uint8_t i) { return a[i] == b[i] ? 0 : a[i] == a[moved.order.back()] ? 2 : 1; };
  if (kind(moved.order.back()) == 0) return moved.order;
  std::vector<uint8_t> out;
  for (int wanted = 0; wanted <= 2; ++wanted)
    for (const uint8_t i : moved.order)
      if (kind(i) == wanted) out.push_back(i);
  return out;
}

// What `permute` makes of a reduction as the reduction of a permutation of `source`, its rewritten source.
// Its axes that are not of extent 1 are made in the given order.
Node permute_first(ir::Graph& graph, Node permute, const Moved& moved, const std::vector<uint8_t>& made,
                   Node source) {
  const ir::Builder b{graph};
  const ir::Shape kept = graph.shape(moved.reduce);
  std::vector<uint8_t> order(kept.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint8_t>(i);
  const std::vector<uint8_t> places = wide_axes(kept);
  for (size_t i = 0; i < places.size(); ++i) order[places[i]] = made[i];
  const auto& arg = graph.arg_as<ir::ReduceArg>(moved.reduce);
  const Node reduced = b.reduce(b.permute(source, order), arg.op, arg.axes);
  if (made == moved.order) return b.reshape(reduced, graph.shape(permute));
  std::vector<ir::Dim> extents;
  std::vector<uint8_t> back;
  for (const uint8_t i : made) extents.push_back(kept[i]);
  for (const uint8_t i : moved.order)
    back.push_back(static_cast<uint8_t>(std::find(made.begin(), made.end(), i) - made.begin()));
  return b.reshape(b.permute(b.reshape(reduced, extents), back), graph.shape(permute));
}

// The reduction that a slice cuts, seen through reshapes that add or drop axes of extent 1; null when it is
// needed otherwise.
Node only_cut(const ir::Graph& graph, Node slice, const std::vector<Uses>& uses) {
  Node n = graph.source(slice, 0);
  const ir::Shape from = graph.shape(n), to = graph.shape(slice);
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i].is(1) && !to[i].is(1)) return {};
  while (graph.op(n) == Op::Reshape && uses[n.id].count == 1 &&
         wide_extents(graph, n) == wide_extents(graph, graph.source(n, 0)))
    n = graph.source(n, 0);
  return graph.op(n) == Op::Reduce && uses[n.id].count == 1 ? n : Node{};
}

// A slice of a reduction as the reduction of a slice of `source`, its rewritten source: what is cut off is
// not summed, and who reads the slice may be one kernel with the reduction.
Node slice_first(ir::Graph& graph, Node slice, Node reduce, Node source) {
  const ir::Builder b{graph};
  const std::vector<uint8_t> from = wide_axes(graph.shape(graph.source(slice, 0))),
                             to = wide_axes(graph.shape(reduce));
  const auto& cut = graph.arg_as<ir::SliceArg>(slice);
  const ir::Shape wide = graph.shape(source);
  std::vector<ir::Dim> extents(wide.begin(), wide.end());
  ir::SliceArg arg{std::vector<ir::Dim>(wide.size(), ir::Dim(0)), std::vector<int64_t>(wide.size(), 1)};
  for (size_t i = 0; i < to.size(); ++i) {
    extents[to[i]] = graph.shape(slice)[from[i]];
    arg.start[to[i]] = cut.start[from[i]];
    arg.step[to[i]] = cut.step[from[i]];
  }
  const auto& how = graph.arg_as<ir::ReduceArg>(reduce);
  return b.reshape(b.reduce(b.slice(source, arg, extents), how.op, how.axes), graph.shape(slice));
}

// A long reduction of which there are few: `axes` of its source, neighbours but for those of extent 1, are
// joined and cut into `parts`.
struct Split {
  size_t first = 0, last = 0;
  int64_t parts = 0;  // 0: it stays as it is
  int64_t length = 0;
};

// Work items never share a reduction, so one alone would run on one thread. The cut follows from the extents,
// and so does every bit of the result.
Split split_of(const ir::Graph& graph, Node reduce) {
  constexpr int64_t kLong = 1 << 17, kPart = 1 << 15, kMostParts = 1024, kFewResults = 16;
  const ir::Shape from = graph.shape(graph.source(reduce, 0));
  const ir::AxisMask axes = graph.arg_as<ir::ReduceArg>(reduce).axes;
  int64_t results = 1, count = 1;
  for (size_t i = 0; i < from.size(); ++i)
    if (!from[i].is_const() || from[i].value == 0 ||
        __builtin_mul_overflow((axes >> i & 1) != 0 ? count : results, from[i].value,
                               (axes >> i & 1) != 0 ? &count : &results))
      return {};
  if (results > kFewResults || count < kLong || from.size() >= ir::kMaxRank) return {};
  const int64_t wanted = std::clamp<int64_t>(count / kPart, 4, kMostParts);
  // The outermost run of neighbours that has a divisor near the number that is wanted.
  Split best;
  for (size_t i = 0; i < from.size() && best.parts == 0; ++i) {
    if ((axes >> i & 1) == 0 || from[i].is(1)) continue;
    Split run{i, i, 0, from[i].value};
    while (run.last + 1 < from.size() && ((axes >> (run.last + 1) & 1) != 0 || from[run.last + 1].is(1)))
      run.length *= from[++run.last].value;
    for (int64_t parts = wanted; parts >= 4 && parts > wanted / 8; --parts)
      if (run.length % parts == 0) {
        best = {run.first, run.last, parts, run.length / parts};
        break;
      }
    i = run.last;
  }
  return best;
}

// Partial results of one part each, then the result of those. `source` is rewritten.
Node reduce_in_parts(ir::Graph& graph, Node reduce, const Split& split, Node source) {
  const ir::Builder b{graph};
  const auto& how = graph.arg_as<ir::ReduceArg>(reduce);
  const DType t = graph.dtype(reduce);
  const bool is_narrow = is_float(t) && dtype_size(t) < 4;
  const ir::Shape from = graph.shape(source);
  std::vector<ir::Dim> cut, few;
  ir::AxisMask inner = 0, outer = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i == split.first) {
      outer |= ir::AxisMask{1} << few.size();
      few.push_back(ir::Dim(split.parts));
      inner |= ir::AxisMask{1} << (cut.size() + 1);
      cut.insert(cut.end(), {ir::Dim(split.parts), ir::Dim(split.length)});
      i = split.last;
      continue;
    }
    const bool is_reduced = (how.axes >> i & 1) != 0;
    if (is_reduced) inner |= ir::AxisMask{1} << cut.size();
    cut.push_back(from[i]);
    if (!is_reduced && !from[i].is(1)) few.push_back(from[i]);
  }
  // Between the two a narrow float stays as wide as it is summed up.
  Node part = b.reshape(is_narrow ? b.cast(source, DType::kF32) : source, cut);
  part = b.reduce(b.reshape(b.reduce(part, how.op, inner), few), how.op, outer);
  part = b.reshape(part, graph.shape(reduce));
  return is_narrow ? b.cast(part, t) : part;
}

}  // namespace

std::vector<Node> prepare(ir::Graph& graph, std::span<const Node> roots, std::span<const int32_t> replaced) {
  const ir::OriginScope origin(graph);
  const ir::Builder b{graph};
  std::vector<Node> now(graph.id_limit()), sources, out;
  const std::vector<Node> order = ir::postorder(graph, roots);
  const std::vector<Uses> uses = uses_of(graph, order, roots, replaced);
  std::vector<bool> stays(graph.id_limit(), false);
  for (size_t i = 0; i < std::min(roots.size(), replaced.size()); ++i)
    stays[roots[i].id] = scatters_into(graph, roots[i], replaced[i]);
  for (Node n : order) {
    sources.clear();
    bool same = true;
    for (Node s : graph.sources(n)) {
      sources.push_back(now[s.id]);
      same = same && now[s.id] == s;
    }
    now[n.id] = n;
    graph.set_origin(graph.origin(n));
    if (scatters_one(graph, n) && !stays[n.id]) {
      now[n.id] = select_one(graph, n, sources);
    } else if (folds_narrow(graph, n)) {
      for (Node& s : sources)
        if (is_float(graph.dtype(s))) s = b.cast(s, DType::kF32);
      now[n.id] = b.cast(b.make(graph.op(n), sources, graph.arg(n)), graph.dtype(n));
    } else if (const Moved m = graph.op(n) == Op::Permute ? only_moved(graph, n, uses) : Moved{}; m.reduce) {
      now[n.id] = permute_first(graph, n, m, uses[n.id].only_by_sums() ? by_factors(graph, m) : m.order,
                                now[graph.source(m.reduce, 0).id]);
    } else if (const Node r = graph.op(n) == Op::Slice ? only_cut(graph, n, uses) : Node{}) {
      now[n.id] = slice_first(graph, n, r, now[graph.source(r, 0).id]);
    } else if (const Split split = graph.op(n) == Op::Reduce ? split_of(graph, n) : Split{};
               split.parts > 0) {
      now[n.id] = reduce_in_parts(graph, n, split, sources[0]);
    } else if (!same) {
      now[n.id] = graph.intern({graph.op(n), graph.dtype(n), graph.shape_id(n), sources, &graph.arg(n)});
    }
  }
  for (Node r : roots) out.push_back(now[r.id]);
  return out;
}

}  // namespace anneal::schedule
