// SPDX-License-Identifier: MIT
// A small GPT learns a text by heart, character by character, and continues it: one compiled step, and one
// compiled forward for every position, with the keys and values of what came before.
#include <anneal/anneal.h>

#include <iostream>
#include <random>
#include <set>
#include <string>

namespace an = anneal;
namespace nn = anneal::nn;
using an::Tensor;

namespace {

const std::string kText =
    "the rain in the hills falls on the river, and the river runs to the sea; "
    "the sea gives its water to the wind, and the wind brings the rain to the hills. ";
constexpr int64_t kLength = 64, kBatch = 4;

struct Characters {
  std::string all;
  Characters() {
    const std::set<char> set(kText.begin(), kText.end());
    all.assign(set.begin(), set.end());
  }
  int32_t number(char c) const { return static_cast<int32_t>(all.find(c)); }
};

// Pieces of the text; the targets are one character ahead.
an::NamedTensors make_batch(const Characters& characters, std::mt19937& random) {
  std::vector<int32_t> ids, targets;
  for (int64_t i = 0; i < kBatch; ++i) {
    const size_t start = random() % kText.size();
    for (size_t j = start; j < start + kLength; ++j) {
      ids.push_back(characters.number(kText[j % kText.size()]));
      targets.push_back(characters.number(kText[(j + 1) % kText.size()]));
    }
  }
  return {{"ids", an::from_data(ids, {kBatch, kLength})},
          {"targets", an::from_data(targets, {kBatch, kLength})}};
}

}  // namespace

int main() {
  const Characters characters;
  const nn::Gpt model({.vocabulary = static_cast<int64_t>(characters.all.size()),
                       .context = 96,
                       .width = 48,
                       .heads = 4,
                       .layers = 2,
                       .kv_heads = 2,
                       .rope = 1000,
                       .deviation = 0.1});
  const auto step = an::compile(an::Training{
      .model = model,
      .loss = [](const nn::Gpt& m,
                 an::Inputs in) { return nn::language_model_loss(m(in["ids"]), in["targets"]); },
      .inputs = {{"ids", {kBatch, kLength}, an::i32}, {"targets", {kBatch, kLength}, an::i32}},
      .optimizer = an::AdamW{.lr = an::warmup_cosine(1e-2, 10, 150), .weight_decay = 0.01},
      .seed = 1337,
      .clip = {.norm = 1},
  });
  std::mt19937 random(1);
  double loss = 0;
  for (int i = 0; i < 150; ++i) {
    const an::StepResult r = step(make_batch(characters, random));
    if (r.step % 50 == 0) std::cout << "step " << r.step << ": loss " << (loss = r.loss()) << "\n";
  }

  // The most likely character and the grown cache, from one character and the cache.
  const auto next = step.attach(
      [](const nn::Gpt& m, an::Inputs in) {
        Tensor cache = in["cache"];
        const Tensor logits = m(in["id"], cache);
        return std::pair(an::argmax(logits, -1), cache);
      },
      {{"id", {1, 1}, an::i32}, {"cache", model.cache_sizes(1, an::dim("past", 0, 95))}});
  std::string text = kText.substr(0, 11);
  Tensor cache = an::zeros(model.cache_sizes(1, 0)), found;
  for (size_t i = 0; i + 1 < kLength; ++i) {
    std::tie(found, cache) =
        next({{"id", an::from_data(std::vector{characters.number(text[i])}, {1, 1})}, {"cache", cache}});
    if (i + 1 == text.size()) text += characters.all[static_cast<size_t>(found.item<int32_t>())];
  }
  std::cout << text << "\nprograms for " << text.size() << " characters: " << next.compiles() << "\n";
  return loss < 0.5 && next.compiles() == 1 ? 0 : 1;
}
