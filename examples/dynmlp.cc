// SPDX-License-Identifier: MIT
// Batches of any size: an extent that is a named dimension, and one program for all of them.
#include <anneal/anneal.h>

#include <iostream>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

int main() {
  const an::Extent batch = an::dim("batch", 1, 256);
  const auto step = an::compile(an::Training{
      .model = nn::Mlp({2, 32, 32, 1}, {.activation = nn::Activation::kTanh}),
      .loss = [](const nn::Mlp& m, an::Inputs in) { return an::mse_loss(m(in["x"]), in["y"]); },
      .inputs = {{"x", {batch, 2}}, {"y", {batch, 1}}},
      .optimizer = an::AdamW{.lr = 1e-2},
      .seed = 1,
  });
  const int64_t sizes[] = {1, 7, 32, 129};
  double loss = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    const int64_t size = sizes[i % 4];
    const Tensor x = (an::rand({size, 2}, {.seed = i}) * 2 - 1).realize();
    const Tensor y = an::prod(x, 1, true);  // x0 * x1
    const an::StepResult r = step({{"x", x}, {"y", y}});
    if (r.step % 100 == 0)
      std::cout << "step " << r.step << ", " << size << " examples: loss " << (loss = r.loss()) << "\n";
  }
  std::cout << "programs compiled: " << step.compiles() << "\n";
  return loss < 0.02 && step.compiles() == 1 ? 0 : 1;
}
