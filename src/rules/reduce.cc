// SPDX-License-Identifier: MIT
// Reductions: over nothing, over repeated values, twice in a row, and factors that need not be inside. Sums
// and products of floats round differently in another order: those rules are reassociating. Max and min are
// exact.
#include <cmath>

#include "ir/eval.h"
#include "rules/rules.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in
using ir::AxisMask;
using ir::Dim;
using ir::ReduceArg;
using ir::ReduceOp;
using ir::Shape;

const ReduceArg& arg_of(const MatchContext& c, Node n) { return c.graph.arg_as<ReduceArg>(n); }
bool has_axis(AxisMask axes, size_t i) { return (axes >> i & 1) != 0; }
bool is_extreme(ReduceOp op) { return op == ReduceOp::kMax || op == ReduceOp::kMin; }

Node without_unit_axes(MatchContext& c) {
  const ReduceArg arg = arg_of(c, c.root);
  const Shape shape = c.graph.shape(c.x());
  AxisMask axes = arg.axes;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i].is(1)) axes &= ~(1u << i);
  return axes == arg.axes ? Node{} : c.build().reduce(c.x(), arg.op, axes);
}

Node reduce_twice(MatchContext& c, bool exact) {
  const ReduceArg outer = arg_of(c, c.root), first = arg_of(c, c.source(c.root, 0));
  if (outer.op != first.op || exact != (is_extreme(outer.op) || !is_float(c.graph.dtype(c.root)))) return {};
  return c.build().reduce(c.x(), outer.op, outer.axes | first.axes);
}
Node reduce_twice_exact(MatchContext& c) { return reduce_twice(c, true); }
Node reduce_twice_float(MatchContext& c) { return reduce_twice(c, false); }

// The reduction of expand(x) over the axes that repeat: `narrow` is expand(x) without that repetition,
// `count` how often each element occurred.
struct Repeated {
  Node narrow;
  AxisMask rest = 0;
  int64_t count = 1;
};
bool take_repetition(MatchContext& c, Repeated* out) {
  const ReduceArg& arg = arg_of(c, c.root);
  const Shape wide = c.graph.shape(c.source(c.root, 0)), from = c.graph.shape(c.x());
  std::vector<Dim> dims(wide.begin(), wide.end());
  out->rest = arg.axes;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool repeats = from.empty() || (from[i].is(1) && !wide[i].is(1));
    if (!has_axis(arg.axes, i) || !repeats || !wide[i].is_const() || wide[i].value == 0) continue;
    if (__builtin_mul_overflow(out->count, wide[i].value, &out->count)) return false;
    dims[i] = Dim(1);
    out->rest &= ~(1u << i);
  }
  if (out->rest == arg.axes) return false;
  out->narrow = c.build().expand(c.x(), dims);
  return true;
}

Node extreme_of_repeated(MatchContext& c) {
  Repeated r;
  if (!is_extreme(arg_of(c, c.root).op) || !take_repetition(c, &r)) return {};
  return c.build().reduce(r.narrow, arg_of(c, c.root).op, r.rest);
}

Node sum_of_repeated(MatchContext& c, bool exact) {
  Repeated r;
  const DType t = c.graph.dtype(c.root);
  if (arg_of(c, c.root).op != ReduceOp::kAdd || exact == is_float(t) || !take_repetition(c, &r)) return {};
  const Node count = c.constant(ir::Scalar::from_int(r.count, t), t);
  if (is_float(t) && !std::isfinite(c.graph.const_value(count).as_double(t))) return {};
  return c.make(Op::Mul, c.build().reduce(r.narrow, ReduceOp::kAdd, r.rest), count);
}
Node sum_of_repeated_int(MatchContext& c) { return sum_of_repeated(c, true); }
Node sum_of_repeated_float(MatchContext& c) { return sum_of_repeated(c, false); }

