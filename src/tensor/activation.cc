// SPDX-License-Identifier: MIT
// Activations. Tested by elementwise_test.cc and activation_test.cc.
#include <cmath>
#include <numbers>

#include "ir/dims.h"
#include "tensor/call.h"
#include "tensor/shared.h"

namespace anneal {

using ir::Node;
using ir::Op;

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

Tensor prelu(In x, In slope) {
  const Call call("prelu", {&x, &slope});
  const DType type = call.float_dtype({&x, &slope});
  const Tensor t = wrap(call.node(x, type));
  Tensor by = wrap(call.node(slope, type));
  if (by.rank() > 1) call.fail(ErrorCode::kShape, "takes one slope or a vector of them, not " + by.type());
  if (by.rank() == 1 && !call.g.shape(node_of(by))[0].is(1)) {
    const ir::Shape shape = call.g.shape(node_of(t)), slopes = call.g.shape(node_of(by));
    if (shape.size() < 2 || ir::dim_equal(call.g, slopes[0], shape[1]) == ir::Tri::kFalse)
      call.fail(ErrorCode::kShape, "slopes " + by.type() + " for the channels of " + t.type());
    std::vector<ir::Dim> dims(shape.size() - 1, ir::Dim(1));
    dims[0] = slopes[0];
    by = wrap(call.b.reshape(node_of(by), dims));
  }
  return where(t > 0, t, t * by);
}

Tensor glu(In x, int axis) {
  const Call call("glu", {&x});
  const Tensor t = wrap(call.float_node(x));
  const int a = call.axis(axis, static_cast<size_t>(t.rank()));
  if (const Extent extent = t.size(a); extent.is_const() && extent.value() % 2 != 0)
    call.fail(ErrorCode::kShape,
              "axis " + std::to_string(a) + " has " + extent.str() + " elements, which are no two halves");
  const std::vector<Tensor> halves = chunk(t, 2, a);
  return halves[0] * sigmoid(halves.size() == 2 ? halves[1] : halves[0]);
}

Tensor tanhshrink(In x) {
  const Call call("tanhshrink", {&x});
  return x - tanh(x);
}

Tensor softshrink(In x, double lambda) {
  const Call call("softshrink", {&x});
  if (!(lambda >= 0))
    call.fail(ErrorCode::kArgument, "lambda is " + number_text(lambda) + ": it must not be negative");
  const Tensor t = wrap(call.float_node(x));
  return where(t > lambda, t - lambda, where(t < -lambda, t + lambda, t * 0));  // NaN stays
}

Tensor hardshrink(In x, double lambda) {
  const Call call("hardshrink", {&x});
  const Tensor t = wrap(call.node(x));
  return where((t >= -lambda) & (t <= lambda), 0, t);
}

Tensor threshold(In x, double threshold, In value) {
  const Call call("threshold", {&x, &value});
  const Tensor t = wrap(call.node(x));
  return where(t <= threshold, wrap(call.node(value, t.dtype())), t);
}

}  // namespace anneal
