// SPDX-License-Identifier: MIT
// Tensors are lazy values: building one runs nothing; printing and item() run what is needed.
#include <anneal/anneal.h>

#include <iostream>

namespace an = anneal;
using an::Tensor, an::_;

int main() {
  const Tensor x = an::randn({4, 6}, {.seed = 7});
  const Tensor p = an::softmax(x * 2 + 1, -1);
  std::cout << "p[0:2] =\n" << p.slice({{0, 2}, _}) << "\n";
  std::cout << "row sums = " << p.sum(-1) << "\n";

  // Numbers stand on either side; shapes broadcast; comparisons give masks.
  const Tensor clipped = an::where(x > 1, 1, x) + an::arange(6) * 0.1;
  std::cout << "mean = " << clipped.mean().item<float>() << "\n";

  // The length of an axis may be open. One graph serves every binding.
  const an::Extent batch = an::dim("batch", 1, 8);
  const Tensor ones = an::ones({batch, 3});
  std::cout << ones.type()
            << " summed over the batch, for 2 and 5: " << ones.sum(0).str({.dims = {{"batch", 2}}}) << " "
            << ones.sum(0).str({.dims = {{"batch", 5}}}) << "\n";

  // A mistake names the operation, the shapes and this line.
  try {
    an::matmul(x, p);
  } catch (const an::Error& e) {
    std::cout << e.what() << "\n";
  }
}
