// SPDX-License-Identifier: MIT
#include "io/shards.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

const std::string kEight = "abcdefgh";

TensorView eight(std::string name) { return {std::move(name), u8, {8}, std::as_bytes(std::span(kEight))}; }

class Shards : public testing::Test {
 protected:
  // An index over files that are written as they should be, with the given text of weight_map.
  std::string open_message(const std::string& weight_map) {
    folder_.write("m.safetensors.index.json", "{\"weight_map\":" + weight_map + "}");
    const Result<ShardedTensors> opened = ShardedTensors::open(folder_.path("m.safetensors.index.json"));
    if (opened.ok()) return "accepted";
    std::string message = opened.message();
    for (size_t at; (at = message.find(folder_.path())) != std::string::npos;)
      message.erase(at, folder_.path().size());
    return message;
  }
  void write(const std::string& file, std::vector<TensorView> tensors) {
    ASSERT_TRUE(write_safetensors(folder_.path(file), tensors).ok());
  }
  TestFolder folder_;
};

TEST_F(Shards, WrittenAndReadBack) {
  const TensorView tensors[] = {eight("c"), eight("a"), eight("b"), {"none", f32, {0}, {}}};
  ASSERT_TRUE(write_shards(folder_.path("model"), tensors, 16, {{"format", "pt"}}).ok());
  EXPECT_EQ(folder_.read("model.safetensors.index.json"),
            "{\n  \"metadata\": {\n    \"total_size\": 24\n  },\n  \"weight_map\": {\n"
            "    \"a\": \"model-00001-of-00002.safetensors\",\n"
            "    \"b\": \"model-00001-of-00002.safetensors\",\n"
            "    \"c\": \"model-00002-of-00002.safetensors\",\n"
            "    \"none\": \"model-00002-of-00002.safetensors\"\n  }\n}\n");
  EXPECT_EQ(folder_.files(), 3u);
  const Result<ShardedTensors> read = ShardedTensors::open(folder_.path("model.safetensors.index.json"));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(read->declared_size(), 24u);
  EXPECT_EQ(read->metadata(), (Metadata{{"format", "pt"}}));
  ASSERT_EQ(read->tensors().size(), 4u);
  EXPECT_EQ(read->tensors()[0]->name, "a");
  ASSERT_NE(read->find("c"), nullptr);
  EXPECT_EQ(as_text(read->find("c")->data), kEight);
  EXPECT_EQ(read->find("d"), nullptr);
}

TEST_F(Shards, ATensorLargerThanAShardHasOneOfItsOwn) {
  const TensorView tensors[] = {eight("a"), eight("b")};
  ASSERT_TRUE(write_shards(folder_.path("m"), tensors, 1).ok());
  EXPECT_EQ(folder_.files(), 3u);
  EXPECT_TRUE(ShardedTensors::open(folder_.path("m.safetensors.index.json")).ok());
}

TEST_F(Shards, WhatDoesNotAgreeIsRefused) {
  write("1.safetensors", {eight("a")});
  write("2.safetensors", {eight("b"), eight("c")});
  EXPECT_EQ(open_message(R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"})"), "accepted");
  EXPECT_EQ(
      open_message(R"({"a":"1.safetensors","b":"2.safetensors"})"),
      "m.safetensors.index.json: tensor \"c\" lies in \"2.safetensors\", but weight_map does not name it");
  EXPECT_EQ(open_message(R"({"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"})"),
            "m.safetensors.index.json: tensor \"b\" lies in \"2.safetensors\", but weight_map says "
            "\"1.safetensors\"");
  EXPECT_EQ(
      open_message(R"({"a":"1.safetensors","x":"1.safetensors"})"),
      "m.safetensors.index.json: tensor \"x\" is not in \"1.safetensors\", where weight_map says it is");
  EXPECT_EQ(
      open_message(R"({"a":"3.safetensors"})"),
      "3.safetensors: cannot open: No such file or directory (a file that m.safetensors.index.json names)");
}

TEST_F(Shards, ATensorInTwoFilesIsRefused) {
  write("1.safetensors", {eight("a"), eight("b")});
  write("2.safetensors", {eight("b")});
  EXPECT_EQ(open_message(R"({"a":"1.safetensors","b":"2.safetensors"})"),
            "m.safetensors.index.json: tensor \"b\" lies in \"1.safetensors\", but weight_map says "
            "\"2.safetensors\"");
}

TEST_F(Shards, FilesOutsideOfTheFolderAreRefused) {
  for (const char* name :
       {"../1.safetensors", "/etc/passwd", "sub/1.safetensors", "..", "", "a\\\\b", "a\\u0000b"})
    EXPECT_NE(open_message(concat("{\"a\":\"", name, "\"}")).find("outside of the folder"), std::string::npos)
        << name;
}

