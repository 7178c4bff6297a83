// SPDX-License-Identifier: MIT
// What a run leaves: recorder, programs and replay together, on a device.
#include "bundles/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bundles/replay.h"
#include "io/test_folder.h"
#include "runtime/backend.h"
#include "support/flags.h"
#include "tests/support/test_error.h"

namespace anneal::bundles {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BundleRecorder : public testing::Test {
 protected:
  io::TestFolder folder;
  const std::string before = support::flag_text(support::Flag::kRunDir);
  void SetUp() override { support::set_flag(support::Flag::kRunDir, folder.path("runs")); }
  void TearDown() override { support::set_flag(support::Flag::kRunDir, before); }

  // As anneal train does it; gives the folder.
  std::string record(const char* device, int64_t steps, int64_t run_to) {
    ProgramLog programs;
    runtime::Using context({.device = device, .made = programs.observer()});
    const training::Settings settings{.steps = steps, .batch = 8, .seed = 5};
    const auto run = training::find_model("mlp").make(settings);
    Config config{.verb = "train", .model = "mlp", .device = device};
    config.settings = values_of(settings);
    Recorder recorder(manifest_of_now(device, context.context()), config, programs);
    for (int64_t i = 0; i < run_to; ++i) recorder.loss(i + 1, run->step()(run->batch(i)).loss());
    save_checkpoint(recorder.path(kCheckpoint), run->checkpoint());
    recorder.saved(run_to);
    if (run_to == steps) run->finish();
    recorder.end(run_to == steps ? State::kCompleted : State::kStopped);
    return recorder.folder();
  }
  static Comparison replay(const Bundle& bundle, const char* device) {
    ProgramLog programs;
    const runtime::Using context({.device = device, .made = programs.observer()});
    return replay_training(bundle, programs);
  }
};

TEST_F(BundleRecorder, ARunComesOutTheSame) {
  for (const char* device : {"cpu", "interp"}) {
    const Result<Bundle> bundle = read_bundle(record(device, 6, 6));
    ASSERT_TRUE(bundle.ok()) << bundle.message();
    EXPECT_EQ(bundle->state(), "completed");
    EXPECT_EQ(bundle->manifest.steps, 6);
    EXPECT_EQ(bundle->manifest.kernels == 0, std::string(device) == "interp");
    EXPECT_EQ(losses_of(*bundle)->size(), 6u);
    const Comparison same = replay(*bundle, device);
    EXPECT_TRUE(same.is_same()) << device;
    EXPECT_EQ(same.compared, 6);
    runtime::Using context({.device = device});
    EXPECT_TRUE(changes_since(*bundle, manifest_of_now(device, context.context())).empty());
  }
}

TEST_F(BundleRecorder, KernelsHaveTheHashOfTheirFiles) {
  const Result<Bundle> bundle = read_bundle(record("cpu", 3, 3));
  std::string all;
  const std::vector<std::string> files = *kernels_of(*bundle);
  for (const std::string& file : files) {
    std::ifstream in(bundle->path(kKernels) + "/" + file);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_THAT(text, HasSubstr("sink %"));
    EXPECT_THAT(text, HasSubstr("# loops:"));
    all += text;
  }
  EXPECT_GT(files.size(), 5u);
  EXPECT_EQ(static_cast<int64_t>(files.size()), bundle->manifest.kernels);
  EXPECT_EQ(hash_of(all), bundle->manifest.kernels_hash);
  EXPECT_THAT(*read_file_of(*bundle, kSchedule), HasSubstr("\"kernels\":[\"K0000.ir\""));
  EXPECT_THAT(*read_file_of(*bundle, kGraph), HasSubstr("\"op\":\"reduce\""));
}

TEST_F(BundleRecorder, WhatDiffersIsNamed) {
  const std::string place = record("cpu", 6, 4);
  const Bundle bundle = *read_bundle(place);
  EXPECT_EQ(bundle.state(), "stopped");
  EXPECT_TRUE(replay(bundle, "cpu").is_same());
  std::vector<LossRow> rows = *losses_of(bundle);
  rows[2].loss += 0.5;
  std::string text(kLossHead);
  for (const LossRow& row : rows) text += loss_line(row);
  std::ofstream(place + "/" + kLosses) << text;
  std::ofstream(place + "/" + kKernels + "/K0000.ir", std::ios::app) << "# more\n";
  const Comparison other = replay(bundle, "cpu");
  ASSERT_TRUE(other.first.has_value());
  EXPECT_EQ(other.first->step, 3);
  EXPECT_NEAR(other.first->recorded - other.first->now, 0.5, 1e-9);
  EXPECT_EQ(other.kernels_gone, std::vector<std::string>{"K0000.ir"});
  Manifest now = bundle.manifest;
  now.version = "9.9";
  EXPECT_THAT(changes_since(bundle, now),
              testing::ElementsAre("version: " + bundle.manifest.version + " then, 9.9 now"));
}

TEST_F(BundleRecorder, ChangedDataIsNamed) {
  folder.write("text", "what it was");
  Bundle bundle;
  bundle.config.data = described({folder.path("text"), ""});
  const Manifest same = bundle.manifest;
  EXPECT_TRUE(changes_since(bundle, same).empty());
  folder.write("text", "what it is");
  EXPECT_THAT(changes_since(bundle, same)[0], HasSubstr("SHA-256"));
  fs::remove(folder.path("text"));
  EXPECT_THAT(changes_since(bundle, same)[0], HasSubstr("cannot be read now"));
}

TEST_F(BundleRecorder, ARunGoesOnFromItsCheckpoint) {
  const Bundle bundle = *read_bundle(record("cpu", 6, 4));
  EXPECT_EQ(resume_point(bundle), bundle.path(kCheckpoint));
  EXPECT_EQ(load_checkpoint(resume_point(bundle)).integers.at("step"), 4);
  const training::Settings again = training_settings(bundle.config);
  EXPECT_EQ(again.steps, 6);
  EXPECT_EQ(again.batch, 8);
  EXPECT_EQ(again.seed, 5u);
  Bundle other = bundle;
  other.manifest.checkpoint = "gone.safetensors";
  EXPECT_THAT(message_of([&] { resume_point(other); }), HasSubstr("gone.safetensors: there is no such file"));
  other.manifest.checkpoint.clear();
  EXPECT_EQ(resume_point(other), "") << "from its beginning";
  other.manifest.kind = Kind::kGenerate;
  EXPECT_THAT(message_of([&] { resume_point(other); }), HasSubstr("wrote a text"));
}

TEST_F(BundleRecorder, ARunWithoutLossesIsNotCompared) {
  const ProgramLog programs{};
  Recorder recorder(manifest_of_now("cpu", nullptr), {.verb = "train", .model = "mlp", .device = "cpu"},
                    programs);
  EXPECT_EQ(read_bundle(recorder.folder())->state(), "running");
  recorder.end(State::kFailed, "no luck");
  const Bundle bundle = *read_bundle(recorder.folder());
  EXPECT_EQ(bundle.manifest.message, "no luck");
  EXPECT_THAT(message_of([&] { replay(bundle, "cpu"); }), HasSubstr("nothing to compare"));
  EXPECT_EQ(parse_events(*read_file_of(bundle, kEvents), "e")->back().event, "failed");
}

}  // namespace
}  // namespace anneal::bundles
