// SPDX-License-Identifier: MIT
//
// Known answers of Threefry-2x32-20, at compile time and at run time, and its dependence on every input bit.
#include "support/threefry.h"

#include <gtest/gtest.h>

#include <bit>

namespace anneal::support {
namespace {

using Words = std::array<uint32_t, 2>;

struct KnownAnswer {
  Words key, counter, output;
};

constexpr KnownAnswer kKnownAnswers[] = {
    {{0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe}},
    {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x1cb996fc, 0xbb002be7}},
    {{0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3}, {0xc4923a9c, 0x483df7a0}},
};

constexpr bool all_known_answers_hold() {
  for (const KnownAnswer& known : kKnownAnswers) {
    if (threefry2x32(known.key, known.counter) != known.output) return false;
  }
  return true;
}
static_assert(all_known_answers_hold());

TEST(Threefry, KnownAnswersAtRunTime) {
  for (const KnownAnswer& known : kKnownAnswers) {
    volatile uint32_t key0 = known.key[0];  // keeps the call out of the constant folder
    EXPECT_EQ(threefry2x32({key0, known.key[1]}, known.counter), known.output);
  }
}

TEST(Threefry, EveryInputBitReachesBothOutputs) {
  const Words base = threefry2x32({1, 2}, {3, 4});
  for (int word = 0; word < 4; ++word) {
    for (int bit = 0; bit < 32; ++bit) {
      Words key = {1, 2};
      Words counter = {3, 4};
      (word < 2 ? key : counter)[static_cast<size_t>(word % 2)] ^= uint32_t{1} << bit;
      const Words changed = threefry2x32(key, counter);
      for (size_t i = 0; i < 2; ++i) {
        const int flipped = std::popcount(changed[i] ^ base[i]);
        EXPECT_GT(flipped, 3) << "input word " << word << " bit " << bit;
        EXPECT_LT(flipped, 29) << "input word " << word << " bit " << bit;
      }
    }
  }
}

TEST(Threefry, CountersGiveBalancedBits) {
  uint64_t ones = 0;
  constexpr uint32_t kCounters = 4096;
  for (uint32_t i = 0; i < kCounters; ++i) {
    const Words words = threefry2x32({0x12345678, 0x9abcdef0}, {i, 0});
    ones += static_cast<uint64_t>(std::popcount(words[0]) + std::popcount(words[1]));
  }
  // 262144 fair bits: mean 131072, standard deviation 256. The inputs are fixed, so this cannot flake.
  EXPECT_GT(ones, 131072u - 5 * 256);
  EXPECT_LT(ones, 131072u + 5 * 256);
}

}  // namespace
}  // namespace anneal::support
