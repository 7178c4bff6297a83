// SPDX-License-Identifier: MIT
//
// Checkpoints come back bit for bit, and saving one survives everything: a full disk, and death at any
// moment.
#include "io/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <random>

#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

const std::vector<float> kWeights = {1.5f, -0.0f, std::numeric_limits<float>::denorm_min(), 3e38f};

TensorView weights(std::string name) {
  return {std::move(name), f32, {2, 2}, std::as_bytes(std::span(kWeights))};
}

CheckpointValues some_values() {
  CheckpointValues values;
  values.integers = {{"step", 7}, {"seed", std::numeric_limits<int64_t>::min()}, {"position", 1LL << 60}};
  values.numbers = {{"lr", 0.1}, {"tiny", 5e-324}, {"zero", -0.0}, {"none", HUGE_VAL}};
  values.texts = {{"config", "{\"layers\": 4}"}, {"", "x"}};
  values.texts.erase("");
  return values;
}

TEST(Checkpoint, ComesBackBitForBit) {
  const TestFolder folder;
  const TensorView tensors[] = {weights("w"), weights("adam.m.w"), {"none", bf16, {0}, {}}};
  ASSERT_TRUE(write_checkpoint(folder.path("c"), tensors, some_values()).ok());
  const Result<Checkpoint> read = open_checkpoint(folder.path("c"));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(read->values, some_values());
  EXPECT_TRUE(std::signbit(read->values.numbers.at("zero")));
  ASSERT_EQ(read->tensors.tensors().size(), 3u);
  EXPECT_EQ(as_text(read->tensors.find("adam.m.w")->data), as_text(tensors[0].data));
  // Any reader of safetensors sees its tensors.
  EXPECT_TRUE(SafeTensors::open(folder.path("c")).ok());
}

TEST(Checkpoint, WhatIsOfAnotherKindIsCalledSo) {
  const TestFolder folder;
  for (const std::string text : {"", "# Notes", "# Notes that are longer than the length of a header"}) {
    std::ofstream(folder.path("notes")) << text;
    EXPECT_TRUE(open_checkpoint(folder.path("notes"))
                    .message()
                    .starts_with(folder.path("notes") + ": not a checkpoint: not a safetensors file: "))
        << open_checkpoint(folder.path("notes")).message();
  }
  ASSERT_TRUE(write_safetensors(folder.path("t"), {}).ok());
  EXPECT_EQ(open_checkpoint(folder.path("t")).message(),
            folder.path("t") + ": not a checkpoint: its metadata has no anneal.checkpoint");
}

TEST(Checkpoint, RandomNumbersComeBack) {
  const TestFolder folder;
  std::mt19937_64 random(1);
  CheckpointValues values;
  for (int i = 0; i < 1000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isnan(number)) values.numbers["n" + std::to_string(i)] = number;
  }
  ASSERT_TRUE(write_checkpoint(folder.path("c"), {}, values).ok());
  const Result<Checkpoint> read = open_checkpoint(folder.path("c"));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(read->values, values);
}

TEST(Checkpoint, DamageIsFound) {
  const TestFolder folder;
  ASSERT_TRUE(write_checkpoint(folder.path("c"), std::vector{weights("w")}, some_values()).ok());
  const std::string file = folder.read("c");
  for (size_t i = 0; i < file.size(); ++i) {
    std::string wrong = file;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    folder.write("wrong", wrong);
    EXPECT_FALSE(open_checkpoint(folder.path("wrong")).ok()) << "byte " << i;
  }
  for (size_t size = 0; size < file.size(); ++size) {
    folder.write("wrong", file.substr(0, size));
    EXPECT_FALSE(open_checkpoint(folder.path("wrong")).ok()) << size;
  }
}

TEST(Checkpoint, OtherFilesAndVersionsAreRefused) {
  const TestFolder folder;
  const auto message = [&](const Metadata& metadata) {
    EXPECT_TRUE(write_safetensors(folder.path("c"), std::vector{weights("w")}, metadata).ok());
    const Result<Checkpoint> read = open_checkpoint(folder.path("c"));
    return read.ok() ? "accepted" : read.message().substr(folder.path("c").size());
  };
  EXPECT_EQ(message({}), ": not a checkpoint: its metadata has no anneal.checkpoint");
  EXPECT_EQ(message({{"anneal.checkpoint", "2"}}),
            ": a checkpoint of version \"2\"; this program reads version 1");
  EXPECT_EQ(message({{"anneal.checkpoint", "1"}}), ": its checksum is wrong, so the file is damaged");
  EXPECT_EQ(message({{"anneal.checkpoint", "1"}, {"integer.step", "7x"}}),
            ": metadata \"integer.step\": \"7x\" does not fit");
  EXPECT_EQ(message({{"anneal.checkpoint", "1"}, {"other", "7"}}),
            ": metadata \"other\": \"7\" does not fit");
  EXPECT_FALSE(
      write_checkpoint(folder.path("d"), {}, {.integers = {{"", 1}}, .numbers = {}, .texts = {}}).ok());
}

