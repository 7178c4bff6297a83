// SPDX-License-Identifier: MIT
// A function with a derivative of its own: rounding passes gradients straight through, so that a network
// with weights of two bits can be trained in a compiled step.
#include <anneal/anneal.h>

#include <iostream>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

namespace {

// Weights of -1, -1/3, 1/3 and 1, times a learned scale.
Tensor quantize(const Tensor& w) {
  const Tensor levels = an::clamp(an::round((w + 1) * 1.5), 0, 3) / 1.5 - 1;
  return an::custom_gradient(levels, {w}, [](const Tensor& upstream, const std::vector<Tensor>& inputs) {
    // Straight through, but for weights that are beyond the last level.
    return std::vector<Tensor>{an::where(an::abs(inputs[0]) <= 1.2, upstream, 0)};
  });
}

struct QuantizedLinear {
  an::Param weight, scale, bias;
  QuantizedLinear(int64_t inputs, int64_t outputs)
      : weight({outputs, inputs}, nn::init::uniform(-1, 1)),
        scale({}, nn::init::constant(0.5)),
        bias({outputs}, nn::init::zeros()) {}
  Tensor operator()(const Tensor& x) const {
    const nn::Scope here(*this);  // its kernels have its name
    return an::linear(x, quantize(weight) * scale, bias.tensor());
  }
  ANNEAL_MEMBERS(weight, scale, bias)
};

struct Net {
  QuantizedLinear l1{2, 64}, l2{64, 1};
  Tensor operator()(const Tensor& x) const { return l2(an::relu(l1(x))); }
};

}  // namespace

int main() {
  const auto step = an::compile(an::Training{
      .model = Net{},
      .loss = [](const Net& m, an::Inputs in) { return an::bce_with_logits(m(in["x"]), in["y"]); },
      .inputs = {{"x", {128, 2}}, {"y", {128, 1}}},
      .optimizer = an::Adam{.lr = 2e-2},
      .seed = 3,
  });
  const auto right = step.attach(
      [](const Net& m, an::Inputs in) {
        return an::mean(an::cast((m(in["x"]) > 0) == (in["y"] > 0.5), an::f32));
      },
      {{"x", {128, 2}}, {"y", {128, 1}}});
  double share = 0;
  for (uint64_t i = 0; i < 150; ++i) {
    // Inside of a circle, or outside.
    const Tensor x = (an::rand({128, 2}, {.seed = i}) * 2 - 1).realize();
    const Tensor y = an::cast(an::sum(an::square(x), 1, true) < 0.6, an::f32);
    const an::StepResult r = step({{"x", x}, {"y", y}});
    if (r.step % 50 == 0) {
      share = right({{"x", x}, {"y", y}}).item<double>();
      std::cout << "step " << r.step << ": loss " << r.loss() << ", right " << 100 * share << " %\n";
    }
  }
  return share > 0.85 ? 0 : 1;
}
