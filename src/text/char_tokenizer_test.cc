// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "anneal/tokenizer.h"

namespace anneal::text {
namespace {

using Ids = std::vector<int32_t>;

std::string encode_error(const CharTokenizer& tokenizer, std::string_view text) {
  try {
    static_cast<void>(tokenizer.encode(text));
  } catch (const Error& error) {
    return error.message().substr(error.message().find(' ') + 1);  // behind its kind
  }
  return "no error";
}

TEST(CharTokenizer, NumbersFollowCodePoints) {
  const CharTokenizer tokenizer = CharTokenizer::of(
      "ba\xf0\x9f\x98\x80\xc3\xa9"
      "ab\n");
  EXPECT_EQ(tokenizer.alphabet(), "\nab\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(tokenizer.size(), 5);
  EXPECT_EQ(tokenizer.encode("b\xc3\xa9\n\xf0\x9f\x98\x80"), (Ids{2, 3, 0, 4}));
  EXPECT_EQ(tokenizer.decode(Ids{2, 3, 0, 4}), "b\xc3\xa9\n\xf0\x9f\x98\x80");
  EXPECT_EQ(CharTokenizer::of(tokenizer.alphabet()).alphabet(), tokenizer.alphabet());
  EXPECT_EQ(CharTokenizer::of("").encode(""), Ids{});
}

TEST(CharTokenizer, StrangersAreNamed) {
  const CharTokenizer tokenizer = CharTokenizer::of("abc");
  EXPECT_EQ(encode_error(tokenizer, "ab\xc3\xa9"),
            "CharTokenizer: the character \"\xc3\xa9\" at byte 2 is not one of the 3 of its alphabet");
  EXPECT_EQ(encode_error(tokenizer, "a\xff"), "CharTokenizer: the text is not UTF-8 at byte 1: \"\\xff\"");
  EXPECT_THROW(CharTokenizer::of("\xe2\x82"), Error);
  EXPECT_THROW(tokenizer.decode(Ids{3}), Error);
  EXPECT_THROW(tokenizer.decode(Ids{-1}), Error);
}

}  // namespace
}  // namespace anneal::text
