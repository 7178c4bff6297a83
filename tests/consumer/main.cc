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
  const an::nn::Gpt model({.vocabulary = 257, .context = 8, .width = 8, .heads = 2, .layers = 1});
  an::nn::initialize(model, 1);
  an::gpt2::Generator generator(model);
  const auto written = an::gpt2::generate(generator, an::Bpe::of_bytes().encode("hi"), {.max_tokens = 3});
  return total > 1.9999f && total < 2.0001f && same && characters.size() == 4 && written.ids.size() == 3 ? 0
                                                                                                         : 1;
}
