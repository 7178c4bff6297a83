// SPDX-License-Identifier: MIT
#include <anneal/anneal.h>

#include <iostream>

namespace an = anneal;

int main() {
  const an::Tensor x = an::randn({2, 3}, {.seed = 7});
  const an::Tensor y = an::softmax(x * 2 + 1, -1);
  std::cout << y << '\n';
  const float total = y.sum().item<float>();  // each row adds up to one
  return total > 1.9999f && total < 2.0001f ? 0 : 1;
}
