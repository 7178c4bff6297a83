// SPDX-License-Identifier: MIT
//
// UTF-8 checking and the escaping of untrusted text.
#include "io/message.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace anneal::io {
namespace {

TEST(Message, AcceptsEveryCodePointAndNothingElse) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain"));
  EXPECT_TRUE(is_valid_utf8("\u00e9 \u20ac \U0001f600 \U0010ffff"));
  for (const char* bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe2\x82",
                          "\xe2(\xac", "\xe2\x82(", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                          "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << printable(bad);
  }
}

TEST(Message, EveryTwoByteStringAgreesWithTheDefinition) {
  for (uint32_t first = 0; first < 256; ++first) {
    for (uint32_t second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const bool two_ascii = first < 0x80 && second < 0x80;
      const bool one_pair = first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;
      ASSERT_EQ(is_valid_utf8(text), two_ascii || one_pair) << first << " " << second;
    }
  }
}

TEST(Message, EscapesWhatATerminalWouldMind) {
  EXPECT_EQ(printable("a\nb\x1b[1m\x7f"), "a\\x0ab\\x1b[1m\\x7f");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
  EXPECT_EQ(printable("caf\u00e9 \xff"), "caf\u00e9 \\xff");
  EXPECT_EQ(printable("\u009b1m\u00a0"), "\\xc2\\x9b1m\u00a0");
  EXPECT_EQ(in_quotes("name"), "\"name\"");
}

TEST(Message, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 4), "abcd...");
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abc\u20acdef", 4), "abc\u20ac...");
  EXPECT_LT(in_quotes(std::string(1000000, '\x01')).size(), 100u);
}

TEST(Message, ConcatJoinsTextAndIntegers) {
  const std::string path = "a.bin";
  EXPECT_EQ(concat(path, ": byte ", uint64_t{18446744073709551615u}, " ", int64_t{-3}),
            "a.bin: byte 18446744073709551615 -3");
}

}  // namespace
}  // namespace anneal::io
