// SPDX-License-Identifier: MIT
#include "io/deflate.h"

#include <gtest/gtest.h>

#include <random>

#include "io/test_bytes.h"

namespace anneal::io {
namespace {

std::vector<std::byte> noise(size_t size, uint32_t seed, uint32_t values) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random() % values);
  return out;
}

TEST(Deflate, UnfoldsToWhatItWas) {
  for (const size_t size : {0, 1, 1000, 300000}) {
    for (const uint32_t values : {1u, 3u, 256u}) {
      const std::vector<std::byte> bytes = noise(size, 7, values);
      const std::vector<std::byte> packed = deflate(bytes);
      const Result<std::vector<std::byte>> back = inflate(packed, size, "f");
      ASSERT_TRUE(back.ok()) << back.message();
      EXPECT_EQ(*back, bytes);
    }
  }
}

TEST(Deflate, AnotherSizeThanDeclaredIsAFailure) {
  const std::vector<std::byte> packed = deflate(noise(1000, 7, 3));
  EXPECT_EQ(inflate(packed, 999, "f").message(),
            "f: the compressed data is damaged: it holds more than the 999 bytes declared");
  EXPECT_EQ(inflate(packed, 1001, "f").message(),
            "f: the compressed data is damaged: it holds 1000 bytes, not the 1001 declared");
  for (size_t size = 0; size < packed.size(); ++size)
    EXPECT_EQ(inflate(std::span(packed).first(size), 1000, "f").message(),
              "f: the compressed data is damaged: it ends too early");
  std::vector<std::byte> longer = packed;
  longer.push_back(std::byte{0});
  EXPECT_EQ(inflate(longer, 1000, "f").message(),
            "f: the compressed data is damaged: 1 bytes follow its end");
}

// "hello\n" by gzip -n.
const std::string kHello("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36\6\0\0\0",
                         26);

TEST(Gunzip, OneAndSeveralMembers) {
  const auto unpack = [](const std::string& text, uint64_t limit) {
    const Result<std::vector<std::byte>> out = gunzip(std::as_bytes(std::span(text)), limit, "f");
    return out.ok() ? as_text(*out) : out.message();
  };
  EXPECT_EQ(unpack(kHello, 6), "hello\n");
  EXPECT_EQ(unpack(kHello + kHello, 12), "hello\nhello\n");
  EXPECT_NE(unpack(kHello, 5).find("unfolds to more than 5 bytes"), std::string::npos);
  EXPECT_NE(unpack(kHello + kHello, 11).find("unfolds to more than 11 bytes"), std::string::npos);
  EXPECT_EQ(unpack(kHello + "x", 100), "f: the compressed data is damaged: 1 bytes follow its end");
  for (size_t size = 0; size < kHello.size(); ++size)
    EXPECT_NE(unpack(kHello.substr(0, size), 100).find("damaged"), std::string::npos) << size;
  std::string wrong = kHello;
  wrong[12] ^= 1;
  EXPECT_NE(unpack(wrong, 100).find("damaged"), std::string::npos);
}

TEST(Crc32, OfAKnownText) {
  const std::string_view text = "123456789";
  EXPECT_EQ(crc32_of(std::as_bytes(std::span(text))), 0xcbf43926u);
  const uint32_t joined = crc32_join(crc32_of(std::as_bytes(std::span(text.substr(0, 4)))),
                                     crc32_of(std::as_bytes(std::span(text.substr(4)))), 5);
  EXPECT_EQ(joined, 0xcbf43926u);
}

}  // namespace
}  // namespace anneal::io
