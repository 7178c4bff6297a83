// SPDX-License-Identifier: MIT
// Movement ops, alone and on sources that are views already, against index arithmetic written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interp/test_graph.h"

namespace anneal::interp {
namespace {

using ir::Dim;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

class Movement : public testing::Test, protected TestGraph {};

TEST_F(Movement, Iota) {
  const Dim shape[] = {2, 3};
  EXPECT_THAT(ints(b.iota(shape, 0, i32)), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(ints(b.iota(shape, 1, u8)), ElementsAre(0, 1, 2, 0, 1, 2));
  const Dim many[] = {258}, none[] = {0};
  EXPECT_EQ(ints(b.iota(many, 0, i8))[200], -56);
  EXPECT_THAT(ints(b.iota(none, 0, DType::kIndex)), ElementsAre());
}

TEST_F(Movement, ReshapeOfAContiguousArray) {
  const Dim shape[] = {3, 1, 2};
  const Node x = counting(i32, {2, 3});
  EXPECT_THAT(ints(b.reshape(x, shape)), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(shape_of(b.reshape(x, shape)), ElementsAre(3, 1, 2));
  const Dim one[] = {1, 1};
  EXPECT_THAT(shape_of(b.reshape(b.constant_int(1, i32), one)), ElementsAre(1, 1));
  EXPECT_THAT(shape_of(b.reshape(data(i32, {1}, {5}), {})), ElementsAre());
}

TEST_F(Movement, ReshapeOfViews) {
  const uint8_t swap[] = {1, 0};
  const Node x = counting(i32, {2, 3});
  const Dim flat[] = {6}, split[] = {1, 3, 1, 2, 1}, repeated[] = {2, 2, 3}, pairs[] = {4, 3},
            halves[] = {2, 6};
  EXPECT_THAT(ints(b.reshape(b.permute(x, swap), flat)), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(ints(b.reshape(b.permute(x, swap), split)), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(ints(b.reshape(b.flip(x, 3), flat)), ElementsAre(5, 4, 3, 2, 1, 0));
  const Dim row[] = {1, 2, 3};
  const Node twice = b.expand(b.reshape(x, row), repeated);
  EXPECT_THAT(ints(b.reshape(twice, pairs)), ElementsAre(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ints(b.reshape(twice, halves)), ElementsAre(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
}

TEST_F(Movement, ReshapeOfEmptyArrays) {
  const Dim shape[] = {5, 0}, none[] = {0};
  EXPECT_THAT(shape_of(b.reshape(data(f32, {0, 3}, {}), shape)), ElementsAre(5, 0));
  EXPECT_THAT(doubles(b.reshape(data(f32, {0, 3}, {}), none)), ElementsAre());
}

TEST_F(Movement, Expand) {
  const Dim shape[] = {2, 3}, none[] = {0, 3};
  EXPECT_THAT(ints(b.expand(data(i32, {2, 1}, {1, 2}), shape)), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_THAT(ints(b.expand(data(i32, {1, 3}, {1, 2, 3}), shape)), ElementsAre(1, 2, 3, 1, 2, 3));
  EXPECT_THAT(ints(b.expand(b.constant_int(7, u8), shape)), Each(7));
  EXPECT_THAT(ints(b.expand(data(i32, {1, 3}, {1, 2, 3}), none)), ElementsAre());
  EXPECT_THAT(shape_of(b.expand(data(i32, {1, 3}, {1, 2, 3}), none)), ElementsAre(0, 3));
}

TEST_F(Movement, Permute) {
  const uint8_t perm[] = {2, 0, 1};
  const Node x = b.permute(counting(i32, {2, 3, 4}), perm);
  EXPECT_THAT(shape_of(x), ElementsAre(4, 2, 3));
  const Ints values = ints(x);
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t k = 0; k < 3; ++k)
        EXPECT_EQ(values[static_cast<size_t>((i * 2 + j) * 3 + k)], (j * 3 + k) * 4 + i);
}

TEST_F(Movement, FlipOfEverySubsetOfAxes) {
  const Node x = counting(i32, {2, 3});
  EXPECT_THAT(ints(b.flip(x, 1)), ElementsAre(3, 4, 5, 0, 1, 2));
  EXPECT_THAT(ints(b.flip(x, 2)), ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_THAT(ints(b.flip(x, 3)), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(ints(b.flip(b.flip(x, 1), 1)), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(ints(b.flip(data(i32, {0, 2}, {}), 3)), ElementsAre());
}

TEST_F(Movement, SliceWithSteps) {
  const Node x = counting(i32, {4, 7});
  const Dim shape[] = {2, 3};
  EXPECT_THAT(ints(b.slice(x, {{Dim(1), Dim(0)}, {2, 3}}, shape)), ElementsAre(7, 10, 13, 21, 24, 27));
  const Dim tail[] = {1, 1}, none[] = {4, 0};
  EXPECT_THAT(ints(b.slice(x, {{Dim(3), Dim(6)}, {100, INT64_MAX}}, tail)), ElementsAre(27));
  EXPECT_THAT(ints(b.slice(x, {{Dim(0), Dim(7)}, {1, 1}}, none)), ElementsAre());
  EXPECT_THAT(ints(b.slice(b.flip(x, 3), {{Dim(0), Dim(1)}, {3, 2}}, shape)),
              ElementsAre(26, 24, 22, 5, 3, 1));
}

TEST_F(Movement, SliceFromASymbolicStart) {
  const Dim start(b.var("S", 0, 9)), shape[] = {2};
  const Node x = b.slice(counting(i32, {5}), {{start}, {1}}, shape);
  EXPECT_THAT(ints(x, {{}, {{"S", 3}}, {}}), ElementsAre(3, 4));
  EXPECT_THAT(failure(x, {{}, {{"S", 4}}, {}}),
              HasSubstr("slice: from 4 takes 2 elements with step 1 on axis 0 of [5]"));
}

TEST_F(Movement, PadOutsideAndBetween) {
  const Node x = counting(i32, {2, 2}), fill = b.constant_int(9, i32);
  EXPECT_THAT(ints(b.pad(x, fill, {{1, 0}, {0, 1}, {0, 0}})), ElementsAre(9, 9, 9, 0, 1, 9, 2, 3, 9));
  EXPECT_THAT(ints(b.pad(x, fill, {{0, 0}, {0, 0}, {1, 2}})),
              ElementsAre(0, 9, 9, 1, 9, 9, 9, 9, 2, 9, 9, 3));
  EXPECT_THAT(ints(b.pad(counting(i32, {3}), fill, {{1}, {2}, {1}})), ElementsAre(9, 0, 9, 1, 9, 2, 9, 9));
  EXPECT_THAT(ints(b.pad(data(i32, {1}, {4}), fill, {{0}, {1}, {5}})), ElementsAre(4, 9));
  EXPECT_THAT(ints(b.pad(data(i32, {0}, {}), fill, {{1}, {2}, {0}})), ElementsAre(9, 9, 9));
}

TEST_F(Movement, PadOfEveryTypeAndOfViews) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const Node x = b.flip(data(type, {2}, {0, 1}), 1);
    EXPECT_THAT(doubles(b.pad(x, b.constant_int(1, type), {{1}, {0}, {1}})), ElementsAre(1, 1, 1, 0));
  }
  const Node nan = b.constant_float(kNan, bf16);
  EXPECT_EQ(text(b.pad(data(bf16, {1}, {-0.0}), nan, {{1}, {0}, {0}})), "nan -0");
}

TEST_F(Movement, PadBySymbolicAmounts) {
  const Dim n(b.var("N", 0, 9));
  const Node x = b.pad(counting(i32, {2}), b.constant_int(-1, i32), {{n}, {Dim(1)}, {0}});
  EXPECT_THAT(ints(x, {{}, {{"N", 2}}, {}}), ElementsAre(-1, -1, 0, 1, -1));
  EXPECT_THAT(ints(x, {{}, {{"N", 0}}, {}}), ElementsAre(0, 1, -1));
}

TEST_F(Movement, Concat) {
  const Node x = counting(i32, {2, 2}), y = b.neg(counting(i32, {2, 1})), none = data(i32, {2, 0}, {});
  const Node parts[] = {x, none, y, x};
  EXPECT_THAT(ints(b.concat(parts, 1)), ElementsAre(0, 1, 0, 0, 1, 2, 3, -1, 2, 3));
  const uint8_t swap[] = {1, 0};
  const Node rows[] = {x, b.permute(x, swap)};
  EXPECT_THAT(ints(b.concat(rows, 0)), ElementsAre(0, 1, 2, 3, 0, 2, 1, 3));
}

TEST_F(Movement, ConcatOfExtentsThatDiffer) {
  const Dim n(b.var("N", 1, 9)), m(b.var("M", 1, 9));
  const Dim a_shape[] = {2, n}, b_shape[] = {2, m};
  const Node one = b.constant_int(1, i32);
  const Node parts[] = {b.full(a_shape, one), b.full(b_shape, one)};
  EXPECT_THAT(failure(b.concat(parts, 0), {{}, {{"N", 2}, {"M", 3}}, {}}),
              HasSubstr("concat: source 1 of shape [2,3]"));
  EXPECT_THAT(shape_of(b.concat(parts, 1), {{}, {{"N", 2}, {"M", 3}}, {}}), ElementsAre(2, 5));
}

}  // namespace
}  // namespace anneal::interp
