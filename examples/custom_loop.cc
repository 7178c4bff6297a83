// SPDX-License-Identifier: MIT
// A training loop of one's own around a module: jit() captures the step, and nn::Substitute says what the
// parameters stand for in it. The optimizer is written out: gradients of unit length, with momentum.
#include <anneal/anneal.h>

#include <iostream>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

int main() {
  // A curve to be learned: y = sin(3 x), from noisy points.
  const Tensor x = an::linspace(-1, 1, 64).reshape({64, 1}).realize();
  const Tensor y = (an::sin(x * 3) + an::randn({64, 1}, {.seed = 1}) * 0.02).realize();

  const nn::Mlp net({1, 32, 32, 1}, {.activation = nn::Activation::kTanh});
  nn::initialize(net, 7);
  const std::vector<nn::NamedParam> params = nn::parameters(net);
  const size_t count = params.size();

  std::vector<Tensor> state;  // parameters, then their velocities
  for (const nn::NamedParam& p : params) state.push_back(p.param);
  for (const nn::NamedParam& p : params) state.push_back(an::zeros(an::Sizes(p.param.shape())));

  const auto step = an::jit(
      [&](const std::vector<Tensor>& in) {
        const std::vector<Tensor> now(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
        const nn::Substitute substitute(params, now, {.train = true});
        const Tensor loss = an::mse_loss(net(in[2 * count]), in[2 * count + 1]);
        const std::vector<Tensor> slopes = an::gradients(loss, now);
        std::vector<Tensor> next, velocity;
        for (size_t i = 0; i < count; ++i) {
          const Tensor unit = slopes[i] / (an::norm(slopes[i]) + 1e-6);
          velocity.push_back(in[count + i] * 0.9 + unit * 0.1);
          next.push_back(now[i] - velocity[i] * in[2 * count + 2]);
        }
        next.insert(next.end(), velocity.begin(), velocity.end());
        next.push_back(loss);
        return next;
      },
      {.state = 2 * count});

  double loss = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<Tensor> arguments = state;
    arguments.insert(arguments.end(), {x, y, an::full({}, 0.1 * (1 - i / 300.0))});
    state = step(arguments);
    if (i % 100 == 99)
      std::cout << "step " << i + 1 << ": loss " << (loss = state.back().item<double>()) << "\n";
    state.pop_back();
  }
  for (size_t i = 0; i < count; ++i) params[i].param.set(state[i]);  // the module has them now
  std::cout << "sin(1.5) is about " << net(an::full({1, 1}, 0.5)).item<float>() << "; " << step.captures()
            << " program\n";
  return loss < 0.01 ? 0 : 1;
}
