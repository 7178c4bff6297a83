// SPDX-License-Identifier: MIT
#include <anneal/anneal.h>

#include <cstdio>
#include <iostream>

namespace an = anneal;

int main() {
  const an::Tensor x = an::randn({2, 3}, {.seed = 7});
  const an::Tensor y = an::softmax(x * 2 + 1, -1);
  std::cout << y << '\n';
  const float total = y.sum().item<float>();  // each row adds up to one
  an::save_npz("consumer.npz", {{"y", y}}, true);
  const bool same = an::load_npz("consumer.npz").at("y").to_vector<float>() == y.to_vector<float>();
  std::remove("consumer.npz");
  const an::CharTokenizer characters = an::CharTokenizer::of("hello");
  return total > 1.9999f && total < 2.0001f && same && characters.size() == 4 ? 0 : 1;
}
