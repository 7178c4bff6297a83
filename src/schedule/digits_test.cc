// SPDX-License-Identifier: MIT
#include "schedule/digits.h"

#include <gtest/gtest.h>

#include "interp/interp.h"
#include "ir/builder.h"
#include "ir/walk.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;

class DigitsTest : public testing::Test {
 protected:
  std::vector<Node> loops(const std::vector<Dim>& shape) {
    std::vector<Node> at;
    for (size_t i = 0; i < shape.size(); ++i)
      at.push_back(shape[i].is(1) ? b.index(0) : b.range(shape[i], static_cast<int64_t>(i)));
    return at;
  }
  int64_t size(Dim d) const { return interp::evaluate_dim(g, d, bindings); }

  // Every position of `from`, split over `to`, names the same element.
  void expect_regroup(const std::vector<Dim>& from, const std::vector<Dim>& to) {
    const std::vector<Node> at = loops(from), there = digits.regroup(at, from, to);
    ASSERT_EQ(there.size(), to.size());
    int64_t count = 1;
    for (Dim d : from) count *= size(d);
    for (int64_t flat = 0; flat < count; ++flat) {
      bindings.ranges.clear();
      int64_t rest = flat;
      for (size_t i = from.size(); i-- > 0;) {
        bindings.ranges.emplace_back(static_cast<int64_t>(i), rest % size(from[i]));
        rest /= size(from[i]);
      }
      int64_t back = 0;
      for (size_t i = 0; i < to.size(); ++i) {
        const int64_t c = interp::evaluate_dim(g, Dim(there[i]), bindings);
        EXPECT_TRUE(0 <= c && c < size(to[i])) << "axis " << i << " of element " << flat;
        back = back * size(to[i]) + c;
      }
      EXPECT_EQ(back, flat);
    }
  }
  bool divides(std::span<const Node> nodes) const {
    for (Node n : ir::postorder(g, nodes))
      if (g.op(n) == Op::FloorDiv || g.op(n) == Op::FloorMod) return true;
    return false;
  }

  ir::Graph g;
  const ir::Graph::Scope scope{g};
  const Builder b{g};
  Digits digits{g};
  interp::Bindings bindings;
};

TEST_F(DigitsTest, RegroupsOverAnyShapeOfAsManyElements) {
  const std::vector<std::vector<Dim>> shapes = {
      {Dim(24)},         {Dim(4), Dim(6)},          {Dim(6), Dim(4)},          {Dim(2), Dim(3), Dim(4)},
      {Dim(3), Dim(8)},  {Dim(1), Dim(24), Dim(1)}, {Dim(2), Dim(1), Dim(12)}, {Dim(8), Dim(3)},
      {Dim(2), Dim(12)}, {Dim(12), Dim(2)}};
  for (const auto& from : shapes)
    for (const auto& to : shapes) expect_regroup(from, to);
}

TEST_F(DigitsTest, RegroupsSymbolicExtents) {
  const Dim n(b.var("N", 1, 5));
  const Dim n6 = ir::dim_mul(g, n, Dim(6)), n2 = ir::dim_mul(g, n, Dim(2)), n3 = ir::dim_mul(g, n, Dim(3));
  const std::vector<std::vector<Dim>> shapes = {{n, Dim(6)},
                                                {n6},
                                                {Dim(6), n},
                                                {n2, Dim(3)},
                                                {Dim(2), n3},
                                                {Dim(2), n, Dim(3)},
                                                {n, Dim(1), Dim(2), Dim(3)}};
  for (int64_t value : {1, 2, 5}) {
    bindings.vars = {{"N", value}};
    for (const auto& from : shapes)
      for (const auto& to : shapes) expect_regroup(from, to);
  }
}

TEST_F(DigitsTest, ThereAndBackDividesNothing) {
  const std::vector<Dim> wide = {Dim(5), Dim(7), Dim(3)}, flat = {Dim(105)}, other = {Dim(35), Dim(3)};
  const std::vector<Node> at = loops(wide);
  const std::vector<Node> joined = digits.regroup(at, wide, flat);
  EXPECT_EQ(digits.regroup(joined, flat, wide), at);
  EXPECT_EQ(digits.coordinates(digits.position(at, wide), wide), at);
  EXPECT_FALSE(divides(digits.regroup(at, wide, other)));
  EXPECT_FALSE(divides(digits.regroup(joined, flat, other)));
}

// An axis that was put together from 3 x 4 positions, in an array in which that axis has 20.
TEST_F(DigitsTest, PartOfALongerAxisIsNoDigit) {
  const std::vector<Dim> parts = {Dim(2), Dim(3), Dim(4)}, sliced = {Dim(2), Dim(12)},
                         whole = {Dim(2), Dim(20)};
  const std::vector<Node> at = digits.regroup(loops(parts), parts, sliced);
  const Node position = digits.position(at, whole);
  bindings.ranges = {{0, 1}, {1, 2}, {2, 3}};
  EXPECT_EQ(interp::evaluate_dim(g, Dim(position), bindings), 20 + 11);
}

TEST_F(DigitsTest, FoldsConstants) {
  const Node x = b.range(Dim(9), 0);
  EXPECT_EQ(digits.add(x, b.index(0)), x);
  EXPECT_EQ(digits.add(b.index(2), b.index(3)), b.index(5));
  EXPECT_EQ(digits.mul(x, Dim(1)), x);
  EXPECT_EQ(digits.mul(x, Dim(0)), b.index(0));
  EXPECT_EQ(digits.floordiv(b.index(7), Dim(2)), b.index(3));
  EXPECT_EQ(digits.floormod(b.index(7), Dim(2)), b.index(1));
  EXPECT_EQ(digits.floormod(x, Dim(1)), b.index(0));
}

}  // namespace
}  // namespace anneal::schedule
