// SPDX-License-Identifier: MIT
#include "anneal/gpt2/generator.h"

#include <gtest/gtest.h>

#include <cmath>

#include "anneal/counters.h"
#include "anneal/error.h"
#include "anneal/functions.h"

namespace anneal::gpt2 {
namespace {

nn::Gpt small_model() {
  nn::Gpt model(nn::GptConfig{.vocabulary = 50,
                              .context = 24,
                              .width = 32,
                              .heads = 4,
                              .layers = 2,
                              .tied = true,
                              .deviation = 0.4,
                              .inputs_first = true});
  nn::initialize(model, 5);
  return model;
}

// Of the last position, by the model itself.
std::vector<float> wanted(const nn::Gpt& model, const std::vector<int32_t>& ids) {
  const auto count = static_cast<int64_t>(ids.size());
  const Tensor logits = model(from_data(ids, {1, count}));
  return narrow(logits, 1, count - 1, 1).flatten().to_vector<float>();
}

void expect_near(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-4) << i;
}

TEST(Generator, AgreesWithTheModelHoweverTokensArrive) {
  const nn::Gpt model = small_model();
  const std::vector<std::vector<size_t>> ways = {{24}, {1, 1, 1, 1, 1, 1}, {5, 1, 1, 3, 1, 13}, {2, 22}};
  Generator generator(model);
  for (const std::vector<size_t>& way : ways) {
    generator.clear();
    std::vector<int32_t> ids;
    for (const size_t count : way) {
      const size_t first = ids.size();
      for (size_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>((ids.size() * 17 + 3) % 50));
      expect_near(generator.feed(std::span(ids).subspan(first)), wanted(model, ids));
    }
  }
  EXPECT_EQ(generator.compiles(), 2u) << "one for many tokens, one for a single one";
}

TEST(Generator, MemoryDoesNotGrow) {
  Generator generator(small_model());
  const auto token = [&] {
    if (generator.length() == generator.context()) generator.clear();
    const int32_t id = 7;
    generator.feed(std::span(&id, 1));
  };
  const auto grown = [&](int tokens) {  // with what was dropped and is not freed yet
    const uint64_t before = counters().active_bytes;
    for (int i = 0; i < tokens; ++i) token();
    return static_cast<int64_t>(counters().active_bytes - before);
  };
  grown(6000);
  EXPECT_LT(grown(6000), int64_t{3} << 20);
}

TEST(Generator, RefusesWhatDoesNotFit) {
  Generator generator(small_model(), 4);
  const std::vector<int32_t> ids = {1, 2, 3, 4, 5};
  EXPECT_THROW(generator.feed(ids), Error);
  EXPECT_THROW(generator.feed({}), Error);
  const std::vector<int32_t> unknown = {50}, negative = {-1};
  EXPECT_THROW(generator.feed(unknown), Error);
  EXPECT_THROW(generator.feed(negative), Error);
  EXPECT_EQ(generator.feed(std::span(ids).first(4)).size(), 50u);
  EXPECT_THROW(generator.feed(std::span(ids).first(1)), Error);
}

}  // namespace
}  // namespace anneal::gpt2
