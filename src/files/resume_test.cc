// SPDX-License-Identifier: MIT
#include "anneal/resume.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "anneal/error.h"
#include "anneal/functions.h"
#include "anneal/nn.h"

namespace anneal {
namespace {

struct Small {
  nn::Linear l1{3, 5}, l2{5, 1};
  nn::Dropout drop{0.2};
  Tensor operator()(const Tensor& x) const { return l2(drop(tanh(l1(x)))); }
};

Step<Small> make(Optimizer optimizer, uint64_t seed = 4) {
  return compile(Training{
      .model = Small{},
      .loss = [](const Small& m, Inputs in) { return mean(square(m(in["x"]))); },
      .inputs = {{"x", {4, 3}}},
      .optimizer = std::move(optimizer),
      .seed = seed,
  });
}

NamedTensors batch(int64_t i) { return {{"x", randn({4, 3}, {.seed = static_cast<uint64_t>(i)})}}; }

TEST(Resume, GoesOnBitForBit) {
  const std::string path = testing::TempDir() + std::to_string(getpid()) + "resume_test.ckpt";
  const auto whole = make(AdamW{.lr = 0.1});
  for (int64_t i = 0; i < 6; ++i) whole(batch(i));
  const auto first = make(AdamW{.lr = 0.1});
  for (int64_t i = 0; i < 3; ++i) first(batch(i));
  Checkpoint saved = checkpoint_of(first);
  saved.integers["place"] = 3;  // what a program adds of its own does not disturb
  save_checkpoint(path, saved);

  const auto second = make(AdamW{.lr = 0.1}, 99);
  const Checkpoint loaded = load_checkpoint(path);
  resume(second, loaded);
  EXPECT_EQ(second.steps(), 3);
  EXPECT_EQ(second.seed(), 4u);
  for (int64_t i = loaded.integers.at("place"); i < 6; ++i) second(batch(i));
  const NamedTensors want = whole.parameters(), got = second.parameters();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(got[i].value.to_vector<float>(), want[i].value.to_vector<float>()) << want[i].name;
}

TEST(Resume, AnotherOptimizerIsRefused) {
  const auto from = make(Sgd{});
  const auto to = make(AdamW{});
  to(batch(0));
  const std::vector<float> before = to.parameter("l1.weight").to_vector<float>();
  EXPECT_THROW(resume(to, checkpoint_of(from)), Error);
  EXPECT_THROW(resume(to, Checkpoint{}), Error);
  EXPECT_EQ(to.parameter("l1.weight").to_vector<float>(), before);
  EXPECT_EQ(to.steps(), 1);
}

TEST(Resume, ParametersAloneInOtherFormats) {
  const std::string path = testing::TempDir() + std::to_string(getpid()) + "resume_test.safetensors";
  const auto from = make(Sgd{}, 1), to = make(AdamW{}, 2);
  save_safetensors(path, by_name(from.parameters()));
  to.upload(listed(load_safetensors(path)));
  EXPECT_EQ(to.parameter("l2.weight").to_vector<float>(), from.parameter("l2.weight").to_vector<float>());
}

struct Grown {
  nn::Linear l1{3, 5}, between{5, 5}, l2{5, 1};
  Tensor operator()(const Tensor& x) const { return l2(tanh(between(tanh(l1(x))))); }
};

TEST(Resume, AGrownModelTakesWhatFits) {
  const auto small = make(Sgd{.lr = 0.1});
  small(batch(0));
  const Grown grown;
  const nn::LoadReport report = nn::load_state_dict(grown, small.parameters(), false);
  EXPECT_EQ(report.loaded, 4u);
  EXPECT_EQ(report.missing, (std::vector<std::string>{"between.weight", "between.bias"}));
  const auto step = compile(Training{
      .model = grown,
      .loss = [](const Grown& m, Inputs in) { return mean(square(m(in["x"]))); },
      .inputs = {{"x", {4, 3}}},
      .optimizer = Sgd{},
  });
  EXPECT_EQ(step.parameter("l1.weight").to_vector<float>(), small.parameter("l1.weight").to_vector<float>());
  EXPECT_GT(step({{"x", ones({4, 3})}}).loss(), 0);
}

}  // namespace
}  // namespace anneal
