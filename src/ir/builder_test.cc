// SPDX-License-Identifier: MIT
// The builder and the inference behind it: what every dtype and shape rule gives, what it refuses, and what
// it folds.
#include "ir/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "ir/dims.h"
#include "ir/text.h"

namespace anneal::ir {
namespace {

using testing::HasSubstr;

class BuilderTest : public testing::Test {
 protected:
  using Nodes = std::initializer_list<Node>;

  std::string type(Node n) { return type_text(g, n); }
  template <typename F>
  std::string failure(F f) {
    try {
      f();
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }
  std::string failure(Op op, Nodes sources, const Arg& arg = NoArg{}) {
    return failure([&] { b.make(op, sources, arg); });
  }
  Node param(DType t, std::vector<Dim> shape) { return b.param(next_++, t, shape); }

  Graph g;
  Graph::Scope scope{g};
  Builder b{g};
  int64_t next_ = 0;
  Node x = param(f32, {4, 6}), y = param(f32, {4, 6}), h = param(f16, {4, 6}), i = param(i32, {4, 6}),
       mask = param(boolean, {4, 6}), s = param(f32, {}), v = param(f32, {6});
};

// -- Element types --

TEST_F(BuilderTest, ElementTypesMustAgree) {
  EXPECT_THAT(failure(Op::Add, {x, h}), HasSubstr("error[dtype] add: element types differ, f32 and f16"));
  EXPECT_THAT(failure(Op::Add, {mask, mask}), HasSubstr("add: takes integers or floats, not bool"));
  EXPECT_THAT(failure(Op::Sin, {i}), HasSubstr("error[dtype] sin: takes floats, not i32"));
  EXPECT_THAT(failure(Op::Shl, {x, x}), HasSubstr("shl: takes integers, not f32"));
  EXPECT_THAT(failure(Op::And, {x, x}), HasSubstr("and: takes integers or bool, not f32"));
  EXPECT_THAT(failure(Op::Where, {x, x, x}), HasSubstr("where: the condition is f32, it must be bool"));
  EXPECT_THAT(failure(Op::Where, {mask, x, i}), HasSubstr("where: element types differ, f32 and i32"));
  EXPECT_THAT(failure(Op::Threefry, {i, i, i, i}, LaneArg{0}), HasSubstr("threefry: takes u32, not i32"));
  EXPECT_THAT(failure(Op::Gather, {x, y}, AxisArg{0}),
              HasSubstr("gather: the positions are f32, they must be integers"));
  EXPECT_THAT(failure(Op::Scatter, {x, i, h}, ScatterArg{}),
              HasSubstr("scatter: element types differ, f32 and f16"));
  EXPECT_THAT(failure(Op::Concat, {x, h}, AxisArg{0}),
              HasSubstr("concat: element types differ, f32 and f16"));
  EXPECT_THAT(failure(Op::Reduce, {mask}, ReduceArg{ReduceOp::kAdd, 1}),
              HasSubstr("reduce: adds and multiplies numbers, not bool"));
  EXPECT_THAT(failure(Op::Scan, {mask}, ScanArg{ReduceOp::kMul, 0, false}),
              HasSubstr("scan: adds and multiplies numbers, not bool"));
  EXPECT_THAT(failure(Op::Neg, {b.sink(std::vector<Node>{x})}),
              HasSubstr("neg: takes integers or floats, not void"));
  EXPECT_THAT(failure(Op::Sink, {b.sink(std::vector<Node>{x})}), HasSubstr("sink: a source has no value"));
}

TEST_F(BuilderTest, LeavesHaveTheTypesOfTheirKind) {
  EXPECT_THAT(failure([&] { b.iota(std::vector<Dim>{4}, 0, f32); }),
              HasSubstr("iota: has type f32, it must be an integer"));
  EXPECT_THAT(failure([&] { b.range(Dim(i), 0); }), HasSubstr("range: its extent must be an index"));
  EXPECT_THAT(failure([&] { b.param(0, DType::kVoid, {}); }), HasSubstr("param: needs an element type"));
  EXPECT_THAT(failure([&] { b.param(-1, f32, {}); }),
              HasSubstr("error[argument] param: has a negative number"));
  EXPECT_THAT(failure([&] { b.var("", 0, 1); }), HasSubstr("var: needs a name"));
  EXPECT_THAT(failure([&] { b.var("B", 3, 2); }), HasSubstr("var: has min 3 above max 2"));
  EXPECT_THAT(failure([&] { b.var("B", 0, 2, 0); }),
              HasSubstr("var: has multiple_of 0: it must be positive"));
  const Node tensor_index = param(DType::kIndex, {3});
  EXPECT_THAT(failure([&] { b.range(Dim(tensor_index), 0); }),
              HasSubstr("range: its extent must be a scalar"));
}

TEST_F(BuilderTest, BitcastKeepsTheSize) {
  EXPECT_EQ(type(b.bitcast(x, i32)), "i32[4,6]");
  EXPECT_EQ(b.bitcast(x, f32), x);
  EXPECT_THAT(failure([&] { b.bitcast(x, f16); }),
              HasSubstr("bitcast: from f32 to f16: the sizes must be equal"));
  EXPECT_THAT(failure([&] { b.bitcast(b.param(0, u8, {}), DType::kBool); }),
              HasSubstr("bitcast: from u8 to bool: bool is not stored as a number; use cast"));
  EXPECT_THAT(failure([&] { b.bitcast(mask, u8); }), HasSubstr("bitcast: from bool to u8"));
}

TEST_F(BuilderTest, TheCountOfSourcesIsChecked) {
  EXPECT_THAT(failure(Op::Add, {x}), HasSubstr("error[argument] add: takes 2 sources, not 1"));
  EXPECT_THAT(failure(Op::Neg, {x, y}), HasSubstr("neg: takes 1 sources, not 2"));
  EXPECT_THAT(failure(Op::Concat, {}, AxisArg{0}), HasSubstr("concat: takes 1 or more sources, not 0"));
  EXPECT_THAT(failure(Op::Flip, {x}, AxisArg{0}), HasSubstr("flip: has an argument of the wrong kind"));
}

TEST_F(BuilderTest, MessagesShowTheSources) {
  EXPECT_EQ(failure(Op::Add, {x, h}), "error[dtype] add: element types differ, f32 and f16\n  " +
                                          type_text(g, x) + "  from param\n  " + type_text(g, h) +
                                          "  from param");
}

// -- Shapes --

TEST_F(BuilderTest, ElementwiseTakesOneShapeAndScalars) {
  EXPECT_EQ(type(b.add(x, y)), "f32[4,6]");
  EXPECT_EQ(type(b.add(x, s)), "f32[4,6]");
  EXPECT_EQ(type(b.add(s, x)), "f32[4,6]");
  EXPECT_EQ(type(b.add(s, s)), "f32");
  EXPECT_EQ(type(b.lt(x, s)), "bool[4,6]");
  EXPECT_EQ(type(b.where(mask, s, s)), "f32[4,6]");
  EXPECT_THAT(failure(Op::Add, {x, v}), HasSubstr("error[shape] add: shapes differ, [4,6] and [6]"));
  EXPECT_THAT(failure(Op::Where, {param(boolean, {6, 4}), x, y}),
              HasSubstr("where: shapes differ, [6,4] and [4,6]"));
}

TEST_F(BuilderTest, ReshapeKeepsTheCount) {
  EXPECT_EQ(type(b.reshape(x, std::vector<Dim>{3, 8})), "f32[3,8]");
  EXPECT_EQ(b.reshape(x, g.shape(y)), x);
  EXPECT_EQ(type(b.reshape(s, std::vector<Dim>{1, 1})), "f32[1,1]");
  EXPECT_THAT(failure([&] { b.reshape(x, std::vector<Dim>{5, 5}); }),
              HasSubstr("reshape: from [4,6] to [5,5]: 24 and 25 elements"));
  EXPECT_EQ(type(b.reshape(param(f32, {0, 3}), std::vector<Dim>{7, 0})), "f32[7,0]");
  const Dim batch(b.var("B", 1, 8)), other(b.var("C", 1, 8));
  const Node symbolic = param(f32, {batch, 6});
  EXPECT_EQ(type(b.reshape(symbolic, std::vector<Dim>{dim_mul(g, batch, 2), 3})), "f32[2*B,3]");
  EXPECT_EQ(type(b.reshape(symbolic, std::vector<Dim>{dim_mul(g, other, 6)})),
            "f32[6*C]");  // a guard decides
  EXPECT_THAT(failure([&] { b.reshape(symbolic, std::vector<Dim>{dim_mul(g, batch, 7)}); }),
              HasSubstr("6*B and 7*B elements"));
}

TEST_F(BuilderTest, ExpandRepeatsOnesAndScalars) {
  EXPECT_EQ(type(b.expand(param(f32, {4, 1}), std::vector<Dim>{4, 9})), "f32[4,9]");
  EXPECT_EQ(type(b.expand(s, std::vector<Dim>{2, 0})), "f32[2,0]");
  EXPECT_THAT(failure([&] { b.expand(x, std::vector<Dim>{4, 7}); }),
              HasSubstr("expand: from [4,6] to [4,7]: axis 1 is neither 1 nor 7"));
  EXPECT_THAT(failure([&] { b.expand(v, std::vector<Dim>{4, 6}); }),
              HasSubstr("expand: from [6] to [4,6]: the ranks differ"));
}

TEST_F(BuilderTest, PermuteTakesEachAxisOnce) {
  const uint8_t swap[] = {1, 0}, twice[] = {1, 1}, far[] = {0, 2}, few[] = {0}, same[] = {0, 1};
  EXPECT_EQ(type(b.permute(x, swap)), "f32[6,4]");
  EXPECT_EQ(b.permute(x, same), x);
  EXPECT_THAT(failure([&] { b.permute(x, twice); }), HasSubstr("permute: names axis 1 twice"));
  EXPECT_THAT(failure([&] { b.permute(x, far); }), HasSubstr("permute: axis 2 is out of range for rank 2"));
  EXPECT_THAT(failure([&] { b.permute(x, few); }), HasSubstr("permute: has 1 axes for rank 2"));
}

TEST_F(BuilderTest, PadSurroundsAndSpreads) {
  EXPECT_EQ(type(b.pad(x, s, {{1, 0}, {0, 2}, {0, 0}})), "f32[5,8]");
  EXPECT_EQ(type(b.pad(x, s, {{0, 0}, {0, 0}, {2, 1}})), "f32[10,11]");
  EXPECT_EQ(type(b.pad(param(f32, {0}), s, {{1}, {1}, {3}})), "f32[2]");
  EXPECT_EQ(b.pad(x, s, {{0, 0}, {0, 0}, {0, 0}}), x);
  EXPECT_THAT(failure([&] { b.pad(x, s, {{1}, {0}, {0}}); }),
              HasSubstr("pad: needs low, high and interior for each of 2 axes"));
  EXPECT_THAT(failure([&] { b.pad(x, v, {{1, 0}, {0, 0}, {0, 0}}); }),
              HasSubstr("pad: fills with a scalar, not with f32[6]"));
  EXPECT_THAT(failure([&] { b.pad(h, s, {{1, 0}, {0, 0}, {0, 0}}); }),
              HasSubstr("pad: element types differ, f16 and f32"));
  EXPECT_THAT(failure([&] { b.pad(x, s, {{-1, 0}, {0, 0}, {0, 0}}); }),
              HasSubstr("pad: has a negative amount on axis 0"));
  EXPECT_THAT(failure([&] { b.pad(x, s, {{0, 0}, {0, 0}, {0, -1}}); }),
              HasSubstr("pad: has a negative interior on axis 1"));
  const Dim maybe_empty(b.var("N", 0, 4)), batch(b.var("B", 1, 4));
  EXPECT_THAT(failure([&] { b.pad(param(f32, {maybe_empty}), s, {{0}, {0}, {1}}); }),
              HasSubstr("pad: cannot spread axis 0: its extent may be 0"));
  EXPECT_EQ(type(b.pad(param(f32, {batch}), s, {{1}, {0}, {1}})), "f32[2*B]");
}

TEST_F(BuilderTest, SliceStaysInside) {
  EXPECT_EQ(type(b.slice(x, {{1, 0}, {1, 2}}, std::vector<Dim>{3, 3})), "f32[3,3]");
  EXPECT_EQ(type(b.slice(x, {{9, 0}, {1, 1}}, std::vector<Dim>{0, 6})), "f32[0,6]");
  EXPECT_EQ(b.slice(x, {{0, 0}, {1, 1}}, g.shape(x)), x);
  EXPECT_THAT(failure([&] { b.slice(x, {{2, 0}, {1, 1}}, std::vector<Dim>{3, 6}); }),
              HasSubstr("slice: reaches element 4 of an axis of 4 on axis 0"));
  EXPECT_THAT(failure([&] { b.slice(x, {{0, 0}, {1, 2}}, std::vector<Dim>{4, 4}); }),
              HasSubstr("slice: reaches element 6 of an axis of 6 on axis 1"));
  EXPECT_THAT(failure([&] { b.slice(x, {{0, 0}, {1, 0}}, std::vector<Dim>{4, 6}); }),
              HasSubstr("slice: has step 0 on axis 1: it must be positive"));
  EXPECT_THAT(failure([&] { b.slice(x, {{-1, 0}, {1, 1}}, std::vector<Dim>{1, 6}); }),
              HasSubstr("slice: has a negative start on axis 0"));
  EXPECT_THAT(failure([&] { b.slice(x, {{0}, {1}}, std::vector<Dim>{4}); }),
              HasSubstr("slice: needs start, step and extent for each of 2 axes"));
}

TEST_F(BuilderTest, ASliceOfStepTwoOverAWholeAxisIsNoIdentity) {
  const Node one = param(f32, {1, 6});
  EXPECT_EQ(b.slice(one, {{0, 0}, {2, 1}}, g.shape(one)), one);  // one element, whatever the step
  const Node half = b.slice(x, {{0, 0}, {1, 2}}, std::vector<Dim>{4, 3});
  EXPECT_NE(half, x);
  EXPECT_EQ(g.arg_as<SliceArg>(half).step[1], 2);
}

TEST_F(BuilderTest, FlipAndConcat) {
  EXPECT_EQ(b.flip(x, 0), x);
  EXPECT_THAT(failure([&] { b.flip(x, 4); }), HasSubstr("flip: axis 2 is out of range for rank 2"));
  const Node parts[] = {x, param(f32, {3, 6}), y};
  EXPECT_EQ(type(b.concat(parts, 0)), "f32[11,6]");
  EXPECT_EQ(b.concat(std::span(parts, 1), 0), x);
  EXPECT_THAT(failure([&] { b.concat(parts, 1); }),
              HasSubstr("concat: shapes [4,6] and [3,6] differ off axis 1"));
  EXPECT_THAT(failure([&] { b.concat(parts, 2); }), HasSubstr("concat: axis 2 is out of range for rank 2"));
  EXPECT_THAT(failure(Op::Concat, {x, v}, AxisArg{0}),
              HasSubstr("concat: shapes [4,6] and [6] differ off axis 0"));
  const Dim batch(b.var("B", 1, 4));
  const Node symbolic[] = {param(f32, {batch, 6}), x};
  EXPECT_EQ(type(b.concat(symbolic, 0)), "f32[B + 4,6]");
}

TEST_F(BuilderTest, FoldsKeepTheirAxesAtOne) {
  EXPECT_EQ(type(b.reduce(x, ReduceOp::kAdd, 3)), "f32[1,1]");
  EXPECT_EQ(type(b.reduce(mask, ReduceOp::kMax, 2)), "bool[4,1]");
  EXPECT_EQ(b.reduce(x, ReduceOp::kMax, 0), x);
  EXPECT_EQ(type(b.scan(i, ReduceOp::kMul, 1)), "i32[4,6]");
  EXPECT_EQ(type(b.arg_reduce(h, ReduceOp::kMax, 0)), "i32[1,6]");
  EXPECT_EQ(type(b.arg_sort(mask, 1, true)), "i32[4,6]");
  EXPECT_THAT(failure([&] { b.reduce(x, ReduceOp::kAdd, 8); }),
              HasSubstr("reduce: axis 3 is out of range for rank 2"));
  EXPECT_THAT(failure([&] { b.scan(x, ReduceOp::kAdd, 2); }),
              HasSubstr("scan: axis 2 is out of range for rank 2"));
  EXPECT_THAT(failure([&] { b.scan(s, ReduceOp::kAdd, 0); }),
              HasSubstr("scan: axis 0 is out of range for rank 0"));
  EXPECT_THAT(failure([&] { b.arg_sort(x, -1, false); }),
              HasSubstr("argsort: axis -1 is out of range for rank 2"));
  EXPECT_THAT(failure([&] { b.arg_reduce(x, ReduceOp::kAdd, 0); }),
              HasSubstr("argreduce: takes op=max or op=min"));
  EXPECT_THAT(failure([&] { b.arg_reduce(param(f32, {0, 3}), ReduceOp::kMax, 0); }),
              HasSubstr("argreduce: has no element to choose: the axis is empty"));
}

TEST_F(BuilderTest, IndexedAxesMayDifferInExtent) {
  const Node at = param(i64, {4, 2}), values = param(f32, {4, 2});
  EXPECT_EQ(type(b.gather(x, at, 1)), "f32[4,2]");
  EXPECT_EQ(type(b.scatter(x, at, values, 1, ScatterMode::kAdd)), "f32[4,6]");
  EXPECT_THAT(failure([&] { b.gather(x, at, 0); }),
              HasSubstr("gather: shapes [4,6] and [4,2] differ off axis 0"));
  EXPECT_THAT(failure([&] { b.gather(x, at, 2); }), HasSubstr("gather: axis 2 is out of range for rank 2"));
  EXPECT_THAT(failure([&] { b.scatter(x, at, x, 1, ScatterMode::kAdd); }),
              HasSubstr("scatter: positions and values differ in shape, [4,2] and [4,6]"));
}

TEST_F(BuilderTest, CastsThatChangeNothingAreFolded) {
  EXPECT_EQ(b.cast(x, f32), x);
  EXPECT_EQ(type(b.cast(x, boolean)), "bool[4,6]");
}

TEST_F(BuilderTest, AmountsThatMayBeNegativeAreLeftToTheRun) {
  const Dim n(b.var("N", 1, 8));
  const Node p = param(f32, {n});
  EXPECT_EQ(type(b.pad(p, s, {{dim_sub(g, n, 3)}, {0}, {0}})), "f32[2*N - 3]");
  EXPECT_EQ(type(b.slice(p, {{dim_sub(g, n, 3)}, {1}}, std::vector<Dim>{3})), "f32[3]");
  EXPECT_THAT(failure([&] { b.pad(p, s, {{dim_sub(g, n, 9)}, {0}, {0}}); }),
              HasSubstr("pad: has a negative amount on axis 0"));
  EXPECT_THAT(failure([&] { b.slice(p, {{dim_sub(g, n, 9)}, {1}}, std::vector<Dim>{1}); }),
              HasSubstr("slice: has a negative start on axis 0"));
}

TEST_F(BuilderTest, SymbolicExtentsThatMayBeEqualAreAccepted) {
  const Dim batch(b.var("B", 1, 8)), other(b.var("C", 1, 8)), far(b.var("D", 9, 12));
  const Node p = param(f32, {batch, 2}), q = param(f32, {other, 2}), r = param(f32, {far, 2});
  const Node maybe[] = {p, q}, never[] = {p, r};
  EXPECT_EQ(type(b.concat(maybe, 1)), "f32[B,4]");
  EXPECT_THAT(failure([&] { b.concat(never, 1); }), HasSubstr("shapes [B,2] and [D,2] differ off axis 1"));
  EXPECT_THAT(failure([&] { b.add(p, q); }), HasSubstr("add: shapes differ, [B,2] and [C,2]"));
}

}  // namespace
}  // namespace anneal::ir
