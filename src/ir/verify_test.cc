// SPDX-License-Identifier: MIT
// What each stage refuses, and that the message names the pass, the op and the node.
#include "ir/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/builder.h"

namespace anneal::ir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Verify : public testing::Test {
 protected:
  std::string tensor(Node n) { return verify(g, std::span(&n, 1), Stage::kTensor, "some_pass"); }
  std::string index(Node n) { return verify(g, std::span(&n, 1), Stage::kIndex, "some_pass"); }
  // Past the builder: what a pass that makes a mistake would intern.
  Node raw(Op op, DType t, Shape of, std::initializer_list<Node> sources, const Arg& arg = NoArg{}) {
    return g.intern(
        {op, t, g.intern_shape(of), std::span<const Node>(sources.begin(), sources.size()), &arg});
  }

  Graph g;
  Graph::Scope scope{g};
  Builder b{g};
  std::vector<Dim> shape{4, 8};
  Node x = b.param(0, f32, shape), y = b.param(1, f32, shape), i = b.param(2, i32, shape);
};

TEST_F(Verify, TensorProgramsAreLegalAtTheTensorStage) {
  const Dim batch(b.var("B", 1, 8));
  const std::vector<Dim> symbolic{batch, 8};
  const Node z = b.param(3, f32, symbolic);
  const Node roots[] = {b.add(x, y), b.reduce(b.mul(z, z), ReduceOp::kAdd, 2), b.gather(x, i, 0),
                        b.var("B", 1, 8)};
  EXPECT_EQ(verify(g, roots, Stage::kTensor), "");
  EXPECT_EQ(tensor(b.sink(roots)), "");
}

TEST_F(Verify, IndexArithmeticIsLegalAtTheIndexStage) {
  const Node row = b.range(8, 0), column = b.range(Dim(b.var("N", 1, 9)), 1, AxisKind::kReduce);
  const Node flat = b.add(b.mul(row, b.index(16)), b.floordiv(column, b.index(2)));
  const Node roots[] = {flat, b.where(b.lt(flat, b.index(9)), flat, b.index(0))};
  EXPECT_EQ(verify(g, roots, Stage::kIndex), "");
}

TEST_F(Verify, LoopIndicesDoNotExistAtTheTensorStage) {
  const Node bad = b.add(b.range(8, 3), b.index(1));
  EXPECT_THAT(
      tensor(bad),
      AllOf(StartsWith("after some_pass: range is a loop index, which does not exist at the tensor stage"),
            HasSubstr("id=3, kind=loop : index")));
}

TEST_F(Verify, TensorsDoNotExistAtTheIndexStage) {
  EXPECT_THAT(index(b.add(x, y)),
              StartsWith("after some_pass: param is not a scalar, as index arithmetic must be"));
  EXPECT_THAT(index(b.constant_float(1, f32)), HasSubstr("const has type f32 in index arithmetic"));
  EXPECT_THAT(index(b.param(0, i32, {})), HasSubstr("param does not exist at the index stage"));
}

TEST_F(Verify, StoredTypesMustBeTheInferredOnes) {
  EXPECT_THAT(tensor(raw(Op::Add, f32, shape, {x, i})), HasSubstr("add element types differ, f32 and i32"));
  EXPECT_THAT(tensor(raw(Op::Add, f16, shape, {x, y})),
              HasSubstr("add does not have the type of its op and sources"));
  EXPECT_THAT(tensor(raw(Op::Add, f32, {}, {x, y})),
              HasSubstr("add does not have the type of its op and sources"));
  EXPECT_THAT(tensor(raw(Op::Add, f32, shape, {x})), HasSubstr("add takes 2 sources, not 1"));
  EXPECT_THAT(tensor(raw(Op::Sin, i32, shape, {i})), HasSubstr("sin takes floats, not i32"));
  EXPECT_THAT(tensor(raw(Op::Flip, f32, shape, {x}, AxisArg{0})),
              HasSubstr("flip has an argument of the wrong kind"));
  EXPECT_THAT(tensor(raw(Op::Reduce, f32, shape, {x}, ReduceArg{ReduceOp::kAdd, 2})),
              HasSubstr("reduce does not have the type of its op and sources"));
}

TEST_F(Verify, TheMessageShowsTheNode) {
  const Node bad = raw(Op::Add, f16, shape, {x, y});
  EXPECT_EQ(tensor(b.cast(bad, f32)),
            "after some_pass: add does not have the type of its op and sources\n  %" +
                std::to_string(bad.id) + " = add %" + std::to_string(x.id) + ", %" + std::to_string(y.id) +
                " : f16[4,8]");
}

TEST_F(Verify, WithoutAPassTheMessageBeginsWithTheOp) {
  const Node bad = raw(Op::Neg, f16, shape, {x});
  EXPECT_THAT(verify(g, std::span(&bad, 1), Stage::kTensor), StartsWith("neg does not have"));
}

TEST_F(Verify, MissingNodesAreReported) {
  EXPECT_EQ(tensor(Node{}), "after some_pass: a result is missing");
  EXPECT_THAT(tensor(raw(Op::Add, f32, shape, {x, Node{}})),
              StartsWith("after some_pass: add has a source that is missing\n"));
}

TEST_F(Verify, ExtentsHoldIndexExpressionsOverVariables) {
  const Node loop = b.range(8, 0), data = b.param(5, DType::kIndex, {}), real = b.constant_float(4, f32);
  for (Node extent : {loop, data, b.add(b.index(1), loop), b.cast(data, i32), b.cast(real, DType::kIndex)}) {
    const std::vector<Dim> bad{Dim(extent)};
    const Node n = raw(Op::Param, f32, bad, {}, ParamArg{9, ""});
    EXPECT_THAT(tensor(n), HasSubstr("is part of an extent, which holds index expressions over variables"));
  }
  const std::vector<Dim> good{Dim(b.floordiv(b.var("N", 1, 8), b.index(2)))};
  EXPECT_EQ(tensor(raw(Op::Param, f32, good, {}, ParamArg{9, ""})), "");
}

TEST_F(Verify, OneNumberIsOneInputAndOneNameOneVariable) {
  const std::vector<Dim> four{Dim(4)}, some{Dim(b.var("N", 1, 8))}, other{Dim(b.var("N", 1, 9))};
  const Node left = b.param(7, f32, four);
  EXPECT_THAT(tensor(b.make(Op::Add, {left, b.cast(b.param(7, i32, four), f32)})),
              HasSubstr("has the number of another input, of another type: "));
  EXPECT_EQ(tensor(b.make(Op::Add, {left, b.param(7, f32, four)})), "");
  const Node roots[] = {b.param(8, f32, some), b.param(9, f32, other)};
  EXPECT_THAT(verify(g, roots, Stage::kTensor),
              HasSubstr("has the name of another variable, of other bounds: "));
}

}  // namespace
}  // namespace anneal::ir
