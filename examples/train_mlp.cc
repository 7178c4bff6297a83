// SPDX-License-Identifier: MIT
// A training loop by hand: a two-layer network learns to tell two spirals apart. Each step is one graph: the
// loss, its gradients and the update; realize() runs it once and keeps the new values as data.
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
  std::vector<Tensor> velocity;
  for (Tensor* p : net.parameters()) velocity.push_back(an::zeros_like(*p));

  for (int step = 0; step <= 300; ++step) {
    const Tensor loss = an::cross_entropy(net(data.points), data.labels);
    std::vector<Tensor> parameters;
    for (Tensor* p : net.parameters()) parameters.push_back(*p);
    const std::vector<Tensor> slopes = an::gradients(loss, parameters);
    std::vector<Tensor> next{loss};
    for (size_t i = 0; i < slopes.size(); ++i) {
      velocity[i] = velocity[i] * 0.9 + slopes[i];
      next.push_back(velocity[i]);
      next.push_back(parameters[i] - velocity[i] * 0.1);
    }
    next = an::realize(next);  // one run for all of it
    for (size_t i = 0; i < slopes.size(); ++i) {
      velocity[i] = next[1 + 2 * i];
      *net.parameters()[i] = next[2 + 2 * i];
    }
    if (step % 50 == 0) std::cout << "step " << step << ": loss " << next[0].item<float>() << "\n";
  }
  const float right =
      an::mean(an::cast(an::argmax(net(data.points), -1) == data.labels, an::f32)).item<float>();
  std::cout << "right: " << 100 * right << " %\n";
  return right > 0.95f ? 0 : 1;
}
