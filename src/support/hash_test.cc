// SPDX-License-Identifier: MIT
#include "support/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace anneal::support {
namespace {

TEST(Hash, ShortSequencesOfSmallWordsDiffer) {
  std::set<Key> seen;
  std::set<uint64_t> low;
  size_t made = 0;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    seen.insert(Hasher(seed).finish());
    low.insert(Hasher(seed).finish().lo);
    ++made;
    for (uint64_t a = 0; a < 32; ++a) {
      seen.insert(Hasher(seed).add(a).finish());
      low.insert(Hasher(seed).add(a).finish().lo);
      ++made;
      for (uint64_t b = 0; b < 32; ++b) {
        seen.insert(Hasher(seed).add(a).add(b).finish());
        low.insert(Hasher(seed).add(a).add(b).finish().lo);
        ++made;
      }
    }
  }
  EXPECT_EQ(seen.size(), made);
  EXPECT_EQ(low.size(), made);
}

TEST(Hash, TextDependsOnLengthAndContent) {
  std::set<Key> seen;
  for (const char* text : {"", "a", "b", "ab", "ba", "abcdefgh", "abcdefgh ", "abcdefg"})
    seen.insert(Hasher().add(text).finish());
  EXPECT_EQ(seen.size(), 8u);
}

TEST(Hash, KeyTextIs32Digits) { EXPECT_EQ(key_text({0x1, 0xabcdef}), "0000000000abcdef0000000000000001"); }

TEST(Hash, IsTheSameInEveryProcess) {
  EXPECT_EQ(key_text(Hasher(1).add("anneal").finish()), key_text(Hasher(1).add("anneal").finish()));
}

}  // namespace
}  // namespace anneal::support
