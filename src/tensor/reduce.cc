// SPDX-License-Identifier: MIT
// Reductions, softmax and its kin, running folds, orders.
#include <cmath>

#include "ir/dims.h"
#include "tensor/call.h"
#include "tensor/shared.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::ReduceOp;

namespace {

// The result without the folded axes, or with them at extent 1.
Node drop_axes(const Call& call, Node kept, ir::AxisMask mask, bool keepdim) {
  if (keepdim) return kept;
  std::vector<Dim> dims;
  const ir::Shape shape = call.g.shape(kept);
  for (size_t i = 0; i < shape.size(); ++i)
    if ((mask >> i & 1) == 0) dims.push_back(shape[i]);
  return call.b.reshape(kept, dims);
}

Node fold(const Call& call, Node n, ReduceOp op, const Axes& axes, bool keepdim) {
  const ir::AxisMask mask = call.axes(axes, call.g.shape(n).size());
  return drop_axes(call, call.b.reduce(n, op, mask), mask, keepdim);
}

// How many elements a result element is made of, as a scalar of type t: symbolic extents stay symbolic.
Node folded_count(const Call& call, Node n, const Axes& axes, DType t, double minus = 0) {
  const ir::Shape shape = call.g.shape(n);
  const ir::AxisMask mask = call.axes(axes, shape.size());
  Dim count(1);
  for (size_t i = 0; i < shape.size(); ++i)
    if ((mask >> i & 1) != 0) count = ir::dim_mul(call.g, count, shape[i]);
  if (count.is_const())
    return call.b.constant_float(std::max(0.0, static_cast<double>(count.value) - minus), t);
  const Node value = call.b.cast(count.expr, t);
  if (minus == 0) return value;
  const Node left = call.b.sub(value, call.b.constant_float(minus, t));
  const bool may_be_negative = static_cast<double>(ir::dim_min(call.g, count)) < minus;
  return may_be_negative ? call.b.make(ir::Op::Max, {left, call.b.constant_float(0, t)}) : left;
}

Tensor arg_extreme(std::string_view name, ReduceOp op, const In& x, std::optional<int> axis, bool keepdim) {
  const Call call(name, {&x});
  Node n = call.node(x);
  const size_t rank = call.g.shape(n).size();
  if (!axis) {
    const std::vector<Dim> flat{ir::dim_product(call.g, call.g.shape(n))};
    if (ir::dim_max(call.g, flat[0]) == 0) call.fail(ErrorCode::kShape, "there is no element to choose");
    const Node at = call.b.arg_reduce(call.b.reshape(n, flat), op, 0);
    return wrap(call.b.reshape(at, std::vector<Dim>(keepdim ? rank : 0, Dim(1))));
  }
  if (rank == 0) n = call.b.reshape(n, std::vector<Dim>{Dim(1)});
  const int a = call.axis(*axis, std::max<size_t>(rank, 1));
  if (ir::dim_max(call.g, call.g.shape(n)[static_cast<size_t>(a)]) == 0)
    call.fail(ErrorCode::kShape, "axis " + std::to_string(a) + " is empty: there is no element to choose");
  const Node at = call.b.arg_reduce(n, op, a);
  return wrap(rank == 0 ? call.b.reshape(at, {}) : drop_axes(call, at, 1u << a, keepdim));
}

Tensor running(std::string_view name, ReduceOp op, const In& x, int axis) {
  const Call call(name, {&x});
  Node n = call.node(x);
  const bool counts = op == ReduceOp::kAdd || op == ReduceOp::kMul;
  if (counts && is_bool(call.g.dtype(n))) n = call.b.cast(n, i32);
  const int a = call.axis(axis, std::max<size_t>(1, call.g.shape(n).size()));
  return wrap(call.g.rank(n) == 0 ? n : call.b.scan(n, op, a));
}

}  // namespace

Tensor sum(In x, const Axes& axes, bool keepdim) {
  const Call call("sum", {&x});
  const Node n = call.node(x);
  return wrap(fold(call, is_bool(call.g.dtype(n)) ? call.b.cast(n, i32) : n, ReduceOp::kAdd, axes, keepdim));
}

