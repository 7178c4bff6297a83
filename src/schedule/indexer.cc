// SPDX-License-Identifier: MIT
#include "schedule/indexer.h"

#include <algorithm>
#include <iterator>

#include "ir/builder.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "support/check.h"

namespace anneal::schedule {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

Indexer::Indexer(ir::Graph& graph, SlotOf slot_of)
    : graph_(graph), slot_of_(std::move(slot_of)), digits_(graph) {}

Node Indexer::value(Node n, std::span<const Node> coordinates, Node guard, bool skip_root) {
  const uint32_t root = point(n, {coordinates.begin(), coordinates.end()}, guard, skip_root);
  std::vector<uint32_t> stack{root};
  while (!stack.empty()) {
    const uint32_t p = stack.back();
    if (points_[p].step == Step::kDone) {
      stack.pop_back();
      continue;
    }
    if (points_[p].step == Step::kOpen) {
      expand(p);
      points_[p].step = Step::kWaiting;
    }
    const size_t before = stack.size();
    for (uint32_t need : points_[p].needs)
      if (points_[need].step != Step::kDone) stack.push_back(need);
    if (stack.size() != before) continue;
    if (finish(p)) points_[p].step = Step::kDone;
  }
  return points_[root].value;
}

uint64_t Indexer::hash_of(Node n, std::span<const Node> at, Node guard, bool skip) const {
  support::Hasher hasher(n.id);
  hasher.add(guard.id).add(skip ? 1 : 0);
  for (Node c : at) hasher.add(c.id);
  return hasher.finish().lo;
}

void Indexer::grow_buckets() {
  buckets_.assign(std::max<size_t>(64, buckets_.size() * 2), kNoPoint);
  for (uint32_t p = 0; p < points_.size(); ++p) {
    Point& point = points_[p];
    uint32_t& bucket =
        buckets_[hash_of(point.node, point.at, point.guard, point.skip) & (buckets_.size() - 1)];
    point.next = bucket;
    bucket = p;
  }
}

uint32_t Indexer::point(Node n, std::vector<Node> at, Node guard, bool skip) {
  if (points_.size() >= buckets_.size()) grow_buckets();
  uint32_t& bucket = buckets_[hash_of(n, at, guard, skip) & (buckets_.size() - 1)];
  for (uint32_t p = bucket; p != kNoPoint; p = points_[p].next) {
    const Point& other = points_[p];
    if (other.node == n && other.guard == guard && other.skip == skip && other.at == at) return p;
  }
  Point& p = points_.emplace_back();
  p.node = n;
  p.guard = guard;
  p.at = std::move(at);
  p.skip = skip;
  p.next = bucket;
  return bucket = static_cast<uint32_t>(points_.size() - 1);
}

Node Indexer::need(uint32_t p, size_t i) const { return points_[points_[p].needs[i]].value; }

void Indexer::need_source(uint32_t p, Node source, std::vector<Node> at, Node guard) {
  const uint32_t needed = point(source, std::move(at), guard);  // may move the points
  points_[p].needs.push_back(needed);
}

Node Indexer::both(Node a, Node b) {
  if (!a || a == b) return b;
  return b ? Builder{graph_}.make(Op::And, {a, b}) : a;
}

Node Indexer::in_range(Node position, Dim extent) {
  const Builder b{graph_};
  return both(b.le(b.index(0), position), b.lt(position, digits_.number(extent)));
}

// A guarded load gives 0 outside by itself.
Node Indexer::select(Node condition, Node then, Node otherwise) {
  const bool zero = graph_.is_const(otherwise) && graph_.const_value(otherwise).bits == 0;
  if (zero && graph_.op(then) == Op::Load && graph_.sources(then).size() == 3 &&
      graph_.source(then, 2) == condition)
    return then;
  return Builder{graph_}.where(condition, then, otherwise);
}

Node Indexer::at_type(Node value, DType t) { return Builder{graph_}.cast(value, t); }

const std::vector<uint32_t>& Indexer::ranges_in(Node root) {
  std::vector<Node> stack{root};
  while (!stack.empty()) {
    const Node n = stack.back();
    if (free_ranges_.contains(n.id)) {
      stack.pop_back();
      continue;
    }
    const size_t before = stack.size();
    if (graph_.op(n) != Op::Range)
      for (Node s : graph_.sources(n))
        if (!free_ranges_.contains(s.id)) stack.push_back(s);
    if (stack.size() != before) continue;
    stack.pop_back();
    std::vector<uint32_t> found, joined;
    if (graph_.op(n) == Op::Range) {
      found.push_back(n.id);
    } else if (graph_.op(n) == Op::Accumulate) {
      const std::vector<uint32_t>& body = free_ranges_[graph_.source(n, 0).id];
      const auto bound = graph_.sources(n).subspan(1);
      std::copy_if(body.begin(), body.end(), std::back_inserter(found), [&](uint32_t id) {
        return std::find(bound.begin(), bound.end(), Node{id}) == bound.end();
      });
    } else {
      for (Node s : graph_.sources(n)) {
        const std::vector<uint32_t>& more = free_ranges_[s.id];
        joined.clear();
        std::set_union(found.begin(), found.end(), more.begin(), more.end(), std::back_inserter(joined));
        found.swap(joined);
      }
    }
    free_ranges_.emplace(n.id, std::move(found));
  }
  return free_ranges_[root.id];
}

Node Indexer::reduce_range(Dim extent, std::span<const Node> inside) {
  for (Node range : reduce_ranges_) {
    const Node of = graph_.source(range, 0);
    if (of != digits_.number(extent)) continue;
    const bool taken = std::any_of(inside.begin(), inside.end(), [&](Node n) {
      const std::vector<uint32_t>& ranges = ranges_in(n);
      return std::binary_search(ranges.begin(), ranges.end(), range.id);
    });
    if (!taken) return range;
  }
  const auto id = kFirstReduceRange + static_cast<int64_t>(reduce_ranges_.size());
  reduce_ranges_.push_back(Builder{graph_}.range(extent, id, ir::AxisKind::kReduce));
  return reduce_ranges_.back();
}

// -- What a value needs --

void Indexer::expand_pad(uint32_t p) {
  const Builder b{graph_};
  const Node n = points_[p].node, source = graph_.source(n, 0);
  const auto& pad = graph_.arg_as<ir::PadArg>(n);
  const ir::Shape from = graph_.shape(source);
  std::vector<Node> at = points_[p].at;
  Node inside;
  for (size_t i = 0; i < at.size(); ++i) {
    const bool same = pad.low[i].is(0) && pad.high[i].is(0) && pad.interior[i] == 0;
    if (same) continue;
    const Node low = digits_.number(ir::dim_sub(graph_, Dim(0), pad.low[i]));
    const Node shifted = digits_.add(at[i], low);
    at[i] = digits_.floordiv(shifted, Dim(pad.interior[i] + 1));
    inside = both(inside, in_range(at[i], from[i]));
    if (pad.interior[i] != 0)
      inside = both(inside, b.eq(digits_.floormod(shifted, Dim(pad.interior[i] + 1)), b.index(0)));
  }
  const Node guard = points_[p].guard;
  points_[p].extra = {inside};
  need_source(p, source, std::move(at), both(guard, inside));
  need_source(p, graph_.source(n, 1), {}, guard);
}

// Sums and products of narrow floats run in f32 and are rounded once. An extreme is one of the elements; over
// none it is the extreme of its own type, which f32 may not have.
DType accumulate_type(DType t, ReduceOp op) {
  const bool rounds = op == ReduceOp::kAdd || op == ReduceOp::kMul;
  return rounds && is_float(t) && dtype_size(t) < 4 ? DType::kF32 : t;
}

void Indexer::expand_reduce(uint32_t p) {
  const Node n = points_[p].node, source = graph_.source(n, 0);
  const ir::Shape from = graph_.shape(source);
  ir::AxisMask axes = 0;
  if (const auto* reduce = std::get_if<ir::ReduceArg>(&graph_.arg(n)))
    axes = reduce->axes;
  else
    axes = ir::AxisMask{1} << graph_.arg_as<ir::ScanArg>(n).axis;
  // The loop over an axis without elements has no value that an index could be made of.
  for (size_t i = 0; i < from.size(); ++i) {
    if ((axes >> i & 1) == 0 || !from[i].is(0) || graph_.op(n) != Op::Reduce) continue;
    const ir::Scalar nothing = ir::fold_identity(graph_.arg_as<ir::ReduceArg>(n).op, graph_.dtype(n));
    points_[p].value = Builder{graph_}.constant(nothing, graph_.dtype(n));
    return;
  }
  std::vector<Node> at = points_[p].at, inside = at, ranges;
  if (points_[p].guard) inside.push_back(points_[p].guard);
  for (size_t i = 0; i < at.size(); ++i) {
    if ((axes >> i & 1) == 0) continue;
    at[i] = Builder{graph_}.index(0);
    inside[i] = at[i];
  }
  for (size_t i = 0; i < at.size(); ++i) {
    if ((axes >> i & 1) == 0 || from[i].is(1)) continue;
    at[i] = reduce_range(from[i], inside);
    inside.push_back(at[i]);
    ranges.push_back(at[i]);
  }
  points_[p].extra = std::move(ranges);
  need_source(p, source, std::move(at), points_[p].guard);
}

void Indexer::expand(uint32_t p) {
  const Node n = points_[p].node, guard = points_[p].guard;
  if (!points_[p].skip) {
    if (const Node slot = slot_of_(n)) {
      const Node position = digits_.position(points_[p].at, graph_.shape(n));
      points_[p].value = Builder{graph_}.load(slot, position, guard);
      return;
    }
  }
  std::vector<Node> at = points_[p].at;
  const Op op = graph_.op(n);
  if (has_flag(op, ir::kElementwise)) {
    for (size_t i = 0; i < graph_.sources(n).size(); ++i) {
      const Node s = graph_.source(n, i);
      need_source(p, s, graph_.rank(s) == 0 ? std::vector<Node>() : at, guard);
    }
    return;
  }
  switch (op) {
    case Op::Const:
    case Op::Var:
    case Op::Iota: return;
    case Op::StopGradient:
    case Op::CustomGradient:
    case Op::Alias: return need_source(p, graph_.source(n, 0), std::move(at), guard);
    case Op::Reshape: {
      const Node s = graph_.source(n, 0);
      return need_source(p, s, digits_.regroup(at, graph_.shape(n), graph_.shape(s)), guard);
    }
    case Op::Expand: {
      const Node s = graph_.source(n, 0);
      const ir::Shape from = graph_.shape(s), to = graph_.shape(n);
      if (from.empty()) return need_source(p, s, {}, guard);
      for (size_t i = 0; i < from.size(); ++i)
        if (from[i].is(1) && !to[i].is(1)) at[i] = Builder{graph_}.index(0);
      return need_source(p, s, std::move(at), guard);
    }
    case Op::Permute: {
      const auto& perm = graph_.arg_as<ir::PermArg>(n).perm;
      std::vector<Node> from(at.size());
      for (size_t i = 0; i < at.size(); ++i) from[perm[i]] = at[i];
      return need_source(p, graph_.source(n, 0), std::move(from), guard);
    }
    case Op::Pad: return expand_pad(p);
    case Op::Slice: {
      const auto& slice = graph_.arg_as<ir::SliceArg>(n);
      for (size_t i = 0; i < at.size(); ++i)
        at[i] = digits_.add(digits_.mul(at[i], Dim(slice.step[i])), digits_.number(slice.start[i]));
      return need_source(p, graph_.source(n, 0), std::move(at), guard);
    }
    case Op::Flip: {
      const ir::AxisMask axes = graph_.arg_as<ir::AxesArg>(n).axes;
      const ir::Shape shape = graph_.shape(n);
      for (size_t i = 0; i < at.size(); ++i) {
        if ((axes >> i & 1) == 0) continue;
        const Node last = digits_.number(ir::dim_sub(graph_, shape[i], Dim(1)));
        at[i] = digits_.add(last, digits_.mul(at[i], Dim(-1)));
      }
      return need_source(p, graph_.source(n, 0), std::move(at), guard);
    }
    case Op::Concat: {
      const Builder b{graph_};
      const auto axis = static_cast<size_t>(graph_.arg_as<ir::AxisArg>(n).axis);
      Dim start{0};
      const size_t parts = graph_.sources(n).size();
      for (size_t i = 0; i < parts; ++i) {
        const Node s = graph_.source(n, i);
        const Dim end = ir::dim_add(graph_, start, graph_.shape(s)[axis]);
        const Node above = i == 0 ? Node{} : b.le(digits_.number(start), at[axis]);
        const Node below = i + 1 == parts ? Node{} : b.lt(at[axis], digits_.number(end));
        std::vector<Node> there = at;
        there[axis] = digits_.add(at[axis], digits_.number(ir::dim_sub(graph_, Dim(0), start)));
        points_[p].extra.push_back(below);
        need_source(p, s, std::move(there), both(guard, both(above, below)));
        start = end;
      }
      return;
    }
    case Op::Reduce:
    case Op::ArgReduce: return expand_reduce(p);
    case Op::Gather: return need_source(p, graph_.source(n, 1), std::move(at), guard);
    default:
      ANNEAL_CHECK_MSG(false, ("has no value element by element: " + ir::node_text(graph_, n)).c_str());
  }
}

// -- A value from what it needed --

bool Indexer::finish(uint32_t p) {
  const Builder b{graph_};
  const Node n = points_[p].node, guard = points_[p].guard;
  if (points_[p].value) return true;
  const Op op = graph_.op(n);
  const auto done = [&](Node value) {
    points_[p].value = value;
    return true;
  };
  if (has_flag(op, ir::kElementwise)) {
    std::vector<Node> sources;
    for (size_t i = 0; i < points_[p].needs.size(); ++i) sources.push_back(need(p, i));
    return done(b.make(op, sources, graph_.arg(n), graph_.dtype(n)));
  }
  const std::vector<Node> at = points_[p].at, extra = points_[p].extra;
  switch (op) {
    case Op::Const:
    case Op::Var: return done(n);
    case Op::Iota:
      return done(b.cast(at[static_cast<size_t>(graph_.arg_as<ir::AxisArg>(n).axis)], graph_.dtype(n)));
    case Op::Pad: return done(extra[0] ? select(both(guard, extra[0]), need(p, 0), need(p, 1)) : need(p, 0));
    case Op::Concat: {
      Node value = need(p, extra.size() - 1);
      for (size_t i = extra.size() - 1; i-- > 0;) value = b.where(extra[i], need(p, i), value);
      return done(value);
    }
    case Op::Reduce: {
      const DType t = graph_.dtype(n);
      const ReduceOp fold = graph_.arg_as<ir::ReduceArg>(n).op;
      const Node body = at_type(need(p, 0), accumulate_type(t, fold));
      return done(at_type(b.accumulate(body, fold, extra), t));
    }
    case Op::ArgReduce: {
      if (extra.empty()) return done(b.constant_int(0, DType::kI32));
      const Node body = need(p, 0), best = b.accumulate(body, graph_.arg_as<ir::ScanArg>(n).op, extra);
      // The first element that is the extreme, or is NaN.
      const Node hit = b.make(Op::Or, {b.eq(body, best), b.ne(body, body)});
      const Node beyond = b.cast(graph_.source(extra[0], 0), DType::kI32);
      return done(b.accumulate(b.where(hit, b.cast(extra[0], DType::kI32), beyond), ReduceOp::kMin, extra));
    }
    case Op::Gather: {
      const auto axis = static_cast<size_t>(graph_.arg_as<ir::AxisArg>(n).axis);
      const Node a = graph_.source(n, 0);
      if (points_[p].needs.size() == 1) {
        const Node where = b.cast(need(p, 0), DType::kIndex);
        std::vector<Node> there = at;
        there[axis] = where;
        const Node inside = in_range(where, graph_.shape(a)[axis]);
        points_[p].extra = {inside};
        need_source(p, a, std::move(there), both(guard, inside));
        return false;
      }
      const Node zero = b.constant(ir::Scalar{}, graph_.dtype(n));
      return done(select(both(guard, extra[0]), need(p, 1), zero));
    }
    default: return done(need(p, 0));  // movement and structure
  }
}

}  // namespace anneal::schedule
