// SPDX-License-Identifier: MIT
// Loops, index forms, masks, folds and statements, by hand; emit_fuzz_slow_test.cc has the combinations.
#include "cpu/emit.h"

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cpu/test_cpu.h"

namespace anneal::cpu {
namespace {

constexpr int64_t kSize = 400;
constexpr float kUntouched = -77;

struct EmitTest : testing::Test, CpuTest {
  std::vector<Target> targets = test_targets();
  std::vector<float> in, out;
  EmitTest() : in(kSize), out(kSize, kUntouched) { std::iota(in.begin(), in.end(), 1.0F); }

  Node x(Node index, Node valid = {}) { return b.load(slot(0, f32, kSize), index, valid); }
  Node y(Node index, Node value, Node valid = {}) {
    return b.store(slot(1, f32, kSize), index, value, valid);
  }
  Node c(double v) { return b.constant_float(v, f32); }
  Node times(Node a, int64_t k) { return b.mul(a, b.index(k)); }
  std::vector<float> run(const Program& p, const Target& target, std::vector<int64_t> vars = {},
                         bool disjoint = false) {
    out.assign(kSize, kUntouched);
    Compiled(graph, p, target, {.disjoint_slots = disjoint}).run({in.data(), out.data()}, vars);
    return out;
  }
};

TEST_F(EmitTest, TailsOfEveryLength) {
  const Node n = b.var("n", 0, 40), i = range(0, Dim(n));
  const Program p = map(slot(1, f32, kSize), i, b.mul(x(i), c(2)), 16);
  for (const Target& target : targets) {
    const Compiled code(graph, p, target);
    for (int64_t length = 0; length <= 40; ++length) {
      out.assign(kSize, kUntouched);
      code.run({in.data(), out.data()}, {length});
      for (int64_t k = 0; k < kSize; ++k)
        ASSERT_EQ(out[static_cast<size_t>(k)], k < length ? 2 * in[static_cast<size_t>(k)] : kUntouched)
            << length;
    }
  }
}

TEST_F(EmitTest, TailsReadAndWriteNothingBeyondTheEnd) {
  const Node i = range(0, 19);
  const Program p = map(slot(1, f32, 19), i, b.load(slot(0, f32, 19), i), 16);
  for (const Target& target : targets) {
    // Exactly as large as the slots, for the address sanitizer.
    std::vector<float> from(19, 3), to(19);
    Compiled(graph, p, target).run({from.data(), to.data()});
    EXPECT_EQ(to, from);
  }
}

TEST_F(EmitTest, LongChainsCallWhatShortOnesInline) {
  const Node i = range(0, 40);
  const auto chain = [&](int length) {
    Node v = x(i);
    for (int k = 0; k < length; ++k) v = b.make(Op::Sin, {b.mul(v, c(1.001))});
    return map(slot(1, f32, kSize), i, v, 16);
  };
  for (const Target& target : targets) {
    // A program of the one op, run as often as the chain is long, is what the chain must give bit for bit.
    const std::vector<float> first = in;
    const Compiled once(graph, chain(1), target);
    for (int k = 0; k < 60; ++k) {
      once.run({in.data(), out.data()});
      in = out;
    }
    const std::vector<float> wanted = std::exchange(in, first);
    const std::vector<float> found = run(chain(60), target);
    for (size_t k = 0; k < 40; ++k) ASSERT_EQ(found[k], wanted[k]) << k;
    llvm::LLVMContext context;
    const auto code = [&](int length) {
      const auto module = emit_program(context, target, graph, chain(length), "test");
      unsigned count = 0;
      for (const llvm::Function& f : *module) count += f.hasFnAttribute(llvm::Attribute::AlwaysInline);
      return count;
    };
    EXPECT_EQ(code(1), 1U);
    EXPECT_EQ(code(60), 0U);
  }
}

TEST_F(EmitTest, StridesOfAllKinds) {
  const Node i = range(0, 37);
  struct Kind {
    Node index;
    int64_t first, step;
  };
  const Node stride = b.var("s", 0, 5);
  const Kind kinds[] = {{i, 0, 1},
                        {b.sub(b.index(36), i), 36, -1},
                        {times(i, 3), 0, 3},
                        {b.add(times(i, 10), b.index(5)), 5, 10},
                        {b.sub(b.index(380), times(i, 10)), 380, -10},
                        {b.index(7), 7, 0},
                        {b.mul(i, stride), 0, 4}};
  for (const Target& target : targets)
    for (const Kind& kind : kinds) {
      const std::vector<float> loaded = run(map(slot(1, f32, kSize), i, x(kind.index), 16), target, {4});
      for (int64_t k = 0; k < 37; ++k)
        ASSERT_EQ(loaded[static_cast<size_t>(k)], in[static_cast<size_t>(kind.first + k * kind.step)]);
      const Node s = y(kind.index, x(i));
      const std::vector<float> stored = run(program({s}, {loop(i, 16, {store(s)})}), target, {4});
      std::vector<float> expected(kSize, kUntouched);
      for (int64_t k = 0; k < 37; ++k)
        expected[static_cast<size_t>(kind.first + k * kind.step)] = in[static_cast<size_t>(k)];
      ASSERT_EQ(stored, expected);  // of one element, the last one
    }
}

// Quotients that all lanes share, that step by one, and that do neither.
TEST_F(EmitTest, DivisionOfIndices) {
  for (const int64_t by : {1, 2, 3, 4, 7, 8, 12, 16, 32, 64})
    for (const int64_t factor : {1, 4, 6}) {
      const Node i = range(0, 45), at = b.add(times(i, factor), b.index(factor == 6 ? 5 : 8));
      for (const Node index : {b.floordiv(at, b.index(by)), b.floormod(at, b.index(by)),
                               b.floordiv(b.sub(at, b.index(100)), b.index(by)),
                               b.floormod(b.sub(at, b.index(100)), b.index(by))}) {
        const Node s = b.store(slot(1, i64, kSize), i, b.cast(index, i64));
        std::vector<int64_t> got(kSize);
        Compiled(graph, program({s}, {loop(i, 16, {store(s)})}), targets[0]).run({nullptr, got.data()});
        const bool shifted = graph.source(index, 0) != at;
        for (int64_t k = 0; k < 45; ++k) {
          const int64_t v = k * factor + (factor == 6 ? 5 : 8) - (shifted ? 100 : 0);
          const int64_t q =
              static_cast<int64_t>(std::floor(static_cast<double>(v) / static_cast<double>(by)));
          ASSERT_EQ(got[static_cast<size_t>(k)], graph.op(index) == Op::FloorDiv ? q : v - q * by)
              << v << " by " << by;
        }
      }
    }
}

TEST_F(EmitTest, GathersReadPositionsFromMemory) {
  const Node i = range(0, 50);
  const Node position = b.cast(b.load(slot(2, i32, 50), i), DType::kIndex);
  const Node valid = b.make(Op::And, {b.le(b.index(0), position), b.lt(position, b.index(kSize))});
  const Program p = map(slot(1, f32, kSize), i, x(position, valid), 16);
  std::vector<int32_t> positions;
  for (int32_t k = 0; k < 50; ++k)
    positions.push_back(k % 5 == 0 ? INT32_MIN : k % 7 == 0 ? INT32_MAX : k * 37 % 400);
  for (const Target& target : targets) {
    Compiled(graph, p, target).run({in.data(), out.data(), positions.data()});
    for (size_t k = 0; k < 50; ++k)
      ASSERT_EQ(out[k],
                positions[k] >= 0 && positions[k] < kSize ? in[static_cast<size_t>(positions[k])] : 0);
  }
}

TEST_F(EmitTest, ConditionsGuardLoadsAndStores) {
  const Node i = range(0, 40);
  const Node inside = b.make(Op::And, {b.le(b.index(5), i), b.lt(i, b.index(23))});
  const Node flag = b.lt(b.var("n", 0, 9), b.index(4));  // the same for all
  for (const Target& target : targets)
    for (const int lanes : {1, 16})
      for (const int64_t n : {2, 8}) {
        const Node shifted = x(b.sub(i, b.index(5)), inside);  // elsewhere outside the slot
        const Node s = y(i, b.add(shifted, x(b.index(0), flag)), b.lt(b.index(3), i));
        const std::vector<float> got = run(program({s}, {loop(i, lanes, {store(s)})}), target, {n});
        for (int64_t k = 0; k < kSize; ++k) {
          const float value = (k >= 5 && k < 23 ? in[static_cast<size_t>(k - 5)] : 0) + (n < 4 ? in[0] : 0);
          ASSERT_EQ(got[static_cast<size_t>(k)], k > 3 && k < 40 ? value : kUntouched) << k;
        }
      }
}

TEST_F(EmitTest, UpdatesInPlace) {
  const Node i = range(0, 39);
  const Program p = map(slot(0, f32, kSize), i, b.add(x(i), c(1)), 16);
  for (const Target& target : targets) {
    std::vector<float> data = in;
    Compiled(graph, p, target).run({data.data()});
    for (size_t k = 0; k < kSize; ++k) ASSERT_EQ(data[k], in[k] + (k < 39 ? 1 : 0));
    data = in;  // and as two slots of the same memory
    Compiled(graph, map(slot(1, f32, kSize), i, b.add(x(i), c(1)), 16), target)
        .run({data.data(), data.data()});
    for (size_t k = 0; k < kSize; ++k) ASSERT_EQ(data[k], in[k] + (k < 39 ? 1 : 0));
  }
}

TEST_F(EmitTest, DisjointSlotsSaySo) {
  const Node i = range(0, 39);
  const Program p = map(slot(1, f32, kSize), i, b.add(x(i), c(1)), 16);
  EXPECT_EQ(run(p, targets[0], {}, true), run(p, targets[0], {}, false));
  llvm::LLVMContext context;
  const auto module = emit_program(context, targets[0], graph, p, "f", {.disjoint_slots = true});
  bool marked = false;
  for (const llvm::BasicBlock& block : *module->getFunction("f"))
    for (const llvm::Instruction& instruction : block)
      marked = marked || instruction.hasMetadata(llvm::LLVMContext::MD_noalias);
  EXPECT_TRUE(marked);
}

// -- Folds --

TEST_F(EmitTest, AccumulatesOfAllKindsAndLengths) {
  const Node n = b.var("n", 0, 150), j = reduce_range(0, Dim(n));
  for (const ir::ReduceOp op :
       {ir::ReduceOp::kAdd, ir::ReduceOp::kMul, ir::ReduceOp::kMax, ir::ReduceOp::kMin})
    for (const int lanes : {1, 4, 16}) {
      const Node value = op == ir::ReduceOp::kMul ? b.add(c(1), b.mul(x(j), c(1e-4))) : b.sub(c(3), x(j));
      const Node a = b.accumulate(value, op, std::span(&j, 1)), s = y(b.index(0), a);
      const Program p = program({s}, {begin(a), loop(j, lanes, {fold(a)}), store(s)});
      std::vector<std::vector<float>> by_target;
      for (const Target& target : targets) {
        const Compiled code(graph, p, target);
        by_target.emplace_back();
        for (int64_t length = 0; length <= 150; ++length) {
          code.run({in.data(), out.data()}, {length});
          const double inf = std::numeric_limits<double>::infinity();
          double expected = op == ir::ReduceOp::kAdd   ? 0
                            : op == ir::ReduceOp::kMul ? 1
                            : op == ir::ReduceOp::kMax ? -inf
                                                       : inf;
          for (size_t k = 0; k < static_cast<size_t>(length); ++k) {
            const double v = op == ir::ReduceOp::kMul ? 1 + in[k] * 1e-4 : 3 - static_cast<double>(in[k]);
            expected = op == ir::ReduceOp::kAdd   ? expected + v
                       : op == ir::ReduceOp::kMul ? expected * v
                       : op == ir::ReduceOp::kMax ? std::max(expected, v)
                                                  : std::min(expected, v);
          }
          if (std::isinf(expected)) {
            ASSERT_EQ(out[0], expected) << length;
          } else {
            ASSERT_NEAR(out[0], expected, 1e-5 * std::fabs(expected)) << length;
          }
          by_target.back().push_back(out[0]);
        }
        ASSERT_EQ(by_target.back(), by_target[0]) << "bits differ on " << target.level;
      }
    }
}

TEST_F(EmitTest, FoldsKeepZerosAndNaN) {
  const Node j = reduce_range(0, 33);
  const auto folded = [&](ir::ReduceOp op, const Target& target) {
    const Node a = b.accumulate(x(j), op, std::span(&j, 1)), s = y(b.index(0), a);
    return run(program({s}, {begin(a), loop(j, 16, {fold(a)}), store(s)}), target)[0];
  };
  for (const Target& target : targets) {
    in.assign(kSize, -0.0F);
    EXPECT_TRUE(std::signbit(folded(ir::ReduceOp::kAdd, target))) << "a sum starts from its first element";
    EXPECT_TRUE(std::signbit(folded(ir::ReduceOp::kMax, target)));
    for (const size_t at : {0U, 17U, 32U}) {
      in.assign(kSize, -0.0F);
      in[at] = 0;
      EXPECT_FALSE(std::signbit(folded(ir::ReduceOp::kMax, target)));
      EXPECT_TRUE(std::signbit(folded(ir::ReduceOp::kMin, target)));
      in[at] = std::numeric_limits<float>::quiet_NaN();
      for (const ir::ReduceOp op : {ir::ReduceOp::kAdd, ir::ReduceOp::kMax, ir::ReduceOp::kMin})
        EXPECT_TRUE(std::isnan(folded(op, target)));
    }
  }
}

// A matrix times a vector, both ways round: the reduce range in lanes, and the rows in lanes.
TEST_F(EmitTest, FoldsInsideVectorLoops) {
  constexpr int64_t kRows = 19, kColumns = 21;
  const Node i = range(0, kRows), j = reduce_range(1, kColumns);
  const Node product = b.mul(x(b.add(times(i, kColumns), j)), b.load(slot(2, f32, kColumns), j));
  const Node a = b.accumulate(product, ir::ReduceOp::kAdd, std::span(&j, 1)), s = y(i, a);
  std::vector<float> v(kColumns);
  std::iota(v.begin(), v.end(), -3.0F);
  for (const Target& target : targets)
    for (const bool rows_in_lanes : {false, true}) {
      const Program p = program({s}, {loop(i, rows_in_lanes ? 8 : 1,
                                           {begin(a), loop(j, rows_in_lanes ? 1 : 8, {fold(a)}), store(s)})});
      Compiled(graph, p, target).run({in.data(), out.data(), v.data()});
      for (size_t r = 0; r < kRows; ++r) {
        float expected = 0;
        for (size_t k = 0; k < kColumns; ++k) expected += in[r * kColumns + k] * v[k];
        ASSERT_EQ(out[r], expected) << r;  // of integers, so exact
      }
    }
}

TEST_F(EmitTest, ScansGoBothWays) {
  const Node i = range(0, 30);
  for (const bool reverse : {false, true}) {
    const Node s = b.scan_store(slot(1, f32, kSize), i, x(i), i, ir::ReduceOp::kAdd, reverse);
    Statement along = loop(i, 1, {store(s)});
    along.reverse = reverse;
    const std::vector<float> got = run(program({s}, {begin(s), along}), targets[0]);
    float sum = 0;
    for (size_t k = 0; k < 30; ++k) {
      const size_t at = reverse ? 29 - k : k;
      sum += in[at];
      ASSERT_EQ(got[at], sum);
    }
  }
}

// Rows that a table of positions chooses, by vectors along the row: elements of a row do not wait for each
// other, and rows that meet are added in order.
TEST_F(EmitTest, ScattersOfRowsGoByVectors) {
  constexpr int64_t kRows = 40, kWidth = 37, kTargets = 5;
  const Node i = range(0, kRows), j = range(1, kWidth);
  const Node target = b.cast(b.load(slot(0, i32, kRows), i), DType::kIndex);
  const Node from = b.load(slot(1, f32, kRows * kWidth), b.add(b.mul(i, b.index(kWidth)), j));
  const Node to = b.add(b.mul(target, b.index(kWidth)), j);
  const Node s = b.scatter_store(slot(2, f32, kTargets * kWidth), to, from, b.lt(target, b.index(kTargets)),
                                 std::span(&i, 1), ir::ScatterMode::kAdd);
  const Program p =
      program({s}, {loop(j, 16, {loop(i, 1, {let(graph.source(target, 0)), let(from), store(s)})})});
  std::vector<int32_t> places(kRows);
  std::vector<float> expected(kTargets * kWidth, 1);
  in.resize(kRows * kWidth);
  for (size_t r = 0; r < kRows; ++r) places[r] = static_cast<int32_t>(r % 7);
  for (size_t k = 0; k < in.size(); ++k) in[k] = 1.0F / static_cast<float>(k + 1);
  for (size_t r = 0; r < kRows; ++r)
    for (size_t c = 0; c < kWidth && r % 7 < kTargets; ++c)
      expected[r % 7 * kWidth + c] += in[r * kWidth + c];
  for (const Target& target_machine : test_targets()) {
    out.assign(kTargets * kWidth, 1);
    Compiled(graph, p, target_machine).run({places.data(), in.data(), out.data()});
    EXPECT_EQ(out, expected) << target_machine.level;
  }
}

// In one memory nothing is copied: a page that is only copied to may be one that cannot be written.
TEST_F(EmitTest, ACopyOntoItselfIsNothing) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* cells = static_cast<float*>(memory);
  const auto count = static_cast<int64_t>(2 * page / sizeof(float));
  const Node i = range(0, count), j = range(1, 3);
  const Node copy = b.store(slot(1, f32, count), i, b.load(slot(0, f32, count), i));
  const Node place = b.mul(j, b.index(2));
  const Node s = b.scatter_store(slot(1, f32, count), place, b.load(slot(2, f32, 3), j),
                                 b.lt(place, b.index(count)), std::span(&j, 1), ir::ScatterMode::kSet);
  const Program p = program({copy, s}, {loop(i, 16, {store(copy)}), loop(j, 1, {store(s)})});
  float updates[] = {5, 6, 7};
  ASSERT_EQ(mprotect(cells + count / 2, page, PROT_READ), 0);
  const Compiled code(graph, p, targets[0]);
  code.run({memory, memory, updates});
  EXPECT_EQ(std::vector<float>(cells, cells + 6), (std::vector<float>{5, 0, 6, 0, 7, 0}));
  munmap(memory, 2 * page);
  std::vector<float> from(static_cast<size_t>(count), 3), to(from.size(), 4);
  code.run({from.data(), to.data(), updates});
  EXPECT_EQ(std::vector<float>(to.begin(), to.begin() + 6), (std::vector<float>{5, 3, 6, 3, 7, 3}));
  EXPECT_EQ(to.back(), 3);
}

TEST_F(EmitTest, ScattersCombineInOrder) {
  const Node i = range(0, 60), target_at = b.floormod(i, b.index(7));
  for (const ir::ScatterMode mode : {ir::ScatterMode::kAdd, ir::ScatterMode::kSet}) {
    const Node s = b.scatter_store(slot(1, f32, kSize), target_at, x(i), b.lt(target_at, b.index(5)),
                                   std::span(&i, 1), mode);
    const Compiled code(graph, program({s}, {loop(i, 16, {store(s)})}), targets[0]);
    out.assign(kSize, 1);
    code.run({in.data(), out.data()});
    std::vector<float> expected(kSize, 1);
    for (size_t k = 0; k < 60; ++k)
      if (k % 7 < 5) expected[k % 7] = mode == ir::ScatterMode::kAdd ? expected[k % 7] + in[k] : in[k];
    ASSERT_EQ(out, expected);
  }
}

TEST_F(EmitTest, SortsAreStableWithNaNLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  in = {3, -0.0F, nan, 0, -1, 3, std::numeric_limits<float>::infinity(), -nan, 2, -0.0F};
  in.resize(kSize);
  const Node i = range(0, 10);
  for (const bool descending : {false, true}) {
    const Node s = b.sort_store(slot(1, i32, kSize), i, x(i), i, descending);
    std::vector<int32_t> order(kSize);
    Compiled(graph, program({s}, {{StatementKind::kSort, s}}), targets[0]).run({in.data(), order.data()});
    order.resize(10);
    EXPECT_EQ(order, descending ? (std::vector<int32_t>{2, 7, 6, 0, 5, 8, 1, 3, 9, 4})
                                : (std::vector<int32_t>{4, 1, 3, 9, 8, 0, 5, 6, 2, 7}));
  }
}

// -- The grid --

TEST_F(EmitTest, ItemsSplitTheGrid) {
  const Node n = b.var("n", 0, 20), i = range(0, Dim(n)), j = range(1, 17);
  const Node s = y(b.add(times(i, 17), j), b.add(x(j), b.cast(i, f32)));
  const Program p = program({s}, {loop(j, 4, {store(s)})}, {{i, 1}, {j, 8}});
  for (const int64_t rows : {0, 1, 20}) {
    const Compiled code(graph, p, targets[0]);
    EXPECT_EQ(code.items({rows}), rows * 3);
    out.assign(kSize, kUntouched);
    code.run({in.data(), out.data()}, {rows});
    for (int64_t k = 0; k < kSize; ++k)
      ASSERT_EQ(out[static_cast<size_t>(k)],
                k < rows * 17 ? in[static_cast<size_t>(k % 17)] + static_cast<float>(k / 17) : kUntouched);
  }
}

// A load stays behind the store before it, unless a let has taken the value.
TEST_F(EmitTest, LetsKeepValuesAcrossStores) {
  const Node i = range(0, 5), old = b.load(slot(0, f32, kSize), i);
  const Node first = b.store(slot(0, f32, kSize), i, c(9)), second = y(i, old);
  for (const bool keeps : {false, true}) {
    std::vector<float> data = in;
    loop::Body body{store(first), store(second)};
    if (keeps) body.insert(body.begin(), let(old));
    Compiled(graph, program({first, second}, {loop(i, 1, body)}), targets[0]).run({data.data(), out.data()});
    for (size_t k = 0; k < 5; ++k) EXPECT_EQ(out[k], keeps ? in[k] : 9);
  }
}

TEST(Jit, FeaturesThatTheMachineLacksAreRefused) {
  EXPECT_THROW(detect_target("avx1024"), Error);
  EXPECT_EQ(detect_target("generic").level, "generic");
  const Target all = detect_target("");
  EXPECT_FALSE(all.features.empty());
  EXPECT_EQ(all.features.find("+avx512fp16"), std::string::npos);  // whatever the machine has
  EXPECT_NE(all.text(), detect_target("generic").text());
}

}  // namespace
}  // namespace anneal::cpu
