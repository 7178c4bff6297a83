// SPDX-License-Identifier: MIT
#include "anneal/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "anneal/error.h"

namespace anneal {
namespace {

std::vector<int> counts(const std::vector<float>& logits, const SampleOptions& options, int draws = 20000) {
  Sampler sampler(options, 7);
  std::vector<int> out(logits.size());
  for (int i = 0; i < draws; ++i) ++out[static_cast<size_t>(sampler(logits))];
  return out;
}

TEST(Sampling, GreedyIsTheFirstOfTheGreatest) {
  EXPECT_EQ(counts({1, 3, 3, 2}, {.temperature = 0}, 10), (std::vector<int>{0, 10, 0, 0}));
  EXPECT_EQ(counts({1, 3, 3, 2}, {.top_k = 1}, 10), (std::vector<int>{0, 10, 0, 0}));
}

TEST(Sampling, FollowsTheProbabilities) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  const std::vector<int> got = counts(logits, {});
  EXPECT_NEAR(got[0], 10000, 400);
  EXPECT_NEAR(got[1], 6000, 400);
  const std::vector<int> hot = counts(logits, {.temperature = 1e6});
  for (const int n : hot) EXPECT_NEAR(n, 6667, 400);
}

TEST(Sampling, LeavesOutWhatIsUnlikely) {
  const std::vector<float> logits = {std::log(0.1F), std::log(0.5F), std::log(0.1F), std::log(0.3F)};
  const std::vector<int> top = counts(logits, {.top_k = 2});
  EXPECT_EQ(top[0] + top[2], 0);
  EXPECT_NEAR(top[1], 12500, 500);
  const std::vector<int> nucleus = counts(logits, {.top_p = 0.75});
  EXPECT_EQ(nucleus[0] + nucleus[2], 0);
  EXPECT_NEAR(nucleus[3], 7500, 500);
  EXPECT_EQ(counts(logits, {.top_p = 0.2})[1], 20000) << "one is always left";
  EXPECT_EQ(counts(logits, {.top_k = 100}), counts(logits, {}));
}

TEST(Sampling, InfinitiesAreNeverDrawn) {
  const std::vector<int> got = counts({-HUGE_VALF, 0, -HUGE_VALF, 0}, {});
  EXPECT_EQ(got[0] + got[2], 0);
}

TEST(Sampling, OneSeedOneSequence) {
  const std::vector<float> logits = {0, 0.5F, -1, 0.25F};
  const auto drawn = [&](uint64_t seed) {
    Sampler sampler({}, seed);
    std::vector<int32_t> out(50);
    for (int32_t& id : out) id = sampler(logits);
    return out;
  };
  EXPECT_EQ(drawn(3), drawn(3));
  EXPECT_NE(drawn(3), drawn(4));
}

TEST(Sampling, RefusesWhatCannotBeDrawnFrom) {
  EXPECT_THROW(Sampler({.temperature = -1}), Error);
  EXPECT_THROW(Sampler({.temperature = std::nan("")}), Error);
  EXPECT_THROW(Sampler({.top_k = -1}), Error);
  EXPECT_THROW(Sampler({.top_p = 0}), Error);
  EXPECT_THROW(Sampler({.top_p = 1.5}), Error);
  const std::vector<float> undefined = {0, std::nanf("")}, impossible = {-HUGE_VALF, -HUGE_VALF};
  EXPECT_THROW(Sampler()({}), Error);
  EXPECT_THROW(Sampler()(undefined), Error);
  EXPECT_THROW(Sampler({.temperature = 0})(undefined), Error);
  EXPECT_THROW(Sampler()(impossible), Error);
}

}  // namespace
}  // namespace anneal
