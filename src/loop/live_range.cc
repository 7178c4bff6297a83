// SPDX-License-Identifier: MIT
#include "loop/live_range.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/substitute.h"
#include "ir/walk.h"
#include "loop/finite.h"
#include "loop/stride.h"

namespace anneal::loop {

using ir::Op;

namespace {

// The values of the range for which something may be the case.
struct Interval {
  bool is_empty = false;
  Node from, to;  // null: no bound
  bool is_known() const { return is_empty || from || to; }
};

class RangeFinder {
 public:
  RangeFinder(ir::Graph& graph, const ir::Kernel& kernel, Node range, const RowBlock& block)
      : graph_(graph), build_{graph}, kernel_(kernel), range_(range), block_(block), bounds_(graph) {
    facts_.resize(kernel.order().size());
  }

  std::optional<LiveRange> run() {
    for (Node n : kernel_.order()) learn(n);
    Interval live{.is_empty = true, .from = {}, .to = {}};
    for (Node n : kernel_.order()) {
      if (graph_.op(n) != Op::Accumulate) continue;
      const std::span<const Node> bound = ir::bound_ranges(graph_, n);
      if (std::find(bound.begin(), bound.end(), range_) == bound.end()) continue;
      const ir::ReduceOp op = graph_.arg_as<ir::ReduceArg>(n).op;
      const Node body = graph_.source(n, 0);
      const bool adds = op == ir::ReduceOp::kAdd;
      if (!is_float(graph_.dtype(body)) || (!adds && op != ir::ReduceOp::kMax)) return {};
      live = hull(live, adds ? of(body).zero : of(body).low);
      want(body, adds);
    }
    if (live.is_empty || !live.is_known()) return {};
    out_.from = live.from;
    out_.to = live.to;
    collect();
    if (refused_) return {};
    return std::move(out_);
  }

 private:
  // Where a value may be other than 0; other than -inf; where a condition may hold; where it may not. Not a
  // number it may be anywhere.
  struct Facts {
    Interval zero, low, yes, no;
  };
  struct Wanted {
    Node node;
    bool zero;  // or low
  };

  Facts& of(Node n) { return facts_[kernel_.position(n)]; }
  Facts& of(Node n, size_t i) { return of(graph_.source(n, i)); }

  Node either(Op op, Node a, Node b) const { return a == b ? a : build_.make(op, {a, b}); }
  Interval both(const Interval& a, const Interval& b) const {
    if (a.is_empty || b.is_empty) return {.is_empty = true, .from = {}, .to = {}};
    return {false, a.from && b.from ? either(Op::Max, a.from, b.from) : (a.from ? a.from : b.from),
            a.to && b.to ? either(Op::Min, a.to, b.to) : (a.to ? a.to : b.to)};
  }
  Interval hull(const Interval& a, const Interval& b) const {
    if (a.is_empty) return b;
    if (b.is_empty) return a;
    return {false, a.from && b.from ? either(Op::Min, a.from, b.from) : Node{},
            a.to && b.to ? either(Op::Max, a.to, b.to) : Node{}};
  }

  void learn(Node n);
  void learn_constant(Node n);
  void learn_comparison(Node n);
  Interval chosen(Node n, Interval Facts::* fact);
  std::optional<Node> as_index(Node root);
  Interval where_at_least(Node difference, int64_t least);
  Node extreme(Node value, bool greatest);
  Node with(Node value, Node from, Node to) const {
    const auto made = ir::substitute(graph_, std::span(&value, 1), {.nodes = {{from, to}}, .extents = {}});
    return made ? made->front() : Node{};
  }

  void want(Node n, bool zero) { wanted_.push_back({n, zero}); }
  bool is_sum_of_row(Node n) const {
    return !ir::contains(kernel_.free(n), kernel_.range_position(range_)) && has_sum(n);
  }
  void note_factor(Node n, Node zero, bool is_harmless_sum = false) {
    if (is_sum_of_row(n)) {
      refused_ = refused_ || !is_harmless_sum;
      return;
    }
    const Node total = zero ? divisor_of(zero) : Node{};
    const auto known = std::find(out_.factors.begin(), out_.factors.end(), n);
    if (known != out_.factors.end()) {
      Node& over = out_.over[static_cast<size_t>(known - out_.factors.begin())];
      if (over != total) over = {};
      return;
    }
    out_.factors.push_back(n);
    out_.over.push_back(total);
  }
  void note_divisor(Node n, bool is_harmless_sum) {
    if (is_sum_of_row(n)) {
      refused_ = refused_ || !is_harmless_sum;
      return;
    }
    if (std::find(out_.divisors.begin(), out_.divisors.end(), n) == out_.divisors.end())
      out_.divisors.push_back(n);
  }
  bool has_sum(Node n) const {
    const std::vector<Node> all = ir::postorder(graph_, std::span(&n, 1));
    return std::any_of(all.begin(), all.end(), [&](Node m) { return graph_.op(m) == Op::Accumulate; });
  }
  bool is_exponential(Node n) const {
    const Op op = graph_.op(uncast(graph_, n));
    return op == Op::Exp || op == Op::Exp2;
  }
  bool is_of_row(Node n, ir::ReduceOp op, Node of) const;
  Node divisor_of(Node zero) const;
  void collect();
  void collect_zero(Node n);
  void collect_low(Node n);