TEST_F(Shards, OtherJsonIsRefused) {
  EXPECT_NE(open_message("[]").find("no object \"weight_map\""), std::string::npos);
  EXPECT_NE(open_message("{}").find("names no tensors"), std::string::npos);
  EXPECT_NE(open_message("{\"a\":1}").find("must be a string"), std::string::npos);
  EXPECT_NE(open_message("{\"a\":").find("m.safetensors.index.json"), std::string::npos);
}

constexpr int64_t kSavedBytes = 100'000;

// Four tensors all of whose bytes are `content`, two in a file, or one in a file.
Result<void> save_four(const std::string& stem, std::byte content, bool one_in_a_file) {
  const std::vector<std::byte> bytes(kSavedBytes, content);
  std::vector<TensorView> tensors;
  for (const char* name : {"a", "b", "c", "d"}) tensors.push_back({name, u8, {kSavedBytes}, bytes});
  return write_shards(stem, tensors, one_in_a_file ? kSavedBytes : 2 * kSavedBytes);
}

[[noreturn]] void save_sets_for_ever(const std::string& stem, int first) {
  for (int i = first;; ++i)
    if (!save_four(stem, static_cast<std::byte>(i), i % 2 == 0).ok()) _exit(1);
}

// The content of a set that is of one saving.
std::optional<std::byte> content_of(const std::string& index) {
  const Result<ShardedTensors> read = ShardedTensors::open(index);
  EXPECT_TRUE(read.ok()) << read.message();
  if (!read.ok() || read->tensors().size() != 4) return std::nullopt;
  const std::byte content = read->tensors()[0]->data[0];
  for (const TensorView* tensor : read->tensors()) {
    for (const std::byte b : tensor->data)
      if (b != content) return std::nullopt;
  }
  return content;
}

TEST_F(Shards, AnOlderSetGoesWhenTheNewOneIsThere) {
  const std::string index = folder_.path("m.safetensors.index.json");
  folder_.write("m2-00001-of-00002.safetensors", "another stem's");
  folder_.write("m-1-of-2.safetensors", "no name of ours");
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(save_four(folder_.path("m"), std::byte(i), i % 2 == 0).ok());
    EXPECT_EQ(content_of(index), std::byte(i));
    EXPECT_EQ(folder_.files(), 2u + (i % 2 == 0 ? 5 : 3)) << i;
    EXPECT_EQ(std::filesystem::exists(folder_.path("m-00001-of-00002.safetensors")), i % 2 == 1);
    EXPECT_EQ(std::filesystem::exists(folder_.path("m.b-00001-of-00004.safetensors")), i % 2 == 0);
  }
}

TEST_F(Shards, AFullDiskLeavesTheOldSet) {
  const std::string index = folder_.path("m.safetensors.index.json");
  ASSERT_TRUE(save_four(folder_.path("m"), std::byte{1}, true).ok());
  const std::vector<std::byte> large(3 * kSavedBytes);
  const TensorView tensors[] = {eight("a"), {"b", u8, {3 * kSavedBytes}, large}};

  rlimit usual = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit tight = {2 * kSavedBytes, usual.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const Result<void> written = write_shards(folder_.path("m"), tensors, 8);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.message().find("cannot write"), std::string::npos) << written.message();
  EXPECT_EQ(content_of(index), std::byte{1});
  EXPECT_EQ(folder_.files(), 5u) << "of the new set nothing is left";
}

TEST_F(Shards, AWriterThatIsKilledAtAnyMomentLosesNothing) {
  constexpr int kKills = 60;
  const std::string index = folder_.path("m.safetensors.index.json");
  ASSERT_TRUE(save_four(folder_.path("m"), std::byte{0}, true).ok());
  std::mt19937 random(1);
  int killed_while_writing = 0;
  for (int round = 0; round < kKills; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_sets_for_ever(folder_.path("m"), round);
    ::usleep(static_cast<useconds_t>(random() % 8000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    ASSERT_TRUE(content_of(index).has_value()) << "round " << round;
    const Result<ShardedTensors> read = ShardedTensors::open(index);
    killed_while_writing += folder_.files() > 1 + read->files().size();
  }
  EXPECT_GT(killed_while_writing, 0) << "no kill met a set that was being written";
  ASSERT_TRUE(save_four(folder_.path("m"), std::byte{7}, false).ok());
  EXPECT_EQ(content_of(index), std::byte{7});
  EXPECT_EQ(folder_.files(), 3u) << "what dead writers left goes";
}

TEST_F(Shards, WritingRefusesTwoOfAName) {
  const TensorView tensors[] = {eight("a"), eight("a")};
  EXPECT_NE(write_shards(folder_.path("m"), tensors, 100).message().find("two of this name"),
            std::string::npos);
  EXPECT_FALSE(write_shards(folder_.path("m"), {}, 100).ok());
  EXPECT_EQ(folder_.files(), 0u);
}

}  // namespace
}  // namespace anneal::io
