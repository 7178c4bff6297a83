// SPDX-License-Identifier: MIT
// Kernels around a sum of products through the skeleton, against the interpreter: all forms of operands and
// results, tails, types, and extents that are known only when they run. Numbers are small multiples of 1/4,
// whose sums are exact in any order, so results must be equal.
#include <array>
#include <cmath>

#include "cpu/test_contraction.h"

namespace anneal::cpu {
namespace {

struct Contractions : ContractionTest {
  struct Form {
    int64_t batch = 1, m = 1, n = 1, k = 1;
    bool ta = false, tb = false, tc = false;
    DType a = f32, b = f32, c = f32;
  };
  // The product of a form; its ranges are those below.
  Node i0, i1, i2, i3;
  Node product(const Form& f) {
    next_slot = 0;
    i0 = range(0, f.batch), i1 = range(1, f.m), i2 = range(2, f.n), i3 = reduce_range(3, f.k);
    const DType wide = f.a == f64 || f.b == f64 ? f64 : f32;
    const Node x =
        b.load(fresh(f.a, f.batch * f.m * f.k), f.ta ? row_major({{i0, f.batch}, {i3, f.k}, {i1, f.m}})
                                                     : row_major({{i0, f.batch}, {i1, f.m}, {i3, f.k}}));
    const Node y =
        b.load(fresh(f.b, f.batch * f.k * f.n), f.tb ? row_major({{i0, f.batch}, {i2, f.n}, {i3, f.k}})
                                                     : row_major({{i0, f.batch}, {i3, f.k}, {i2, f.n}}));
    return b.accumulate(b.mul(b.cast(x, wide), b.cast(y, wide)), ir::ReduceOp::kAdd, std::span(&i3, 1));
  }
  Node place(const Form& f) {
    return f.tc ? row_major({{i0, f.batch}, {i2, f.n}, {i1, f.m}})
                : row_major({{i0, f.batch}, {i1, f.m}, {i2, f.n}});
  }
  using ContractionTest::check;
  void check(const Form& f) {
    const Node p = product(f);
    check({b.store(fresh(f.c, f.batch * f.m * f.n), place(f), b.cast(p, f.c))});
  }
};

TEST_F(Contractions, Transposes) {
  for (int which = 0; which < 8 && !HasFatalFailure(); ++which)
    check(Form{
        .m = 37, .n = 45, .k = 35, .ta = (which & 1) != 0, .tb = (which & 2) != 0, .tc = (which & 4) != 0});
}

TEST_F(Contractions, SumsOfTheFactors) {
  for (const int64_t m : {5, 37})
    for (const int64_t n : {3, 64})
      for (const int64_t k : {2, 35, 700}) {
        const Node p = product({.m = m, .n = n, .k = k, .ta = true});
        const Node of_a = graph.source(graph.source(p, 0), 0), of_b = graph.source(graph.source(p, 0), 1);
        const auto sum = [&](Node factor) {
          return b.accumulate(factor, ir::ReduceOp::kAdd, std::span(&i3, 1));
        };
        const Node c = b.store(fresh(f32, m * n), row_major({{i1, m}, {i2, n}}), p);
        const Node bias = b.load(fresh(f32, n), i2);
        const Node columns = b.store(fresh(f32, n), i2, b.add(sum(of_b), bias));
        const Node rows = b.store(fresh(bf16, m), i1, b.cast(sum(of_a), bf16));
        if (k < 700)
          check({c, columns});
        else
          check({c, rows, columns});
        if (HasFatalFailure()) return;
      }
}

TEST_F(Contractions, Tails) {
  for (const int64_t m : {2, 13, 15})
    for (const int64_t n : {9, 31, 33})
      for (const int64_t k : {2, 3, 17})
        if (!HasFatalFailure()) check(Form{.m = m, .n = n, .k = k});
}

TEST_F(Contractions, BatchesAndTinySides) {
  for (int which = 0; which < 4 && !HasFatalFailure(); ++which) {
    const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
    check(Form{.batch = 3, .m = 20, .n = 18, .k = 19, .ta = ta, .tb = tb});
    check(Form{.m = 1, .n = 70, .k = 90, .ta = ta, .tb = tb});
    check(Form{.m = 70, .n = 1, .k = 90, .ta = ta, .tb = tb});
    check(Form{.batch = 2, .m = 3, .n = 40, .k = 21, .ta = ta, .tb = tb});
    check(Form{.batch = 2, .m = 40, .n = 5, .k = 21, .ta = ta, .tb = tb, .tc = true});
  }
}

TEST_F(Contractions, ElementTypes) {
  for (const DType t : {bf16, f16, f8e4m3, f8e5m2, f64})
    for (const bool transposed : {false, true}) {
      if (HasFatalFailure()) return;
      check(Form{.m = 20, .n = 33, .k = 18, .ta = transposed, .tb = transposed, .a = t, .b = t, .c = t});
      check(Form{.m = 20, .n = 33, .k = 18, .ta = transposed, .tb = transposed, .a = f32, .b = t, .c = f32});
    }
}

TEST_F(Contractions, EpiloguesWithSeveralResults) {
  const Form f{.batch = 2, .m = 21, .n = 37, .k = 19};
  const Node p = product(f), to = place(f);
  const int64_t count = f.batch * f.m * f.n;
  const Node bias = b.load(fresh(bf16, f.n), i2), scale = b.load(fresh(f32, f.m), i1);
  const Node residual_slot = fresh(f32, count), residual = b.load(residual_slot, to);
  const Node y = b.make(Op::Max, {b.add(b.mul(p, scale), b.cast(bias, f32)), b.constant_float(0, f32)});
  const Node flag = b.make(Op::Lt, {b.load(fresh(i32, f.n), i2), b.constant_int(2, i32)});
  check({b.store(residual_slot, to, b.add(y, residual)), b.store(fresh(bf16, count), to, b.cast(p, bf16)),
         b.store(fresh(DType::kBool, count), to, b.make(Op::Lt, {p, residual})),
         b.store(fresh(f32, count), to, y, flag)});
}

TEST_F(Contractions, ProloguesOfBothFactors) {
  for (int which = 0; which < 4 && !HasFatalFailure(); ++which) {
    const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
    const int64_t m = 29, n = 36, k = 23;
    next_slot = 0;
    i1 = range(1, m), i2 = range(2, n), i3 = reduce_range(3, k);
    const Node x =
        b.load(fresh(f32, m * k), ta ? row_major({{i3, k}, {i1, m}}) : row_major({{i1, m}, {i3, k}}));
    const Node y =
        b.load(fresh(i32, n * k), tb ? row_major({{i2, n}, {i3, k}}) : row_major({{i3, k}, {i2, n}}));
    const Node mean = b.load(fresh(f32, m), i1), gain = b.load(fresh(f16, k), i3);
    const Node a = b.mul(b.sub(x, mean), b.cast(gain, f32));
    const Node causal =
        b.make(Op::Where, {b.make(Op::Lt, {i2, i3}), b.cast(y, f32), b.constant_float(0.5, f32)});
    const Node p = b.accumulate(b.mul(a, causal), ir::ReduceOp::kAdd, std::span(&i3, 1));
    check({b.store(fresh(f32, m * n), row_major({{i1, m}, {i2, n}}), p)});
  }
}

TEST_F(Contractions, OperandsOfOddStridesGathersAndRows) {
  const int64_t m = 19, n = 34, k = 21;
  i1 = range(1, m), i2 = range(2, n), i3 = reduce_range(3, k);
  // Every other element; rows that a table of positions chooses.
  const Node x = b.load(fresh(f32, 2 * m * k), b.mul(row_major({{i1, m}, {i3, k}}), b.index(2)));
  const Node position = b.cast(b.load(fresh(i32, k), i3), DType::kIndex);
  const Node y = b.load(fresh(f32, 4 * n), row_major({{position, 4}, {i2, n}}));
  const Node p = b.accumulate(b.mul(x, y), ir::ReduceOp::kAdd, std::span(&i3, 1));
  const Node backwards = b.sub(b.index(n - 1), i2);
  check({b.store(fresh(f32, m * n), row_major({{i1, m}, {backwards, n}}), p)});
}

// x[b, c, i * stride + u - pad] with w[o, c, u], as convolutions are written, in both directions.
TEST_F(Contractions, Windows) {
  for (const auto& [length, width, stride, pad] :
       std::vector<std::array<int64_t, 4>>{{28, 3, 1, 1}, {17, 2, 2, 0}, {40, 5, 1, 2}, {9, 3, 2, 1}}) {
    next_slot = 0;
    const int64_t batch = 2, channels = 3, outs = 5, places = (length + 2 * pad - width) / stride + 1;
    const Node n = range(0, batch), o = range(1, outs), i = range(2, places);
    const Node c = reduce_range(10, channels), u = reduce_range(11, width);
    const Node at = b.sub(b.add(b.mul(i, b.index(stride)), u), b.index(pad));
    const Node is_inside = b.make(Op::And, {b.le(b.index(0), at), b.lt(at, b.index(length))});
    const Node x = b.load(fresh(f32, batch * channels * length),
                          row_major({{n, batch}, {c, channels}, {at, length}}), is_inside);
    const Node w =
        b.load(fresh(f32, outs * channels * width), row_major({{o, outs}, {c, channels}, {u, width}}));
    const std::vector<Node> summed{c, u};
    const Node p = b.accumulate(b.mul(x, w), ir::ReduceOp::kAdd, summed);
    check({b.store(fresh(f32, batch * outs * places), row_major({{n, batch}, {o, outs}, {i, places}}), p)});
    if (HasFatalFailure()) return;
    // The slope of the weights: summed over batch and places.
    const Node n2 = reduce_range(12, batch), i4 = reduce_range(13, places), o2 = range(3, outs),
               c2 = range(4, channels), u2 = range(5, width);
    const Node at2 = b.sub(b.add(b.mul(i4, b.index(stride)), u2), b.index(pad));
    const Node inside2 = b.make(Op::And, {b.le(b.index(0), at2), b.lt(at2, b.index(length))});
    next_slot = 0;
    const Node x2 = b.load(fresh(f32, batch * channels * length),
                           row_major({{n2, batch}, {c2, channels}, {at2, length}}), inside2);
    const Node d =
        b.load(fresh(f32, batch * outs * places), row_major({{n2, batch}, {o2, outs}, {i4, places}}));
    const std::vector<Node> over{n2, i4};
    const Node g = b.accumulate(b.mul(x2, d), ir::ReduceOp::kAdd, over);
    check({b.store(fresh(f32, outs * channels * width), row_major({{o2, outs}, {c2, channels}, {u2, width}}),
                   g)});
    if (HasFatalFailure()) return;
  }
}

TEST_F(Contractions, OtherStatementsRunBesideIt) {
  const Form f{.m = 21, .n = 37, .k = 19};
  const Node p = product(f), to = place(f);
  const Node i = range(7, 5000);
  const Node x = b.load(fresh(f32, 5000), i);
  check({b.store(fresh(f32, 5000), i, b.add(x, x)), b.store(fresh(f32, f.m * f.n), to, p)});
}

TEST_F(Contractions, SymbolicExtents) {
  const Node rows = b.var("rows", 0, 100), inner = b.var("inner", 0, 600);
  for (const auto& [r, in] :
       std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {1, 1}, {33, 20}, {17, 530}, {5, 0}}) {
    next_slot = 0;
    const Dim m(rows), k(inner);
    const int64_t n = 35;
    i1 = range(1, m), i2 = range(2, n), i3 = reduce_range(3, k);
    const auto param = [&](Dim extent) { return b.param(next_slot++, f32, std::span(&extent, 1)); };
    const Node x = b.load(param(ir::dim_mul(graph, m, k)), b.add(b.mul(i1, inner), i3));
    const Node y = b.load(param(ir::dim_mul(graph, k, Dim(n))), b.add(b.mul(i3, b.index(n)), i2));
    const Node p = b.accumulate(b.mul(x, y), ir::ReduceOp::kAdd, std::span(&i3, 1));
    interp::Bindings bindings;
    bindings.vars = {{"inner", in}, {"rows", r}};
    check({b.store(param(ir::dim_mul(graph, m, Dim(n))), b.add(b.mul(i1, b.index(n)), i2), p)}, bindings);
    if (HasFatalFailure()) return;
  }
}

// Numbers whose sums are rounded: the order of the sums must not depend on how items are cut.
TEST_F(Contractions, SumsHaveTheSameBitsOnEveryNumberOfThreads) {
  for (int which = 0; which < 4; ++which) {
    const bool is_row = (which & 1) != 0, tb = (which & 2) != 0;
    const Form f{.m = is_row ? 1 : 90, .n = is_row ? 3000 : 700, .k = 1100, .tb = tb};
    const Node p = product(f);
    const std::vector<Node> statements{b.store(fresh(f32, f.m * f.n), place(f), p)};
    const Program program = loop::lower(graph, b.sink(statements));
    ASSERT_NE(program.contraction, nullptr);
    std::vector<std::vector<float>> memory;
    for (const int64_t size : {f.m * f.k, f.k * f.n, f.m * f.n}) {
      memory.emplace_back(static_cast<size_t>(size));
      for (size_t i = 0; i < memory.back().size(); ++i)
        memory.back()[i] = static_cast<float>(std::sin(static_cast<double>(i)));
    }
    std::vector<float> first;
    for (const int threads : {1, 2, 3, 7}) {
      static ObjectCache no_cache({}, 0);
      Pool pool(threads);
      CpuDevice d(pool, no_cache);
      d.set_thread_work(0);
      const auto code = d.compile(graph, std::span(&program, 1));
      std::vector<std::shared_ptr<device::Memory>> held;
      std::vector<device::Slice> slots;
      for (const std::vector<float>& m : memory) {
        held.push_back(d.allocate(m.size() * sizeof(float)));
        slots.push_back({held.back().get(), 0});
        d.write(slots.back(), std::as_bytes(std::span(m)));
      }
      const device::Launch launch{code[0].get(), slots, {}};
      d.submit(std::span(&launch, 1));
      std::vector<float> got(memory[2].size());
      d.read(slots[2], std::as_writable_bytes(std::span(got)));
      if (first.empty()) first = got;
      EXPECT_EQ(std::memcmp(got.data(), first.data(), got.size() * sizeof(float)), 0)
          << threads << " threads, " << plan_text(program, host_target(), threads);
    }
  }
}

TEST_F(Contractions, WhatIsWrittenIsNotPacked) {
  const int64_t n = 20;
  i1 = range(1, n), i2 = range(2, n), i3 = reduce_range(3, n);
  const Node s = fresh(f32, n * n), other = fresh(f32, n * n);
  const Node x = b.load(s, row_major({{i1, n}, {i3, n}})), y = b.load(other, row_major({{i3, n}, {i2, n}}));
  const Node p = b.accumulate(b.mul(x, y), ir::ReduceOp::kAdd, std::span(&i3, 1));
  const std::vector<Node> statements{b.store(s, row_major({{i1, n}, {i2, n}}), p)};
  EXPECT_EQ(loop::lower(graph, b.sink(statements), {.contraction_work = 0}).contraction, nullptr);
}

}  // namespace
}  // namespace anneal::cpu
