// SPDX-License-Identifier: MIT
#include "loop/finite.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/side_table.h"
#include "ir/walk.h"

namespace anneal::loop {

using ir::Op;

namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
// Exponents that what is looked at stays below, from the least demanding on: any finite number; products of
// three of them and long sums of those are finite; sums of products are finite in f16.
constexpr double kAsked[] = {1024, 40, 4};

// Finite numbers lie below 2 to this, in absolute value.
double greatest_exponent(DType t) {
  switch (t) {
    case DType::kF64: return 1024;
    case DType::kF16: return 16;
    case DType::kF8E5M2: return 16;
    case DType::kF8E4M3: return 9;
    default: return is_float(t) ? 128 : 64;
  }
}

// What is looked at: itself, or one over it.
struct Look {
  Node node;
  bool inverse = false;
};

// A factor as a tree down to what is looked at.
class Factor {
 public:
  Factor(ir::Graph& graph, Node range, Node over, double asked)
      : graph_(graph), range_(range), over_(over), asked_(asked), bounds_(graph) {}

  // What must be looked at so that it is finite; none when that is not enough.
  std::optional<std::vector<Look>> find(Node root) {
    for (Node n : ir::postorder(graph_, std::span(&root, 1))) learn(n);
    if (of(root).exponent == kUnbounded) return {};
    std::vector<Look> out;
    ir::descend(std::span(&root, 1), [&](Node n) -> std::span<const Node> {
      if (of(n).is_looked_at) {
        out.push_back({n});
        return {};
      }
      if (graph_.op(n) == Op::Div && !is_over(graph_.source(n, 1)))
        out.push_back({graph_.source(n, 1), true});
      return parts(n);
    });
    return out;
  }

 private:
  struct Fact {
    double exponent = kUnbounded;  // its absolute value is less than 2 to this
    bool has_sum = false, is_looked_at = false;
  };

  Fact& of(Node n) { return facts_[place_.get(n) - 1]; }
  Fact& of(Node n, size_t i) { return of(graph_.source(n, i)); }

  // Those of its sources that make its value.
  std::span<const Node> parts(Node n) const {
    const std::span<const Node> all = graph_.sources(n);
    switch (graph_.op(n)) {
      case Op::Where: return all.subspan(1);
      case Op::Accumulate:
      case Op::Div: return all.first(1);
      case Op::Cast: return is_float(graph_.dtype(all[0])) ? all : all.first(0);
      default: return ir::has_flag(graph_.op(n), ir::kLeaf) ? all.first(0) : all;
    }
  }

  void learn(Node n) {
    Fact fact;
    const Op op = graph_.op(n);
    fact.has_sum = op == Op::Accumulate;
    if (op != Op::Range)
      for (Node s : graph_.sources(n)) fact.has_sum = fact.has_sum || of(s).has_sum;
    const double limit = greatest_exponent(graph_.dtype(n));
    fact.exponent = op == Op::Load ? kUnbounded : exponent(n);
    // What is rounded may come out as the next power of two.
    const bool is_exact = op == Op::Const || op == Op::Where || op == Op::Neg || op == Op::Max ||
                          op == Op::Min || (op == Op::Cast && uncast(graph_, n) != n);
    if (fact.exponent > (is_exact ? limit : limit - 1)) fact.exponent = kUnbounded;
    const bool is_value = is_float(graph_.dtype(n)) && op != Op::Const;
    if (fact.exponent == kUnbounded && is_value && !fact.has_sum) {
      fact.is_looked_at = true;
      fact.exponent = std::min(asked_, limit);
    }
    facts_.push_back(fact);
    place_.set(n, static_cast<uint32_t>(facts_.size()));
  }

  double exponent(Node n) {
    const auto at = [&](size_t i) { return of(graph_.source(n, i)).exponent; };
    switch (graph_.op(n)) {
      case Op::Const: {
        if (!is_float(graph_.dtype(n))) return 64;
        const double value = std::abs(graph_.const_value(n).as_double(graph_.dtype(n)));
        return !std::isfinite(value) ? kUnbounded : value < 1 ? 0 : std::ilogb(value) + 1;
      }
      case Op::Cast: return is_float(graph_.dtype(graph_.source(n, 0))) ? at(0) : 64;
      case Op::Neg: return at(0);
      case Op::Where: return std::max(at(1), at(2));
      case Op::Max:
      case Op::Min: return std::max(at(0), at(1));
      case Op::Add:
      case Op::Sub: return std::max(at(0), at(1)) + 1;
      case Op::Mul: return at(0) + at(1);
      // At least 1, where what the zero is divided by is not 0 or NaN too.
      case Op::Div:
        if (is_over(graph_.source(n, 1))) return at(0);
        return of(n, 1).has_sum ? kUnbounded : at(0) + asked_;
      case Op::Accumulate: return exponent_of_sum(n);
      default: return kUnbounded;
    }
  }

  bool is_over(Node n) const {
    return over_ && uncast(graph_, n) == uncast(graph_, over_) && is_softmax_total(graph_, n);
  }

