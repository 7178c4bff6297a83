// SPDX-License-Identifier: MIT
#include "schedule/fit.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "ir/dims.h"

namespace anneal::schedule {

using ir::AxisMask;
using ir::Tri;

namespace {

// A space with neighbours of one kind joined: what tells rows apart, and nothing else.
using Outline = std::vector<std::pair<Dim, bool>>;
Outline outline(ir::Graph& graph, std::span<const Dim> space, AxisMask reduced) {
  Outline out;
  for (size_t i = 0; i < space.size(); ++i) {
    if (space[i].is(1)) continue;
    const bool r = (reduced >> i & 1) != 0;
    if (!out.empty() && out.back().second == r)
      out.back().first = ir::dim_mul(graph, out.back().first, space[i]);
    else
      out.emplace_back(space[i], r);
  }
  return out;
}

bool same_outline(ir::Graph& graph, const Outline& a, const Outline& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    return x.second == y.second && ir::dim_equal(graph, x.first, y.first) == Tri::kTrue;
  });
}

Dim size_of(ir::Graph& graph, std::span<const Dim> space, AxisMask axes) {
  Dim size{1};
  for (size_t i = 0; i < space.size(); ++i)
    if ((axes >> i & 1) != 0) size = ir::dim_mul(graph, size, space[i]);
  return size;
}

class Fitting {
 public:
  Fitting(const ValueGraph& values, const Group& from, const Group& to)
      : values_(values), graph_(values.graph()), from_(from), to_(to) {}

  Fit run() {
    if (from_.kind == GroupKind::kOrdered || to_.kind == GroupKind::kOrdered)
      return no("a scan, sort or scatter is a kernel of its own");
    if (is_update(from_) != is_update(to_)) return no("the optimizer is one launch of its own");
    for (const auto& [sum, contraction] : {std::pair(&from_, &to_), std::pair(&to_, &from_)})
      if (is_beside(*sum, *contraction)) return {{}, GroupKind::kContract, contraction->space, 0};
    if (from_.kind == GroupKind::kFold || to_.kind == GroupKind::kFold) return fold();
    if (to_.kind == GroupKind::kContract) return no("the consumer is a contraction");
    if (from_.kind == GroupKind::kContract && to_.kind != GroupKind::kMap)
      return no("reductions do not fit behind a contraction");
    const Group& wide = from_.kind == GroupKind::kMap && to_.kind == GroupKind::kRow ? to_ : from_;
    Fit fit{{}, wide.kind, wide.space, wide.reduced};
    if (from_.kind == GroupKind::kRow && to_.kind == GroupKind::kRow &&
        !same_outline(graph_, outline(graph_, from_.space, from_.reduced),
                      outline(graph_, to_.space, to_.reduced)))
      return no("they reduce over different rows");
    if (from_.kind == to_.kind && to_.space.size() > from_.space.size()) {
      fit.space = to_.space;  // the finer one
      fit.reduced = to_.reduced;
    }
    joined_ = Group{fit.kind, {}, fit.space, fit.reduced};
    for (const Group* side : {&from_, &to_})
      for (uint32_t v : side->members)
        if (level_of(values_, joined_, v) == Level::kNeither)
          return no("they go through different positions");
    bool shares = false;
    // Of siblings, the earlier one may read another member of the later one.
    for (uint32_t v : from_.members)
      for (const Read& r : values_[v].reads)
        if (holds(to_, r.producer) && !in_step(v, r)) return no("the consumer reads it at other positions");
    for (uint32_t v : to_.members)
      for (const Read& r : values_[v].reads) {
        if (holds(from_, r.producer)) {
          shares = true;
          if (!in_step(v, r)) return no("the consumer reads it at other positions");
        } else {
          shares = shares ||
                   (values_[r.producer].elements * 2 > values_[v].positions && read_by(from_, r.producer));
        }
      }
    if (!shares) return no("nothing is shared");
    return fit;
  }

 private:
  static Fit no(std::string reason) { return {std::move(reason), {}, {}, 0}; }

  bool is_update(const Group& g) const { return values_[g.members.back()].update; }
  // A sum over a factor of a contraction, along the axes that the contraction sums over: a bias gradient
  // beside that of its weight. The factor is gone through once for both.
  bool is_beside(const Group& sum, const Group& contraction) const {
    if (sum.kind != GroupKind::kRow || sum.members.size() != 1) return false;
    if (contraction.kind != GroupKind::kContract) return false;
    if (reads_from(sum, contraction) || reads_from(contraction, sum)) return false;
    // Of one contraction, at most one for each factor: kernels number their ranges in few bits.
    const auto sums = std::count_if(contraction.members.begin(), contraction.members.end(),
                                    [&](uint32_t m) { return values_[m].kind == ValueKind::kReduce; });
    if (sums >= 2 || std::popcount(all_axes(graph_.shape(values_[sum.members[0]].node))) > 8) return false;
    const Node term = values_[sum.members[0]].terms[0];
    return term && std::any_of(contraction.members.begin(), contraction.members.end(), [&](uint32_t m) {
             const Value& v = values_[m];
             return v.kind == ValueKind::kContract && (v.terms[0] == term || v.terms[1] == term);
           });
  }
  bool reads_from(const Group& reader, const Group& producer) const {
    return std::any_of(reader.members.begin(), reader.members.end(), [&](uint32_t m) {
      return std::any_of(values_[m].reads.begin(), values_[m].reads.end(),
                         [&](const Read& r) { return holds(producer, r.producer); });
    });
  }
  static bool holds(const Group& g, uint32_t v) {
    return std::binary_search(g.members.begin(), g.members.end(), v);
  }
  bool read_by(const Group& g, uint32_t value) const {
    return std::any_of(g.members.begin(), g.members.end(), [&](uint32_t m) {
      return std::any_of(values_[m].reads.begin(), values_[m].reads.end(),
                         [&](const Read& r) { return r.producer == value; });
    });
  }