Tensor mean(In x, const Axes& axes, bool keepdim) {
  const Call call("mean", {&x});
  const Node n = call.float_node(x);
  // Narrow types are summed and divided in f32, and rounded once.
  const DType t = call.g.dtype(n), wide = accumulation_dtype(t);
  const Node total = fold(call, call.b.cast(n, wide), ReduceOp::kAdd, axes, keepdim);
  return wrap(call.b.cast(call.b.div(total, folded_count(call, n, axes, wide)), t));
}

Tensor prod(In x, const Axes& axes, bool keepdim) {
  const Call call("prod", {&x});
  const Node n = call.node(x);
  return wrap(fold(call, is_bool(call.g.dtype(n)) ? call.b.cast(n, i32) : n, ReduceOp::kMul, axes, keepdim));
}

Tensor max(In x, const Axes& axes, bool keepdim) {
  const Call call("max", {&x});
  return wrap(fold(call, call.node(x), ReduceOp::kMax, axes, keepdim));
}

Tensor min(In x, const Axes& axes, bool keepdim) {
  const Call call("min", {&x});
  return wrap(fold(call, call.node(x), ReduceOp::kMin, axes, keepdim));
}

Tensor var(In x, const Axes& axes, bool keepdim, double correction) {
  const Call call("var", {&x});
  const Node n = call.float_node(x);
  const DType t = call.g.dtype(n), wide = accumulation_dtype(t);
  const Tensor value = wrap(call.b.cast(n, wide));
  const Tensor total = sum(square(value - mean(value, axes, true)), axes, keepdim);
  return cast(total / wrap(folded_count(call, n, axes, wide, correction)), t);
}

Tensor std(In x, const Axes& axes, bool keepdim, double correction) {
  const Call call("std", {&x});
  return sqrt_of_squares(var(x, axes, keepdim, correction));
}

VarMean var_mean(In x, const Axes& axes, bool keepdim, double correction) {
  const Call call("var_mean", {&x});
  return {var(x, axes, keepdim, correction), mean(x, axes, keepdim)};
}

StdMean std_mean(In x, const Axes& axes, bool keepdim, double correction) {
  const Call call("std_mean", {&x});
  return {std(x, axes, keepdim, correction), mean(x, axes, keepdim)};
}

MinMax aminmax(In x, const Axes& axes, bool keepdim) {
  const Call call("aminmax", {&x});
  return {min(x, axes, keepdim), max(x, axes, keepdim)};
}

Tensor nansum(In x, const Axes& axes, bool keepdim) {
  const Call call("nansum", {&x});
  return sum(where(isnan(x), 0, x), axes, keepdim);
}

Tensor count_nonzero(In x, const Axes& axes, bool keepdim) {
  const Call call("count_nonzero", {&x});
  return sum(wrap(call.node(x, DType::kBool)), axes, keepdim);
}

Tensor logsumexp(In x, const Axes& axes, bool keepdim) {
  const Call call("logsumexp", {&x});
  const Tensor t = wrap(call.float_node(x));
  // An infinite maximum is the result, with its slope: no exponential of it, whose slope would be NaN.
  const Tensor high = max(t, axes, true), finite = isfinite(high);
  const Tensor base = where(finite, stop_gradient(high), 0);
  const Tensor sums = log(sum(exp(where(finite, t - base, 0)), axes, true));
  const Tensor value = where(finite, sums + base, high);
  const Node kept = node_of(value);
  return wrap(drop_axes(call, kept, call.axes(axes, call.g.shape(kept).size()), keepdim));
}

