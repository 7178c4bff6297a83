// SPDX-License-Identifier: MIT
// Kernels that run as phases (loop/fold.h), compiled for each instruction set, against the interpreter:
// whole, and item by item in another order, which gives the same bits.
#include <gtest/gtest.h>

#include <cmath>

#include "cpu/test_cpu.h"
#include "interp/arrays.h"
#include "interp/kernel.h"
#include "loop/lower.h"

namespace anneal::cpu {
namespace {

class EmitPhases : public testing::Test, protected CpuTest {
 protected:
  Node at(Node row, int64_t width, Node column) { return b.add(b.mul(row, b.index(width)), column); }
  Node fold(ir::ReduceOp op, Node body, Node r) { return b.accumulate(body, op, std::span(&r, 1)); }

  // The softmax of q * k over 2 batch positions, times v; and the sum of each row.
  Node attention(int64_t rows, int64_t columns, int64_t depth) {
    const Node n = range(0, Dim(2)), i = range(1, Dim(rows)), d = range(2, Dim(depth));
    const Node j = reduce_range(64, Dim(columns)), k = reduce_range(65, Dim(depth));
    const Node row = at(n, rows, i), column = at(n, columns, j);
    const Node q = b.load(slot(0, f32, 2 * rows * depth), at(row, depth, k)),
               key = b.load(slot(1, f32, 2 * columns * depth), at(column, depth, k));
    const Node score = b.mul(fold(ir::ReduceOp::kAdd, b.mul(q, key), k), b.constant_float(0.5, f32));
    const Node e = b.make(Op::Exp, {b.sub(score, fold(ir::ReduceOp::kMax, score, j))});
    const Node total = fold(ir::ReduceOp::kAdd, e, j);
    const Node v = b.load(slot(2, f32, 2 * columns * depth), at(column, depth, d));
    const Node mixed = fold(ir::ReduceOp::kAdd, b.mul(b.div(e, total), v), j);
    return b.sink(std::vector<Node>{b.store(slot(3, f32, 2 * rows), row, total),
                                    b.store(slot(4, f32, 2 * rows * depth), at(row, depth, d), mixed)});
  }

  static std::vector<float> numbers(int64_t count, int64_t salt) {
    std::vector<float> out;
    for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<float>((i * 37 + salt * 11) % 23 - 11) / 8);
    return out;
  }

  void check(int64_t rows, int64_t columns, int64_t depth, int64_t onchip) {
    const Node kernel = attention(rows, columns, depth);
    const Program program = loop::lower(graph, kernel, {.contraction_work = 0, .onchip_bytes = onchip});
    ASSERT_FALSE(program.phases.empty());
    const int64_t sizes[] = {2 * rows * depth, 2 * columns * depth, 2 * columns * depth, 2 * rows,
                             2 * rows * depth};
    std::vector<std::vector<float>> memory;
    interp::KernelArrays arrays;
    for (int64_t s = 0; s < 5; ++s) {
      memory.push_back(numbers(sizes[s], s));
      const std::vector<double> wide(memory.back().begin(), memory.back().end());
      arrays.emplace_back(s, std::make_shared<interp::Array>(*interp::array_from(f32, {sizes[s]}, wide)));
    }
    interp::run_kernel(graph, std::span(&kernel, 1), arrays);
    for (const Target& target : test_targets()) {
      const Compiled compiled(graph, program, target);
      std::vector<std::vector<float>> whole = memory, apart = memory;
      const auto slots = [](std::vector<std::vector<float>>& m) {
        std::vector<void*> out;
        for (auto& s : m) out.push_back(s.data());
        return out;
      };
      compiled.run(slots(whole));
      for (int64_t item = compiled.items(); item-- > 0;) compiled.run(slots(apart), {}, item, item + 1);
      EXPECT_EQ(whole, apart) << target.level;
      for (size_t s = 3; s < 5; ++s)
        for (size_t e = 0; e < whole[s].size(); ++e) {
          const double wanted = interp::element(*arrays[s].second, e).as_double(f32);
          ASSERT_NEAR(whole[s][e], wanted, 1e-5 * std::max(1.0, std::abs(wanted)))
              << target.level << ", element " << e << " of slot " << s;
        }
    }
  }
};

TEST_F(EmitPhases, InOneBlock) { check(24, 40, 8, 1 << 20); }
TEST_F(EmitPhases, InBlocksThatComeOutEven) { check(48, 33, 5, 33 * 4 * 16 + 200); }
TEST_F(EmitPhases, InBlocksThatDoNot) { check(23, 64, 16, 64 * 4 * 11 + 200); }
TEST_F(EmitPhases, InBlocksOfColumns) { check(23, 64, 16, 64 * 4 * 3 + 300); }
TEST_F(EmitPhases, OfFewRows) { check(2, 16, 3, 1 << 20); }

}  // namespace
}  // namespace anneal::cpu
