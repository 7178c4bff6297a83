// SPDX-License-Identifier: MIT
#include "text/merges.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace anneal::text {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

constexpr uint32_t kNoPlace = std::numeric_limits<uint32_t>::max();

// A pair that was there when it was noted; its tokens may have been merged since.
struct NotedPair {
  uint32_t rank, place;
  int32_t left, right;
};

// The lowest rank on top, and of one rank the leftmost.
struct IsLater {
  bool operator()(const NotedPair& a, const NotedPair& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
  }
};

// The tokens of a long word as a linked list.
class LongWord {
 public:
  LongWord(const MergeTable& table, std::vector<int32_t>& tokens) : table_(table), tokens_(tokens) {
    const auto size = static_cast<uint32_t>(tokens.size());
    next_.resize(size);
    previous_.resize(size);
    for (uint32_t i = 0; i < size; ++i) {
      next_[i] = i + 1 < size ? i + 1 : kNoPlace;
      previous_[i] = i > 0 ? i - 1 : kNoPlace;
    }
    for (uint32_t i = 0; i + 1 < size; ++i) note(i);
    std::make_heap(heap_.begin(), heap_.end(), IsLater());
  }

  void merge() {
    std::vector<NotedPair> round;
    while (!heap_.empty()) {
      // All places of one pair before any pair that these merges make, whatever its rank.
      round.clear();
      const uint32_t rank = heap_.front().rank;
      while (!heap_.empty() && heap_.front().rank == rank) {
        std::pop_heap(heap_.begin(), heap_.end(), IsLater());
        round.push_back(heap_.back());
        heap_.pop_back();
      }
      touched_.clear();
      for (const NotedPair& pair : round) merge_at(pair);
      for (const uint32_t place : touched_) {
        const size_t before = heap_.size();
        if (tokens_[place] >= 0) note(place);
        if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), IsLater());
      }
    }
    std::erase(tokens_, kGone);
  }

 private:
  static constexpr int32_t kGone = -1;

  // Puts the pair that begins at `place` at the end of heap_, if it is one to merge.
  void note(uint32_t place) {
    if (next_[place] == kNoPlace) return;
    const int32_t left = tokens_[place], right = tokens_[next_[place]];
    const Merge merge = table_.find(left, right);
    if (merge.result >= 0) heap_.push_back({merge.rank, place, left, right});
  }

  void merge_at(const NotedPair& pair) {
    const uint32_t right = next_[pair.place];
    if (tokens_[pair.place] != pair.left || right == kNoPlace || tokens_[right] != pair.right) return;
    tokens_[pair.place] = table_.find(pair.left, pair.right).result;
    tokens_[right] = kGone;
    next_[pair.place] = next_[right];
    if (next_[right] != kNoPlace) previous_[next_[right]] = pair.place;
    touched_.push_back(pair.place);
    if (previous_[pair.place] != kNoPlace) touched_.push_back(previous_[pair.place]);
  }

  const MergeTable& table_;
  std::vector<int32_t>& tokens_;
  std::vector<uint32_t> next_, previous_, touched_;
  std::vector<NotedPair> heap_;
};

}  // namespace

MergeTable::MergeTable(size_t capacity) {
  const size_t size = std::bit_ceil(std::max<size_t>(16, capacity * 2));
  slots_.resize(size);
  shift_ = 64 - std::countr_zero(size);
}

size_t MergeTable::slot_of(uint64_t pair) const {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  size_t at = static_cast<size_t>((pair * kGoldenRatio) >> shift_);
  while (slots_[at].pair != pair && slots_[at].pair != kFree) at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool MergeTable::add(int32_t left, int32_t right, Merge merge) {
  Slot& slot = slots_[slot_of(pair_of(left, right))];
  if (slot.pair != kFree) return false;
  slot = {pair_of(left, right), merge};
  return true;
}

Merge MergeTable::find(int32_t left, int32_t right) const {
  return slots_[slot_of(pair_of(left, right))].merge;
}

void merge_short(const MergeTable& table, std::vector<int32_t>& tokens) {
  while (tokens.size() > 1) {
    Merge best;
    size_t first = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const Merge merge = table.find(tokens[i], tokens[i + 1]);
      if (merge.result < 0 || (best.result >= 0 && merge.rank >= best.rank)) continue;
      best = merge;
      first = i;
    }
    if (best.result < 0) return;
    const int32_t left = tokens[first], right = tokens[first + 1];
    size_t to = first;
    for (size_t from = first; from < tokens.size(); ++to) {
      const bool here = from + 1 < tokens.size() && tokens[from] == left && tokens[from + 1] == right;
      tokens[to] = here ? best.result : tokens[from];
      from += here ? 2 : 1;
    }
    tokens.resize(to);
  }
}

void merge_long(const MergeTable& table, std::vector<int32_t>& tokens) {
  if (tokens.size() > 1) LongWord(table, tokens).merge();
}

}  // namespace anneal::text
