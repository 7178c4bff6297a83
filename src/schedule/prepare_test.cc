// SPDX-License-Identifier: MIT
#include "schedule/prepare.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "schedule/schedule.h"
#include "schedule/test_program.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

class PrepareTest : public testing::Test {
 protected:
  Node x(int64_t number, std::vector<Dim> shape, DType t = f32) { return b.param(number, t, shape); }
  Node prepared(Node n) { return prepare(g, std::span(&n, 1))[0]; }
  bool has(Node root, Op op) {
    for (Node n : ir::postorder(g, std::span(&root, 1)))
      if (g.op(n) == op) return true;
    return false;
  }
  // The interpreter gives the same before and after.
  void expect_same(Node n) {
    const Node roots[] = {n, prepared(n)};
    const Values values = interp::evaluate(g, roots, small_bindings(g, roots, 4));
    EXPECT_EQ(difference(*values[0], *values[1]), "");
  }

  ir::Graph g;
  const ir::Graph::Scope scope{g};
  const Builder b{g};
};

TEST_F(PrepareTest, AScatterOfOneElementIsASelection) {
  for (const ir::ScatterMode mode : {ir::ScatterMode::kAdd, ir::ScatterMode::kSet}) {
    const Node n =
        b.scatter(x(0, {Dim(4), Dim(5)}), x(1, {Dim(4), Dim(1)}, i32), x(2, {Dim(4), Dim(1)}), 1, mode);
    EXPECT_FALSE(has(prepared(n), Op::Scatter));
    expect_same(n);  // positions of -5 to 5: some lie outside
  }
  const Node two = b.scatter(x(0, {Dim(4), Dim(5)}), x(3, {Dim(4), Dim(2)}, i32), x(4, {Dim(4), Dim(2)}), 1,
                             ir::ScatterMode::kAdd);
  EXPECT_EQ(prepared(two), two);
}

TEST_F(PrepareTest, AScatterIntoWhatItReplacesStays) {
  const Node at = x(1, {Dim(4), Dim(1)}, i32), update = x(2, {Dim(4), Dim(1)});
  const Node n = b.scatter(x(0, {Dim(4), Dim(5)}), at, update, 1, ir::ScatterMode::kSet);
  const int32_t itself[] = {0}, another[] = {3};
  EXPECT_EQ(prepare(g, std::span(&n, 1), itself)[0], n);
  EXPECT_FALSE(has(prepare(g, std::span(&n, 1), another)[0], Op::Scatter));
}

TEST_F(PrepareTest, AReductionIsMadeInTheOrderThatItIsNeededIn) {
  const Node a = x(0, {Dim(2), Dim(1), Dim(4), Dim(3), Dim(5)});
  const uint8_t last[] = {2, 0, 1}, swap[] = {1, 0};
  const Node sum = b.reduce(a, ReduceOp::kAdd, 0b00001);  // 1,1,4,3,5
  const std::vector<Dim> three = {Dim(4), Dim(3), Dim(5)}, flat = {Dim(12), Dim(5)};
  const Node turned = b.permute(b.reshape(sum, three), last);
  EXPECT_FALSE(has(prepared(turned), Op::Permute) && b.graph.op(prepared(turned)) == Op::Permute);
  expect_same(turned);
  expect_same(b.permute(b.reduce(a, ReduceOp::kMax, 0b01000), std::to_array<uint8_t>({4, 2, 0, 1, 3})));
  // Axes that a reshape has joined, and a reduction that is needed as it is as well.
  const Node joined = b.permute(b.reshape(sum, flat), swap);
  EXPECT_EQ(prepared(joined), joined);
  const Node both = b.sink({{turned, sum}});
  EXPECT_EQ(prepared(both), both);
}

