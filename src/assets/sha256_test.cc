// SPDX-License-Identifier: MIT
#include "assets/sha256.h"

#include <gtest/gtest.h>

#include "io/test_folder.h"

namespace anneal::assets {
namespace {

std::string sum_of(std::string_view text) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.finish();
}

TEST(Sha256, KnownSums) {
  EXPECT_EQ(sum_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sum_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesAndFilesGiveTheSame) {
  const std::string_view text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  Sha256 sum;
  for (const char& c : text) sum.add(std::as_bytes(std::span(&c, 1)));
  EXPECT_EQ(sum.finish(), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const io::TestFolder folder;
  folder.write("f", text);
  EXPECT_EQ(*sha256_of_file(folder.path("f")), sum_of(text));
  EXPECT_FALSE(sha256_of_file(folder.path("missing")).ok());
}

}  // namespace
}  // namespace anneal::assets
