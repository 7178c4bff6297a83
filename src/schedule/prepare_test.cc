// SPDX-License-Identifier: MIT
#include "schedule/prepare.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
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
