// SPDX-License-Identifier: MIT
#include "anneal/gpt2/writing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "anneal/error.h"
#include "anneal/functions.h"

namespace anneal::gpt2 {
namespace {

constexpr int64_t kContext = 16;

nn::Gpt writing_model() {
  nn::Gpt model(nn::GptConfig{.vocabulary = 40,
                              .context = kContext,
                              .width = 16,
                              .heads = 2,
                              .layers = 1,
                              .tied = true,
                              .deviation = 0.5,
                              .inputs_first = true});
  nn::initialize(model, 9);
  return model;
}

const std::vector<int32_t> kPrompt = {3, 1, 4};

// By the model itself, without a cache; where `last` tokens are looked at.
int32_t likeliest(const nn::Gpt& model, const std::vector<int32_t>& ids) {
  const auto count = static_cast<int64_t>(ids.size());
  const Tensor logits = model(from_data(ids, {1, count}));
  return argmax(narrow(logits, 1, count - 1, 1), -1).item<int32_t>();
}

TEST(Generate, IsTheModelsOwnContinuation) {
  const nn::Gpt model = writing_model();
  std::vector<int32_t> wanted = kPrompt;
  for (int i = 0; i < 8; ++i) wanted.push_back(likeliest(model, wanted));
  Generator generator(model);
  std::vector<int32_t> shown;
  const Generated got =
      generate(generator, kPrompt, {.max_tokens = 8, .sampling = {.temperature = 0}}, [&](int32_t id) {
        shown.push_back(id);
        return true;
      });
  EXPECT_EQ(got.ids, std::vector<int32_t>(wanted.begin() + 3, wanted.end()));
  EXPECT_EQ(shown, got.ids);
  EXPECT_FALSE(got.is_full);
  EXPECT_GT(got.tokens_per_second(), 0);
}

TEST(Generate, WhatIsRuledOutIsNotDrawn) {
  Generator generator(writing_model());
  for (const double temperature : {0.0, 2.0}) {
    GenerateOptions options{.max_tokens = 12, .sampling = {.temperature = temperature}};
    generator.clear();
    const std::vector<int32_t> freely = generate(generator, kPrompt, options).ids;
    options.never = freely;
    generator.clear();
    const Generated other = generate(generator, kPrompt, options);
    EXPECT_EQ(other.ids.size(), 12u);
    for (const int32_t id : other.ids)
      EXPECT_EQ(std::count(freely.begin(), freely.end(), id), 0) << id << " at " << temperature;
  }
  generator.clear();
  EXPECT_THROW(generate(generator, kPrompt, {.never = {40}}), Error);
}

TEST(Generate, EndsWhereItIsTold) {
  Generator generator(writing_model());
  const auto ids = [&](const GenerateOptions& options, const std::function<bool(int32_t)>& show = {}) {
    generator.clear();
    return generate(generator, kPrompt, options, show).ids;
  };
  const std::vector<int32_t> six = ids({.max_tokens = 6, .seed = 5});
  ASSERT_EQ(six.size(), 6u);
  EXPECT_EQ(ids({.max_tokens = 6, .seed = 5}), six);
  EXPECT_NE(ids({.max_tokens = 6, .seed = 6}), six);
  EXPECT_EQ(ids({.max_tokens = 0}).size(), 0u);
  EXPECT_EQ(ids({.max_tokens = 6, .seed = 5}, [](int32_t) { return false; }).size(), 1u);
  const auto at = std::find(six.begin(), six.end(), six[4]);
  EXPECT_EQ(ids({.max_tokens = 6, .seed = 5, .end = six[4]}), std::vector<int32_t>(six.begin(), at))
      << "the end is not shown";
}

TEST(Generate, AFullContextEndsOrSlides) {
  const nn::Gpt model = writing_model();
  Generator generator(model);
  const Generated full = generate(generator, kPrompt, {.max_tokens = 100});
  EXPECT_TRUE(full.is_full);
  EXPECT_EQ(full.ids.size(), static_cast<size_t>(kContext) - kPrompt.size() + 1);
  generator.clear();
  const Generated slid =
      generate(generator, kPrompt, {.max_tokens = 100, .sampling = {.temperature = 0}, .slides = true});
  EXPECT_FALSE(slid.is_full);
  ASSERT_EQ(slid.ids.size(), 100u);
  std::vector<int32_t> seen = kPrompt;
  for (size_t i = 0; i < slid.ids.size(); ++i) {
    ASSERT_EQ(slid.ids[i], likeliest(model, seen)) << i;
    seen.push_back(slid.ids[i]);
    if (seen.size() > static_cast<size_t>(kContext)) seen.erase(seen.begin(), seen.end() - kContext / 2);
  }
}

TEST(Generate, GoesOnFromWhatTheGeneratorHolds) {
  const nn::Gpt model = writing_model();
  Generator whole(model), parts(model);
  const GenerateOptions greedy{.max_tokens = 5, .sampling = {.temperature = 0}};
  parts.feed(std::span(kPrompt).first(2));
  EXPECT_EQ(generate(parts, std::span(kPrompt).last(1), greedy).ids, generate(whole, kPrompt, greedy).ids);
}

TEST(Generate, RefusesAPromptThatDoesNotFit) {
  Generator generator(writing_model());
  EXPECT_THROW(generate(generator, std::vector<int32_t>(kContext + 1, 1)), Error);
  EXPECT_THROW(generate(generator, {}), Error);
  EXPECT_THROW(generate(generator, kPrompt, {.sampling = {.top_p = 2}}), Error);
}

}  // namespace
}  // namespace anneal::gpt2
