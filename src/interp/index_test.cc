// SPDX-License-Identifier: MIT
// Argsort, gather and scatter: order, ties and NaN, positions out of range, duplicates, every type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interp/test_graph.h"

namespace anneal::interp {
namespace {

using ir::Dim;
using ir::ScatterMode;
using testing::ElementsAre;
using testing::HasSubstr;

class Index : public testing::Test, protected TestGraph {};

TEST_F(Index, ArgSortIsStableBothWays) {
  const Node x = data(i32, {2, 5}, {3, 1, 3, 2, 1, 0, 0, 0, 1, -1});
  EXPECT_THAT(ints(b.arg_sort(x, 1, false)), ElementsAre(1, 4, 3, 0, 2, 4, 0, 1, 2, 3));
  EXPECT_THAT(ints(b.arg_sort(x, 1, true)), ElementsAre(0, 2, 3, 1, 4, 3, 0, 1, 2, 4));
  EXPECT_THAT(ints(b.arg_sort(x, 0, false)), ElementsAre(1, 1, 1, 1, 1, 0, 0, 0, 0, 0));
}

// NaN is greater than everything: last when ascending, first when descending. -0 and +0 are equal.
TEST_F(Index, ArgSortOfSpecialValues) {
  for (DType t : {f16, bf16, f32, f64}) {
    const Node x = data(t, {7}, {0.0, kNan, -kInf, -0.0, kInf, kNan, 1});
    EXPECT_THAT(ints(b.arg_sort(x, 0, false)), ElementsAre(2, 0, 3, 6, 4, 1, 5));
    EXPECT_THAT(ints(b.arg_sort(x, 0, true)), ElementsAre(1, 5, 4, 6, 0, 3, 2));
  }
}

TEST_F(Index, ArgSortOfOtherTypesAndExtents) {
  EXPECT_THAT(ints(b.arg_sort(data(u8, {3}, {200, 100, 255}), 0, false)), ElementsAre(1, 0, 2));
  EXPECT_THAT(ints(b.arg_sort(data(boolean, {3}, {1, 0, 1}), 0, false)), ElementsAre(1, 0, 2));
  EXPECT_THAT(ints(b.arg_sort(data(f32, {2, 0}, {}), 1, false)), ElementsAre());
  EXPECT_THAT(shape_of(b.arg_sort(data(f32, {0, 2}, {}), 1, false)), ElementsAre(0, 2));
  const Node middle = b.arg_sort(b.neg(counting(i32, {2, 600, 2})), 1, false);
  EXPECT_EQ(ints(middle)[0], 599);
  EXPECT_EQ(ints(b.gather(counting(i32, {2, 600, 2}), middle, 1))[0], 1198);
}

TEST_F(Index, GatherAlongEachAxis) {
  const Node x = counting(f32, {2, 3});
  EXPECT_THAT(doubles(b.gather(x, data(i32, {2, 2}, {2, 0, 1, 1}), 1)), ElementsAre(2, 0, 4, 4));
  EXPECT_THAT(doubles(b.gather(x, data(i32, {1, 3}, {1, 0, 1}), 0)), ElementsAre(3, 1, 5));
  EXPECT_THAT(doubles(b.gather(b.flip(x, 2), data(i64, {2, 1}, {0, 2}), 1)), ElementsAre(2, 3));
}

TEST_F(Index, GatherOutOfRangeReadsZero) {
  const Node x = data(f32, {2}, {5, 6});
  EXPECT_THAT(doubles(b.gather(x, data(i32, {5}, {-1, 0, 1, 2, INT32_MAX}), 0)), ElementsAre(0, 5, 6, 0, 0));
  EXPECT_THAT(doubles(b.gather(x, data(u64, {2}, {1, 18e18}), 0)), ElementsAre(6, 0));
  EXPECT_THAT(doubles(b.gather(x, data(i8, {2}, {-128, 1}), 0)), ElementsAre(0, 6));
  EXPECT_THAT(doubles(b.gather(data(f32, {0}, {}), data(i32, {2}, {0, 1}), 0)), ElementsAre(0, 0));
  EXPECT_THAT(doubles(b.gather(x, data(i32, {0}, {}), 0)), ElementsAre());
}

TEST_F(Index, GatherOfEveryType) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const Node x = data(type, {3}, {0, 1, 1});
    EXPECT_THAT(doubles(b.gather(x, data(DType::kIndex, {3}, {1, 0, 7}), 0)), ElementsAre(1, 0, 0));
    if (is_int(type)) {
      EXPECT_THAT(doubles(b.gather(counting(f32, {2}), x, 0)), ElementsAre(0, 1, 1));
    }
  }
}