  ir::Graph& graph_;
  const ir::Builder build_;
  const ir::Kernel& kernel_;
  const Node range_;
  const RowBlock& block_;
  ir::BoundsOf bounds_;
  std::vector<Facts> facts_;  // by position
  std::vector<Wanted> wanted_;
  bool refused_ = false;
  LiveRange out_;
};

void RangeFinder::learn(Node n) {
  Facts& f = of(n);
  switch (graph_.op(n)) {
    case Op::Const: return learn_constant(n);
    case Op::Le:
    case Op::Lt: return learn_comparison(n);
    case Op::Not: f.yes = of(n, 0).no, f.no = of(n, 0).yes; return;
    case Op::And:
    case Op::Or: {
      const bool all = graph_.op(n) == Op::And;
      const Facts &a = of(n, 0), &b = of(n, 1);
      f.yes = all ? both(a.yes, b.yes) : hull(a.yes, b.yes);
      f.no = all ? hull(a.no, b.no) : both(a.no, b.no);
      return;
    }
    case Op::Where: f.zero = chosen(n, &Facts::zero), f.low = chosen(n, &Facts::low); return;
    case Op::Mul: f.zero = both(of(n, 0).zero, of(n, 1).zero); return;
    case Op::Div: f.zero = of(n, 0).zero; return;
    case Op::Neg: f.zero = of(n, 0).zero; return;
    case Op::Cast:
      if (!is_float(graph_.dtype(graph_.source(n, 0)))) return;
      f.zero = of(n, 0).zero;
      if (graph_.dtype(n) != DType::kF8E4M3) f.low = of(n, 0).low;  // that has no infinity
      return;
    case Op::Add:
      f.zero = hull(of(n, 0).zero, of(n, 1).zero);
      f.low = both(of(n, 0).low, of(n, 1).low);
      return;
    case Op::Sub:
      f.zero = hull(of(n, 0).zero, of(n, 1).zero);
      f.low = of(n, 0).low;
      return;
    case Op::Exp:
    case Op::Exp2: f.zero = of(n, 0).low; return;
    default: return;
  }
}

void RangeFinder::learn_constant(Node n) {
  const DType t = graph_.dtype(n);
  if (t == boolean) {
    const bool value = graph_.const_value(n).as_int(t) != 0;
    (value ? of(n).no : of(n).yes).is_empty = true;
  } else if (is_float(t)) {
    const double value = graph_.const_value(n).as_double(t);
    of(n).zero.is_empty = value == 0;
    of(n).low.is_empty = value == -HUGE_VAL;
  }
}

// One side that is 0 throughout is enough: the other may be anything where the condition says so.
Interval RangeFinder::chosen(Node n, Interval Facts::* fact) {
  const Facts& condition = of(n, 0);
  const Interval &a = of(n, 1).*fact, &b = of(n, 2).*fact;
  if (b.is_empty && condition.yes.is_known()) return condition.yes;
  if (a.is_empty && condition.no.is_known()) return condition.no;
  return hull(a, b);
}

// -- Comparisons --

// An expression of integers that do not wrap around, over index; none when it is made of anything else.
std::optional<Node> RangeFinder::as_index(Node root) {
  std::unordered_map<uint32_t, Node> made;
  for (Node n : ir::postorder(graph_, std::span(&root, 1))) {
    const DType t = graph_.dtype(n);
    const Op op = graph_.op(n);
    if (op == Op::Load || op == Op::Accumulate) return std::nullopt;
    if (t == DType::kIndex) {
      made[n.id] = n;
      continue;
    }
    const ir::Bounds& known = bounds_(n);
    const bool wraps =
        t != DType::kI64 && (t != DType::kI32 || (known.min == INT32_MIN && known.max == INT32_MAX));
    if (wraps) return std::nullopt;
    const auto source = [&](size_t i) { return made.at(graph_.source(n, i).id); };
    switch (op) {
      case Op::Const: made[n.id] = build_.index(graph_.const_value(n).as_int(t)); break;
      case Op::Cast: made[n.id] = source(0); break;
      case Op::Neg: made[n.id] = build_.sub(build_.index(0), source(0)); break;
      case Op::Add: made[n.id] = build_.add(source(0), source(1)); break;
      case Op::Sub: made[n.id] = build_.sub(source(0), source(1)); break;
      case Op::Mul: made[n.id] = build_.mul(source(0), source(1)); break;
      default: return std::nullopt;
    }
  }
  return made.at(root.id);
}

void RangeFinder::learn_comparison(Node n) {
  const uint32_t at = kernel_.range_position(range_);
  const ir::RangeSet& free = kernel_.free(n);
  if (!ir::contains(free, at) || !ir::includes(block_.rows, ir::without(free, {at}))) return;
  if (!is_int(graph_.dtype(graph_.source(n, 0)))) return;
  const std::optional<Node> a = as_index(graph_.source(n, 0)), b = as_index(graph_.source(n, 1));
  if (!a || !b) return;
  const int64_t least = graph_.op(n) == Op::Lt ? 1 : 0;
  of(n).yes = where_at_least(build_.sub(*b, *a), least);
  of(n).no = where_at_least(build_.sub(*a, *b), 1 - least);
}

// Where the difference may be as large as that for some row of the block.
Interval RangeFinder::where_at_least(Node difference, int64_t least) {
  const std::optional<int64_t> step = stride(graph_, difference, range_);
  if (!step || std::abs(*step) != 1) return {};
  const Node rest = with(difference, range_, build_.index(0)), border = build_.index(least);
  if (!rest) return {};
  if (*step > 0) return {false, extreme(build_.sub(border, rest), false), {}};
  const Node last = extreme(build_.sub(rest, border), true);
  return {false, {}, last ? build_.add(last, build_.index(1)) : Node{}};
}

// Over the rows of the block; null when it does not go up or down steadily.
Node RangeFinder::extreme(Node value, bool greatest) {
  const std::optional<int64_t> step = stride(graph_, value, block_.range);
  if (!step) return {};
  return with(value, block_.range, (*step > 0) == greatest ? block_.last : block_.first);
}

// -- What must be finite --

void RangeFinder::collect() {
  std::vector<uint8_t> seen(facts_.size());
  while (!wanted_.empty()) {
    const Wanted w = wanted_.back();
    wanted_.pop_back();
    uint8_t& mark = seen[kernel_.position(w.node)];
    const uint8_t bit = w.zero ? 1 : 2;
    if ((mark & bit) != 0) continue;
    mark |= bit;
    w.zero ? collect_zero(w.node) : collect_low(w.node);
  }
}

// The sum of a row's exponentials is 0 where all of them are, its maximum -inf where all of it is: what they
// spoil they spoil everywhere. So is what stands in their place then.
bool RangeFinder::is_of_row(Node n, ir::ReduceOp op, Node of) const {
  double number = 1;
  of = uncast(graph_, of);
  n = without_replacement(graph_, n, graph_.dtype(of), &number);
  const bool may_divide = op != ir::ReduceOp::kAdd || number != 0;
  return may_divide && graph_.op(n) == Op::Accumulate && graph_.arg_as<ir::ReduceArg>(n).op == op &&
         uncast(graph_, graph_.source(n, 0)) == of;
}

// Of exponentials, the sum of theirs that they are divided by.
Node RangeFinder::divisor_of(Node zero) const {
  zero = uncast(graph_, zero);
  if (graph_.op(zero) != Op::Div) return {};
  const Node over = graph_.source(zero, 1);
  return is_of_row(over, ir::ReduceOp::kAdd, graph_.source(zero, 0)) ? over : Node{};
}

void RangeFinder::collect_zero(Node n) {
  const auto source = [&](size_t i) { return graph_.source(n, i); };
  switch (graph_.op(n)) {
    case Op::Mul:
      for (size_t i : {0, 1}) {
        if (!of(n, i).zero.is_known()) continue;
        want(source(i), true);
        note_factor(source(1 - i), source(i));
      }
      return;
    case Op::Div:
      note_divisor(source(1),
                   is_exponential(source(0)) && is_of_row(source(1), ir::ReduceOp::kAdd, source(0)));
      return want(source(0), true);
    case Op::Neg:
    case Op::Cast: return want(source(0), true);
    case Op::Exp:
    case Op::Exp2: return want(source(0), false);
    case Op::Add:
    case Op::Sub: want(source(0), true), want(source(1), true); return;
    case Op::Where:
      if (of(n, 2).zero.is_empty && of(n, 0).yes.is_known()) return;
      if (of(n, 1).zero.is_empty && of(n, 0).no.is_known()) return;
      want(source(1), true), want(source(2), true);
      return;
    default: return;
  }
}

void RangeFinder::collect_low(Node n) {
  const auto source = [&](size_t i) { return graph_.source(n, i); };
  switch (graph_.op(n)) {
    case Op::Cast: return want(source(0), false);
    case Op::Sub:
      note_factor(source(1), {}, is_of_row(source(1), ir::ReduceOp::kMax, source(0)));
      return want(source(0), false);
    case Op::Add:
      for (size_t i : {0, 1}) {
        if (!of(n, i).low.is_known()) continue;
        want(source(i), false);
        note_factor(source(1 - i), {});
      }
      return;
    case Op::Where:
      if (of(n, 2).low.is_empty && of(n, 0).yes.is_known()) return;
      if (of(n, 1).low.is_empty && of(n, 0).no.is_known()) return;
      want(source(1), false), want(source(2), false);
      return;
    default: return;
  }
}

}  // namespace

std::optional<LiveRange> live_range(ir::Graph& graph, const ir::Kernel& kernel, Node range,
                                    const RowBlock& block) {
  return RangeFinder(graph, kernel, range, block).run();
}

}  // namespace anneal::loop
