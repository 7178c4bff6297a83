// SPDX-License-Identifier: MIT
// Reduce, argreduce and scan: values, special floats, empty axes, all types, accumulation and accuracy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interp/test_graph.h"
#include "ir/eval.h"

namespace anneal::interp {
namespace {

using ir::Dim;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

class Fold : public testing::Test, protected TestGraph {};

TEST_F(Fold, ReduceOverEverySetOfAxes) {
  const Node x = counting(i32, {2, 3, 2});
  EXPECT_THAT(ints(b.reduce(x, ReduceOp::kAdd, 1)), ElementsAre(6, 8, 10, 12, 14, 16));
  EXPECT_THAT(ints(b.reduce(x, ReduceOp::kAdd, 2)), ElementsAre(6, 9, 24, 27));
  EXPECT_THAT(ints(b.reduce(x, ReduceOp::kAdd, 4)), ElementsAre(1, 5, 9, 13, 17, 21));
  EXPECT_THAT(ints(b.reduce(x, ReduceOp::kAdd, 5)), ElementsAre(14, 22, 30));
  EXPECT_THAT(ints(b.reduce(x, ReduceOp::kAdd, 7)), ElementsAre(66));
  EXPECT_THAT(shape_of(b.reduce(x, ReduceOp::kAdd, 5)), ElementsAre(1, 3, 1));
}

TEST_F(Fold, ReduceWithEveryOp) {
  const Node x = data(f32, {2, 3}, {1, -2, 3, 4, 0.5, -1});
  EXPECT_THAT(doubles(b.reduce(x, ReduceOp::kMul, 2)), ElementsAre(-6, -2));
  EXPECT_THAT(doubles(b.reduce(x, ReduceOp::kMax, 2)), ElementsAre(3, 4));
  EXPECT_THAT(doubles(b.reduce(x, ReduceOp::kMin, 1)), ElementsAre(1, -2, -1));
}

TEST_F(Fold, ReduceOfSpecialValues) {
  const Node x = data(f32, {2, 2}, {kNan, 1, kInf, -kInf});
  EXPECT_EQ(text(b.reduce(x, ReduceOp::kMax, 2)), "nan inf");
  EXPECT_EQ(text(b.reduce(x, ReduceOp::kMin, 2)), "nan -inf");
  EXPECT_EQ(text(b.reduce(x, ReduceOp::kAdd, 2)), "nan nan");
  const Node zeros = data(f32, {2, 2}, {-0.0, 0.0, -0.0, -0.0});
  EXPECT_EQ(text(b.reduce(zeros, ReduceOp::kMax, 2)), "0 -0");
  const Node one = data(f32, {1}, {-0.0});
  EXPECT_EQ(text(b.reduce(one, ReduceOp::kAdd, 1)), "-0");
}

TEST_F(Fold, EmptyAxesGiveTheIdentity) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    for (ReduceOp op : {ReduceOp::kAdd, ReduceOp::kMul, ReduceOp::kMax, ReduceOp::kMin}) {
      if (is_bool(type) && (op == ReduceOp::kAdd || op == ReduceOp::kMul)) continue;
      const Node x = data(type, {2, 0}, {});
      EXPECT_THAT(doubles(b.reduce(x, op, 2)), Each(fold_identity(op, type).as_double(type)))
          << dtype_name(type);
      EXPECT_THAT(shape_of(b.reduce(x, op, 2)), ElementsAre(2, 1));
      EXPECT_THAT(doubles(b.reduce(x, op, 1)), ElementsAre());
    }
  }
  const Node x = data(f16, {0}, {});
  EXPECT_THAT(doubles(b.reduce(x, ReduceOp::kMax, 1), {}, kDoubleMode), ElementsAre(-kInf));
}

TEST_F(Fold, IntegersWrapInTheirOwnType) {
  EXPECT_THAT(ints(b.reduce(data(i8, {3}, {100, 100, 100}), ReduceOp::kAdd, 1)), ElementsAre(44));
  EXPECT_THAT(ints(b.reduce(data(u8, {2}, {16, 17}), ReduceOp::kMul, 1)), ElementsAre(16));
  EXPECT_THAT(ints(b.reduce(data(boolean, {2, 2}, {0, 1, 0, 0}), ReduceOp::kMax, 2)), ElementsAre(1, 0));
  EXPECT_THAT(ints(b.reduce(data(boolean, {2, 2}, {0, 1, 1, 1}), ReduceOp::kMin, 2)), ElementsAre(0, 1));
}

TEST_F(Fold, NarrowFloatsAccumulateInF32) {
  const Dim shape[] = {5000};
  const Node ones = b.full(shape, b.constant_float(1, f16));
  EXPECT_THAT(doubles(b.reduce(ones, ReduceOp::kAdd, 1)), ElementsAre(5000));
  EXPECT_THAT(doubles(b.reduce(data(bf16, {3}, {256, 1, 1}), ReduceOp::kAdd, 1)), ElementsAre(258));
  EXPECT_THAT(doubles(b.reduce(data(f8e4m3, {3}, {448, 448, -448}), ReduceOp::kAdd, 1)), ElementsAre(448));
  EXPECT_THAT(doubles(b.reduce(data(f16, {3}, {60000, 60000, -60000}), ReduceOp::kAdd, 1)),
              ElementsAre(60000));
}