TEST_F(Index, GatherOfALookupTable) {
  const Dim rows[] = {700, 3}, tokens[] = {700, 1};
  const Node ids =
      b.expand(b.reshape(b.floormod(counting(i32, {700}), b.constant_int(5, i32)), tokens), rows);
  const Ints values = ints(b.gather(counting(i32, {5, 3}), ids, 0));
  for (size_t i = 0; i < 700; ++i)
    for (size_t j = 0; j < 3; ++j) ASSERT_EQ(values[i * 3 + j], static_cast<int64_t>(i % 5 * 3 + j));
}

TEST_F(Index, ScatterAddsDuplicatesInOrder) {
  const Node base = data(f32, {3}, {10, 20, 30}), at = data(i32, {4}, {1, 1, 0, 1});
  const Node values = data(f32, {4}, {1, 2, 3, 4});
  EXPECT_THAT(doubles(b.scatter(base, at, values, 0, ScatterMode::kAdd)), ElementsAre(13, 27, 30));
  EXPECT_THAT(doubles(b.scatter(base, at, values, 0, ScatterMode::kSet)), ElementsAre(3, 4, 30));
  EXPECT_THAT(doubles(base), ElementsAre(10, 20, 30));
}

TEST_F(Index, ScatterDropsWhatIsOutOfRange) {
  const Node base = data(i32, {2}, {1, 2}), at = data(i64, {4}, {-1, 2, 0, 9e18});
  const Node values = data(i32, {4}, {10, 20, 30, 40});
  EXPECT_THAT(ints(b.scatter(base, at, values, 0, ScatterMode::kAdd)), ElementsAre(31, 2));
  EXPECT_THAT(ints(b.scatter(base, at, values, 0, ScatterMode::kSet)), ElementsAre(30, 2));
  EXPECT_THAT(ints(b.scatter(base, data(i32, {0}, {}), data(i32, {0}, {}), 0, ScatterMode::kSet)),
              ElementsAre(1, 2));
}

TEST_F(Index, ScatterAlongEachAxisFromViews) {
  const Dim shape[] = {2, 3};
  const Node zero = b.full(shape, b.constant_int(0, i32)), values = b.flip(counting(i32, {2, 2}), 3);
  EXPECT_THAT(ints(b.scatter(zero, data(i32, {2, 2}, {0, 2, 1, 1}), values, 1, ScatterMode::kAdd)),
              ElementsAre(3, 0, 2, 0, 1, 0));
  EXPECT_THAT(
      ints(b.scatter(zero, data(i32, {1, 3}, {1, 0, 1}), counting(i32, {1, 3}), 0, ScatterMode::kSet)),
      ElementsAre(0, 1, 0, 0, 0, 2));
}

TEST_F(Index, ScatterOfEveryType) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const Node base = data(type, {2}, {0, 1}), at = data(u8, {1}, {0}), one = data(type, {1}, {1});
    EXPECT_THAT(doubles(b.scatter(base, at, one, 0, ScatterMode::kSet)), ElementsAre(1, 1))
        << dtype_name(type);
    EXPECT_EQ(array(b.scatter(base, at, one, 0, ScatterMode::kSet))->dtype, type);
  }
  const Node at = data(i32, {3}, {0, 0, 0}), x = data(f16, {3}, {2048, 1, 1});
  EXPECT_THAT(doubles(b.scatter(data(f16, {1}, {0.0}), at, x, 0, ScatterMode::kAdd)), ElementsAre(2050));
  EXPECT_THAT(doubles(b.scatter(data(i8, {1}, {100}), data(i32, {1}, {0}), data(i8, {1}, {100}), 0,
                                ScatterMode::kAdd)),
              ElementsAre(-56));
}

TEST_F(Index, ExtentsThatTurnOutWrong) {
  const Dim n(b.var("N", 1, 9)), shape[] = {n, 2};
  const Node at = b.full(shape, b.constant_int(0, i32));
  EXPECT_THAT(failure(b.gather(counting(f32, {3, 2}), at, 1), {{}, {{"N", 2}}, {}}),
              HasSubstr("gather: positions [2,2] do not fit [3,2] on axis 1"));
  EXPECT_THAT(doubles(b.gather(counting(f32, {3, 2}), at, 1), {{}, {{"N", 3}}, {}}),
              ElementsAre(0, 0, 2, 2, 4, 4));
}

}  // namespace
}  // namespace anneal::interp