Tensor norm(In x, const Axes& axes, bool keepdim, double p) {
  const Call call("norm", {&x});
  if (std::isnan(p)) call.fail(ErrorCode::kArgument, "p is NaN");
  const Node n = call.float_node(x);
  // Squares of narrow floats leave their range: they are summed in f32, and the root is rounded once.
  const Tensor wide = wrap(call.b.cast(n, accumulation_dtype(call.g.dtype(n))));
  const auto result = [&](const Tensor& t) { return cast(t, call.g.dtype(n)); };
  if (p == 2) return result(sqrt_of_squares(sum(square(wide), axes, keepdim)));
  const Tensor size = abs(wide);
  if (p == HUGE_VAL) return result(max(size, axes, keepdim));
  if (p == -HUGE_VAL) return result(min(size, axes, keepdim));
  if (p == 0) return result(sum(cast(size != 0, size.dtype()), axes, keepdim));
  if (p == 1) return result(sum(size, axes, keepdim));
  // As with the square root, the slope where nothing is is taken as 0.
  const Tensor total = sum(pow(size, p), axes, keepdim), none = total == 0;
  return result(where(none, p > 0 ? 0.0 : HUGE_VAL, pow(where(none, 1, total), 1 / p)));
}

Tensor any(In x, const Axes& axes, bool keepdim) {
  const Call call("any", {&x});
  return wrap(fold(call, call.node(x, DType::kBool), ReduceOp::kMax, axes, keepdim));
}

Tensor all(In x, const Axes& axes, bool keepdim) {
  const Call call("all", {&x});
  return wrap(fold(call, call.node(x, DType::kBool), ReduceOp::kMin, axes, keepdim));
}

Tensor argmax(In x, std::optional<int> axis, bool keepdim) {
  return arg_extreme("argmax", ReduceOp::kMax, x, axis, keepdim);
}
Tensor argmin(In x, std::optional<int> axis, bool keepdim) {
  return arg_extreme("argmin", ReduceOp::kMin, x, axis, keepdim);
}

// -- Softmax --

Tensor softmax(In x, int axis) {
  const Call call("softmax", {&x});
  const Tensor t = wrap(call.float_node(x));
  call.axis(axis, std::max<size_t>(1, static_cast<size_t>(t.rank())));
  if (t.rank() == 0) return ones_like(t);
  const Tensor e = exp(t - stop_gradient(max(t, axis, true)));
  return e / sum(e, axis, true);
}

Tensor log_softmax(In x, int axis) {
  const Call call("log_softmax", {&x});
  const Tensor t = wrap(call.float_node(x));
  call.axis(axis, std::max<size_t>(1, static_cast<size_t>(t.rank())));
  if (t.rank() == 0) return zeros_like(t);
  const Tensor shifted = t - stop_gradient(max(t, axis, true));
  return shifted - log(sum(exp(shifted), axis, true));
}

Tensor softmin(In x, int axis) {
  const Call call("softmin", {&x});
  return softmax(-x, axis);
}

// -- Running folds and orders --

Tensor cumsum(In x, int axis) { return running("cumsum", ReduceOp::kAdd, x, axis); }
Tensor cumprod(In x, int axis) { return running("cumprod", ReduceOp::kMul, x, axis); }
Tensor cummax(In x, int axis) { return running("cummax", ReduceOp::kMax, x, axis); }
Tensor cummin(In x, int axis) { return running("cummin", ReduceOp::kMin, x, axis); }

namespace {
Tensor reached(const Call& call, const In& x, int axis, bool greatest) {
  const Tensor t = wrap(call.node(x));
  const int a = call.axis(axis, std::max<size_t>(1, static_cast<size_t>(t.rank())));
  if (t.rank() == 0) return wrap(call.b.constant_int(0, i32));
  const Tensor best = greatest ? cummax(t, a) : cummin(t, a);
  const Tensor place = wrap(call.b.iota(call.shape(node_of(t)), a, i32));
  return cummax(where((t == best) | isnan(t), place, 0), a);  // NaN is the extreme from where it stands on
}
}  // namespace

Tensor cummax_indices(In x, int axis) {
  const Call call("cummax_indices", {&x});
  return reached(call, x, axis, true);
}

Tensor cummin_indices(In x, int axis) {
  const Call call("cummin_indices", {&x});
  return reached(call, x, axis, false);
}

// Each position against all up to it: no common maximum that would flush small beginnings to -inf.
Tensor logcumsumexp(In x, int axis) {
  const Call call("logcumsumexp", {&x});
  const Tensor t = wrap(call.float_node(x));
  const int a = call.axis(axis, std::max<size_t>(1, static_cast<size_t>(t.rank())));
  if (t.rank() == 0) return t;
  const Tensor last = movedim(t, {a}, {-1});
  const Extent n = last.size(-1);
  Sizes pairs = last.sizes();
  pairs.push_back(n);
  const Tensor all = expand(unsqueeze(last, -2), pairs);
  const Tensor upto = where(tri(n, n, 0, boolean), all, full({}, -HUGE_VAL, t.dtype()));
  return movedim(logsumexp(upto, -1), {-1}, {a});
}

