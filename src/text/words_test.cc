// SPDX-License-Identifier: MIT
//
// How texts are cut into words. What another implementation does with many texts is in bpe_reference_test.cc.
#include "text/words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace anneal::text {
namespace {

using List = std::vector<std::string>;

List words_of(std::string_view text) {
  List out;
  Words words(text);
  for (std::string_view word; words.next(word);) out.emplace_back(word);
  return out;
}

TEST(Words, LettersDigitsAndOthersWithASpaceInFront) {
  EXPECT_EQ(words_of("Hello world"), (List{"Hello", " world"}));
  EXPECT_EQ(words_of("a1b22 !?c"), (List{"a", "1", "b", "22", " !?", "c"}));
  EXPECT_EQ(words_of("\xc3\xa9t\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xd9\xa1\xd9\xa2"),
            (List{"\xc3\xa9t\xc3\xa9", " \xe6\x97\xa5\xe6\x9c\xac", " \xd9\xa1\xd9\xa2"}));
  EXPECT_EQ(words_of(""), List{});
}

TEST(Words, Contractions) {
  EXPECT_EQ(words_of("I'm they'll it's we'd 'tis X'RE"),
            (List{"I", "'m", " they", "'ll", " it", "'s", " we", "'d", " '", "tis", " X", "'", "RE"}));
}

TEST(Words, WhiteSpaceLeavesItsLastOne) {
  EXPECT_EQ(words_of("a   b"), (List{"a", "  ", " b"}));
  EXPECT_EQ(words_of("a\n\n  b"), (List{"a", "\n\n ", " b"}));
  EXPECT_EQ(words_of("a\t\tb"), (List{"a", "\t", "\t", "b"}));
  EXPECT_EQ(words_of("a  "), (List{"a", "  "}));
  EXPECT_EQ(words_of("\xc2\xa0\xe3\x80\x80x"), (List{"\xc2\xa0", "\xe3\x80\x80", "x"}));
  EXPECT_EQ(words_of("\xc2\x85 x"), (List{"\xc2\x85", " x"}));  // U+0085 is white space
  EXPECT_EQ(words_of("\xef\xbb\xbf\xef\xbb\xbfx"), (List{"\xef\xbb\xbf\xef\xbb\xbf", "x"}));  // U+FEFF is not
  EXPECT_EQ(words_of("\xe1\xa0\x8e x"), (List{"\xe1\xa0\x8e", " x"}));                        // nor U+180E
}

TEST(Words, BytesThatAreNotUtf8AreWordsOfTheirOwn) {
  EXPECT_EQ(words_of("ab\xff\xfe cd"), (List{"ab", "\xff\xfe", " cd"}));
  EXPECT_EQ(words_of("\xe2\x82"), List{"\xe2\x82"});
  EXPECT_EQ(words_of("a \xed\xa0\x80"), (List{"a", " ", "\xed\xa0\x80"}));
  EXPECT_EQ(words_of(std::string("\0a\0", 3)), (List{std::string("\0", 1), "a", std::string("\0", 1)}));
}

TEST(Words, LongRunsAreOneWordAndTakeNoStack) {
  constexpr size_t kLong = 10'000'000;
  for (const char* unit : {"a", " ", "7", "!", "\n", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xff"}) {
    std::string text;
    while (text.size() < kLong) text += unit;
    const List words = words_of(text);
    ASSERT_EQ(words.size(), 1u) << unit;
    EXPECT_EQ(words[0].size(), text.size());
  }
  const std::string spaces(kLong, ' ');
  EXPECT_EQ(words_of(spaces + "x").back(), " x");
}

}  // namespace
}  // namespace anneal::text