  double exponent_of_sum(Node n) {
    double terms = 1;
    for (Node r : ir::bound_ranges(graph_, n)) {
      // What lies inside of the interval is not looked at.
      if (r == range_) return kUnbounded;
      terms *= static_cast<double>(std::max<int64_t>(1, bounds_(graph_.source(r, 0)).max));
    }
    if (graph_.arg_as<ir::ReduceArg>(n).op != ir::ReduceOp::kAdd) return kUnbounded;
    return of(graph_.source(n, 0)).exponent + std::ilogb(terms) + 2;
  }

  ir::Graph& graph_;
  const Node range_, over_;
  const double asked_;
  ir::BoundsOf bounds_;
  std::vector<Fact> facts_;
  ir::SideTable<uint32_t> place_;  // 1 + position in facts_
};

}  // namespace

Node uncast(const ir::Graph& graph, Node n, DType own) {
  while (graph.op(n) == Op::Cast) {
    const DType from = graph.dtype(graph.source(n, 0)), to = graph.dtype(n);
    if (!is_float(from) || (dtype_size(from) >= dtype_size(to) && to != own)) break;
    n = graph.source(n, 0);
  }
  return n;
}

Node without_replacement(const ir::Graph& graph, Node n, DType own, double* number) {
  if (number != nullptr) *number = 1;
  n = uncast(graph, n, own);
  if (graph.op(n) != Op::Where || !graph.is_const(graph.source(n, 1))) return n;
  const Node instead = graph.source(n, 1);
  const double value = graph.const_value(instead).as_double(graph.dtype(instead));
  if (!std::isfinite(value)) return n;
  if (number != nullptr) *number = value;
  return uncast(graph, graph.source(n, 2), own);
}

bool is_softmax_part(const ir::Graph& graph, Node exponential) {
  const Node n = uncast(graph, exponential);
  if (graph.op(n) != Op::Exp && graph.op(n) != Op::Exp2) return false;
  const Node difference = uncast(graph, graph.source(n, 0));
  if (graph.op(difference) != Op::Sub) return false;
  const Node score = uncast(graph, graph.source(difference, 0));
  const DType own = graph.dtype(score);
  const Node used = uncast(graph, graph.source(difference, 1), own),
             most = without_replacement(graph, used, own);
  if (graph.op(most) != Op::Accumulate || graph.arg_as<ir::ReduceArg>(most).op != ir::ReduceOp::kMax ||
      uncast(graph, graph.source(most, 0)) != score)
    return false;
  if (used == most) return true;
  const Node condition = graph.source(used, 0);
  if (graph.op(condition) != Op::Eq) return false;
  const auto is_low = [&](Node m) {
    return graph.is_const(m) && graph.const_value(m).as_double(graph.dtype(m)) == -HUGE_VAL;
  };
  const Node a = graph.source(condition, 0), b = graph.source(condition, 1);
  return (uncast(graph, a, own) == most && is_low(b)) || (uncast(graph, b, own) == most && is_low(a));
}

bool is_softmax_total(const ir::Graph& graph, Node total) {
  double number = 1;
  total = uncast(graph, total);
  const Node sum = without_replacement(graph, total, graph.dtype(total), &number);
  return graph.op(sum) == Op::Accumulate && graph.arg_as<ir::ReduceArg>(sum).op == ir::ReduceOp::kAdd &&
         number >= 1 && is_softmax_part(graph, graph.source(sum, 0));
}

std::optional<std::vector<Met>> what_zeros_meet(ir::Graph& graph, const ir::Kernel& kernel, Node range,
                                                Node block, const LiveRange& live) {
  const ir::Builder build{graph};
  const Node zero = build.constant_float(0, f32);
  const uint32_t at = kernel.range_position(range), row = kernel.range_position(block);
  const auto is_pair = [&](Node n) {
    return ir::contains(kernel.free(n), at) && ir::contains(kernel.free(n), row);
  };
  std::vector<Met> out;
  const auto add = [&](Node node, Node harm) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Met& m) { return m.harm == harm; });
    if (!known) out.push_back({node, harm});
  };
  for (size_t i = 0; i < live.factors.size(); ++i) {
    bool is_done = false;
    for (const double asked : kAsked) {
      const auto met = Factor(graph, range, live.over[i], asked).find(live.factors[i]);
      if (!met || std::any_of(met->begin(), met->end(), [&](const Look& l) { return is_pair(l.node); }))
        continue;
      for (const Look& look : *met) {
        Node number = build.cast(look.node, f32);
        if (look.inverse) number = build.div(build.constant_float(1, f32), number);
        if (asked < 128) number = build.mul(number, build.constant_float(std::exp2(128 - asked), f32));
        add(look.node, build.mul(zero, number));
      }
      is_done = true;
      break;
    }
    if (!is_done) return {};
  }
  for (Node n : live.divisors) {
    for (Node m : ir::postorder(graph, std::span(&n, 1)))
      if (graph.op(m) == Op::Accumulate) return {};
    add(n, build.div(zero, build.cast(n, f32)));
  }
  return out;
}

}  // namespace anneal::loop
