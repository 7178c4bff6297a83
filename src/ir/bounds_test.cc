// SPDX-License-Identifier: MIT
//
// Bounds by enumeration: every op over all values of two operands with extents up to 7, exactness where
// bounds.h promises it, machine integers that wrap, random expressions, and the symbolic comparisons.
#include "ir/bounds.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "ir/builder.h"
#include "ir/eval.h"
#include "ir/points.h"
#include "ir/text.h"
#include "tests/support/test_random.h"

namespace anneal::ir {
namespace {

constexpr DType kIndex = DType::kIndex;

// What values there are, in the terms of Bounds.
struct Seen {
  int64_t min = INT64_MAX, max = INT64_MIN;
  int64_t count = 0;
  void add(int64_t v) {
    min = std::min(min, v);
    max = std::max(max, v);
    ++count;
  }
};

bool holds(const Bounds& b, int64_t v) {
  return b.min <= v && v <= b.max && ((v % b.modulus) + b.modulus) % b.modulus == b.remainder;
}

// Every value of `n` lies within its bounds; returns what was seen.
Seen check_sound(const Graph& g, Node n) {
  BoundsOf bounds(g);
  const Bounds b = bounds(n);
  EXPECT_TRUE(b.modulus >= 1 && b.remainder >= 0 && b.remainder < b.modulus);
  Points points(g, std::span(&n, 1));
  EXPECT_TRUE(points.ok());
  Seen seen;
  while (points.next()) {
    const int64_t v = points.value_int(n);
    seen.add(v);
    if (holds(b, v)) continue;
    ADD_FAILURE() << v << " is outside [" << b.min << ", " << b.max << "] mod " << b.modulus << " = "
                  << b.remainder << "\n"
                  << print(g, std::span(&n, 1));
    return seen;
  }
  return seen;
}

bool is_exact(const Bounds& b, const Seen& seen) { return b.min == seen.min && b.max == seen.max; }

constexpr Op kBinary[] = {Op::Add,      Op::Sub, Op::Mul, Op::FloorDiv, Op::FloorMod, Op::TruncDiv,
                          Op::TruncMod, Op::Max, Op::Min, Op::And,      Op::Or,       Op::Xor,
                          Op::Shl,      Op::Shr, Op::Lt,  Op::Le,       Op::Eq,       Op::Ne};

// An operand: a loop index with an offset and a stride, so that intervals of all signs and congruences occur.
struct Operand {
  int64_t extent, offset, stride;
};
std::vector<Operand> operands() {
  std::vector<Operand> all;
  for (int64_t extent = 1; extent <= 7; ++extent) {
    for (int64_t offset : {-13, -4, -1, 0, 1, 7}) all.push_back({extent, offset, 1});
    all.push_back({extent, 1, 4});
    all.push_back({extent, -6, 3});
  }
  return all;
}
Node make_operand(const Builder& b, const Operand& o, int64_t id) {
  return b.add(b.mul(b.range(o.extent, id), b.index(o.stride)), b.index(o.offset));
}

bool promised_exact(Op op, const Operand& y) {
  switch (op) {
    case Op::Add:
    case Op::Sub:
    case Op::Max:
    case Op::Min: return true;
    case Op::Mul:
    case Op::FloorDiv:
    case Op::TruncDiv: return y.extent == 1;
    default: return false;
  }
}

TEST(Bounds, EveryBinaryOpOverAllExtentsUpTo7) {
  const std::vector<Operand> all = operands();
  for (Op op : kBinary) {
    Graph g;
    const Graph::Scope scope(g);
    const Builder b{g};
    for (const Operand& x : all)
      for (const Operand& y : all) {
        const Node n = b.make(op, {make_operand(b, x, 0), make_operand(b, y, 1)});
        const Seen seen = check_sound(g, n);
        if (HasFailure()) return;
        BoundsOf bounds(g);
        EXPECT_TRUE(!promised_exact(op, y) || is_exact(bounds(n), seen))
            << op_text(op) << " " << x.extent << " " << x.offset << " " << x.stride << ", " << y.extent << " "
            << y.offset << " " << y.stride;
      }
  }
}

TEST(Bounds, EveryUnaryOpAndWhere) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  for (const Operand& x : operands()) {
    const Node v = make_operand(b, x, 0);
    for (Op op : {Op::Neg, Op::Abs, Op::Not}) check_sound(g, b.make(op, {v}));
    const Node condition = b.lt(b.range(3, 1), b.index(2));
    check_sound(g, b.make(Op::Not, {condition}));
    for (const Operand& y : operands()) {
      const Node w = make_operand(b, y, 2);
      BoundsOf bounds(g);
      const Node n = b.where(condition, v, w);
      EXPECT_TRUE(is_exact(bounds(n), check_sound(g, n)));
    }
  }
}

TEST(Bounds, RemaindersOfMultiplesKeepTheirCongruence) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  BoundsOf bounds(g);
  const Node i = b.range(10, 0);
  const Node n = b.add(b.mul(i, b.index(6)), b.index(2));
  EXPECT_EQ(bounds(b.floormod(n, b.index(4))), (Bounds{0, 2, 2, 0}));
  EXPECT_EQ(bounds(b.floormod(n, b.index(3))), (Bounds{2, 2, 1, 0}));
  EXPECT_EQ(bounds(b.eq(n, b.index(9))), (Bounds{0, 0, 1, 0}));
  EXPECT_EQ(bounds(b.floordiv(n, b.index(3))), (Bounds{0, 18, 2, 0}));
}

