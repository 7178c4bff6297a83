// SPDX-License-Identifier: MIT
// Kernels with sums in the loops of others: how they are cut, when they are not, and that the phases give the
// bits of the kernel whatever the blocks are. ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose the random
// ones.
#include "loop/fold.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "interp/test_kernel.h"
#include "loop/lower.h"
#include "loop/print.h"
#include "loop/random_kernel.h"
#include "loop/run.h"
#include "loop/verify.h"
#include "support/random_stream.h"
#include "tests/support/test_random.h"

namespace anneal::loop {
namespace {

using testing::HasSubstr;
using testing::Not;

// Of either sign, a zero is a zero and a NaN is a NaN: what a mask rules out is not added, and was zeros.
// Sums that columns join block by block have another order (`allowed`, relative to what is around).
bool same(DType t, const ir::Scalar& a, const ir::Scalar& b, double allowed = 0) {
  if (a == b || !is_float(t)) return a == b;
  const double x = a.as_double(t), y = b.as_double(t);
  return x == y || (std::isnan(x) && std::isnan(y)) ||
         std::abs(x - y) <= allowed * std::max({1.0, std::abs(x), std::abs(y)});
}

void set_float(const interp::KernelArrays& arrays, int64_t number, size_t element, float value) {
  for (const auto& [n, array] : arrays)
    if (n == number && array->dtype == f32) std::memcpy(array->bytes.data() + 4 * element, &value, 4);
}

class Fold : public testing::Test, protected interp::TestKernel {
 protected:
  // What a kernel of attention is made of, over 2 batch positions: scores of rows and columns, each of
  // `depth`.
  struct Scores {
    Node batch, row, column, inner;  // ranges; the column and the inner one are bound
    Node value;
  };
  Scores scores(Dim rows, Dim columns, int64_t depth) {
    Scores s{loop(0, Dim(2)), loop(1, rows), reduce(64, columns), reduce(65, Dim(depth)), {}};
    const auto element = [&](int64_t number, Dim extent, Node at_row) {
      const Node length = extent.is_const() ? b.index(extent.value) : extent.expr;
      const Node index = b.add(b.mul(b.add(b.mul(s.batch, length), at_row), b.index(depth)), s.inner);
      const Node size = b.mul(length, b.index(2 * depth));
      return b.load(slot(number, f32, extent.is_const() ? Dim(2 * depth * extent.value) : Dim(size)), index);
    };
    s.value = b.mul(sum(b.mul(element(0, rows, s.row), element(1, columns, s.column)), s.inner), number(0.5));
    return s;
  }
  // Stores the softmax of the scores times the third input at (batch, row, d), and the maximum of each row.
  std::vector<Node> attention(int64_t rows, int64_t columns, int64_t depth, bool causal = false,
                              const std::function<Node(Node)>& computed = {}) {
    Scores s = scores(rows, columns, depth);
    if (causal) s.value = b.where(b.le(s.column, s.row), s.value, number(-HUGE_VAL));
    const Node most = greatest(s.value, s.column), low = number(-HUGE_VAL);
    const Node high = causal ? b.where(b.make(Op::Eq, {most, low}), number(0), most) : most;
    const Node e = unary(Op::Exp, b.sub(s.value, high)), p = b.div(e, sum(e, s.column)), d = loop(2, depth);
    Node v = b.load(slot(2, f32, 2 * columns * depth), at(at(s.batch, columns, s.column), depth, d));
    if (computed) v = computed(v);
    const Node row = at(s.batch, rows, s.row);
    return {b.store(slot(4, f32, 2 * rows), row, most),
            b.store(slot(3, f32, 2 * rows * depth), at(row, depth, d), sum(b.mul(p, v), s.column))};
  }
  FoldSplit split(const std::vector<Node>& statements, int64_t onchip_bytes = 1 << 20) {
    return split_fold(graph, statements, {.onchip_bytes = onchip_bytes});
  }
  struct Spoilt {
    int64_t slot;
    size_t element;
    float value;
  };
  std::string lowered(const std::vector<Node>& statements, int64_t onchip_bytes = 1 << 20,
                      const std::vector<Spoilt>& spoilt = {}) {
    const Node kernel = b.sink(statements);
    EXPECT_EQ(ir::verify(graph, statements, ir::Stage::kKernel), "");
    const Program program = lower(graph, kernel, {.onchip_bytes = onchip_bytes});
    const std::string text = print(graph, program);
    EXPECT_EQ(verify(graph, program), "") << text;
    const interp::KernelArrays expected = random_arrays(graph, kernel, bindings, 11);
    for (const Spoilt& s : spoilt) set_float(expected, s.slot, s.element, s.value);
    const interp::KernelArrays actual = copies(expected);
    try {
      interp::run_kernel(graph, std::span(&kernel, 1), expected, bindings);
      loop::run(graph, program, actual, bindings, {.mode = interp::Mode::kExact, .shuffle_seed = 5});
    } catch (const Error& e) {
      ADD_FAILURE() << e.message() << "\n" << text;
    }
    const double allowed = program.sweeps.empty() ? 0 : 1e-5;
    for (size_t i = 0; i < actual.size(); ++i)
      for (size_t k = 0; k < static_cast<size_t>(actual[i].second->shape[0]); ++k)
        EXPECT_TRUE(same(actual[i].second->dtype, interp::element(*actual[i].second, k),
                         interp::element(*expected[i].second, k), allowed))
            << "element " << k << " of slot " << actual[i].first << "\n"
            << text;
    return text;
  }
};

TEST_F(Fold, AttentionIsPhasesInOnePlace) {
  const FoldSplit s = split(attention(24, 20, 4));
  ASSERT_EQ(s.reason, "");
  ASSERT_EQ(s.grid.size(), 2u);
  EXPECT_EQ(s.grid[0].chunk, 1);
  EXPECT_EQ(s.grid[1].chunk, 24);
  // Scores; their maximum; exponentials and then weights in their place; their sum between; the result.
  EXPECT_EQ(s.phases.size(), 6u);
  ASSERT_EQ(s.locals.size(), 3u);
  EXPECT_EQ(graph.shape(s.locals[0])[0].value, 24 * 20);
  for (size_t i : {1u, 2u}) EXPECT_EQ(graph.shape(s.locals[i])[0].value, 24);
  const std::string text = lowered(attention(24, 20, 4));
  EXPECT_THAT(text, HasSubstr("phase 5 at r0 = item:0, r1 = item:1\n"));
  EXPECT_THAT(text, HasSubstr("local slot 5 f32[480]\n"));
}

TEST_F(Fold, BlocksAreAsLargeAsFit) {
  // A row of scores is 80 bytes, and 8 more for its maximum and its sum.
  EXPECT_EQ(split(attention(24, 20, 4), 88 * 12).grid[1].chunk, 12);
  EXPECT_EQ(split(attention(24, 20, 4), 88 * 11).grid[1].chunk, 8);   // 11 and 10 and 9 divide nothing
  EXPECT_EQ(split(attention(23, 20, 4), 88 * 11).grid[1].chunk, 11);  // nothing divides 23
  EXPECT_FALSE(split(attention(24, 20, 4), 88 * 7).sweeps.empty());   // fewer are not enough
  EXPECT_EQ(split(attention(7, 20, 4), 88 * 7).grid[1].chunk, 7);     // all of them are enough
  for (const int64_t rows : {1, 8, 23, 24}) lowered(attention(rows, 20, 4), 88 * 11);
  EXPECT_THAT(lowered(attention(23, 20, 4), 88 * 11), HasSubstr("min(11, 23 - item:1)"));
}

// Where few whole rows fit, columns come in blocks, too.
TEST_F(Fold, ColumnsComeInBlocks) {
  const FoldSplit s = split(attention(24, 40, 4), 1000);
  ASSERT_EQ(s.reason, "");
  // For the maxima; for the sums; for the result.
  ASSERT_EQ(s.sweeps.size(), 3u);
  EXPECT_EQ(s.grid[1].chunk, 6);
  EXPECT_EQ(s.sweeps[0].block, 32);
  std::vector<int64_t> sizes;
  for (Node local : s.locals) sizes.push_back(graph.shape(local)[0].value);
  EXPECT_THAT(sizes, testing::ElementsAre(6, 6, 6 * 4, 6 * 32));
  EXPECT_EQ(split(attention(24, 40, 4), 50).reason, "a block of rows does not fit on the chip");
  EXPECT_THAT(lowered(attention(24, 40, 4), 50), Not(HasSubstr("phase")));
  for (const int64_t rows : {7, 24, 31})
    for (const int64_t columns : {17, 32, 53})
      for (const bool causal : {false, true})
        EXPECT_THAT(lowered(attention(rows, columns, 4, causal), 330), HasSubstr("sweep"));
}

TEST_F(Fold, SweepsThatAreBrokenAreSeen) {
  const Node kernel = b.sink(attention(24, 40, 4, true));
  const Program good = lower(graph, kernel, {.onchip_bytes = 1000});
  ASSERT_EQ(good.sweeps.size(), 3u);
  EXPECT_EQ(verify(graph, good), "");
  const auto broken = [&](const std::function<void(Program&)>& change) {
    Program bad = good;
    change(bad);
    return verify(graph, bad) != "";
  };
  EXPECT_TRUE(broken([](Program& p) { p.sweeps[1].first = p.sweeps[0].first; }));
  EXPECT_TRUE(broken([](Program& p) { p.sweeps[1].last = p.sweeps[1].first; }));
  EXPECT_TRUE(broken([](Program& p) { p.sweeps[2].last = p.phases.size() + 1; }));
  EXPECT_TRUE(broken([](Program& p) { p.sweeps[0].first = 0; }));  // the probe runs once
  EXPECT_TRUE(broken([](Program& p) { p.sweeps[0].block = 0; }));
}

TEST_F(Fold, BlocksOfColumnsAreThoseThatAMaskLeaves) {
  const FoldSplit s = split(attention(48, 48, 4, true), 1000);
  ASSERT_EQ(s.sweeps.size(), 3u);
  ASSERT_EQ(s.limits.size(), 1u);
  for (const Sweep& sweep : s.sweeps) EXPECT_EQ(sweep.count, s.limits[0].var);
  for (const float value : {HUGE_VALF, -HUGE_VALF, NAN})
    for (const int64_t slot : {0, 1, 2})
      for (const size_t element : {0, 41 * 4 + 1, 48 * 4 + 5})
        lowered(attention(48, 48, 4, true), 1000, {{slot, element, value}});
}

TEST_F(Fold, SymbolicRows) {
  const Node n = b.var("N", 0, 40);
  const Scores s = scores(Dim(n), Dim(n), 3);
  const Node most = greatest(s.value, s.column);
  const Node total = sum(unary(Op::Exp, b.sub(s.value, most)), s.column);
  const Node out = b.store(slot(3, f32, Dim(b.mul(n, b.index(2)))), b.add(b.mul(s.batch, n), s.row), total);
  EXPECT_EQ(split({out}).reason, "");
  for (const int64_t size : {0, 1, 7, 19, 40}) {
    bindings.vars = {{"N", size}};
    lowered({out}, 3000);
    lowered({out}, 300);
  }
}

// What a causal mask leaves of the columns is what the phases run over.
TEST_F(Fold, MasksLimitTheColumns) {
  const std::vector<Node> statements = attention(24, 24, 4, true);
  const FoldSplit s = split(statements, 104 * 8);
  EXPECT_EQ(s.grid[1].chunk, 8);
  ASSERT_EQ(s.limits.size(), 1u);
  ASSERT_TRUE(s.probe);
  for (const auto& [first, count] : {std::pair(0, 8), std::pair(8, 16), std::pair(16, 24)})
    EXPECT_EQ(
        interp::evaluate_dim(graph, Dim(s.limits[0].value), {.vars = {{"item:0", 1}, {"item:1", first}}}),
        count);
  EXPECT_THAT(lowered(statements, 104 * 8), HasSubstr("limit count:64 = (item:1 + 8), or 24 by slot 8\n"));
  EXPECT_THAT(lowered(statements), Not(HasSubstr("limit")));  // in one block they leave them all
  EXPECT_EQ(split(attention(64, 64, 4)).grid[1].chunk, 64);
  EXPECT_EQ(split(attention(64, 64, 4, true)).grid[1].chunk, 32);  // so many are two
  EXPECT_THAT(lowered(attention(24, 24, 4), 104 * 8), Not(HasSubstr("limit")));
}

// 0 times what is not finite is NaN, also where no score is looked at.
TEST_F(Fold, WhatIsMaskedIsStillMultiplied) {
  for (const int64_t columns : {24, 31})
    for (const float value : {HUGE_VALF, -HUGE_VALF, NAN})
      for (const size_t element : {0, 22 * 4 + 1, 24 * 4 + 5}) {
        lowered(attention(24, columns, 4, true), 8 * (4 * columns + 8), {{2, element, value}});
        lowered(attention(24, columns, 4, true), 8 * (4 * columns + 8), {{1, element, value}});
        lowered(attention(24, columns, 4, true), 8 * (4 * columns + 8), {{0, element, value}});
      }
}

// A value that the kernel makes of finite loads may be infinite or no number.
TEST_F(Fold, WhatIsMaskedIsMultipliedByWhatIsComputed) {
  const Node one = number(1);
  const auto square = [&](Node n) { return b.mul(n, n); };
  const std::vector<std::pair<std::function<Node(Node)>, float>> cases = {
      {[&](Node n) { return b.div(one, n); }, 0},
      {[&](Node n) { return unary(Op::Log, n); }, 0},
      {[&](Node n) { return unary(Op::Exp, n); }, 200},
      {[&](Node n) { return b.cast(b.cast(n, f16), f32); }, 2e5F},
      {[&](Node n) { return square(square(square(n))); }, 1e10F},
      {[&](Node n) { return b.add(n, n); }, 3e38F},
      {[&](Node n) { return b.where(b.lt(n, number(50)), n, number(HUGE_VAL)); }, 60},
      {[&](Node n) { return b.mul(n, number(NAN)); }, 1},
      {[&](Node n) { return b.make(Op::Max, {n, number(HUGE_VAL)}); }, 1},
  };
  for (const auto& [make, value] : cases)
    for (const size_t element : {0, 22 * 4 + 1, 24 * 4 + 5})
      lowered(attention(24, 24, 4, true, make), 8 * (4 * 24 + 8), {{2, element, value}});
  // Where all is well they are skipped as before.
  EXPECT_THAT(lowered(attention(24, 24, 4, true, cases[0].first), 8 * (4 * 24 + 8)), HasSubstr("limit"));
}

TEST_F(Fold, WhatIsNotCut) {
  const Scores s = scores(24, 20, 4);
  const Node row = at(s.batch, 24, s.row), out = slot(3, f32, 48);
  const Node total = sum(s.value, s.column);
  EXPECT_EQ(split({b.store(out, row, sum(b.load(slot(0, f32, 192), at(row, 4, s.inner)), s.inner))}).reason,
            "no sum lies in the loops of another");
  EXPECT_EQ(split({b.store(out, row, total)}).reason, "");
  EXPECT_EQ(split({b.store(out, row, b.add(total, b.load(out, row)))}).reason, "a slot is read and written");
  EXPECT_EQ(split({b.store(out, row, total), b.store(slot(4, f32, 2), s.batch, number(0))}).reason,
            "a statement is not of all rows");
  EXPECT_EQ(split({b.scan_store(out, row, total, s.row, ReduceOp::kAdd, false)}).reason,
            "a statement is no plain store");
  // A sum within a sum within a sum.
  const Node deeper = reduce(66, 3);
  const Node twice = sum(b.mul(sum(b.mul(s.value, b.cast(deeper, f32)), s.column), number(2)), deeper);
  EXPECT_EQ(split({b.store(out, row, twice)}).reason, "an inner sum needs another");
}

// -- Random ones --

class RandomFold : protected interp::TestKernel {
 public:
  explicit RandomFold(uint64_t seed) : random_(seed * 77 + 5), seed_(seed) {
    const int64_t batches = 1 + random_.below(2);
    depth_ = 1 + random_.below(4);
    n_ = b.var("N", 0, 9);
    masked_ = random_.one_in(2);
    rows_ = random_.one_in(3) ? Dim(n_) : Dim(1 + random_.below(20));
    if (masked_) rows_ = Dim(9 + random_.below(20));
    columns_ = random_.one_in(4) ? Dim(n_) : Dim(1 + random_.below(9));
    if (batches > 1) batch_ = loop(0, batches);
    row_ = loop(1, rows_);
    column_ = reduce(64, columns_);
    inner_ = reduce(65, Dim(depth_));
  }

