// SPDX-License-Identifier: MIT
// Intervals that masks leave, against all pairs of a row of the block and a value of the range.
#include "loop/live_range.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "interp/interp.h"
#include "interp/test_kernel.h"
#include "loop/finite.h"

namespace anneal::loop {
namespace {

constexpr int64_t kRows = 12, kColumns = 15, kBlock = 4;

class Live : public testing::Test, protected interp::TestKernel {
 protected:
  Node row = loop(0, kRows), column = reduce(64, kColumns), first = b.var("first", 0, kRows - kBlock, kBlock);

  Node input(int64_t number, Node at, int64_t size) { return b.load(slot(number, f32, size), at); }
  Node score() { return input(0, at(row, kColumns, column), kRows * kColumns); }
  Node low() { return number(-HUGE_VAL); }

  std::optional<LiveRange> of(Node value) {
    const Node statement[] = {b.store(slot(9, f32, kRows), row, value)};
    const ir::Kernel kernel(graph, statement);
    EXPECT_EQ(kernel.error(), "");
    const RowBlock block{row, first, b.add(first, b.index(kBlock - 1)), {kernel.range_position(row)}};
    return live_range(graph, kernel, column, block);
  }
  // What must be looked at before columns of the sum of these are skipped.
  std::optional<std::vector<Node>> met(Node value) {
    const Node statement[] = {b.store(slot(9, f32, kRows), row, sum(value, column))};
    const ir::Kernel kernel(graph, statement);
    const RowBlock block{row, first, b.add(first, b.index(kBlock - 1)), {kernel.range_position(row)}};
    const auto live = live_range(graph, kernel, column, block);
    if (!live) return std::nullopt;
    const auto found = what_zeros_meet(graph, kernel, column, row, *live);
    if (!found) return std::nullopt;
    std::vector<Node> out;
    for (const Met& m : *found) out.push_back(m.node);
    return out;
  }
  int64_t value(Node n, int64_t at) { return interp::evaluate_dim(graph, Dim(n), {.vars = {{"first", at}}}); }

