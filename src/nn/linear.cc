// SPDX-License-Identifier: MIT
// Tested by layers_test.cc.
#include "anneal/nn/linear.h"

#include <cmath>

#include "nn/layer.h"

namespace anneal::nn {

namespace {

void check_width(const char* layer, std::initializer_list<int64_t> extents, const Loc& loc) {
  for (int64_t extent : extents)
    if (extent < 1) {
      const Call call(layer, loc);
      call.fail(ErrorCode::kArgument, "a width of " + std::to_string(extent) + ": it must be 1 or more");
    }
}

}  // namespace

Linear::Linear(int64_t inputs, int64_t outputs, const LinearOptions& options, Loc loc)
    : inputs_first(options.inputs_first) {
  check_width("Linear", {inputs, outputs}, loc);
  std::vector<int64_t> shape{outputs, inputs};
  if (inputs_first) std::swap(shape[0], shape[1]);
  const Init plain = init::normal(1 / std::sqrt(static_cast<double>(inputs)));
  weight = Param(std::move(shape), options.init.value_or(plain),
                 {.dtype = options.dtype, .inputs_first = inputs_first}, loc);
  if (options.bias)
    bias = Param({outputs}, options.bias_init.value_or(init::zeros()), {.dtype = options.dtype}, loc);
}

Tensor Linear::operator()(In x) const {
  const detail::Layer layer(*this, "linear", x);
  const Tensor w = weight;
  layer.needs(-1, weight.shape()[inputs_first ? 0 : 1], "features");
  const Tensor y = matmul(x, inputs_first ? w : transpose(w));
  return bias ? y + bias->tensor() : y;
}

Embedding::Embedding(int64_t count, int64_t width, const Init& init, DType dtype, Loc loc) {
  check_width("Embedding", {count, width}, loc);
  weight = Param({count, width}, init, {.dtype = dtype, .table = true}, loc);
}

Tensor Embedding::operator()(In index) const {
  const detail::Layer layer(*this, "embedding", index);
  return embedding(index, weight.tensor());
}

Tensor Embedding::logits(In x) const {
  const detail::Layer layer(*this, "embedding", x);
  const Tensor w = weight;
  layer.needs(-1, weight.shape()[1], "features");
  return matmul(x, transpose(w));
}

Tensor Dropout::operator()(In x) const {
  const detail::Layer layer(*this, "dropout", x);
  if (!(p >= 0 && p <= 1))
    layer.fail(ErrorCode::kArgument, "has p = " + std::to_string(p) + ", not within [0, 1]");
  const Call call("dropout", {&x});
  const Tensor t = wrap(call.float_node(x));
  if (!is_training() || p == 0) return t;
  const Tensor kept = detail::Trace::current()->draw().bernoulli(1 - p, t.sizes());
  return where(kept, p < 1 ? t * (1 / (1 - p)) : zeros_like(t), 0);
}

PRelu::PRelu(int64_t channels, double slope, Loc loc) {
  check_width("PRelu", {channels}, loc);
  weight = Param({channels}, init::constant(slope), {.decay = false}, loc);
}

Tensor PRelu::operator()(In x) const {
  const detail::Layer layer(*this, "prelu", x);
  const int64_t channels = weight.shape()[0];
  if (channels != 1) layer.needs(1, channels, "channels");
  return prelu(x, weight.tensor());
}

Tensor activate(Activation which, In x) {
  switch (which) {
    case Activation::kRelu: return relu(x);
    case Activation::kGelu: return gelu(x);
    case Activation::kGeluTanh: return gelu(x, Gelu::kTanh);
    case Activation::kSilu: return silu(x);
    case Activation::kTanh: return anneal::tanh(x);
    case Activation::kSigmoid: return sigmoid(x);
    case Activation::kNone: break;
  }
  return x.tensor();
}

Mlp::Mlp(const std::vector<int64_t>& widths, const MlpOptions& options, Loc loc)
    : activation(options.activation), dropout{options.dropout} {
  if (widths.size() < 2) {
    const Call call("Mlp", loc);
    call.fail(ErrorCode::kArgument, "needs two widths or more, as in nn::Mlp({2, 64, 3})");
  }
  for (size_t i = 1; i < widths.size(); ++i)
    layers.emplace_back(widths[i - 1], widths[i], LinearOptions{.bias = options.bias}, loc);
}

Tensor Mlp::operator()(In x) const {
  const detail::Layer layer(*this, "mlp", x, detail::Makeup::kOfLayers);
  Tensor y = x.tensor();
  for (size_t i = 0; i < layers.size(); ++i) {
    y = layers[i](y);
    if (i + 1 < layers.size()) y = dropout(activate(activation, y));
  }
  return y;
}

GatedMlp::GatedMlp(int64_t width, int64_t hidden, const GatedMlpOptions& options, Loc loc)
    : activation(options.activation) {
  check_width("GatedMlp", {width, hidden}, loc);
  const LinearOptions linear{.bias = options.bias, .init = options.init};
  gate = Linear(width, hidden, linear, loc);
  up = Linear(width, hidden, linear, loc);
  down = Linear(hidden, width, linear, loc);
}

Tensor GatedMlp::operator()(In x) const {
  const detail::Layer layer(*this, "gated mlp", x, detail::Makeup::kOfLayers);
  return down(activate(activation, gate(x)) * up(x));
}

}  // namespace anneal::nn
