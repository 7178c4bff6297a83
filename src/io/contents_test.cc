// SPDX-License-Identifier: MIT
#include "io/contents.h"

#include <gtest/gtest.h>

#include "io/checkpoint.h"
#include "io/npz.h"
#include "io/shards.h"
#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

const std::string kFour = "abcd";
const TensorView kTensor = {"t", u8, {4}, std::as_bytes(std::span(kFour))};

// "KIND: NAME=BYTES ..."
std::string contents_text(const std::string& path) {
  const Result<Contents> contents = open_contents(path);
  if (!contents.ok()) return contents.message().substr(contents.message().rfind('/') + 1);
  std::string out = contents->kind + ":";
  for (const TensorView& tensor : contents->tensors) out += " " + tensor.name + "=" + as_text(tensor.data);
  for (const std::string& note : contents->notes) out += "; " + note;
  return out;
}

TEST(Contents, EveryKindIsKnownByItsBytes) {
  const TestFolder folder;
  const std::string path = folder.path("file");
  ASSERT_TRUE(write_safetensors(path, std::span(&kTensor, 1)).ok());
  EXPECT_EQ(contents_text(path), "safetensors: t=abcd");
  ASSERT_TRUE(write_checkpoint(path, std::span(&kTensor, 1), {}).ok());
  EXPECT_EQ(contents_text(path), "checkpoint: t=abcd");
  ASSERT_TRUE(write_npy(path, kTensor).ok());
  EXPECT_EQ(contents_text(path), "npy: =abcd");
  for (const bool compress : {false, true}) {
    ASSERT_TRUE(write_npz(path, std::span(&kTensor, 1), compress).ok());
    EXPECT_EQ(contents_text(path), "npz: t=abcd");
  }
  folder.write("file", std::string("\0\0\x08\1\0\0\0\4abcd", 12));
  EXPECT_EQ(contents_text(path), "idx: =abcd");
  ASSERT_TRUE(write_shards(folder.path("m"), std::span(&kTensor, 1), 100).ok());
  EXPECT_EQ(contents_text(folder.path("m.safetensors.index.json")),
            "safetensors index: t=abcd; the tensors are in 1 files");
}

TEST(Contents, OtherFilesAreRefused) {
  const TestFolder folder;
  folder.write("text", "hello");
  EXPECT_EQ(
      contents_text(folder.path("text")),
      "text: not a file of tensors; safetensors and their indices, checkpoints, npy, npz and idx are read");
  folder.write("empty", "");
  EXPECT_NE(contents_text(folder.path("empty")).find("the file is empty"), std::string::npos);
  EXPECT_NE(contents_text(folder.path("missing")).find("cannot open"), std::string::npos);
  folder.write("other.json", "{\"a\": 1}");
  EXPECT_NE(contents_text(folder.path("other.json")).find("no object \"weight_map\""), std::string::npos);
  // A checkpoint whose checksum is wrong is not shown as safetensors.
  const Metadata metadata = {{"anneal.checkpoint", "1"}};
  ASSERT_TRUE(write_safetensors(folder.path("c"), std::span(&kTensor, 1), metadata).ok());
  EXPECT_NE(contents_text(folder.path("c")).find("checksum"), std::string::npos);
}

}  // namespace
}  // namespace anneal::io
