// SPDX-License-Identifier: MIT
// Reading intermediate values: a layer of attention learns to find the position that holds a mark, and
// capture() shows where it looks. Steps that are not asked for captures are compiled without them.
#include <anneal/anneal.h>

#include <cmath>
#include <iostream>
#include <random>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

namespace {

constexpr int64_t kLength = 8, kTokens = 6, kWidth = 16, kBatch = 32;

// One query for the whole sequence.
struct Pointer {
  nn::Embedding tokens{kTokens, kWidth};
  nn::Linear key{kWidth, kWidth, {.bias = false}}, value{kWidth, kWidth};
  an::Param query{{kWidth}, nn::init::normal(0.3)};
  nn::Linear head{kWidth, kTokens};

  Tensor operator()(const Tensor& ids) const {
    const Tensor x = tokens(ids);
    // A position is looked at for what stands before it.
    const Tensor before = an::pad(an::narrow(x, 1, 0, kLength - 1), {{0, 0}, {1, 0}, {0, 0}});
    const Tensor scores = an::matmul(key(before), query) / std::sqrt(static_cast<double>(kWidth));
    const Tensor weights = an::capture("attention", an::softmax(scores));
    return head(an::sum(an::unsqueeze(weights, 2) * value(x), 1));
  }
};

// The answer is the token behind the mark, which is token 0.
an::NamedTensors make_batch(std::mt19937& random) {
  std::vector<int32_t> ids, answers;
  for (int64_t i = 0; i < kBatch; ++i) {
    const size_t mark = random() % (kLength - 1), first = ids.size();
    for (size_t j = 0; j < kLength; ++j) ids.push_back(static_cast<int32_t>(1 + random() % (kTokens - 1)));
    ids[first + mark] = 0;
    answers.push_back(ids[first + mark + 1]);
  }
  return {{"ids", an::from_data(ids, {kBatch, kLength})}, {"answers", an::from_data(answers, {kBatch})}};
}

}  // namespace

int main() {
  const auto step = an::compile(an::Training{
      .model = Pointer{},
      .loss = [](const Pointer& m, an::Inputs in) { return an::cross_entropy(m(in["ids"]), in["answers"]); },
      .inputs = {{"ids", {kBatch, kLength}, an::i32}, {"answers", {kBatch}, an::i32}},
      .optimizer = an::AdamW{.lr = 2e-2},
      .seed = 5,
  });
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) step(make_batch(random));

  const an::NamedTensors batch = make_batch(random);
  const an::StepResult r = step(batch, {.captures = true});
  const std::vector<float> weights = r.capture("attention").to_vector<float>();
  const std::vector<int32_t> ids = batch[0].value.to_vector<int32_t>();
  double on_answer = 0;
  for (size_t i = 0; i < kBatch; ++i)
    for (size_t j = 0; j + 1 < kLength; ++j)
      if (ids[i * kLength + j] == 0) on_answer += weights[i * kLength + j + 1] / kBatch;
  for (size_t j = 0; j < kLength; ++j) {
    std::cout << (ids[j] == 0 ? "mark" : "   " + std::to_string(ids[j])) << "  ";
    std::cout << std::string(static_cast<size_t>(std::lround(40 * weights[j])), '#') << "\n";
  }
  std::cout << "loss " << r.loss() << ", " << 100 * on_answer << " % of the attention is on the answer\n";
  return on_answer > 0.8 ? 0 : 1;
}
