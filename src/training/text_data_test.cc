// SPDX-License-Identifier: MIT
#include "training/text_data.h"

#include <gtest/gtest.h>

#include <numeric>

#include "anneal/error.h"

namespace anneal::training {
namespace {

TextData counting(int64_t count, int64_t block) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 0);
  return {std::move(tokens), block};
}

std::vector<int32_t> values(const NamedTensors& all, size_t i) { return all[i].value.to_vector<int32_t>(); }

TEST(TextData, TargetsAreOneAhead) {
  const TextData data = counting(1000, 8);
  for (int64_t step = 0; step < 50; ++step) {
    const NamedTensors pieces = data.batch(3, 1, step);
    const std::vector<int32_t> ids = values(pieces, 0), targets = values(pieces, 1);
    EXPECT_EQ(pieces[0].value.shape(), (std::vector<int64_t>{3, 8}));
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(targets[i], ids[i] + 1);
      EXPECT_LT(targets[i], 900) << "held out";
    }
  }
}

TEST(TextData, IsAFunctionOfSeedAndStep) {
  const TextData data = counting(100000, 4);
  EXPECT_EQ(values(data.batch(2, 5, 9), 0), values(data.batch(2, 5, 9), 0));
  EXPECT_NE(values(data.batch(2, 5, 9), 0), values(data.batch(2, 5, 10), 0));
  EXPECT_NE(values(data.batch(2, 5, 9), 0), values(data.batch(2, 6, 9), 0));
}

TEST(TextData, HeldOutPiecesFollowEachOther) {
  const TextData data = counting(1000, 8);  // 100 held out: 12 pieces
  ASSERT_EQ(data.held_out_batches(5), 2);
  int32_t next = 900;
  for (int64_t i = 0; i < 2; ++i)
    for (const int32_t id : values(data.held_out(5, i), 0)) EXPECT_EQ(id, next++);
  EXPECT_EQ(data.held_out_batches(100), 1);
  EXPECT_EQ(values(data.held_out(100, 0), 1).back(), 999);
}

TEST(TextData, RefusesWhatIsTooShort) {
  EXPECT_THROW(counting(80, 8), Error);
  EXPECT_NO_THROW(counting(90, 8));
  EXPECT_THROW(counting(0, 1), Error);
}

}  // namespace
}  // namespace anneal::training
