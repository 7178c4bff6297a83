// SPDX-License-Identifier: MIT
// Kernels around a sum of products through the skeleton, against the interpreter: all forms of operands and
// results, tails, types, and extents that are known only when they run. Numbers are small multiples of 1/4,
// whose sums are exact in any order, so results must be equal.
#include <gtest/gtest.h>

#include "cpu/test_cpu.h"
#include "interp/arrays.h"
#include "interp/kernel.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "loop/lower.h"
#include "loop/random_kernel.h"
#include "support/random_stream.h"

namespace anneal::cpu {
namespace {

struct ContractionTest : testing::Test, CpuTest {
  int next_slot = 0;

  Node fresh(DType t, int64_t extent) { return slot(next_slot++, t, extent); }
  Node row_major(std::vector<std::pair<Node, int64_t>> axes) {
    Node at = b.index(0);
    for (const auto& [range, extent] : axes) at = b.add(b.mul(at, b.index(extent)), range);
    return at;
  }

  static interp::KernelArrays arrays(const ir::Graph& g, Node kernel, const interp::Bindings& bindings,
                                     uint64_t seed) {
    interp::KernelArrays out;
    for (const Node n : ir::postorder(g, std::span(&kernel, 1))) {
      if (g.op(n) != Op::Param) continue;
      const int64_t number = g.arg_as<ir::ParamArg>(n).index;
      const int64_t count = interp::evaluate_dim(g, g.shape(n)[0], bindings);
      support::RandomStream r(seed * 1000 + static_cast<uint64_t>(number));
      std::vector<double> values(static_cast<size_t>(count));
      const DType t = g.dtype(n);
      for (double& v : values)
        v = !is_float(t) ? static_cast<double>(r.below(4)) : static_cast<double>(r.below(9) - 4) / 4;
      out.emplace_back(number, std::make_shared<interp::Array>(*interp::array_from(t, {count}, values)));
    }
    return out;
  }

  // On every instruction set and with items cut for several threads; items in the opposite order.
  void check(const std::vector<Node>& statements, const interp::Bindings& bindings = {},
             bool is_contraction = true) {
    const Node kernel = b.sink(statements);
    const Program program = loop::lower(graph, kernel, {.contraction_work = 0});
    ASSERT_EQ(program.contraction != nullptr, is_contraction) << ir::print(graph, std::span(&kernel, 1));
    const interp::KernelArrays inputs = arrays(graph, kernel, bindings, 7), expected = loop::copies(inputs);
    interp::run_kernel(graph, std::span(&kernel, 1), expected, bindings);
    std::vector<int64_t> vars;
    for (const Node v : variables_of(graph, program.kernel))
      for (const auto& [name, value] : bindings.vars)
        if (name == graph.arg_as<ir::VarArg>(v).name) vars.push_back(value);
    for (const Target& target : test_targets())
      for (const int threads : {1, 3}) {
        const Compiled compiled(graph, program, target, {.threads = threads});
        const interp::KernelArrays actual = loop::copies(inputs);
        std::vector<void*> slots(static_cast<size_t>(slots_of(graph, program.kernel)));
        for (const auto& [number, array] : actual)
          if (static_cast<size_t>(number) < slots.size())
            slots[static_cast<size_t>(number)] = array->bytes.data();
        const int64_t items = compiled.items(vars);
        for (int64_t i = items; i-- > 0;) compiled.run(slots, vars, i, i + 1);
        for (size_t a = 0; a < actual.size(); ++a) {
          const DType t = actual[a].second->dtype;
          for (size_t i = 0; i < static_cast<size_t>(actual[a].second->shape[0]); ++i) {
            const double got = interp::element(*actual[a].second, i).as_double(t),
                         want = interp::element(*expected[a].second, i).as_double(t);
            ASSERT_EQ(got, want) << "element " << i << " of slot " << actual[a].first << ", " << target.level
                                 << ", " << threads << " threads\n"
                                 << to_string(*plan_contraction(graph, program, target, threads)) << "\n"
                                 << ir::print(graph, std::span(&kernel, 1));
          }
        }
      }
  }

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
  void check(const Form& f) {
    const Node p = product(f);
    check({b.store(fresh(f.c, f.batch * f.m * f.n), place(f), b.cast(p, f.c))});
  }
};

TEST_F(ContractionTest, Transposes) {
  for (int which = 0; which < 8 && !HasFatalFailure(); ++which)
    check(Form{
        .m = 37, .n = 45, .k = 35, .ta = (which & 1) != 0, .tb = (which & 2) != 0, .tc = (which & 4) != 0});
}

TEST_F(ContractionTest, Tails) {
  for (const int64_t m : {2, 13, 15})
    for (const int64_t n : {9, 31, 33})
      for (const int64_t k : {2, 3, 17})
        if (!HasFatalFailure()) check(Form{.m = m, .n = n, .k = k});
}

TEST_F(ContractionTest, BatchesAndTinySides) {
  for (int which = 0; which < 4 && !HasFatalFailure(); ++which) {
    const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
    check(Form{.batch = 3, .m = 20, .n = 18, .k = 19, .ta = ta, .tb = tb});
    check(Form{.m = 1, .n = 70, .k = 90, .ta = ta, .tb = tb});
    check(Form{.m = 70, .n = 1, .k = 90, .ta = ta, .tb = tb});
    check(Form{.batch = 2, .m = 3, .n = 40, .k = 21, .ta = ta, .tb = tb});
    check(Form{.batch = 2, .m = 40, .n = 5, .k = 21, .ta = ta, .tb = tb, .tc = true});
  }
}

TEST_F(ContractionTest, ElementTypes) {
  for (const DType t : {bf16, f16, f8e4m3, f8e5m2, f64})
    for (const bool transposed : {false, true}) {
      if (HasFatalFailure()) return;
      check(Form{.m = 20, .n = 33, .k = 18, .ta = transposed, .tb = transposed, .a = t, .b = t, .c = t});
      check(Form{.m = 20, .n = 33, .k = 18, .ta = transposed, .tb = transposed, .a = f32, .b = t, .c = f32});
    }
}

TEST_F(ContractionTest, EpiloguesWithSeveralResults) {
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

TEST_F(ContractionTest, ProloguesOfBothFactors) {
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

TEST_F(ContractionTest, OperandsOfOddStridesGathersAndRows) {
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
TEST_F(ContractionTest, Windows) {
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

TEST_F(ContractionTest, OtherStatementsRunBesideIt) {
  const Form f{.m = 21, .n = 37, .k = 19};
  const Node p = product(f), to = place(f);
  const Node i = range(7, 5000);
  const Node x = b.load(fresh(f32, 5000), i);
  check({b.store(fresh(f32, 5000), i, b.add(x, x)), b.store(fresh(f32, f.m * f.n), to, p)});
}

TEST_F(ContractionTest, SymbolicExtents) {
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

TEST_F(ContractionTest, WhatIsWrittenIsNotPacked) {
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