// What the rest of the program needs keeps the order of its rows, and may be transposed behind them.
TEST_F(PrepareTest, ABatchOfMatricesIsMadeTransposed) {
  const Node sum = b.reduce(x(0, {Dim(2), Dim(7), Dim(4), Dim(3)}), ReduceOp::kAdd, 0b0010);  // 2,1,4,3
  const std::vector<Dim> three = {Dim(2), Dim(4), Dim(3)};
  const Node matrices = b.reshape(sum, three);
  const Node turned = b.make(Op::Exp, {b.permute(matrices, std::to_array<uint8_t>({0, 2, 1}))});
  EXPECT_EQ(g.op(g.source(prepared(turned), 0)), Op::Reshape);
  expect_same(turned);
  const Node rows = b.make(Op::Exp, {b.permute(matrices, std::to_array<uint8_t>({1, 0, 2}))});
  EXPECT_EQ(prepared(rows), rows);
  const std::vector<Dim> two = {Dim(4), Dim(3)};
  const Node one = b.reshape(b.reduce(x(1, {Dim(7), Dim(4), Dim(3)}), ReduceOp::kAdd, 0b001), two);
  const Node matrix = b.make(Op::Exp, {b.permute(one, std::to_array<uint8_t>({1, 0}))});
  EXPECT_EQ(prepared(matrix), matrix);
}

TEST_F(PrepareTest, NarrowFoldsRunInF32) {
  for (const DType t : {f16, bf16}) {
    const Node n = b.scan(x(0, {Dim(3), Dim(8)}, t), ReduceOp::kAdd, 1);
    const Node after = prepared(n);
    EXPECT_EQ(g.dtype(after), t);
    ASSERT_EQ(g.op(after), Op::Cast);
    EXPECT_EQ(g.dtype(g.source(after, 0)), f32);
    expect_same(n);
    const Node s =
        b.scatter(x(1, {Dim(6)}, t), x(2, {Dim(9)}, i32), x(3, {Dim(9)}, t), 0, ir::ScatterMode::kAdd);
    EXPECT_EQ(g.dtype(g.source(prepared(s), 0)), f32);
    expect_same(s);
  }
  const Node wide = b.scan(x(4, {Dim(8)}), ReduceOp::kAdd, 0);
  EXPECT_EQ(prepared(wide), wide);
}

TEST_F(PrepareTest, ALongReductionIsMadeInParts) {
  struct Case {
    std::vector<Dim> shape;
    ir::AxisMask axes;
    int64_t parts;  // 0: it stays
  };
  const Dim half(1 << 16), whole(1 << 17);
  const Case cases[] = {
      {{whole}, 0b1, 4},
      {{Dim(96), Dim(1), Dim(4096)}, 0b111, 12},
      {{Dim(3), whole}, 0b10, 4},
      {{Dim(2), half, Dim(5)}, 0b011, 4},
      {{Dim(8), Dim(2), half}, 0b101, 8},  // what is reduced is not together: the outer one is cut
      {{Dim(2), Dim(3), half}, 0b101, 4},  // which is too short
      {{Dim(17), whole}, 0b10, 0},         // there are enough of them
      {{half}, 0b1, 0},
      {{Dim(131101)}, 0b1, 0},  // a prime
  };
  int64_t number = 0;
  for (const Case& c : cases)
    for (const auto& [t, op] :
         {std::pair(f32, ReduceOp::kAdd), {f32, ReduceOp::kMax}, {i32, ReduceOp::kAdd}}) {
      const Node n = b.reduce(x(number++, c.shape, t), op, c.axes), after = prepared(n);
      EXPECT_EQ(after == n, c.parts == 0) << number;
      if (c.parts == 0) continue;
      const Node last = g.op(after) == Op::Reshape ? g.source(after, 0) : after;
      ASSERT_EQ(g.op(last), Op::Reduce);
      int64_t count = 1;
      const ir::Shape from = g.shape(g.source(last, 0));
      for (size_t i = 0; i < from.size(); ++i)
        if ((g.arg_as<ir::ReduceArg>(last).axes >> i & 1) != 0) count *= from[i].value;
      EXPECT_EQ(count, c.parts) << number;
      expect_same(n);
      // Simplification does not put them together again.
      EXPECT_EQ(make_schedule(g, {{n}}, {}).launches.size(), 2u);
    }
}