Tensor argsort(In x, int axis, bool descending) {
  const Call call("argsort", {&x});
  const Node n = call.node(x);
  const int a = call.axis(axis, std::max<size_t>(1, call.g.shape(n).size()));
  return wrap(call.g.rank(n) == 0 ? call.b.constant_int(0, i32) : call.b.arg_sort(n, a, descending));
}

Tensor sort(In x, int axis, bool descending) {
  const Call call("sort", {&x});
  const Node n = call.node(x);
  const int a = call.axis(axis, std::max<size_t>(1, call.g.shape(n).size()));
  return wrap(call.g.rank(n) == 0 ? n : call.b.gather(n, call.b.arg_sort(n, a, descending), a));
}

TopK topk(In x, int64_t k, int axis, bool largest) {
  const Call call("topk", {&x});
  const Tensor given = wrap(call.node(x)), t = given.rank() == 0 ? unsqueeze(given, 0) : given;
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  const Extent extent = t.size(a);
  if (k < (given.rank() == 0 ? 1 : 0) || (extent.is_const() && k > extent.value()))
    call.fail(ErrorCode::kArgument, "k is " + std::to_string(k) + " for an axis of " + extent.str());
  const Tensor at = narrow(argsort(t, a, largest), a, 0, k), values = gather(t, a, at);
  if (given.rank() == 0) return {squeeze(values, 0), squeeze(at, 0)};
  return {values, at};
}

namespace {

// The element at one position of the sorted axis.
TopK order_statistic(const Call& call, const Tensor& x, int axis, bool keepdim, const Extent& position) {
  const Tensor t = x.rank() == 0 ? unsqueeze(x, 0) : x;
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  const Tensor at = narrow(argsort(t, a), a, position, 1), value = gather(t, a, at);
  if (keepdim && x.rank() > 0) return {value, at};
  return {squeeze(value, a), squeeze(at, a)};
}

// The extent of an axis that has elements.
Extent filled_extent(const Call& call, const Tensor& t, int axis) {
  const int a = call.axis(axis, std::max<size_t>(1, static_cast<size_t>(t.rank())));
  const Extent extent = t.rank() == 0 ? Extent(1) : t.size(a);
  if (ir::dim_min(call.g, to_dim(extent)) < 1)
    call.fail(ErrorCode::kShape,
              "axis " + std::to_string(a) + " of " + extent.str() +
                  (extent.is_const() ? " has no element to choose"
                                     : " may be empty: its dimension needs a minimum of 1"));
  return extent;
}

}  // namespace

TopK kthvalue(In x, int64_t k, int axis, bool keepdim) {
  const Call call("kthvalue", {&x});
  const Tensor t = wrap(call.node(x));
  const Extent extent = filled_extent(call, t, axis);
  if (k < 1 || k > ir::dim_max(call.g, to_dim(extent)))
    call.fail(ErrorCode::kArgument, "k is " + std::to_string(k) + " for an axis of " + extent.str());
  return order_statistic(call, t, axis, keepdim, k - 1);
}

TopK median(In x, int axis, bool keepdim) {
  const Call call("median", {&x});
  const Tensor t = wrap(call.node(x));
  const Extent count = filled_extent(call, t, axis);
  const TopK middle = order_statistic(call, t, axis, keepdim, (count - 1) / 2);
  if (!is_float(t.dtype())) return middle;
  // NaN is sorted last; where there is one it is the median.
  const TopK last = order_statistic(call, t, axis, keepdim, count - 1);
  const Tensor has_nan = isnan(last.values);
  return {where(has_nan, last.values, middle.values), where(has_nan, last.indices, middle.indices)};
}

Tensor median(In x) {
  const Call call("median", {&x});
  return median(flatten(x), 0).values;
}

}  // namespace anneal
