// SPDX-License-Identifier: MIT
#include "plan/arena.h"

#include <gtest/gtest.h>

#include "support/random_stream.h"

namespace anneal::plan {
namespace {

TEST(Arena, CellsThatLiveTogetherLieApart) {
  double worst = 1;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    support::RandomStream r(seed);
    std::vector<Cell> cells;
    for (int64_t i = 0, n = r.below(60); i < n; ++i) {
      const auto first = static_cast<uint32_t>(r.below(40));
      cells.push_back({static_cast<uint64_t>(64 * r.below(r.one_in(5) ? 1000 : 20)), first,
                       first + static_cast<uint32_t>(r.below(8)), 0});
    }
    const Packed packed = pack(cells);
    for (size_t i = 0; i < cells.size(); ++i) {
      const Cell& a = cells[i];
      EXPECT_LE(a.offset + a.bytes, packed.bytes) << seed;
      for (size_t j = 0; j < i; ++j) {
        const Cell& b = cells[j];
        const bool together = a.first <= b.last && b.first <= a.last;
        EXPECT_TRUE(!together || a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset) << seed;
      }
    }
    EXPECT_GE(packed.bytes, packed.lower_bound) << seed;
    if (packed.lower_bound != 0)
      worst = std::max(worst, static_cast<double>(packed.bytes) / static_cast<double>(packed.lower_bound));
  }
  EXPECT_LE(worst, 1.5);
}

TEST(Arena, MemoryIsUsedAgain) {
  std::vector<Cell> cells{{128, 0, 1, 0}, {64, 1, 2, 0}, {128, 2, 3, 0}, {64, 3, 4, 0}};
  const Packed packed = pack(cells);
  EXPECT_EQ(packed.bytes, 192u);
  EXPECT_EQ(packed.lower_bound, 192u);
  EXPECT_EQ(cells[0].offset, cells[2].offset);
}

TEST(Arena, NothingNeedsNothing) {
  std::vector<Cell> cells;
  EXPECT_EQ(pack(cells).bytes, 0u);
  cells = {{0, 0, 5, 0}};
  EXPECT_EQ(pack(cells).bytes, 0u);
}

}  // namespace
}  // namespace anneal::plan