  // Every pair that the mask leaves lies inside, and both ends are as near as they can be.
  void expect_hull(Node mask, const std::function<bool(int64_t, int64_t)>& leaves) {
    const auto live = of(sum(unary(Op::Exp, b.where(mask, score(), low())), column));
    ASSERT_TRUE(live.has_value());
    for (int64_t block = 0; block < kRows; block += kBlock) {
      int64_t from = kColumns, to = 0;
      for (int64_t i = block; i < block + kBlock; ++i)
        for (int64_t j = 0; j < kColumns; ++j)
          if (leaves(i, j)) from = std::min(from, j), to = std::max(to, j + 1);
      if (live->from)
        EXPECT_EQ(std::max<int64_t>(value(live->from, block), 0), from) << block;
      else
        EXPECT_EQ(from, 0) << block;
      if (live->to)
        EXPECT_EQ(std::min(value(live->to, block), kColumns), to) << block;
      else
        EXPECT_EQ(to, kColumns) << block;
    }
  }
};

TEST_F(Live, OfComparisons) {
  const auto shifted = [&](Node n, int64_t by) { return b.add(n, b.index(by)); };
  expect_hull(b.le(column, row), [](int64_t i, int64_t j) { return j <= i; });
  expect_hull(b.lt(column, row), [](int64_t i, int64_t j) { return j < i; });
  expect_hull(b.le(row, column), [](int64_t i, int64_t j) { return i <= j; });
  expect_hull(b.le(b.cast(column, DType::kI64), b.cast(shifted(row, 2), DType::kI64)),
              [](int64_t i, int64_t j) { return j <= i + 2; });
  expect_hull(b.le(b.cast(column, DType::kI32), b.cast(row, DType::kI32)),
              [](int64_t i, int64_t j) { return j <= i; });
  expect_hull(unary(Op::Not, b.lt(row, column)), [](int64_t i, int64_t j) { return j <= i; });
  expect_hull(b.lt(b.sub(b.index(kRows), row), column), [](int64_t i, int64_t j) { return kRows - i < j; });
  const Node window = b.make(Op::And, {b.le(column, row), b.lt(row, shifted(column, 3))});
  expect_hull(window, [](int64_t i, int64_t j) { return j <= i && i < j + 3; });
  const Node outside = b.make(Op::Or, {b.lt(row, column), b.le(shifted(column, 3), row)});
  expect_hull(unary(Op::Not, outside), [](int64_t i, int64_t j) { return j <= i && i < j + 3; });
}

TEST_F(Live, OfWhatIsNotSeen) {
  const auto masked = [&](Node mask) {
    return of(sum(unary(Op::Exp, b.where(mask, score(), low())), column));
  };
  EXPECT_FALSE(masked(b.le(b.mul(column, b.index(2)), row)));
  EXPECT_FALSE(masked(b.le(b.mul(column, column), row)));
  EXPECT_FALSE(masked(b.lt(score(), number(0))));
  EXPECT_FALSE(masked(b.make(Op::Or, {b.le(column, row), b.lt(score(), number(0))})));
  // What is left is no zero of a sum, no least of a maximum, or one of another accumulate is neither.
  const Node mask = b.le(column, row);
  EXPECT_FALSE(of(sum(b.where(mask, score(), number(1)), column)));
  EXPECT_FALSE(of(sum(b.where(mask, score(), low()), column)));
  EXPECT_FALSE(of(greatest(b.where(mask, score(), number(0)), column)));
  EXPECT_TRUE(of(greatest(b.where(mask, score(), low()), column)));
  EXPECT_TRUE(of(sum(b.where(mask, score(), number(0)), column)));
  EXPECT_FALSE(of(b.add(sum(b.where(mask, score(), number(0)), column), sum(score(), column))));
}

TEST_F(Live, NamesWhatTheZerosMeet) {
  const Node mask = b.le(column, row), of_row = input(1, row, kRows), v = input(2, column, kColumns),
             total = input(3, column, kColumns);
  const Node e = unary(Op::Exp, b.sub(b.where(mask, score(), low()), of_row));
  auto live = of(sum(b.mul(b.div(e, of_row), v), column));
  ASSERT_TRUE(live.has_value());
  EXPECT_THAT(live->factors, testing::UnorderedElementsAre(v, of_row));
  EXPECT_EQ(live->divisors, std::vector<Node>{of_row});
  live = of(sum(b.mul(b.div(e, total), v), column));
  EXPECT_EQ(live->divisors, std::vector<Node>{total});
  // Of the row itself, or of what no look in advance can see.
  const Node masked = b.where(mask, score(), low()),
             own = unary(Op::Exp, b.sub(masked, greatest(masked, column)));
  live = of(sum(b.mul(b.div(own, sum(own, column)), v), column));
  ASSERT_TRUE(live.has_value());
  EXPECT_EQ(live->factors, std::vector<Node>{v});
  EXPECT_TRUE(live->divisors.empty());
  EXPECT_FALSE(of(sum(b.mul(e, sum(e, column)), column)));
  // Chosen by the mask, not made of what the zeros meet.
  live = of(sum(b.mul(b.where(mask, b.mul(v, e), number(0)), total), column));
  EXPECT_EQ(live->factors, std::vector<Node>{total});
}

// Loads where what is made of them cannot leave the finite numbers, else what is made.
TEST_F(Live, WhatHasToBeFinite) {
  const Node zero = b.where(b.le(column, row), score(), number(0)), v = input(2, column, kColumns),
             r = input(1, row, kRows), inner = reduce(65, 3);
  const auto at_inner = [&](int64_t slot, Node at, int64_t size) {
    return input(slot, b.add(b.mul(at, b.index(3)), inner), 3 * size);
  };
  const auto is = [&](Node factor, const std::vector<Node>& nodes) {
    EXPECT_THAT(met(b.mul(zero, factor)), testing::Optional(testing::UnorderedElementsAreArray(nodes)));
  };
  const Node left = at_inner(4, row, kRows), right = at_inner(5, column, kColumns);
  is(v, {v});
  is(unary(Op::Neg, v), {v});
  is(b.mul(v, number(2)), {b.mul(v, number(2))});
  is(b.div(number(1), v), {b.div(number(1), v)});
  is(b.mul(r, v), {r, v});
  is(sum(b.mul(left, right), inner), {left, right});
  is(sum(b.mul(unary(Op::Log, left), right), inner), {unary(Op::Log, left), right});
  is(b.where(b.lt(v, r), v, number(1)), {v});
  is(b.div(r, v), {r, v});
  is(b.div(sum(b.mul(left, right), inner), r), {r, left, right});
  is(number(2), {});
  // Of a row and a column, and not to be told from what it is made of.
  EXPECT_FALSE(met(b.mul(zero, score())));
  EXPECT_FALSE(met(b.mul(zero, unary(Op::Exp, sum(b.mul(left, right), inner)))));
  EXPECT_FALSE(met(b.mul(zero, number(HUGE_VAL))));
  EXPECT_FALSE(met(b.mul(zero, number(NAN))));
}

// exp(a - m) is no number in the whole row where m is, if m is the greatest of the same.
TEST_F(Live, MaximaOfOthersMayBeLow) {
  const Node a = b.where(b.le(column, row), score(), number(-HUGE_VAL));
  const auto part = [&](Node m) { return sum(unary(Op::Exp, b.sub(a, m)), column); };
  EXPECT_TRUE(of(part(greatest(a, column))));
  const Node most = greatest(a, column), none = b.make(Op::Eq, {most, number(-HUGE_VAL)});
  EXPECT_TRUE(of(part(b.where(none, number(0), most))));
  EXPECT_FALSE(of(part(b.where(none, number(-HUGE_VAL), most))));
  EXPECT_FALSE(of(part(greatest(b.mul(a, number(2)), column))));
  const Node e = unary(Op::Exp, a);
  EXPECT_TRUE(of(sum(b.div(e, sum(e, column)), column)));
  const Node total = sum(e, column), nothing = b.make(Op::Eq, {total, number(0)});
  EXPECT_TRUE(of(sum(b.div(e, b.where(nothing, number(1), total)), column)));
  EXPECT_FALSE(of(sum(b.div(e, b.where(nothing, number(0), total)), column)));
  EXPECT_FALSE(of(sum(b.div(e, sum(b.mul(e, e), column)), column)));
}

}  // namespace
}  // namespace anneal::loop