TEST(Bounds, LeavesAndTensors) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  BoundsOf bounds(g);
  EXPECT_EQ(bounds(b.var("n", 3, 30, 4)), (Bounds{4, 28, 4, 0}));
  EXPECT_EQ(bounds(b.range(Dim(b.var("n", 3, 30, 4)), 0)), (Bounds{0, 27, 1, 0}));
  EXPECT_EQ(bounds(b.param(0, i8, {})), (Bounds{-128, 127, 1, 0}));
  EXPECT_EQ(bounds(b.param(0, u16, {})), (Bounds{0, 65535, 1, 0}));
  EXPECT_EQ(bounds(b.param(0, boolean, {})), (Bounds{0, 1, 1, 0}));
  EXPECT_EQ(bounds(b.param(0, f32, {})), Bounds{});
  const Dim shape[] = {Dim(4), Dim(5)};
  const Node iota = b.iota(shape, 1, i32);
  EXPECT_EQ(bounds(iota), (Bounds{0, 4, 1, 0}));
  const uint8_t swap[] = {1, 0};
  EXPECT_EQ(bounds(b.permute(iota, swap)), (Bounds{0, 4, 1, 0}));
  EXPECT_EQ(bounds(b.pad(iota, b.constant_int(9, i32), {{0, 0}, {1, 1}, {0, 0}})), (Bounds{0, 9, 1, 0}));
  EXPECT_EQ(bounds(b.reduce(iota, ReduceOp::kMax, 1)), (Bounds{0, 4, 1, 0}));
  EXPECT_EQ(bounds(b.reduce(iota, ReduceOp::kAdd, 1)), type_bounds(i32));
  EXPECT_EQ(bounds(b.arg_reduce(iota, ReduceOp::kMax, 1)), (Bounds{0, 4, 1, 0}));
}

// Bytes have all their values enumerated: whatever is said of a wrapping step must hold.
TEST(Bounds, MachineIntegersWrap) {
  for (DType t : {i8, u8}) {
    Graph g;
    const Graph::Scope scope(g);
    const Builder b{g};
    const Node i = b.range(256, 0), j = b.range(7, 1);
    const Node x = b.cast(i, t), y = b.cast(b.sub(b.mul(j, b.index(3)), b.index(9)), t);
    for (Op op : kBinary) {
      check_sound(g, b.make(op, {x, y}));
      check_sound(g, b.make(op, {y, x}));
      check_sound(g, b.make(op, {b.mul(x, b.constant_int(4, t)), y}));
    }
    for (Op op : {Op::Neg, Op::Abs, Op::Not}) {
      check_sound(g, b.make(op, {x}));
      check_sound(g, b.make(op, {y}));
    }
    for (DType to : {boolean, i8, u8, i16, u16, i32, u64, kIndex}) check_sound(g, b.cast(b.add(x, y), to));
  }
}

TEST(Bounds, OverflowMeansUnknown) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  BoundsOf bounds(g);
  const Node x = b.param(0, i64, {}), big = b.constant_int(INT64_MAX, i64);
  EXPECT_EQ(bounds(b.add(x, b.constant_int(1, i64))), type_bounds(i64));
  EXPECT_EQ(bounds(b.mul(big, b.constant_int(2, i64))).min, INT64_MIN);
  const Node n = b.var("n", 0, INT64_MAX);
  EXPECT_EQ(bounds(b.mul(n, n)), (Bounds{0, INT64_MAX, 1, 0}));
  EXPECT_EQ(bounds(b.add(n, b.index(1))), (Bounds{1, INT64_MAX, 1, 0}));
  const Node u = b.param(1, u64, {});
  EXPECT_EQ(bounds(b.le(u, b.constant_int(INT64_MAX, u64))), (Bounds{0, 1, 1, 0}));
  EXPECT_EQ(bounds(b.sub(b.constant_int(5, u64), b.constant_int(9, u64))).min, INT64_MIN);
  EXPECT_EQ(bounds(b.floordiv(b.constant_int(INT64_MIN, i64), b.constant_int(-1, i64))), type_bounds(i64));
}

TEST(Bounds, DeepChainsDoNotRecurse) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node i = b.range(2, 0);
  Node n = i;
  constexpr int64_t kDepth = 300000;
  for (int64_t k = 0; k < kDepth; ++k) n = b.add(n, i);
  BoundsOf bounds(g);
  EXPECT_EQ(bounds(n), (Bounds{0, kDepth + 1, 1, 0}));
  EXPECT_EQ(is_less(bounds, n, b.index(kDepth + 2)), Tri::kTrue);
}

