// SPDX-License-Identifier: MIT
// Elementwise ops over arrays: views of all kinds as sources, block borders, and trees computed inside their
// user. What each op means on one element is tested in ir/eval_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interp/test_graph.h"

namespace anneal::interp {
namespace {

using ir::Dim;
using testing::Each;
using testing::ElementsAre;

class Elementwise : public testing::Test, protected TestGraph {};

TEST_F(Elementwise, KeepsSpecialValues) {
  const Node x = data(f32, {5}, {kNan, kInf, -kInf, -0.0, 1});
  EXPECT_EQ(text(b.neg(x)), "nan -inf inf 0 -1");
  EXPECT_EQ(text(b.sub(x, x)), "nan nan nan 0 0");
  EXPECT_THAT(ints(b.ne(x, x)), ElementsAre(1, 0, 0, 0, 0));
  EXPECT_THAT(ints(b.cast(x, i8)), ElementsAre(0, 127, -128, 0, 1));
  const Node zero = b.constant_float(0, f32);
  EXPECT_EQ(text(b.where(b.ne(x, x), zero, x)), "0 inf -inf -0 1");
}

TEST_F(Elementwise, ScalarsStandForEveryPosition) {
  const Node x = data(i32, {2, 2}, {1, 2, 3, 4}), three = b.constant_int(3, i32);
  EXPECT_THAT(ints(b.sub(three, x)), ElementsAre(2, 1, 0, -1));
  EXPECT_THAT(ints(b.where(b.lt(x, three), x, three)), ElementsAre(1, 2, 3, 3));
  EXPECT_THAT(shape_of(b.add(three, three)), ElementsAre());
}

TEST_F(Elementwise, EmptyArrays) {
  const Node x = data(f32, {0, 3}, {});
  EXPECT_THAT(shape_of(b.add(x, x)), ElementsAre(0, 3));
  EXPECT_THAT(doubles(b.make(Op::Exp, {b.mul(x, b.constant_float(2, f32))})), ElementsAre());
}

TEST_F(Elementwise, EveryTypeOverSeveralBlocks) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const Node x = b.cast(b.make(Op::And, {counting(i32, {1300}), b.constant_int(1, i32)}), type);
    const Node y =
        b.where(b.eq(x, b.constant_int(1, type)), b.constant_int(0, type), b.constant_int(1, type));
    const Doubles values = doubles(y);
    ASSERT_EQ(values.size(), 1300u);
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(values[i], i % 2 == 0) << dtype_name(type) << " " << i;
  }
}

TEST_F(Elementwise, SourcesAreViewsOfAnyStrides) {
  const uint8_t swap[] = {1, 0};
  const Dim square[] = {30, 30}, column[] = {30, 1};
  const Node x = counting(i32, {30, 30});
  const Node row = b.expand(b.reshape(b.slice(x, {{Dim(0), Dim(0)}, {1, 1}}, column), column), square);
  const Node y = b.add(b.add(x, b.permute(x, swap)), b.sub(b.flip(x, 3), row));
  const Ints values = ints(y);
  for (int64_t i = 0; i < 30; ++i)
    for (int64_t j = 0; j < 30; ++j)
      ASSERT_EQ(values[static_cast<size_t>(i * 30 + j)],
                (i * 30 + j) + (j * 30 + i) + (899 - i * 30 - j) - i * 30);
}

TEST_F(Elementwise, BoolsAreOneOrZero) {
  auto odd = std::make_shared<Array>();
  odd->dtype = boolean;
  odd->shape = {3};
  odd->bytes = {std::byte{0}, std::byte{2}, std::byte{255}};
  const Node x = b.buffer(odd);
  EXPECT_THAT(ints(b.make(Op::Not, {x})), ElementsAre(1, 0, 0));
  EXPECT_THAT(ints(b.eq(x, b.constant_int(1, boolean))), ElementsAre(0, 1, 1));
  EXPECT_THAT(ints(b.cast(x, i32)), ElementsAre(0, 1, 1));
}