TEST(Checkpoint, AnotherArchitectureIsDescribed) {
  const TestFolder folder;
  const TensorView stored[] = {weights("a"), weights("b"), weights("old")};
  ASSERT_TRUE(write_checkpoint(folder.path("c"), stored, {}).ok());
  const Result<Checkpoint> read = open_checkpoint(folder.path("c"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(difference_of(stored, read->tensors), "");
  const TensorView wanted[] = {weights("a"), {"b", f32, {4}, {}}, {"c", f32, {4}, {}}, {"d", f32, {4}, {}}};
  EXPECT_EQ(difference_of(wanted, read->tensors),
            "2 tensors are missing in the file: \"c\", \"d\"; 1 tensor of the file is not wanted: \"old\"; "
            "1 tensor differs: \"b\" is f32[4] here and f32[2, 2] in the file");
}

TEST(Checkpoint, AFullDiskLeavesTheOldOne) {
  const TestFolder folder;
  ASSERT_TRUE(write_checkpoint(folder.path("c"), std::vector{weights("w")}, some_values()).ok());
  const std::string before = folder.read("c");
  const std::vector<std::byte> large(1 << 20);
  const TensorView tensors[] = {{"w", u8, {1 << 20}, large}};

  rlimit usual = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit tight = {1 << 16, usual.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const Result<void> written = write_checkpoint(folder.path("c"), tensors, {});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.message().find("cannot write"), std::string::npos);
  EXPECT_EQ(folder.read("c"), before);
  EXPECT_EQ(folder.files(), 1u);
}

constexpr size_t kSavedBytes = 200'000;

// Saves for ever: each checkpoint holds its step, and tensors all of whose bytes follow from it.
[[noreturn]] void save_on_and_on(const std::string& path, int64_t step) {
  while (true) {
    ++step;
    const std::vector<std::byte> bytes(kSavedBytes, static_cast<std::byte>(step));
    const std::vector<int64_t> shape = {static_cast<int64_t>(bytes.size())};
    const TensorView tensors[] = {{"a", u8, shape, bytes}, {"b", u8, shape, bytes}};
    CheckpointValues values;
    values.integers["step"] = step;
    if (!write_checkpoint(path, tensors, values).ok()) _exit(1);
  }
}

// The step of the checkpoint, which must be whole.
int64_t step_of_whole(const std::string& path) {
  const Result<Checkpoint> read = open_checkpoint(path);
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.message());
  if (!read.ok()) return -1;
  const int64_t step = read->values.integers.at("step");
  EXPECT_EQ(read->tensors.tensors().size(), 2u);
  for (const TensorView& tensor : read->tensors.tensors()) {
    EXPECT_EQ(tensor.data.size(), kSavedBytes);
    for (const std::byte b : tensor.data) {
      if (b != static_cast<std::byte>(step)) {
        ADD_FAILURE() << tensor.name << " is not of step " << step;
        return -1;
      }
    }
  }
  return step;
}

TEST(Checkpoint, AWriterThatIsKilledAtAnyMomentLosesNothing) {
  constexpr int kKills = 100;
  const TestFolder folder;
  const std::string path = folder.path("run.ckpt");
  std::mt19937 random(1);
  int64_t step = 0;
  int killed_while_writing = 0;
  for (int round = 0; round < kKills; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_on_and_on(path, step);
    while (step == 0 && !std::filesystem::exists(path)) ::usleep(100);  // the first must come to be
    ::usleep(static_cast<useconds_t>(random() % 8000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    const int64_t found = step_of_whole(path);
    ASSERT_GE(found, step) << "round " << round;
    step = found;
    EXPECT_LE(folder.files(), 2u);  // what one dead writer left goes with the next
    killed_while_writing += folder.files() > 1;
  }
  EXPECT_GT(killed_while_writing, 0) << "no kill met a file that was being written";
  CheckpointValues values;
  ASSERT_TRUE(write_checkpoint(path, {}, values).ok());
  EXPECT_EQ(folder.files(), 1u);
}

}  // namespace
}  // namespace anneal::io
