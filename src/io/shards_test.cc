// SPDX-License-Identifier: MIT
#include "io/shards.h"

#include <gtest/gtest.h>

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

TEST_F(Shards, WritingRefusesTwoOfAName) {
  const TensorView tensors[] = {eight("a"), eight("a")};
  EXPECT_NE(write_shards(folder_.path("m"), tensors, 100).message().find("two of this name"),
            std::string::npos);
  EXPECT_FALSE(write_shards(folder_.path("m"), {}, 100).ok());
  EXPECT_EQ(folder_.files(), 0u);
}

}  // namespace
}  // namespace anneal::io