TEST_F(PrepareTest, PartsOfANarrowSumAreNotRounded) {
  const Node n = b.reduce(x(0, {Dim(1 << 17)}, f16), ReduceOp::kAdd, 1);
  const Node after = prepared(n);
  EXPECT_EQ(g.dtype(after), f16);
  for (Node m : ir::postorder(g, std::span(&after, 1)))
    if (g.op(m) == Op::Reduce) {
      EXPECT_EQ(g.dtype(m), f32);
    }
  expect_same(n);
}

TEST_F(PrepareTest, ASliceOfAReductionIsAReductionOfASlice) {
  const Node a = x(0, {Dim(4), Dim(3), Dim(6), Dim(1)});
  const std::vector<Dim> wide = {Dim(4), Dim(6)}, cut = {Dim(3), Dim(2)};
  const auto sliced = [&](Node n) { return b.slice(b.reshape(n, wide), {{Dim(1), Dim(0)}, {1, 3}}, cut); };
  for (const ReduceOp op : {ReduceOp::kAdd, ReduceOp::kMax}) {
    const Node sum = b.reduce(a, op, 0b0010), n = sliced(sum), after = prepared(n);
    ASSERT_EQ(g.op(after), Op::Reshape);
    ASSERT_EQ(g.op(g.source(after, 0)), Op::Reduce);
    EXPECT_EQ(g.op(g.source(g.source(after, 0), 0)), Op::Slice);
    expect_same(n);
    const Node both = b.sink({{n, sum}});  // needed whole
    EXPECT_EQ(prepared(both), both);
  }
}

TEST_F(PrepareTest, AProductThatSumsReadLiesByItsFactors) {
  // a[i,j] * b[k] summed over nothing but a unit: as j,k,i in memory for who reads it so; k between goes
  // first.
  const std::vector<Dim> all = {Dim(3), Dim(4), Dim(5), Dim(2)};
  const Node p = b.expand(x(0, {Dim(3), Dim(4), Dim(1), Dim(2)}), all),
             q = b.expand(x(1, {Dim(1), Dim(1), Dim(5), Dim(2)}), all);
  const Node product = b.reduce(b.mul(p, q), ReduceOp::kAdd, 0b1000);
  const Node moved = b.permute(b.reshape(product, std::vector<Dim>{Dim(3), Dim(4), Dim(5)}),
                               std::to_array<uint8_t>({1, 2, 0}));
  ir::PadArg pad{{Dim(0), Dim(0), Dim(2)}, {Dim(0), Dim(0), Dim(0)}, {0, 0, 0}};
  const Node n = b.reduce(b.pad(moved, b.constant_float(0, f32), pad), ReduceOp::kAdd, 0b010);
  const Node after = prepared(n);
  std::vector<int64_t> extents;
  for (Node m : ir::postorder(g, std::span(&after, 1)))
    if (g.op(m) == Op::Reduce && g.op(g.source(m, 0)) != Op::Pad)
      for (const Dim& d : g.shape(m)) extents.push_back(d.value);
  EXPECT_EQ(extents, (std::vector<int64_t>{5, 4, 3, 1}));
  expect_same(n);
  // The optimizer wants it as it says.
  const Node next = b.sub(x(9, {Dim(4), Dim(5), Dim(3)}), b.make(Op::Neg, {moved}));
  const int32_t replaced[] = {9};
  const Node update = prepare(g, std::span(&next, 1), replaced)[0];
  for (Node m : ir::postorder(g, std::span(&update, 1)))
    if (g.op(m) == Op::Reduce) {
      EXPECT_TRUE(g.shape(m)[0].is(4) && g.shape(m)[2].is(3));
    }
}

TEST_F(PrepareTest, KeepsWhereValuesComeFrom) {
  Node n;
  {
    const ir::PhaseScope phase(g, ir::Phase::kBackward);
    n = b.scan(x(0, {Dim(8)}, f16), ReduceOp::kAdd, 0);
  }
  EXPECT_EQ(g.origin(prepared(n)).phase, ir::Phase::kBackward);
  EXPECT_EQ(g.phase(), ir::Phase::kForward);
}

}  // namespace
}  // namespace anneal::schedule
