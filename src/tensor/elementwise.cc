// SPDX-License-Identifier: MIT
// Elementwise functions: promotion, broadcasting, and what is composed from the ops of the table.
#include <cmath>
#include <numbers>

#include "tensor/call.h"

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
  const DType t = call.joint_dtype({&x, &y});
  const auto [a, b] = call.broadcast_pair(x, y, is_float(t) ? t : f32);
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

Tensor rsqrt(In x) {
  const Call call("rsqrt", {&x});
  return wrap(call.b.make(Op::Recip, {call.b.make(Op::Sqrt, {call.float_node(x)})}));
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

Tensor asin(In x) {  // the product form keeps the ends accurate, and atan2 keeps their slopes infinite
  const Call call("asin", {&x});
  const Tensor t = wrap(call.float_node(x));
  return atan2(t, sqrt((1 - t) * (1 + t)));
}

Tensor acos(In x) {
  const Call call("acos", {&x});
  const Tensor t = wrap(call.float_node(x));
  return 2 * atan2(sqrt(1 - t), sqrt(1 + t));
}

namespace {
// |t| with the slope 1 at 0, where abs has none: functions of it that are smooth there keep all their
// derivatives.
Tensor magnitude(const Tensor& t) { return where(t < 0, -t, t); }
}  // namespace

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

Tensor atan2(In y, In x) {
  const Call call("atan2", {&y, &x});
  const Tensor v = wrap(call.float_node(y)), h = wrap(call.float_node(x));
  const Tensor steep = abs(v) > abs(h);
  const Tensor ratio = where(steep, h, v) / where((h == 0) & (v == 0), 1, where(steep, v, h));
  const Tensor small = atan(ratio);
  const double half = std::numbers::pi / 2;
  const Tensor from_x = where(h < 0, where(v < 0, small - 2 * half, small + 2 * half), small);
  const Tensor from_y = where(v < 0, -half - small, half - small);
  return where(steep, from_y, from_x);
}

Tensor hypot(In a, In b) {
  const Call call("hypot", {&a, &b});
  const Tensor x = abs(wrap(call.float_node(a))), y = abs(wrap(call.float_node(b)));
  const Tensor large = maximum(x, y),
               ratio = minimum(x, y) / where(large == 0, 1, large);  // 0 at 0, and its slope
  return large * sqrt(1 + ratio * ratio);
}

Tensor logaddexp(In a, In b) {
  const Call call("logaddexp", {&a, &b});
  // An infinite greater operand is the result, with its slope: 1 for +inf, a half each for two times -inf.
  const Tensor high = wrap(call.float_node(maximum(a, b))), finite = isfinite(high);
  const Tensor base = where(finite, stop_gradient(high), 0);
  const auto part = [&](const In& x) { return exp(where(finite, x - base, 0)); };
  return where(finite, base + log(part(a) + part(b)), high);
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

// The bound in the type of x: integers stay integers when it is one.
Tensor bound_for(const Call& call, DType t, double bound) {
  const bool exact = is_float(t) || (is_int(t) && ir::Scalar::from_double(bound, t).as_double(t) == bound);
  return wrap(call.b.constant_float(bound, exact ? t : f32));
}

}  // namespace

Tensor clamp(In x, std::optional<double> low, std::optional<double> high) {
  const Call call("clamp", {&x});
  Tensor t = wrap(call.node(x));
  if ((low && std::isnan(*low)) || (high && std::isnan(*high)))
    return full_like(wrap(call.float_node(x)), NAN);
  // The adjoint flows where x lies inside, ends included.
  if (low) {
    const Tensor bound = bound_for(call, t.dtype(), *low);
    t = where(t < bound, bound, t);
  }
  if (high) {
    const Tensor bound = bound_for(call, t.dtype(), *high);
    t = where(t > bound, bound, t);
  }
  return t;
}

Tensor masked_fill(In x, In mask, In value) {
  const Call call("masked_fill", {&x, &mask, &value});
  const Node n = call.node(x);
  return where(mask, wrap(call.node(value, call.g.dtype(n))), wrap(n));
}

Tensor lerp(In a, In b, In weight) {
  const Call call("lerp", {&a, &b, &weight});
  return a + weight * (b - a);
}

// -- Activations --

Tensor relu(In x) {
  const Call call("relu", {&x});
  const Node n = call.node(x), zero = call.b.constant_int(0, call.g.dtype(n));
  return wrap(call.b.where(call.b.make(Op::Le, {n, zero}), zero, n));  // this way round NaN stays
}

Tensor relu6(In x) {
  const Call call("relu6", {&x});
  return hardtanh(x, 0, 6);
}

Tensor leaky_relu(In x, double slope) {
  const Call call("leaky_relu", {&x});
  return where(x > 0, x, x * slope);
}

namespace {
// e^x - 1 without overflow on the side that is not taken.
Tensor negative_expm1(const Tensor& x) { return expm1(where(x > 0, 0, x)); }
}  // namespace

Tensor elu(In x, double alpha) {
  const Call call("elu", {&x});
  const Tensor t = wrap(call.float_node(x));
  return where(t > 0, t, alpha * negative_expm1(t));
}

Tensor celu(In x, double alpha) {
  const Call call("celu", {&x});
  const Tensor t = wrap(call.float_node(x));
  return where(t > 0, t, alpha * negative_expm1(t / alpha));
}

Tensor selu(In x) {
  const Call call("selu", {&x});
  return 1.0507009873554805 * elu(x, 1.6732632423543772);
}

Tensor gelu(In x, Gelu form) {
  const Call call("gelu", {&x});
  if (form == Gelu::kErf) return 0.5 * x * (1 + erf(x * (1 / std::numbers::sqrt2)));
  const double scale = std::sqrt(2 / std::numbers::pi);
  return 0.5 * x * (1 + tanh(scale * (x + 0.044715 * x * x * x)));
}

Tensor sigmoid(In x) {
  const Call call("sigmoid", {&x});
  // 1 / (1 + e^-x) where x is positive and e^x / (1 + e^x) where not: no infinity, in the derivative either.
  const Tensor t = wrap(call.float_node(x)), e = exp(-magnitude(t));
  return where(t < 0, e, 1) / (1 + e);
}

Tensor log_sigmoid(In x) {
  const Call call("log_sigmoid", {&x});
  return -softplus(-x, 1, HUGE_VAL);
}

Tensor hardsigmoid(In x) {
  const Call call("hardsigmoid", {&x});
  return hardtanh(x / 6 + 0.5, 0, 1);
}

Tensor hardswish(In x) {
  const Call call("hardswish", {&x});
  return x * clamp(x / 6 + 0.5, 0, 1);
}

Tensor hardtanh(In x, double low, double high) {
  const Call call("hardtanh", {&x});
  const Tensor t = wrap(call.node(x)), bottom = bound_for(call, t.dtype(), low),
               top = bound_for(call, t.dtype(), high);
  // Unlike clamp the slope is 0 at the ends too.
  return where(t <= bottom, bottom, where(t >= top, top, t));
}

Tensor silu(In x) {
  const Call call("silu", {&x});
  return x * sigmoid(x);
}

Tensor mish(In x) {
  const Call call("mish", {&x});
  return x * tanh(softplus(x));
}

Tensor softplus(In x, double beta, double threshold) {
  const Call call("softplus", {&x});
  const Tensor t = wrap(call.float_node(x)) * beta;
  const Tensor value = (where(t < 0, 0, t) + log1p(exp(-magnitude(t)))) * (1 / beta);
  return std::isfinite(threshold) ? where(t > threshold, wrap(call.float_node(x)), value) : value;
}

Tensor softsign(In x) {
  const Call call("softsign", {&x});
  return x / (1 + abs(x));
}

}  // namespace anneal