TEST_F(Elementwise, BitcastKeepsEveryBit) {
  const Node signalling = data(u16, {2}, {0x7c01, 0xfdff});  // NaNs of f16 whose quiet bit is clear
  EXPECT_THAT(ints(b.bitcast(b.bitcast(signalling, f16), u16)), ElementsAre(0x7c01, 0xfdff));
  EXPECT_THAT(ints(b.bitcast(data(f32, {2}, {1, -0.0}), u32)), ElementsAre(0x3f800000, 0x80000000));
  EXPECT_THAT(ints(b.bitcast(data(i64, {1}, {-1}), DType::kIndex)), ElementsAre(-1));
}

TEST_F(Elementwise, ThreefryOverCounters) {
  const Dim shape[] = {4};
  const Node zero = b.constant_int(0, u32), counter = b.cast(b.iota(shape, 0, i32), u32);
  const std::vector<Node> sources = {zero, zero, zero, counter};
  const Ints low = ints(b.make(Op::Threefry, sources, ir::LaneArg{0}));
  const Ints high = ints(b.make(Op::Threefry, sources, ir::LaneArg{1}));
  EXPECT_EQ(low[0], 0x6b200159);
  EXPECT_EQ(high[0], 0x99ba4efe);
  EXPECT_NE(low[1], low[0]);
}

// -- Trees computed inside their only user --

TEST_F(Elementwise, TreesRoundAtEveryStep) {
  const Node x = data(f16, {2}, {2048, 4});
  const Node one = b.constant_float(1, f16);
  EXPECT_THAT(doubles(b.sub(b.add(b.add(x, one), one), x)), ElementsAre(0, 2));
  EXPECT_THAT(doubles(b.reduce(b.add(x, one), ReduceOp::kMax, 1)), ElementsAre(2048));
}

TEST_F(Elementwise, LongChainsAndWideTrees) {
  const Node x = counting(i32, {600});
  Node chain = x;
  for (int i = 0; i < 300; ++i) chain = b.sub(b.constant_int(1, i32), chain);
  EXPECT_EQ(ints(chain), ints(x));
  std::vector<Node> level;
  for (int i = 0; i < 256; ++i) level.push_back(b.add(x, b.constant_int(i, i32)));
  while (level.size() > 1) {
    std::vector<Node> next;
    for (size_t i = 0; i < level.size(); i += 2) next.push_back(b.add(level[i], level[i + 1]));
    level = next;
  }
  const Ints values = ints(level[0]);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<int64_t>(256 * i + 255 * 128));
}

TEST_F(Elementwise, TheSameSourceTwice) {
  const Node x = counting(i32, {4}), y = b.add(x, x);
  EXPECT_THAT(ints(b.mul(y, y)), ElementsAre(0, 4, 16, 36));
  EXPECT_THAT(ints(b.reduce(b.mul(y, y), ReduceOp::kAdd, 1)), ElementsAre(56));
  const Node roots[] = {y, b.reduce(y, ReduceOp::kAdd, 1)};  // y is wanted itself, too
  const auto values = evaluate(graph, roots);
  EXPECT_THAT(ints_of(*values[0]), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(ints_of(*values[1]), ElementsAre(12));
}

TEST_F(Elementwise, MatmulHoldsNoProducts) {
  constexpr int64_t M = 67, N = 45, K = 129;
  const Dim a_shape[] = {M, 1, K}, b_shape[] = {1, N, K}, products[] = {M, N, K};
  const uint8_t swap[] = {1, 0};
  const Node x = b.sub(b.cast(counting(i32, {M, K}), f32), b.constant_float(4000, f32));
  const Node y = b.cast(counting(i32, {K, N}), f32);
  const Node product = b.mul(b.expand(b.reshape(x, a_shape), products),
                             b.expand(b.reshape(b.permute(y, swap), b_shape), products));
  const auto value = array(b.reduce(product, ReduceOp::kAdd, 4), {}, {Mode::kDouble, 4 * M * K * 8});
  EXPECT_THAT(value->shape, ElementsAre(M, N, 1));
  const Doubles values = doubles_of(*value);
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      int64_t sum = 0;
      for (int64_t k = 0; k < K; ++k) sum += (i * K + k - 4000) * (k * N + j);
      ASSERT_EQ(values[static_cast<size_t>(i * N + j)], static_cast<double>(sum)) << i << "," << j;
    }
}

}  // namespace
}  // namespace anneal::interp
