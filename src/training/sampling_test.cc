// SPDX-License-Identifier: MIT
#include "training/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace anneal::training {
namespace {

std::vector<int> counts(const std::vector<float>& logits, const SampleOptions& options, int draws = 20000) {
  support::RandomStream random(7);
  std::vector<int> out(logits.size());
  for (int i = 0; i < draws; ++i) ++out[static_cast<size_t>(sample(logits, options, random))];
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

}  // namespace
}  // namespace anneal::training