  // Both make the same pairs again, and read of each other what belongs to the row they are at. Or what comes
  // behind is at the position of one of the results, or at its row.
  Fit fold() {
    if (from_.kind == GroupKind::kFold && to_.kind == GroupKind::kMap) return behind_fold();
    if (from_.kind != to_.kind) return no("only one of them makes pairs of its rows");
    if (!std::equal(from_.space.begin(), from_.space.end(), to_.space.begin(), to_.space.end(),
                    [&](const Dim& a, const Dim& b) { return ir::dim_equal(graph_, a, b) == Tri::kTrue; }))
      return no("they go through different rows");
    bool shares = false;
    for (uint32_t v : from_.members)
      for (uint32_t w : to_.members)
        for (Node n : values_[v].made_again)
          shares = shares || std::find(values_[w].made_again.begin(), values_[w].made_again.end(), n) !=
                                 values_[w].made_again.end();
    if (!shares) return no("they make different pairs");
    for (const auto& [group, other] : {std::pair(&from_, &to_), std::pair(&to_, &from_)})
      for (uint32_t v : group->members)
        for (const Read& r : values_[v].reads) {
          if (!holds(*other, r.producer)) continue;
          if (values_[r.producer].kind == ValueKind::kContract || !r.in_step || r.axes != values_[v].rows)
            return no("the consumer reads it at other rows");
        }
    return {{}, GroupKind::kFold, to_.space, 0};
  }

  Fit behind_fold() {
    for (uint32_t v : to_.members) {
      const Value& value = values_[v];
      uint32_t at = ~0u;  // the result that it is at the position of
      for (const Read& r : value.reads)
        if (holds(from_, r.producer) && r.in_step && r.axes == all_axes(value.space)) at = r.producer;
      if (at == ~0u) return no("it is at no position of the results");
      for (const Read& r : value.reads) {
        if (!holds(from_, r.producer) || (r.in_step && r.axes == all_axes(value.space))) continue;
        const ir::Shape shape = graph_.shape(values_[at].node);
        if (!r.in_step || values_[r.producer].kind != ValueKind::kReduce ||
            !same_outline(graph_, outline(graph_, value.space, all_axes(value.space) & ~r.axes),
                          outline(graph_, shape, all_axes(shape) & ~values_[at].rows)))
          return no("the consumer reads it at other positions");
      }
    }
    return {{}, GroupKind::kFold, from_.space, 0};
  }

  // Whether `v` reads the value at the position that the kernel is at.
  bool in_step(uint32_t v, const Read& r) {
    const Value& value = values_[v];
    if (!r.in_step) return false;
    const AxisMask all = all_axes(value.space);
    const Level producer = level_of(values_, joined_, r.producer);
    if (producer == Level::kBeside) return false;
    if (r.axes == all) {
      // A reduction goes through all positions, whatever its own level is.
      const bool full = value.reduced != 0 || level_of(values_, joined_, v) == Level::kFull;
      return (producer == Level::kFull) == full;
    }
    return producer == Level::kRow && joined_.reduced != 0 &&
           same_outline(graph_, outline(graph_, value.space, all & ~r.axes),
                        outline(graph_, joined_.space, joined_.reduced));
  }

  const ValueGraph& values_;
  ir::Graph& graph_;
  const Group &from_, &to_;
  Group joined_;
};

}  // namespace

Level level_of(const ValueGraph& values, const Group& group, uint32_t v) {
  ir::Graph& graph = values.graph();
  if (group.kind == GroupKind::kContract && values[v].kind == ValueKind::kReduce) return Level::kBeside;
  const AxisMask all = all_axes(group.space);
  const Dim own = ir::dim_product(graph, graph.shape(values[v].node));
  const Dim full = size_of(graph, group.space, all), rows = size_of(graph, group.space, all & ~group.reduced);
  if (values[v].kind == ValueKind::kReduce)
    return ir::dim_equal(graph, own, rows) == Tri::kTrue ? Level::kRow : Level::kNeither;
  if (ir::dim_equal(graph, own, full) == Tri::kTrue) return Level::kFull;
  return group.reduced != 0 && ir::dim_equal(graph, own, rows) == Tri::kTrue ? Level::kRow : Level::kNeither;
}

Fit fits(const ValueGraph& values, const Group& from, const Group& to) {
  return Fitting(values, from, to).run();
}

Group single(const ValueGraph& values, uint32_t v) {
  const Value& value = values[v];
  const ir::Shape shape = values.graph().shape(value.node);
  if (value.folds()) {
    Group fold{GroupKind::kFold, {v}, {}, 0};
    for (size_t i = 0; i < value.space.size(); ++i)
      if ((value.rows >> i & 1) != 0) fold.space.push_back(value.space[i]);
    return fold;
  }
  switch (value.kind) {
    case ValueKind::kReduce: return {GroupKind::kRow, {v}, value.space, value.reduced};
    case ValueKind::kContract: return {GroupKind::kContract, {v}, {shape.begin(), shape.end()}, 0};
    case ValueKind::kOrdered: return {GroupKind::kOrdered, {v}, {shape.begin(), shape.end()}, 0};
    default: return {GroupKind::kMap, {v}, value.space, 0};
  }
}

}  // namespace anneal::schedule
