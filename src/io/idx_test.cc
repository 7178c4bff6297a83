// SPDX-License-Identifier: MIT
#include "io/idx.h"

#include <gtest/gtest.h>

#include <cstring>

#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

const std::string kImages("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\3abcdef", 22);

std::string idx_message(const std::string& file) {
  const Result<Array> read = parse_idx(std::as_bytes(std::span(file)), "f");
  return read.ok() ? "accepted" : read.message();
}

TEST(Idx, ImagesAndLabels) {
  const Result<Array> images = parse_idx(std::as_bytes(std::span(kImages)), "f");
  ASSERT_TRUE(images.ok()) << images.message();
  EXPECT_EQ(images->dtype, u8);
  EXPECT_EQ(images->shape, (std::vector<int64_t>{2, 1, 3}));
  EXPECT_EQ(as_text(images->data), "abcdef");
  const std::string labels("\0\0\x08\1\0\0\0\2\7\1", 10);
  const Result<Array> read = parse_idx(std::as_bytes(std::span(labels)), "f");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(as_text(read->data), "\7\1");
}

TEST(Idx, LargerElementsAreBigEndian) {
  const std::string file("\0\0\x0d\1\0\0\0\1\x3f\xc0\0\0", 12);
  const Result<Array> read = parse_idx(std::as_bytes(std::span(file)), "f");
  ASSERT_TRUE(read.ok());
  float value = 0;
  std::memcpy(&value, read->data.data(), 4);
  EXPECT_EQ(read->dtype, f32);
  EXPECT_EQ(value, 1.5f);
}

// Two labels, 7 and 1, compressed by gzip.
const std::string kPackedLabels(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x63\x60\xe0\x60\x64\x60\x60\x60\x62\x67\x04\x00\x48\x0a\xda\xad"
    "\x0a\x00\x00\x00",
    30);

TEST(Idx, CompressedFilesAreUnpacked) {
  const TestFolder folder;
  folder.write("labels.gz", kPackedLabels);
  const Result<Array> read = read_idx(folder.path("labels.gz"));
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(as_text(read->data), "\7\1");
  for (size_t size = 0; size < kPackedLabels.size(); ++size)
    EXPECT_NE(idx_message(kPackedLabels.substr(0, size)), "accepted") << size;
}

TEST(Idx, DamagedFilesAreRefused) {
  for (size_t size = 0; size < kImages.size(); ++size)
    EXPECT_NE(idx_message(kImages.substr(0, size)), "accepted") << size;
  EXPECT_EQ(idx_message(kImages + "x"), "f: shape [2, 1, 3] of u8 needs 6 bytes, but 7 bytes of data follow");
  EXPECT_NE(idx_message(std::string("\0\0\x0a\1\0\0\0\0", 8)).find("not an IDX file"), std::string::npos);
  EXPECT_NE(idx_message(std::string("\0\0\x0e\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16))
                .find("needs more than 2^63-1 bytes"),
            std::string::npos);
}

}  // namespace
}  // namespace anneal::io