  void check() {
    std::vector<Node> statements;
    int64_t out = 20;
    const int64_t count = 1 + random_.below(3);
    for (int64_t i = 0; i < count; ++i) statements.push_back(statement(out++));
    const Node kernel = b.sink(statements);
    const std::string where =
        "ANNEAL_FUZZ_SEED=" + std::to_string(seed_) + "\n" + ir::print(graph, std::span(&kernel, 1));
    ASSERT_EQ(ir::verify(graph, statements, ir::Stage::kKernel), "") << where;
    const LowerOptions options{.lanes = 1 << random_.below(5),
                               .onchip_bytes = (random_.one_in(3) ? 60 : 200)
                                               << random_.below(masked_ ? 4 : 8)};
    const Program program = lower(graph, kernel, options);
    cut_ = !program.phases.empty();
    ASSERT_EQ(verify(graph, program), "") << where;
    const std::string text = where + print(graph, program);
    bindings.vars = {{"N", random_.below(10)}};
    const interp::KernelArrays expected = random_arrays(graph, kernel, bindings, seed_);
    if (random_.one_in(3)) spoil(expected);
    const interp::KernelArrays actual = copies(expected);
    limited_ = !program.limits.empty();
    swept_ = !program.sweeps.empty();
    // Blocks of columns are joined in another order: in f64 that does not show, whatever is subtracted. The
    // constants of the simplified kernel are rounded to their types.
    const interp::Mode mode = swept_ ? interp::Mode::kDouble : interp::Mode::kExact;
    const Node reference = swept_ ? program.kernel : kernel;
    try {
      interp::run_kernel(graph, std::span(&reference, 1), expected, bindings, {.mode = mode});
      loop::run(graph, program, actual, bindings, {.mode = mode, .shuffle_seed = seed_});
    } catch (const Error& e) {
      FAIL() << e.message() << "\n" << text;
    }
    for (size_t i = 0; i < actual.size(); ++i)
      for (size_t k = 0; k < static_cast<size_t>(actual[i].second->shape[0]); ++k)
        ASSERT_TRUE(same(actual[i].second->dtype, interp::element(*actual[i].second, k),
                         interp::element(*expected[i].second, k), swept_ ? 1e-6 : 0))
            << "element " << k << " of slot " << actual[i].first << "\n"
            << text;
  }
  bool is_cut() const { return cut_; }
  bool is_limited() const { return limited_; }
  bool is_swept() const { return swept_; }

