// SPDX-License-Identifier: MIT
#include "training/trainable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "anneal/error.h"
#include "tests/support/test_error.h"
#include "training/sources.h"

namespace anneal::training {
namespace {

using testing::HasSubstr;

class TrainableTest : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "anneal_trainable_test";
  void SetUp() override {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "text.txt") << documentation().substr(0, 5000);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  Settings settings(std::string_view model, int64_t steps) const {
    Settings out{.steps = steps, .batch = model == "dynmlp" ? 0 : 4, .seed = 3};
    if (model == "nanogpt") {
      out.data = (folder / "text.txt").string();
      out.layers = 1, out.heads = 2, out.width = 16, out.block = 12;
    }
    return out;
  }
  static void run(const Trainable& t, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) t.step()(t.batch(i));
  }
};

std::map<std::string, std::vector<float>> values(const Checkpoint& c) {
  std::map<std::string, std::vector<float>> out;
  for (const auto& [name, t] : c.tensors) out[name] = t.to(f32).to_vector<float>();
  return out;
}

TEST_F(TrainableTest, TwentyStepsAreTenAndTen) {
  for (const Model& model : all_models()) {
    Settings with = settings(model.name, 20);
    with.lr = 0.0007;
    const auto whole = model.make(with);
    run(*whole, 0, 20);
    const auto half = model.make(with);
    run(*half, 0, 10);
    const std::string path = (folder / "half.ckpt").string();
    save_checkpoint(path, half->checkpoint());
    const Checkpoint loaded = load_checkpoint(path);
    const auto rest = model.make(settings_of(loaded, {}));
    rest->resume(loaded);
    EXPECT_THAT(rest->notes(), testing::IsEmpty()) << model.name;
    EXPECT_EQ(rest->step().steps(), 10);
    run(*rest, 10, 20);
    EXPECT_EQ(values(whole->checkpoint()), values(rest->checkpoint())) << model.name;
    EXPECT_EQ(whole->checkpoint().integers, rest->checkpoint().integers) << model.name;
    EXPECT_EQ(whole->checkpoint().numbers, rest->checkpoint().numbers) << model.name;
    EXPECT_EQ(whole->checkpoint().texts, rest->checkpoint().texts) << model.name;
  }
}

TEST_F(TrainableTest, EveryModelLearns) {
  for (const Model& model : all_models()) {
    const auto t = model.make(settings(model.name, 60));
    const double first = t->step()(t->batch(0)).loss();
    double last = 0;
    for (int64_t i = 1; i < 60; ++i) last += t->step()(t->batch(i)).loss() / (i >= 52 ? 8 : HUGE_VAL);
    EXPECT_LT(last, first) << model.name;
    EXPECT_FALSE(t->about().empty());
    EXPECT_FALSE(t->finish().empty());
  }
}

TEST_F(TrainableTest, DynmlpIsCompiledOnce) {
  const auto t = find_model("dynmlp").make(settings("dynmlp", 20));
  run(*t, 0, 8);
  EXPECT_EQ(t->step().compiles(), 1u);
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < 4; ++i) sizes.push_back(t->batch(i)[0].value.shape()[0]);
  EXPECT_EQ(sizes, (std::vector<int64_t>{1, 7, 32, 129}));
}

TEST_F(TrainableTest, ARunGoesOnWithItsLearningRate) {
  Settings with = settings("nanogpt", 5);
  with.lr = 0.0123;
  const auto gpt = find_model("nanogpt").make(with);
  EXPECT_EQ(settings_of(gpt->checkpoint(), {}).lr, 0.0123);
  EXPECT_EQ(settings_of(gpt->checkpoint(), {.lr = 0.5}).lr, 0.5);
  EXPECT_EQ(find_model("nanogpt").make(settings("nanogpt", 5))->checkpoint().numbers.count("lr"), 0u);
}

TEST_F(TrainableTest, CheckpointsOfOtherModelsAreRefused) {
  const auto gpt = find_model("nanogpt").make(settings("nanogpt", 5));
  const auto mlp = find_model("mlp").make(settings("mlp", 5));
  EXPECT_NE(message_of([&] { mlp->resume(gpt->checkpoint()); }), "no error");
  Settings other = settings("nanogpt", 5);
  other.width = 32;
  EXPECT_THAT(message_of([&] { settings_of(gpt->checkpoint(), other); }), HasSubstr("--dmodel is 32"));
}

TEST_F(TrainableTest, WhatChangesOfARunIsNoted) {
  const Checkpoint before = find_model("nanogpt").make(settings("nanogpt", 5))->checkpoint();
  const Settings with = settings_of(before, {.steps = 6, .batch = 8, .lr = 0.5});
  EXPECT_THAT(with.notes, testing::ElementsAre("--batch is 8 from here on; it was 4",
                                               "--steps is 6 from here on; it was 5",
                                               "--lr is 0.5 from here on; it was the model's own"));
  EXPECT_THAT(settings_of(before, {.steps = 5, .batch = 4}).notes, testing::IsEmpty());
}

TEST_F(TrainableTest, ARunKnowsItsText) {
  const Checkpoint before = find_model("nanogpt").make(settings("nanogpt", 5))->checkpoint();
  const auto go_on = [&](const Settings& given) {
    return find_model("nanogpt").make(settings_of(before, given));
  };
  EXPECT_THAT(go_on({})->about()[1], HasSubstr("text.txt"));
  const std::string other = documentation().substr(0, 3000);
  std::ofstream(folder / "part.txt") << other;
  EXPECT_THAT(go_on({.data = (folder / "part.txt").string()})->notes(),
              testing::ElementsAre(HasSubstr("other data than before: ")));
  std::filesystem::copy_file(folder / "text.txt", folder / "moved.txt");
  EXPECT_THAT(go_on({.data = (folder / "moved.txt").string()})->notes(), testing::IsEmpty());
  std::ofstream(folder / "text.txt") << other;
  EXPECT_THAT(message_of([&] { go_on({}); }), HasSubstr("was trained on other data; --data goes on"));
  std::filesystem::remove(folder / "text.txt");
  EXPECT_THAT(message_of([&] { go_on({}); }), HasSubstr("--data"));
}

TEST_F(TrainableTest, ATextWithNewCharactersCannotGoOn) {
  const auto gpt = find_model("nanogpt").make(settings("nanogpt", 5));
  std::ofstream(folder / "other.txt") << documentation().substr(0, 5000) << "\u03b1";
  Settings with = settings_of(gpt->checkpoint(), {.data = (folder / "other.txt").string()});
  EXPECT_THAT(message_of([&] { find_model("nanogpt").make(with); }),
              HasSubstr("the checkpoint's model knows"));
}

TEST_F(TrainableTest, UnknownModelsHaveANearestOne) {
  EXPECT_THAT(message_of([] { find_model("nanogtp"); }), HasSubstr("the nearest is 'nanogpt'"));
}

}  // namespace
}  // namespace anneal::training
