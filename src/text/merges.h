// SPDX-License-Identifier: MIT
//
// Byte pair encoding proper: which pair of tokens becomes which token, in which order, and doing that to a
// word. Tested by merges_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace anneal::text {

struct Merge {
  uint32_t rank = 0;
  int32_t result = -1;  // -1: there is none
};

// (left, right) -> rank and result, in a hash table with open addressing: it is asked for every pair of every
// word.
class MergeTable {
 public:
  explicit MergeTable(size_t capacity = 0);

  // False when the pair is there already. No more than `capacity` of them; ids are not negative.
  bool add(int32_t left, int32_t right, Merge merge);
  Merge find(int32_t left, int32_t right) const;

 private:
  struct Slot {
    uint64_t pair = kFree;
    Merge merge;
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  size_t slot_of(uint64_t pair) const;
  std::vector<Slot> slots_;
  int shift_ = 0;
};

// Merges the tokens of a word until no pair of them is in the table: always all places of the pair with the
// lowest rank, from the left. The first looks at all pairs for each merge and is for short words, the second
// keeps the pairs in a heap; both do the same.
void merge_short(const MergeTable& table, std::vector<int32_t>& tokens);
void merge_long(const MergeTable& table, std::vector<int32_t>& tokens);

inline void merge_word(const MergeTable& table, std::vector<int32_t>& tokens) {
  constexpr size_t kShort = 48;
  tokens.size() <= kShort ? merge_short(table, tokens) : merge_long(table, tokens);
}

}  // namespace anneal::text