// -- Random expressions --

class RandomExpression {
 public:
  RandomExpression(const Builder& b, uint64_t seed) : b_(b), state_(seed * 2 + 1) {}
  Node make(int depth) {
    if (depth == 0) return leaf();
    const Op op = kBinary[below(std::size(kBinary) - 4)];  // no comparisons
    const Node x = make(depth - 1);
    const bool wants_const = op == Op::Shl || op == Op::Shr || below(2) == 0;
    const Node y = wants_const ? b_.index(op == Op::Shl ? below(4) : static_cast<int64_t>(below(19)) - 6)
                               : make(depth - 1);
    return below(8) == 0 ? b_.where(b_.lt(x, y), x, y) : b_.make(op, {x, y});
  }

 private:
  Node leaf() {
    const auto k = static_cast<int64_t>(below(3));
    return k == 2 ? b_.var("n", -3, 5, 2) : b_.range(3 + 2 * k, k);
  }
  size_t below(size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state_ >> 33) % n;
  }
  const Builder& b_;
  uint64_t state_;
};

TEST(Bounds, RandomExpressions) {
  for (const uint64_t seed : test::seeds(0.3)) {
    if (HasFailure()) return;
    Graph g;
    const Graph::Scope scope(g);
    const Builder b{g};
    check_sound(g, RandomExpression(b, seed).make(1 + static_cast<int>(seed % 4)));
  }
}

TEST(Compare, RandomExpressionsAgreeWithAllPoints) {
  for (const uint64_t seed : test::seeds(0.2)) {
    Graph g;
    const Graph::Scope scope(g);
    const Builder b{g};
    const Node x = RandomExpression(b, seed).make(1 + static_cast<int>(seed % 3));
    const Node y = RandomExpression(b, seed + 7777).make(1 + static_cast<int>(seed % 2));
    BoundsOf bounds(g);
    const Tri less = is_less(bounds, x, y), less_equal = is_less_equal(bounds, x, y),
              equal = is_equal(bounds, x, y);
    const Node both[] = {x, y};
    Points points(g, both);
    while (points.next()) {
      const int64_t a = points.value_int(x), c = points.value_int(y);
      ASSERT_TRUE(less == Tri::kUnknown || (less == Tri::kTrue) == (a < c)) << print(g, both);
      ASSERT_TRUE(less_equal == Tri::kUnknown || (less_equal == Tri::kTrue) == (a <= c)) << print(g, both);
      ASSERT_TRUE(equal == Tri::kUnknown || (equal == Tri::kTrue) == (a == c)) << print(g, both);
    }
  }
}

TEST(Compare, SymbolicDifferences) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  BoundsOf bounds(g);
  const Node n = b.var("n", 1, 512), m = b.var("m", 1, 64), one = b.index(1), zero = b.index(0);
  EXPECT_EQ(is_less(bounds, n, b.add(n, one)), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, b.add(n, one), n), Tri::kFalse);
  EXPECT_EQ(is_less_equal(bounds, n, n), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, n, m), Tri::kUnknown);
  EXPECT_EQ(is_equal(bounds, b.mul(n, b.index(2)), b.add(b.mul(m, b.index(4)), one)), Tri::kFalse);
  EXPECT_EQ(is_equal(bounds, b.add(n, n), b.mul(n, b.index(2))), Tri::kTrue);
  const Node i = b.range(Dim(n), 0), j = b.range(Dim(m), 1);
  EXPECT_EQ(is_less(bounds, i, n), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, b.add(b.mul(i, m), j), b.mul(n, m)), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, b.sub(b.add(b.mul(i, m), j), b.mul(n, m)), zero), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, b.add(b.mul(j, n), i), b.mul(n, m)), Tri::kTrue);
  EXPECT_EQ(is_less(bounds, b.add(b.mul(i, m), m), b.mul(n, m)), Tri::kUnknown);
  const Node window = b.add(b.range(3, 2), b.range(Dim(b.sub(b.add(n, b.index(2)), b.index(2))), 3));
  EXPECT_EQ(is_less(bounds, window, b.add(n, b.index(2))), Tri::kTrue);
}

TEST(Compare, OtherTypesDecideByIntervalAlone) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  BoundsOf bounds(g);
  const Node x = b.param(0, i32, {}), f = b.param(1, f32, {});
  EXPECT_EQ(is_less(bounds, x, b.add(x, b.constant_int(1, i32))), Tri::kUnknown);  // it may wrap
  EXPECT_EQ(is_less_equal(bounds, x, b.constant_int(INT32_MAX, i32)), Tri::kTrue);
  EXPECT_EQ(is_equal(bounds, f, f), Tri::kUnknown);  // NaN
  EXPECT_EQ(is_less_equal(bounds, f, f), Tri::kUnknown);
  EXPECT_EQ(is_less(bounds, f, f), Tri::kFalse);
}

}  // namespace
}  // namespace anneal::ir
