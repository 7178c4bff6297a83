// SPDX-License-Identifier: MIT
// A training loop by hand: a two-layer network learns to tell two spirals apart. The step (the loss, its
// gradients and the update) is captured once and runs as one program, in which the state is updated in place.
#include <anneal/anneal.h>

#include <cmath>
#include <iostream>
#include <vector>

namespace an = anneal;
using an::Tensor;

namespace {

struct Network {
  Tensor w1, b1, w2, b2, w3, b3;
  Tensor operator()(const Tensor& x) const {
    const Tensor h = an::tanh(an::matmul(an::tanh(an::matmul(x, w1) + b1), w2) + b2);
    return an::matmul(h, w3) + b3;
  }
  std::vector<Tensor*> parameters() { return {&w1, &b1, &w2, &b2, &w3, &b3}; }
};

struct Spirals {
  Tensor points, labels;
};

Spirals make_spirals(int per_class) {
  std::vector<float> xy;
  std::vector<int32_t> labels;
  for (int c = 0; c < 2; ++c)
    for (int i = 0; i < per_class; ++i) {
      const float t = 0.25f + 2.75f * static_cast<float>(i) / static_cast<float>(per_class);
      const float angle = t * 2.2f + 3.14159265f * static_cast<float>(c);
      xy.push_back(t * std::cos(angle));
      xy.push_back(t * std::sin(angle));
      labels.push_back(c);
    }
  return {an::from_data(xy, {2 * per_class, 2}), an::from_data(labels, {2 * per_class})};
}

}  // namespace

int main() {
  const Spirals data = make_spirals(100);
  const an::Rng rng(42);
  Network net{rng.split(0).randn({2, 32}),        an::zeros({32}),
              rng.split(1).randn({32, 32}) * 0.2, an::zeros({32}),
              rng.split(2).randn({32, 2}) * 0.2,  an::zeros({2})};
  for (Tensor* p : net.parameters()) *p = p->realize();
  // Parameters and their velocities are the state of the step: the first results are their next values.
  std::vector<Tensor> state;
  for (Tensor* p : net.parameters()) state.push_back(*p);
  for (Tensor* p : net.parameters()) state.push_back(an::zeros_like(*p).realize());
  const auto step = an::jit(
      [](const std::vector<Tensor>& in) {
        const std::vector<Tensor> parameters(in.begin(), in.begin() + 6),
            velocity(in.begin() + 6, in.begin() + 12);
        const Network now{in[0], in[1], in[2], in[3], in[4], in[5]};
        const Tensor loss = an::cross_entropy(now(in[12]), in[13]);
        const std::vector<Tensor> slopes = an::gradients(loss, parameters);
        std::vector<Tensor> next, speed;
        for (size_t i = 0; i < slopes.size(); ++i) {
          speed.push_back(velocity[i] * 0.9 + slopes[i]);
          next.push_back(parameters[i] - speed[i] * 0.1);
        }
        next.insert(next.end(), speed.begin(), speed.end());
        next.push_back(loss);
        return next;
      },
      {.state = 12});

  for (int number = 0; number <= 300; ++number) {
    std::vector<Tensor> arguments = state;
    arguments.push_back(data.points);
    arguments.push_back(data.labels);
    state = step(arguments);
    const Tensor loss = state.back();
    state.pop_back();
    if (number % 50 == 0) std::cout << "step " << number << ": loss " << loss.item<float>() << "\n";
  }
  for (size_t i = 0; i < 6; ++i) *net.parameters()[i] = state[i];
  const float right =
      an::mean(an::cast(an::argmax(net(data.points), -1) == data.labels, an::f32)).item<float>();
  std::cout << "right: " << 100 * right << " %\n";
  return right > 0.95f ? 0 : 1;
}