// Every partial sum of a small whole number is exact.
Node sum_of_constant(MatchContext& c) {
  Repeated r;
  const DType t = c.graph.dtype(c.root);
  if (arg_of(c, c.root).op != ReduceOp::kAdd || !c.is_const(c.x()) || !take_repetition(c, &r) || r.rest != 0)
    return {};
  const double value = c.graph.const_value(c.x()).as_double(t), total = value * static_cast<double>(r.count);
  if (value != std::floor(value) || (value == 0 && std::signbit(value)) || !(std::fabs(total) <= 0x1p24))
    return {};
  return c.constant(ir::Scalar::from_double(total, t), t);
}

// x^n by repeated multiplication, which integers do in any order; 1 is 1 for all.
Node product_of_constant(MatchContext& c) {
  Repeated r;
  const DType t = c.graph.dtype(c.root);
  if (arg_of(c, c.root).op != ReduceOp::kMul || !c.is_const(c.x()) || !take_repetition(c, &r) || r.rest != 0)
    return {};
  const ir::Scalar one = ir::Scalar::from_int(1, t);
  if (c.graph.const_value(c.x()) == one) return c.constant(one, t);
  if (is_float(t)) return {};
  ir::Scalar power = one, square = c.graph.const_value(c.x());
  for (auto left = static_cast<uint64_t>(r.count); left != 0; left >>= 1) {
    if ((left & 1) != 0) power = ir::eval_fold(ReduceOp::kMul, t, power, square);
    square = ir::eval_fold(ReduceOp::kMul, t, square, square);
  }
  return c.constant(power, t);
}

// -- Factors --

// n as it is after reducing the axes, when it is the same along them; null otherwise.
Node constant_along(MatchContext& c, Node n, AxisMask axes) {
  if (c.graph.rank(n) == 0) return n;
  if (c.op(n) != Op::Expand) return {};
  const Node from = c.source(n, 0);
  if (c.graph.rank(from) == 0) return from;
  const Shape shape = c.graph.shape(from);
  for (size_t i = 0; i < shape.size(); ++i)
    if (has_axis(axes, i) && !shape[i].is(1)) return {};
  return c.build().expand(from, c.graph.shape(c.root));
}

// sum(x * y) = sum(x) * y, and sum(x / y) = sum(x) / y, for a y that is the same along the axes.
Node factor_out(MatchContext& c, bool exact) {
  const ReduceArg arg = arg_of(c, c.root);
  const Node product = c.source(c.root, 0);
  if (arg.op != ReduceOp::kAdd || exact == is_float(c.graph.dtype(c.root))) return {};
  const auto summed = [&](Node n) {
    return c.build().reduce(c.graph.rank(n) == 0 ? c.build().expand(n, c.graph.shape(product)) : n, arg.op,
                            arg.axes);
  };
  if (const Node y = constant_along(c, c.y(), arg.axes)) return c.make(c.op(product), summed(c.x()), y);
  if (c.op(product) != Op::Mul) return {};
  const Node x = constant_along(c, c.x(), arg.axes);
  return x ? c.make(Op::Mul, summed(c.y()), x) : Node{};
}
Node factor_out_of_int_sum(MatchContext& c) { return factor_out(c, true); }
Node factor_out_of_sum(MatchContext& c) { return factor_out(c, false); }

Node sum_of_negated(MatchContext& c) {
  const ReduceArg arg = arg_of(c, c.root);
  return arg.op == ReduceOp::kAdd ? c.make(Op::Neg, c.build().reduce(c.x(), arg.op, arg.axes)) : Node{};
}
Node extreme_of_negated(MatchContext& c) {
  const ReduceArg arg = arg_of(c, c.root);
  if (!is_extreme(arg.op)) return {};
  const ReduceOp other = arg.op == ReduceOp::kMax ? ReduceOp::kMin : ReduceOp::kMax;
  return c.make(Op::Neg, c.build().reduce(c.x(), other, arg.axes));
}

// -- Padding --

