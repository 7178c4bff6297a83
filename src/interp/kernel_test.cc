// SPDX-License-Identifier: MIT
// The kernel stage by values written out by hand, and what is said of kernels that break its rules.
#include "interp/kernel.h"

#include <gmock/gmock.h>

#include "interp/test_kernel.h"

namespace anneal::interp {
namespace {

using testing::HasSubstr;

class KernelInterp : public testing::Test, protected TestKernel {};

TEST_F(KernelInterp, CopiesTransposesAndPads) {
  const Node i = loop(0, 2), j = loop(1, 3), x = slot(0, f32, 6);
  memory(0, f32, {1, 2, 3, 4, 5, 6});
  memory(1, f32, Doubles(6));
  memory(2, f32, Doubles(9, 7));
  const Node k = loop(2, 3), before = b.sub(k, b.index(1));
  const Node inside = b.make(Op::And, {b.le(b.index(0), before), b.lt(before, b.index(2))});
  run({b.store(slot(1, f32, 6), at(j, 2, i), b.load(x, at(i, 3, j))),
       b.store(slot(2, f32, 9), at(k, 3, j), b.load(x, at(before, 3, j), inside))});
  EXPECT_EQ(values(1), (Doubles{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(values(2), (Doubles{0, 0, 0, 1, 2, 3, 4, 5, 6}));
}

TEST_F(KernelInterp, FoldsNestInAnyDepth) {
  // out[i] = sum_k x[i,k] * max_m x[k,m]
  const Node i = loop(0, 2), k = reduce(1, 2), m = reduce(2, 2), x = slot(0, f32, 4);
  memory(0, f32, {1, 2, 3, 4});
  memory(1, f32, {0, 0});
  const Node inner = greatest(b.load(x, at(k, 2, m)), m);
  run({b.store(slot(1, f32, 2), i, sum(b.mul(b.load(x, at(i, 2, k)), inner), k))});
  EXPECT_EQ(values(1), (Doubles{1 * 2 + 2 * 4, 3 * 2 + 4 * 4}));
}

TEST_F(KernelInterp, OneRangeMayBeBoundTwice) {
  // softmax's denominator: the max inside goes over the range of the sum around it.
  const Node r = reduce(0, 3), x = b.load(slot(0, f32, 3), r);
  memory(0, f32, {1, 3, 2});
  memory(1, f32, {0});
  run({b.store(slot(1, f32, 1), b.index(0), sum(b.sub(x, greatest(x, r)), r))});
  EXPECT_EQ(values(1), Doubles{-3});
}

TEST_F(KernelInterp, FoldsGoInOrderAndRoundEachStep) {
  const Node r = reduce(0, 3), x = b.load(slot(0, f32, 3), r);
  const Node s = b.store(slot(1, f32, 1), b.index(0), sum(x, r));
  memory(0, f32, {0x1p24, 1, 1});
  memory(1, f32, {0});
  run({s});
  EXPECT_EQ(values(1), Doubles{0x1p24});
  arrays[1].second = std::make_shared<Array>(*array_from(f64, {1}, {0.0}));
  run({s}, {.mode = Mode::kDouble});
  EXPECT_EQ(values(1), Doubles{0x1p24 + 2});
}

TEST_F(KernelInterp, EmptyFoldsGiveTheIdentity) {
  const Node none = reduce(0, 0), i = loop(1, 0), x = slot(0, f32, 0);
  memory(0, f32, {});
  memory(1, f32, {7});
  memory(2, f32, {7});
  const Node all = b.accumulate(b.load(x, none), ReduceOp::kMul, std::span(&none, 1));
  run({b.store(slot(1, f32, 1), b.index(0), all), b.store(slot(2, f32, 1), i, number(1))});
  EXPECT_EQ(values(1), Doubles{1});
  EXPECT_EQ(values(2), Doubles{7});
}

TEST_F(KernelInterp, ScansScattersAndSorts) {
  const Node i = loop(0, 2), j = loop(1, 3), x = b.load(slot(0, i32, 6), at(i, 3, j));
  memory(0, i32, {2, 0, 2, 1, 5, 1});
  for (int64_t n = 1; n <= 4; ++n) memory(n, i32, Doubles(6));
  const Node to = b.cast(x, DType::kIndex), inside = b.lt(to, b.index(3)), one = b.constant_int(1, i32);
  run({b.scan_store(slot(1, i32, 6), at(i, 3, j), x, j, ReduceOp::kAdd, false),
       b.scan_store(slot(2, i32, 6), at(i, 3, j), x, j, ReduceOp::kAdd, true),
       b.scatter_store(slot(3, i32, 6), at(i, 3, to), one, inside, std::span(&j, 1), ir::ScatterMode::kAdd),
       b.sort_store(slot(4, i32, 6), at(i, 3, j), x, j, true)});
  EXPECT_EQ(values(1), (Doubles{2, 2, 4, 1, 6, 7}));
  EXPECT_EQ(values(2), (Doubles{4, 2, 2, 7, 6, 1}));
  EXPECT_EQ(values(3), (Doubles{1, 0, 2, 0, 2, 0}));
  EXPECT_EQ(values(4), (Doubles{0, 2, 1, 1, 0, 2}));
}

TEST_F(KernelInterp, TheLastOneThatIsSetStays) {
  const Node i = loop(0, 3), s = slot(0, i32, 2);
  memory(0, i32, {9, 9});
  const Node yes = b.constant_int(1, DType::kBool);
  run({b.scatter_store(s, b.floormod(i, b.index(2)), b.cast(i, i32), yes, std::span(&i, 1),
                       ir::ScatterMode::kSet)});
  EXPECT_EQ(values(0), (Doubles{2, 1}));
}

TEST_F(KernelInterp, AScatterSeesWhatIsThere) {
  const Node i = loop(0, 2), j = loop(1, 4), s = slot(0, f32, 2), yes = b.constant_int(1, DType::kBool);
  memory(0, f32, {5, 5});
  run({b.store(s, i, number(10)), b.scatter_store(s, b.floordiv(j, b.index(2)), number(1), yes,
                                                  std::span(&j, 1), ir::ScatterMode::kAdd)});
  EXPECT_EQ(values(0), (Doubles{12, 12}));
}

TEST_F(KernelInterp, UpdatesInPlaceSeeTheOldValues) {
  const Node i = loop(0, 2), m = slot(0, f32, 2), p = slot(1, f32, 2);
  memory(0, f32, {1, 2});
  memory(1, f32, {10, 20});
  const Node next = b.add(b.load(m, i), number(1));
  run({b.store(m, i, next), b.store(p, i, b.sub(b.load(p, i), b.load(m, i)))});
  EXPECT_EQ(values(0), (Doubles{2, 3}));
  EXPECT_EQ(values(1), (Doubles{9, 18}));  // with the m of before
}

TEST_F(KernelInterp, SymbolicExtentsAtBothEnds) {
  const Node n = b.var("N", 0, 9);
  const Node i = loop(0, Dim(n)), r = reduce(1, Dim(n)), x = slot(0, f32, Dim(n));
  const std::vector<Node> kernel = {
      b.store(slot(1, f32, Dim(n)), i, b.add(b.load(x, i), sum(b.load(x, r), r)))};
  for (const int64_t extent : {0, 1, 9}) {
    arrays.clear();
    memory(0, f32, Doubles(static_cast<size_t>(extent), 2));
    memory(1, f32, Doubles(static_cast<size_t>(extent), 0));
    bindings.vars = {{"N", extent}};
    run(kernel);
    EXPECT_EQ(values(1), Doubles(static_cast<size_t>(extent), 2.0 + 2.0 * static_cast<double>(extent)));
  }
}

// -- Mistakes --

TEST_F(KernelInterp, SaysWhatIsOutside) {
  const Node i = loop(3, 4);
  memory(0, f32, {1, 2, 3});
  memory(1, f32, Doubles(4));
  const Node s = b.store(slot(1, f32, 4), i, b.load(slot(0, f32, 3), i));
  const std::string said = failure({s});
  for (const char* part : {"load: element 3 is outside the slot, which has 3", "= load %", "at r3 = 3 of 4"})
    EXPECT_THAT(said, HasSubstr(part));
  EXPECT_EQ(values(1), Doubles(4));  // nothing was written
  EXPECT_THAT(failure({b.store(slot(0, f32, 3), b.sub(i, b.index(1)), number(1))}),
              HasSubstr("store: element -1 is outside"));
}

TEST_F(KernelInterp, SaysWhoMeets) {
  const Node i = loop(0, 4), two = b.floordiv(i, b.index(2)), s = slot(0, f32, 4);
  memory(0, f32, Doubles(4));
  EXPECT_THAT(failure({b.store(s, two, b.cast(i, f32))}), HasSubstr("different values at two points"));
  EXPECT_EQ(failure({b.store(s, two, number(3))}), "nothing was raised");
  EXPECT_THAT(failure({b.store(s, i, number(1)), b.store(s, i, number(2))}), HasSubstr("by two statements"));
  const Node back = b.sub(b.index(3), i);
  EXPECT_THAT(failure({b.store(s, i, b.load(s, back))}), HasSubstr("is loaded at another point"));
  EXPECT_THAT(failure({b.store(s, i, b.load(s, b.index(0)))}), HasSubstr("is loaded at another point"));
  EXPECT_EQ(failure({b.store(s, i, b.neg(b.load(s, i)))}), "nothing was raised");
  const Node r = reduce(1, 2), yes = b.constant_int(1, DType::kBool), j = loop(2, 2);
  EXPECT_THAT(failure({b.store(s, i, sum(b.load(s, r), r))}), HasSubstr("is loaded at another point"));
  EXPECT_THAT(failure({b.scatter_store(s, two, number(1), yes, std::span(&j, 1), ir::ScatterMode::kAdd)}),
              HasSubstr("at two values of the loop ranges"));
}

TEST_F(KernelInterp, WantsFittingMemoryAndEndsInTime) {
  const Node i = loop(0, 4);
  const std::vector<Node> kernel = {b.store(slot(0, f32, 4), i, number(1))};
  EXPECT_THAT(failure(kernel), HasSubstr("slot 0: has no data"));
  memory(0, f32, Doubles(3));
  EXPECT_THAT(failure(kernel), HasSubstr("needs f32[4], got f32[3]"));
  arrays.clear();
  memory(0, f32, Doubles(4));
  EXPECT_THAT(failure(kernel, {.mode = Mode::kExact, .max_steps = 3}), HasSubstr("more than 3 steps"));
}

TEST_F(KernelInterp, RefusesIllFormedKernels) {
  const Node r = reduce(0, 4), s = slot(0, f32, 4);
  memory(0, f32, Doubles(4));
  EXPECT_THAT(failure({b.store(s, r, number(1))}), HasSubstr("of kind reduce, which no accumulate"));
  EXPECT_THAT(failure({b.store(s, b.add(loop(1, 2), loop(1, 3)), number(1))}),
              HasSubstr("id of another range"));
  EXPECT_THAT(failure({b.store(s, loop(2, Dim(loop(3, 2))), number(1))}),
              HasSubstr("depends on variables alone"));
}

}  // namespace
}  // namespace anneal::interp
