// SPDX-License-Identifier: MIT
//
// The two ways of merging a word are held against each other and against the definition, which looks at all
// pairs of a word for each merge.
#include "text/merges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace anneal::text {
namespace {

// Four letters, and `count` merges of random tokens; later ones may make what an earlier one makes.
struct RandomMerges {
  MergeTable table;
  std::vector<std::vector<int32_t>> spelled;  // the letters of each token

  RandomMerges(uint32_t seed, size_t count) : table(count) {
    std::mt19937 random(seed);
    for (int32_t letter = 0; letter < 4; ++letter) spelled.push_back({letter});
    for (uint32_t rank = 0; rank < count; ++rank) {
      const auto left = static_cast<int32_t>(random() % spelled.size());
      const auto right = static_cast<int32_t>(random() % spelled.size());
      std::vector<int32_t> letters = spelled[static_cast<size_t>(left)];
      const std::vector<int32_t>& more = spelled[static_cast<size_t>(right)];
      if (letters.size() + more.size() > 12) continue;
      letters.insert(letters.end(), more.begin(), more.end());
      size_t id = 0;
      while (id < spelled.size() && spelled[id] != letters) ++id;
      if (!table.add(left, right, {rank, static_cast<int32_t>(id)})) continue;
      if (id == spelled.size()) spelled.push_back(letters);
    }
  }
};

TEST(Merges, TheTableFindsWhatWasAdded) {
  MergeTable table(1000);
  for (int32_t i = 0; i < 1000; ++i) EXPECT_TRUE(table.add(i, i * 7 % 13, {static_cast<uint32_t>(i), i + 1}));
  EXPECT_FALSE(table.add(0, 0, {5, 5}));
  for (int32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(table.find(i, i * 7 % 13).result, i + 1);
    EXPECT_EQ(table.find(i, i * 7 % 13).rank, static_cast<uint32_t>(i));
    EXPECT_EQ(table.find(i, 13).result, -1);
  }
  EXPECT_EQ(MergeTable().find(0, 0).result, -1);
}

TEST(Merges, AllPlacesOfAPairComeFirst) {
  // a=0 b=1; "ab" is 2 (rank 1), and 2 with a is 3, of a lower rank.
  MergeTable table(2);
  ASSERT_TRUE(table.add(0, 1, {1, 2}));
  ASSERT_TRUE(table.add(2, 0, {0, 3}));
  for (auto* merge : {merge_short, merge_long}) {
    std::vector<int32_t> word = {0, 1, 0, 1, 0};
    merge(table, word);
    EXPECT_EQ(word, (std::vector<int32_t>{2, 3}));
  }
}

TEST(Merges, BothWaysGiveTheSame) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    const RandomMerges merges(seed, 1 + seed % 60);
    std::mt19937 random(seed);
    for (int round = 0; round < 20; ++round) {
      std::vector<int32_t> letters(random() % 200), one, other;
      const uint32_t alphabet = 1 + random() % 4;
      for (int32_t& letter : letters) letter = static_cast<int32_t>(random() % alphabet);
      one = other = letters;
      merge_short(merges.table, one);
      merge_long(merges.table, other);
      ASSERT_EQ(one, other) << "seed " << seed;
      std::vector<int32_t> spelled;
      for (const int32_t id : one)
        for (const int32_t letter : merges.spelled[static_cast<size_t>(id)]) spelled.push_back(letter);
      ASSERT_EQ(spelled, letters) << "seed " << seed;
      for (size_t i = 0; i + 1 < one.size(); ++i) ASSERT_EQ(merges.table.find(one[i], one[i + 1]).result, -1);
    }
  }
}

}  // namespace
}  // namespace anneal::text