TEST_F(Fold, LongSumsStayAccurate) {
  const Dim shape[] = {3, 1000003};
  const double tenth = static_cast<double>(0.1f);
  const Node x = b.full(shape, b.constant_float(0.1, f32));
  for (double sum : doubles(b.reduce(x, ReduceOp::kAdd, 2))) EXPECT_NEAR(sum / (tenth * 1000003), 1, 1e-6);
}

TEST_F(Fold, RowsAcrossBlockBordersOfEveryLength) {
  for (int64_t length : {1, 2, 31, 32, 33, 64, 100, 511, 512, 513, 1100}) {
    const Ints sums = ints(b.reduce(counting(i64, {7, length}), ReduceOp::kAdd, 2));
    for (int64_t row = 0; row < 7; ++row)
      EXPECT_EQ(sums[static_cast<size_t>(row)], row * length * length + length * (length - 1) / 2) << length;
  }
}

// -- Argreduce --

TEST_F(Fold, ArgReduceTakesTheFirst) {
  const Node x = data(f32, {2, 4}, {1, 5, 5, 2, -1, -3, 0, -3});
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMax, 1)), ElementsAre(1, 2));
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMin, 1)), ElementsAre(0, 1));
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMax, 0)), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(shape_of(b.arg_reduce(x, ReduceOp::kMin, 0)), ElementsAre(1, 4));
  EXPECT_EQ(array(b.arg_reduce(x, ReduceOp::kMin, 0))->dtype, i32);
}

TEST_F(Fold, ArgReduceOfSpecialValues) {
  const Node x = data(f16, {3, 3}, {1, kNan, kNan, -0.0, 0.0, -0.0, -kInf, -kInf, -kInf});
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMax, 1)), ElementsAre(1, 0, 0));
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMin, 1)), ElementsAre(1, 0, 0));
  EXPECT_THAT(ints(b.arg_reduce(data(f32, {2}, {kNan, kInf}), ReduceOp::kMax, 0)), ElementsAre(0));
}

TEST_F(Fold, ArgReduceOfLongRowsAndOtherTypes) {
  const Node x = counting(u16, {2, 1500});
  EXPECT_THAT(ints(b.arg_reduce(x, ReduceOp::kMax, 1)), ElementsAre(1499, 1499));
  EXPECT_THAT(ints(b.arg_reduce(data(boolean, {3}, {0, 1, 1}), ReduceOp::kMax, 0)), ElementsAre(1));
  EXPECT_THAT(ints(b.arg_reduce(data(i8, {3}, {0, -128, 127}), ReduceOp::kMin, 0)), ElementsAre(1));
}

TEST_F(Fold, ArgReduceOfAnAxisThatTurnsOutEmpty) {
  const Dim shape[] = {2, Dim(b.var("N", 0, 4))};
  const Node x = b.arg_reduce(b.full(shape, b.constant_float(1, f32)), ReduceOp::kMax, 1);
  EXPECT_THAT(failure(x, {{}, {{"N", 0}}, {}}),
              HasSubstr("argreduce: has no element to choose: axis 1 is empty"));
  EXPECT_THAT(ints(x, {{}, {{"N", 3}}, {}}), ElementsAre(0, 0));
}

// -- Scan --

TEST_F(Fold, ScanBothWaysAlongEachAxis) {
  const Node x = data(i32, {2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(ints(b.scan(x, ReduceOp::kAdd, 1)), ElementsAre(1, 3, 6, 4, 9, 15));
  EXPECT_THAT(ints(b.scan(x, ReduceOp::kAdd, 1, true)), ElementsAre(6, 5, 3, 15, 11, 6));
  EXPECT_THAT(ints(b.scan(x, ReduceOp::kAdd, 0)), ElementsAre(1, 2, 3, 5, 7, 9));
  EXPECT_THAT(ints(b.scan(x, ReduceOp::kMul, 0, true)), ElementsAre(4, 10, 18, 4, 5, 6));
  EXPECT_THAT(ints(b.scan(data(i32, {4}, {2, 1, 3, 0}), ReduceOp::kMax, 0)), ElementsAre(2, 2, 3, 3));
  EXPECT_THAT(ints(b.scan(data(i32, {4}, {2, 1, 3, 0}), ReduceOp::kMin, 0, true)), ElementsAre(0, 0, 0, 0));
}

TEST_F(Fold, ScanOfSpecialValuesAndEmptyAxes) {
  EXPECT_EQ(text(b.scan(data(f32, {3}, {1, kNan, 2}), ReduceOp::kMax, 0)), "1 nan nan");
  EXPECT_EQ(text(b.scan(data(f32, {2}, {-0.0, -0.0}), ReduceOp::kAdd, 0)), "-0 -0");
  EXPECT_THAT(doubles(b.scan(data(f32, {2, 0}, {}), ReduceOp::kAdd, 1)), ElementsAre());
  EXPECT_THAT(shape_of(b.scan(data(f32, {0, 2}, {}), ReduceOp::kAdd, 1, true)), ElementsAre(0, 2));
  EXPECT_THAT(ints(b.scan(data(i8, {2}, {100, 100}), ReduceOp::kAdd, 0)), ElementsAre(100, -56));
}

TEST_F(Fold, ScanOfLongRows) {
  const Ints sums =
      ints(b.scan(b.full(std::vector<Dim>{2, 1200}, b.constant_int(1, i32)), ReduceOp::kAdd, 1));
  for (size_t i = 0; i < sums.size(); ++i) ASSERT_EQ(sums[i], static_cast<int64_t>(i % 1200 + 1));
}

}  // namespace
}  // namespace anneal::interp