 private:
  Node length(Dim d) { return d.is_const() ? b.index(d.value) : d.expr; }
  // An element of an input that has these ranges as its axes.
  Node element(int64_t number, DType t, const std::vector<Node>& ranges) {
    Node index = b.index(0), size = b.index(1);
    for (Node r : ranges) {
      if (!r) continue;
      index = b.add(b.mul(index, graph.source(r, 0)), r);
      size = b.mul(size, graph.source(r, 0));
    }
    int64_t count = 1;
    bool known = true;
    for (Node r : ranges) {
      if (!r) continue;
      known = known && graph.is_const(graph.source(r, 0));
      if (known) count *= graph.const_value(graph.source(r, 0)).as_int(DType::kIndex);
    }
    const Node value = b.load(slot(number, t, known ? Dim(count) : Dim(size)), index);
    return b.cast(value, f32);
  }
  // What a kernel makes of a load in place of it: from finite ones it may be no number or infinite.
  Node computed(Node value) {
    const Node one = number(1);
    switch (random_.below(10)) {
      case 0: return b.div(one, value);
      case 1: return unary(Op::Recip, b.sub(value, one));
      case 2: return unary(Op::Exp, b.mul(value, value));
      case 3: return unary(Op::Log, value);
      case 4: return b.cast(b.cast(b.mul(value, number(3e4)), f16), f32);
      case 5: return b.where(b.lt(number(1.5), value), number(random_.one_in(2) ? HUGE_VAL : NAN), value);
      case 6: return b.mul(value, number(random_.one_in(4) ? HUGE_VAL : 1e38));
      case 7: {
        const Node square = b.mul(value, value), fourth = b.mul(square, square);
        return b.mul(fourth, fourth);
      }
      default: return value;
    }
  }
  // An element of an input that is not finite, 0, or large.
  void spoil(const interp::KernelArrays& all) {
    const auto& [number, array] = all[static_cast<size_t>(random_.below(static_cast<int64_t>(all.size())))];
    if (array->dtype != f32 || array->shape[0] == 0) return;
    constexpr float kValues[] = {HUGE_VALF, -HUGE_VALF, NAN, 0, 2e5F, 3e38F, -1e20F, 1};
    set_float(all, number, static_cast<size_t>(random_.below(array->shape[0])), kValues[random_.below(8)]);
  }
  // The same in a kernel, mostly, so that all that is reduced is masked.
  Node mask() {
    const Node shifted = b.add(row_, b.index(random_.below(5)));
    if (mask_ && !random_.one_in(8)) return mask_;
    switch (random_.below(4)) {
      case 0: return mask_ = b.le(column_, shifted);
      case 1: return mask_ = b.lt(row_, b.add(column_, b.index(3)));
      case 2: return mask_ = unary(Op::Not, b.lt(shifted, column_));
      default:
        return mask_ = b.make(Op::And, {b.le(column_, shifted), b.lt(row_, b.add(column_, b.index(4)))});
    }
  }
  // One for each row and column: made of a sum of products.
  Node pair() {
    const int64_t kind = random_.below(3);
    if (!pairs_.empty() && kind == 0)
      return pairs_[static_cast<size_t>(random_.below(static_cast<int64_t>(pairs_.size())))];
    const int64_t number = 30 + 2 * made_++;
    const DType t = random_.one_in(4) ? bf16 : f32;
    const Node left = element(number, t, {batch_, row_, inner_}),
               right = element(number + 1, t, {batch_, column_, inner_});
    Node value = sum(b.mul(random_.one_in(3) ? computed(left) : left, right), inner_);
    if (masked_ && random_.one_in(3)) value = b.mul(masked(value), sum(b.mul(right, computed(left)), inner_));
    if (random_.one_in(2)) value = b.mul(value, this->number(0.25));
    if (random_.one_in(3)) value = b.where(b.le(column_, row_), value, this->number(-1));
    if (masked_) value = masked(value);
    if (pairs_.size() < 3) pairs_.push_back(value);
    return value;
  }
  Node masked(Node value) {
    return random_.one_in(2) ? b.where(mask(), value, number(0))
                             : unary(Op::Exp, b.where(mask(), value, number(-HUGE_VAL)));
  }
  Node reduced(Node body) {
    return masked_ || random_.one_in(2) ? sum(body, column_) : greatest(body, column_);
  }
  Node pair_expression(int depth) {
    if (depth == 0) return pair();
    constexpr int64_t kKeepZeros[] = {0, 1, 4};
    switch (masked_ ? kKeepZeros[random_.below(3)] : random_.below(5)) {
      case 0: return b.add(pair_expression(depth - 1), pair_expression(depth - 1));
      case 1: return b.mul(pair_expression(depth - 1), row_value(depth - 1));
      case 2: return unary(Op::Tanh, pair_expression(depth - 1));
      case 3: return b.sub(pair_expression(depth - 1), row_value(depth - 1));
      default: {
        const bool small = masked_ && !random_.one_in(4);  // else all of it would be looked at in advance
        const Node factor = computed(element(small ? 14 : 15, f32, {small ? Node{} : row_, column_}));
        return b.mul(pair_expression(depth - 1), factor);
      }
    }
  }
  Node row_value(int depth) {
    if (depth <= 0 || random_.one_in(3)) return element(16, f32, {batch_, row_});
    return reduced(pair_expression(depth - 1));
  }
  Node statement(int64_t out) {
    if (random_.one_in(2)) return store(out, {batch_, row_}, row_value(3));
    const Node d = loop(2, Dim(1 + depth_)), v = computed(element(17, f32, {batch_, column_, d}));
    Node value = sum(b.mul(pair_expression(2), v), column_);
    if (random_.one_in(3)) value = b.mul(value, row_value(2));
    return store(out, {batch_, row_, d}, value);
  }
  Node store(int64_t out, const std::vector<Node>& ranges, Node value) {
    const Node like = graph.source(element(out, f32, ranges), 0),
               index = graph.source(element(out, f32, ranges), 1);
    return b.store(like, index, value);
  }

  support::RandomStream random_;
  const uint64_t seed_;
  int64_t depth_ = 1, made_ = 0;
  Dim rows_, columns_;
  Node n_, batch_, row_, column_, inner_;
  Node mask_;
  std::vector<Node> pairs_;
  bool cut_ = false, masked_ = false, limited_ = false, swept_ = false;
};

TEST(FoldFuzz, PhasesGiveTheBitsOfTheirKernels) {
  const auto seeds = test::seeds(0.1);
  uint64_t cut = 0, limited = 0, swept = 0;
  for (const uint64_t seed : seeds) {
    if (HasFatalFailure()) return;
    RandomFold kernel(seed);
    kernel.check();
    cut += kernel.is_cut();
    limited += kernel.is_limited();
    swept += kernel.is_swept();
  }
  EXPECT_GE(40 * swept, seeds.size());
  EXPECT_GE(4 * cut, seeds.size());
  EXPECT_GE(100 * limited, seeds.size());
}

}  // namespace
}  // namespace anneal::loop
