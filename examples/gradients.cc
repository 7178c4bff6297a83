// SPDX-License-Identifier: MIT
// Gradients are values of the same graph, so they nest: Newton's method, a Hessian times a vector, forward
// mode, and a function with a derivative of its own.
#include <anneal/anneal.h>

#include <cmath>
#include <iostream>

namespace an = anneal;
using an::Tensor;

namespace {

// The cube root of 7: Newton's method on f(x) = (x^3 - 7)^2 needs two derivatives.
float newton_cube_root() {
  const auto f = [](const Tensor& x) { return an::square(x * x * x - 7); };
  Tensor x = an::full({}, 2.f);
  for (int i = 0; i < 8; ++i) {
    const Tensor slope = an::grad(f)(x), curve = an::grad(an::grad(f))(x);
    x = (x - slope / curve).realize();
  }
  return x.item<float>();
}

// Clips the adjoint that comes back through it, and changes nothing going forward.
Tensor clip_gradient(const Tensor& x, double limit) {
  return an::custom_gradient(x, {x}, [limit](const Tensor& upstream, const std::vector<Tensor>&) {
    return std::vector<Tensor>{an::clamp(upstream, -limit, limit)};
  });
}

}  // namespace

int main() {
  std::cout << "cube root of 7: " << newton_cube_root() << "\n";

  const Tensor x = an::randn({8, 3}, {.seed = 1}), w = an::randn({3, 2}, {.seed = 2}), v = an::ones({3, 2});
  const auto loss = [&](const Tensor& weights) {
    return an::mean(an::square(an::tanh(an::matmul(x, weights))));
  };

  const auto [value, slope] = an::value_and_grad(loss)(w);
  std::cout << "loss " << value << ", gradient\n" << slope << "\n";

  const Tensor hessian_vector = an::grad([&](const Tensor& u) { return an::sum(an::grad(loss)(u) * v); })(w);
  std::cout << "Hessian times v\n" << hessian_vector << "\n";

  // Forward mode along v equals the gradient's product with v.
  const float forward = an::jvp({loss(w)}, {w}, {v})[0].item<float>();
  const float reverse = an::sum(slope * v).item<float>();
  std::cout << "along v: " << forward << " forward, " << reverse << " in reverse\n";

  const auto clipped = [&](const Tensor& u) { return an::sum(clip_gradient(u, 0.5) * u * 10); };
  std::cout << "clipped gradient\n" << an::grad(clipped)(v) << "\n";

  return std::abs(newton_cube_root() - std::cbrt(7.f)) < 1e-5f && std::abs(forward - reverse) < 1e-5f ? 0 : 1;
}