Node reduce_of_pad(MatchContext& c, bool exact) {
  const ReduceArg arg = arg_of(c, c.root);
  const DType t = c.graph.dtype(c.root);
  if (exact != (is_extreme(arg.op) || !is_float(t))) return {};
  if (!c.is_const(c.y()) || c.graph.const_value(c.y()) != ir::fold_identity(arg.op, t)) return {};
  const auto& pad = c.graph.arg_as<ir::PadArg>(c.source(c.root, 0));
  for (size_t i = 0; i < pad.low.size(); ++i)
    if (!has_axis(arg.axes, i) && (!pad.low[i].is(0) || !pad.high[i].is(0) || pad.interior[i] != 0))
      return {};
  return c.build().reduce(c.x(), arg.op, arg.axes);
}
Node reduce_of_pad_exact(MatchContext& c) { return reduce_of_pad(c, true); }
Node reduce_of_pad_float(MatchContext& c) { return reduce_of_pad(c, false); }

// -- One element along the axis --

bool one_along_axis(MatchContext& c) {
  return c.graph.shape(c.x())[static_cast<size_t>(c.graph.arg_as<ir::ScanArg>(c.root).axis)].is(1);
}
bool one_to_sort(MatchContext& c) {
  return c.graph.shape(c.x())[static_cast<size_t>(c.graph.arg_as<ir::SortArg>(c.root).axis)].is(1);
}

}  // namespace

std::vector<Rule> reduce_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const auto reduce = [](const Pattern& a) { return unary(Op::Reduce, a); };
  const Pattern expand = unary(Op::Expand, x);
  constexpr FloatClass kReassociating = FloatClass::kReassociating;
  const Guard one{"one element along the axis", one_along_axis};
  return {
      {"reduce-unit-axes", "axes of one element need no reduction", reduce(x), without_unit_axes},
      {"reduce-reduce", "r(r(x)) = r(x) over the axes of both", reduce(reduce(x)), reduce_twice_exact},
      {"reduce-reduce-float", "the same for sums and products of floats", reduce(reduce(x)),
       reduce_twice_float, of_float, kReassociating},
      {"reduce-sum-constant", "the sum of n times c is n * c when every partial sum is exact", reduce(expand),
       sum_of_constant, of_float},
      {"reduce-product-constant", "the product of n times c is c^n", reduce(expand), product_of_constant,
       of_number},
      {"reduce-extreme-repeated", "max(expand(x)) = max(x): repetition does not matter", reduce(expand),
       extreme_of_repeated},
      {"reduce-sum-repeated", "sum(expand(x)) = sum(x) * n", reduce(expand), sum_of_repeated_int, of_int},
      {"reduce-sum-repeated-float", "sum(expand(x)) = sum(x) * n", reduce(expand), sum_of_repeated_float,
       of_float, kReassociating},
      {"reduce-sum-factor", "sum(x * y) = sum(x) * y for y the same along the axes", reduce(x * y),
       factor_out_of_int_sum, of_int},
      {"reduce-sum-factor-float", "sum(x * y) = sum(x) * y for y the same along the axes", reduce(x * y),
       factor_out_of_sum, of_float, kReassociating},
      {"reduce-sum-divisor-float", "sum(x / y) = sum(x) / y for y the same along the axes", reduce(x / y),
       factor_out_of_sum, of_float, kReassociating},
      {"reduce-sum-negated", "sum(-x) = -sum(x)", reduce(-x), sum_of_negated, of_int},
      {"reduce-sum-negated-float", "sum(-x) = -sum(x)", reduce(-x), sum_of_negated, of_float, kReassociating},
      {"reduce-extreme-negated", "max(-x) = -min(x); the lowest integer has no opposite", reduce(-x),
       extreme_of_negated, of_float},
      {"reduce-pad", "r(pad(x)) = r(x) over the padded axes, padded with what r starts from",
       reduce(binary(Op::Pad, x, y)), reduce_of_pad_exact},
      {"reduce-pad-float", "the same for sums and products of floats", reduce(binary(Op::Pad, x, y)),
       reduce_of_pad_float, of_float, kReassociating},
      {"scan-one", "scan(x) = x along an axis of one element", unary(Op::Scan, x), x, one},
      {"arg-reduce-one", "the position among one element is 0", unary(Op::ArgReduce, x), 0, one},
      {"arg-sort-one", "the order of one element is 0", unary(Op::ArgSort, x), 0,
       Guard{"one element along the axis", one_to_sort}},
  };
}

}  // namespace anneal::rules
