// SPDX-License-Identifier: MIT
// Elementwise functions: promotion, broadcasting, and what is composed from the ops of the table.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ir/eval.h"
#include "tensor/call.h"
#include "tensor/shared.h"

namespace anneal {

using ir::Node;
using ir::Op;

namespace {

Tensor float_unary(std::string_view name, Op op, const In& x) {
  const Call call(name, {&x});
  return wrap(call.b.make(op, {call.float_node(x)}));
}

// floor and its kin leave integers alone.
Tensor rounding(std::string_view name, Op op, const In& x) {
  const Call call(name, {&x});
  const Node n = call.node(x);
  return wrap(is_float(call.g.dtype(n)) ? call.b.make(op, {n}) : n);
}

DType at_least_i32(DType t) { return is_bool(t) ? i32 : t; }

Tensor arithmetic(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const auto [a, b] = call.broadcast_pair(x, y, at_least_i32(call.joint_dtype({&x, &y})));
  return wrap(call.b.make(op, {a, b}));
}

Tensor float_binary(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const auto [a, b] = call.broadcast_pair(x, y, call.float_dtype({&x, &y}));
  return wrap(call.b.make(op, {a, b}));
}

Tensor any_binary(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const auto [a, b] = call.broadcast_pair(x, y, call.joint_dtype({&x, &y}));
  return wrap(call.b.make(op, {a, b}));
}

Tensor integral_binary(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const DType t = call.joint_dtype({&x, &y});
  if (is_float(t)) call.fail(ErrorCode::kDType, "takes integers or bool, not " + std::string(dtype_name(t)));
  const auto [a, b] = call.broadcast_pair(x, y, t);
  return wrap(call.b.make(op, {a, b}));
}

Tensor shift(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const DType t = at_least_i32(call.joint_dtype({&x, &y}));
  if (is_float(t)) call.fail(ErrorCode::kDType, "takes integers, not " + std::string(dtype_name(t)));
  const auto [a, b] = call.broadcast_pair(x, y, t);
  return wrap(call.b.make(op, {a, b}));
}

Tensor logical(std::string_view name, Op op, const In& x, const In& y) {
  const Call call(name, {&x, &y});
  const auto [a, b] = call.broadcast_pair(x, y, DType::kBool);
  return wrap(call.b.make(op, {a, b}));
}

}  // namespace

// -- One operand --

Tensor neg(In x) {
  const Call call("neg", {&x});
  const Node n = call.node(x);
  return wrap(call.b.neg(call.b.cast(n, at_least_i32(call.g.dtype(n)))));
}

Tensor abs(In x) {
  const Call call("abs", {&x});
  const Node n = call.node(x);
  return wrap(is_bool(call.g.dtype(n)) ? n : call.b.make(Op::Abs, {n}));
}

Tensor sign(In x) {
  const Call call("sign", {&x});
  const Node n = call.node(x);
  const DType t = call.g.dtype(n);
  if (is_bool(t)) return wrap(n);
  const Node zero = call.b.constant_int(0, t);
  const Node up = call.b.cast(call.b.lt(zero, n), t), down = call.b.cast(call.b.lt(n, zero), t);
  const Node value = call.b.sub(up, down);
  return wrap(is_float(t) ? call.b.where(call.b.ne(n, n), n, value) : value);  // NaN stays
}

Tensor reciprocal(In x) { return float_unary("reciprocal", Op::Recip, x); }
Tensor sqrt(In x) { return float_unary("sqrt", Op::Sqrt, x); }
Tensor exp(In x) { return float_unary("exp", Op::Exp, x); }
Tensor exp2(In x) { return float_unary("exp2", Op::Exp2, x); }
Tensor expm1(In x) { return float_unary("expm1", Op::Expm1, x); }
Tensor log(In x) { return float_unary("log", Op::Log, x); }
Tensor log2(In x) { return float_unary("log2", Op::Log2, x); }
Tensor log1p(In x) { return float_unary("log1p", Op::Log1p, x); }
Tensor sin(In x) { return float_unary("sin", Op::Sin, x); }
Tensor cos(In x) { return float_unary("cos", Op::Cos, x); }
Tensor tanh(In x) { return float_unary("tanh", Op::Tanh, x); }
Tensor atan(In x) { return float_unary("atan", Op::Atan, x); }
Tensor erf(In x) { return float_unary("erf", Op::Erf, x); }
Tensor floor(In x) { return rounding("floor", Op::Floor, x); }
Tensor ceil(In x) { return rounding("ceil", Op::Ceil, x); }
Tensor round(In x) { return rounding("round", Op::Round, x); }
Tensor trunc(In x) { return rounding("trunc", Op::Trunc, x); }

Tensor round(In x, int decimals) {
  const Call call("round", {&x});
  if (decimals < -300 || decimals > 300)
    call.fail(ErrorCode::kArgument, std::to_string(decimals) + " decimals: from -300 to 300 make sense");
  const Tensor t = wrap(call.node(x));
  if (decimals == 0 || (decimals > 0 && !is_float(t.dtype()))) return round(t);
  const double scale = std::pow(10.0, std::abs(decimals));
  return decimals > 0 ? round(t * scale) / scale : round(t / scale) * scale;
}

Tensor rsqrt(In x) {
  const Call call("rsqrt", {&x});
  return wrap(call.b.make(Op::Recip, {call.b.make(Op::Sqrt, {call.float_node(x)})}));
}

Tensor sinc(In x) {
  const Call call("sinc", {&x});
  const Tensor angle = wrap(call.float_node(x)) * std::numbers::pi, is_small = abs(angle) < 1;
  // Below 1 the power series: of the quotient all digits of the slopes cancel there.
  const Tensor z = square(where(is_small, angle, 0)), large = where(is_small, 1, angle);
  Tensor series = 1 - z * (1.0 / (20 * 21));
  for (int k = 18; k > 0; k -= 2) series = 1 - z * series * (1.0 / (k * (k + 1)));
  return where(is_small, series, sin(large) / large);
}

Tensor logit(In x, std::optional<double> eps) {
  const Call call("logit", {&x});
  Tensor t = wrap(call.float_node(x));
  if (eps && !(*eps >= 0 && *eps <= 0.5))
    call.fail(ErrorCode::kArgument, "eps is " + number_text(*eps) + ": it must lie in [0, 0.5]");
  if (eps) t = clamp(t, *eps, 1 - *eps);
  return log(t) - log1p(-t);  // not log(t / (1 - t)), whose slope at 0 and 1 is no number
}

Tensor deg2rad(In x) {
  const Call call("deg2rad", {&x});
  return x * (std::numbers::pi / 180);
}

Tensor rad2deg(In x) {
  const Call call("rad2deg", {&x});
  return x * (180 / std::numbers::pi);
}

Tensor square(In x) {
  const Call call("square", {&x});
  const Node given = call.node(x), n = call.b.cast(given, at_least_i32(call.g.dtype(given)));
  return wrap(call.b.mul(n, n));
}

Tensor log10(In x) {
  const Call call("log10", {&x});
  return log(x) * std::numbers::log10e;
}

Tensor tan(In x) {
  const Call call("tan", {&x});
  return sin(x) / cos(x);
}

Tensor asin(
    In x) {  // two roots keep the ends accurate and, of their slopes, no 0 * inf; atan2 keeps them infinite
  const Call call("asin", {&x});
  const Tensor t = wrap(call.float_node(x));
  return atan2(t, sqrt(1 - t) * sqrt(1 + t));
}

Tensor acos(In x) {
  const Call call("acos", {&x});
  const Tensor t = wrap(call.float_node(x));
  return 2 * atan2(sqrt(1 - t), sqrt(1 + t));
}

Tensor sinh(In x) {  // with m = e^|x| - 1: (m + m / (m + 1)) / 2, accurate near 0; (e^|x/2|)^2 / 2 keeps
                     // large x finite
  const Call call("sinh", {&x});
  const Tensor t = wrap(call.float_node(x)), a = magnitude(t);
  // Beyond the bound e^-|x| is below the precision of the type, and e^|x| still within its range.
  const Tensor is_large = a > (dtype_size(t.dtype()) < 4 ? 5 : 20), m = expm1(where(is_large, 0, a));
  const Tensor root = exp(a * 0.5), value = where(is_large, 0.5 * root * root, m * 0.5 + 0.5 * (m / (m + 1)));
  return where(t < 0, -value, value);
}

Tensor cosh(In x) {
  const Call call("cosh", {&x});
  const Tensor half = wrap(call.float_node(x)) * 0.5, up = exp(half), down = exp(-half);
  return 0.5 * up * up + 0.5 * down * down;
}

Tensor asinh(In x) {
  const Call call("asinh", {&x});
  const Tensor t = wrap(call.float_node(x)), a = magnitude(t);
  // The square of a large number overflows long before its logarithm: there it is log(2 a).
  const double bound = dtype_size(t.dtype()) == 1 ? 10 : t.dtype() == f16 ? 100 : 1e9;
  const Tensor is_large = a > bound, small = where(is_large, 1, a), z = small * small;
  const Tensor value =
      where(is_large, log(where(is_large, a, 1)) + std::numbers::ln2, log1p(small + z / (1 + sqrt(z + 1))));
  return where(t < 0, -value, value);
}

Tensor acosh(In x) {
  const Call call("acosh", {&x});
  const Tensor t = wrap(call.float_node(x)) - 1;
  return log1p(t + sqrt(t) * sqrt(t + 2));
}

Tensor atanh(In x) {
  const Call call("atanh", {&x});
  const Tensor t = wrap(call.float_node(x));
  return 0.5 * (log1p(t) - log1p(-t));
}

Tensor frac(In x) {
  const Call call("frac", {&x});
  return sub(x, trunc(x));
}

Tensor isnan(In x) {
  const Call call("isnan", {&x});
  const Node n = call.node(x);
  return wrap(call.b.ne(n, n));
}

Tensor isinf(In x) {
  const Call call("isinf", {&x});
  const Node n = call.float_node(x);
  return wrap(call.b.eq(call.b.make(Op::Abs, {n}), call.b.constant_float(INFINITY, call.g.dtype(n))));
}

Tensor isfinite(In x) {
  const Call call("isfinite", {&x});
  const Node n = call.float_node(x);
  return wrap(call.b.lt(call.b.make(Op::Abs, {n}), call.b.constant_float(INFINITY, call.g.dtype(n))));
}

Tensor isposinf(In x) {
  const Call call("isposinf", {&x});
  return wrap(call.float_node(x)) == HUGE_VAL;
}

Tensor isneginf(In x) {
  const Call call("isneginf", {&x});
  return wrap(call.float_node(x)) == -HUGE_VAL;
}

namespace {
double greatest_finite(DType t) {
  switch (t) {
    case DType::kF64: return 1.7976931348623157e308;
    case DType::kBF16: return 3.3895313892515355e38;
    case DType::kF16: return 65504;
    case DType::kF8E5M2: return 57344;
    case DType::kF8E4M3: return 448;
    default: return 3.4028234663852886e38;
  }
}
}  // namespace

Tensor nan_to_num(In x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  const Call call("nan_to_num", {&x});
  const Tensor t = wrap(call.node(x));
  if (!is_float(t.dtype())) return t;
  const double most = greatest_finite(t.dtype());
  const Tensor numbers = where(isnan(t), nan, t);
  const Tensor below = where(t == HUGE_VAL, posinf.value_or(most), numbers);
  return where(t == -HUGE_VAL, neginf.value_or(-most), below);
}

Tensor logical_not(In x) {
  const Call call("logical_not", {&x});
  return wrap(call.b.make(Op::Not, {call.node(x, DType::kBool)}));
}

Tensor bitwise_not(In x) {
  const Call call("bitwise_not", {&x});
  return wrap(call.b.make(Op::Not, {call.node(x)}));
}

Tensor cast(In x, DType dtype) {
  const Call call("cast", {&x});
  return wrap(call.node(x, dtype));
}

Tensor bitcast(In x, DType dtype) {
  const Call call("bitcast", {&x});
  return wrap(call.b.bitcast(call.node(x), dtype));
}

Tensor stop_gradient(In x) {
  const Call call("stop_gradient", {&x});
  return wrap(call.b.make(Op::StopGradient, {call.node(x)}));
}

// -- Two operands --

Tensor add(In a, In b) { return arithmetic("add", Op::Add, a, b); }
Tensor sub(In a, In b) { return arithmetic("sub", Op::Sub, a, b); }
Tensor mul(In a, In b) { return arithmetic("mul", Op::Mul, a, b); }
Tensor div(In a, In b) { return float_binary("div", Op::Div, a, b); }
Tensor floordiv(In a, In b) { return arithmetic("floordiv", Op::FloorDiv, a, b); }
Tensor remainder(In a, In b) { return arithmetic("remainder", Op::FloorMod, a, b); }
Tensor truncdiv(In a, In b) { return arithmetic("truncdiv", Op::TruncDiv, a, b); }
Tensor fmod(In a, In b) { return arithmetic("fmod", Op::TruncMod, a, b); }
Tensor maximum(In a, In b) { return any_binary("maximum", Op::Max, a, b); }
Tensor minimum(In a, In b) { return any_binary("minimum", Op::Min, a, b); }
Tensor lt(In a, In b) { return any_binary("lt", Op::Lt, a, b); }
Tensor le(In a, In b) { return any_binary("le", Op::Le, a, b); }
Tensor gt(In a, In b) { return any_binary("gt", Op::Lt, b, a); }
Tensor ge(In a, In b) { return any_binary("ge", Op::Le, b, a); }
Tensor eq(In a, In b) { return any_binary("eq", Op::Eq, a, b); }
Tensor ne(In a, In b) { return any_binary("ne", Op::Ne, a, b); }
Tensor logical_and(In a, In b) { return logical("logical_and", Op::And, a, b); }
Tensor logical_or(In a, In b) { return logical("logical_or", Op::Or, a, b); }
Tensor logical_xor(In a, In b) { return logical("logical_xor", Op::Xor, a, b); }
Tensor bitwise_and(In a, In b) { return integral_binary("bitwise_and", Op::And, a, b); }
Tensor bitwise_or(In a, In b) { return integral_binary("bitwise_or", Op::Or, a, b); }
Tensor bitwise_xor(In a, In b) { return integral_binary("bitwise_xor", Op::Xor, a, b); }
Tensor shift_left(In a, In b) { return shift("shift_left", Op::Shl, a, b); }
Tensor shift_right(In a, In b) { return shift("shift_right", Op::Shr, a, b); }

Tensor pow(In a, In b) {
  const Call call("pow", {&a, &b});
  // The exponents that programs write most have exact forms.
  if (b.kind() != In::Kind::kTensor && a.kind() == In::Kind::kTensor && is_float(a.tensor().dtype())) {
    const double e = b.float_value();
    if (e == 2) return a * a;
    if (e == 3) return a * a * a;
    if (e == 1) return a.tensor();
    if (e == 0.5) return sqrt(a);
    if (e == -1) return reciprocal(a);
    if (e == -0.5) return rsqrt(a);
  }
  return arithmetic("pow", Op::Pow, a, b);
}

namespace {
// The sign bit: also of -0.
Tensor is_negative(const Tensor& t) {
  const Tensor wide = cast(t, accumulation_dtype(t.dtype()));  // one of the f8 has no infinity
  return where(wide == 0, reciprocal(wide), wide) < 0;
}
}  // namespace

Tensor atan2(In y, In x) {
  const Call call("atan2", {&y, &x});
  const DType t = call.float_dtype({&y, &x});
  const Tensor v = wrap(call.node(y, t)), h = wrap(call.node(x, t));
  const Tensor down = is_negative(v), left = is_negative(h), steep = abs(v) > abs(h);
  // Two zeros or two infinities have no quotient: an angle of 0 or 45 degrees from the axis, and no slope.
  const Tensor zeros = (h == 0) & (v == 0), infinities = isinf(h) & isinf(v), special = zeros | infinities;
  const Tensor angle =
      where(zeros, stop_gradient(v), where(down == left, 1, wrap(call.b.constant_int(-1, t))));
  const Tensor ratio = where(special, angle, where(steep, h, v)) / where(special, 1, where(steep, v, h));
  const Tensor small = atan(ratio);
  const double half = std::numbers::pi / 2;
  const Tensor from_x = where(left, where(down, small - 2 * half, small + 2 * half), small);
  const Tensor from_y = where(down, -half - small, half - small);
  return where(steep, from_y, from_x);
}

Tensor fmax(In a, In b) {
  const Call call("fmax", {&a, &b});
  return where(isnan(a), b, where(isnan(b), a, maximum(a, b)));
}

Tensor fmin(In a, In b) {
  const Call call("fmin", {&a, &b});
  return where(isnan(a), b, where(isnan(b), a, minimum(a, b)));
}

Tensor hypot(In a, In b) {
  const Call call("hypot", {&a, &b});
  const DType t = call.float_dtype({&a, &b});
  const Tensor x = abs(wrap(call.node(a, t))), y = abs(wrap(call.node(b, t)));
  const Tensor large = maximum(x, y),
               ratio = minimum(x, y) / where(large == 0, 1, large);              // 0 at 0, and its slope
  return where(isinf(x) | isinf(y), HUGE_VAL, large * sqrt(1 + ratio * ratio));  // beside a NaN too
}

Tensor logaddexp(In a, In b) {
  const Call call("logaddexp", {&a, &b});
  // An infinite greater operand is the result, with its slope: 1 for +inf, a half each for two times -inf.
  const Tensor high = wrap(call.float_node(maximum(a, b))), finite = isfinite(high);
  const Tensor base = where(finite, stop_gradient(high), 0);
  const auto part = [&](const In& x) { return exp(where(finite, x - base, 0)); };
  return where(finite, base + log(part(a) + part(b)), high);
}

Tensor logaddexp2(In a, In b) {
  const Call call("logaddexp2", {&a, &b});
  const DType t = call.float_dtype({&a, &b});
  const auto scaled = [&](const In& v) { return wrap(call.node(v, t)) * std::numbers::ln2; };
  return logaddexp(scaled(a), scaled(b)) / std::numbers::ln2;
}

Tensor xlogy(In x, In y) {
  const Call call("xlogy", {&x, &y});
  const DType t = call.float_dtype({&x, &y});
  const Tensor factor = wrap(call.node(x, t)), of = wrap(call.node(y, t));
  const Tensor none = (factor == 0) & !isnan(of);
  return where(none, 0, factor * log(where(none, 1, of)));
}

// -- Three operands --

Tensor where(In condition, In x, In y) {
  const Call call("where", {&condition, &x, &y});
  const DType t = call.joint_dtype({&x, &y});
  Node c = call.node(condition, DType::kBool), a = call.node(x, t), b = call.node(y, t);
  const std::vector<ir::Dim> shape = call.broadcast_shapes({c, a, b});
  return wrap(call.b.where(call.broadcast(c, shape), call.broadcast(a, shape), call.broadcast(b, shape)));
}

namespace {

// A bound of a clamp as a value of type t. Integers beyond its range are the end of the range.
Node clamp_bound(const Call& call, const In& bound, DType t) {
  if (bound.kind() == In::Kind::kTensor || is_float(t)) return call.node(bound, t);
  const ir::Scalar lowest = ir::fold_identity(ir::ReduceOp::kMax, t),
                   highest = ir::fold_identity(ir::ReduceOp::kMin, t);
  if (t == u64)
    return call.b.constant(!bound.is_huge() && bound.int_value() < 0
                               ? lowest
                               : ir::Scalar{static_cast<uint64_t>(bound.int_value())},
                           t);
  if (bound.is_huge()) return call.b.constant(highest, t);
  return call.b.constant(
      ir::Scalar::from_int(std::clamp(bound.int_value(), lowest.as_int(t), highest.as_int(t)), t), t);
}

}  // namespace

Tensor clamp(In x, std::optional<In> low, std::optional<In> high) {
  const Call call("clamp", {&x});
  for (const std::optional<In>* bound : {&low, &high})
    if (*bound && (*bound)->kind() == In::Kind::kTensor) call.required((*bound)->tensor(), "a bound");
  const DType type = call.joint_dtype({&x, low ? &*low : &x, high ? &*high : &x});
  Tensor t = wrap(call.node(x, type));
  for (const std::optional<In>* bound : {&low, &high})
    if (*bound && std::isnan((*bound)->float_value())) return full_like(t, NAN);
  // The adjoint flows where x lies inside, ends included.
  const auto limit = [&](const In& given, bool from_below) {
    const Tensor bound = wrap(clamp_bound(call, given, type));
    const Tensor beyond = from_below ? t < bound : t > bound;
    t = where(given.kind() == In::Kind::kTensor ? beyond | isnan(bound) : beyond, bound, t);
  };
  if (low) limit(*low, true);
  if (high) limit(*high, false);
  return t;
}

Tensor detail::clamp_between(In x, const Tensor& low, const Tensor& high) {
  const Call call("clamp", {&x});
  call.required(low, "the lower bound");
  call.required(high, "the upper bound");
  const In bounds[] = {low, high};
  Tensor t = wrap(call.node(x, call.joint_dtype({&x, &bounds[0], &bounds[1]})));
  t = where((t < low) | isnan(low), low, t);
  return where((t > high) | isnan(high), high, t);
}

Tensor addcmul(In x, In a, In b, In value) {
  const Call call("addcmul", {&x, &a, &b, &value});
  const DType t = call.joint_dtype({&x, &a, &b, &value});
  return wrap(call.node(x, t)) + wrap(call.node(value, t)) * (wrap(call.node(a, t)) * wrap(call.node(b, t)));
}

Tensor addcdiv(In x, In a, In b, In value) {
  const Call call("addcdiv", {&x, &a, &b, &value});
  const DType t = call.float_dtype({&x, &a, &b, &value});
  return wrap(call.node(x, t)) + wrap(call.node(value, t)) * (wrap(call.node(a, t)) / wrap(call.node(b, t)));
}

Tensor masked_fill(In x, In mask, In value) {
  const Call call("masked_fill", {&x, &mask, &value});
  const Node n = call.node(x);
  return where(mask, wrap(call.node(value, call.g.dtype(n))), wrap(n));
}

Tensor lerp(In a, In b, In weight) {
  const Call call("lerp", {&a, &b, &weight});
  const DType t = call.joint_dtype({&a, &b, &weight});
  const Tensor from = wrap(call.node(a, t));
  return from + weight * (wrap(call.node(b, t)) - from);
}

}  // namespace anneal
