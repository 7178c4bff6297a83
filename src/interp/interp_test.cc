// SPDX-License-Identifier: MIT
// Leaves and what is bound to them, modes, limits, roots, and graphs that are deep or shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "interp/test_graph.h"

namespace anneal::interp {
namespace {

using ir::Dim;
using testing::ElementsAre;
using testing::HasSubstr;

class Interp : public testing::Test, protected TestGraph {
 protected:
  Dim var(std::string_view name, int64_t min = 0, int64_t max = 9, int64_t multiple_of = 1) {
    return Dim(b.var(name, min, max, multiple_of));
  }
};

TEST_F(Interp, ConstantsOfEveryType) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const auto value = array(b.constant_int(1, type));
    EXPECT_EQ(value->dtype, type);
    EXPECT_THAT(value->shape, ElementsAre());
    EXPECT_THAT(doubles_of(*value), ElementsAre(1)) << dtype_name(type);
    EXPECT_EQ(value->bytes.size(), static_cast<size_t>(dtype_size(type)));
  }
  EXPECT_EQ(text(b.constant_float(-0.0, f16)), "-0");
  EXPECT_EQ(text(b.constant_float(kNan, f8e5m2)), "nan");
}

TEST_F(Interp, ArraysKeepNumbersOfEveryType) {
  for (int t = 1; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const auto value = array_from(type, {2}, {0, 1});
    EXPECT_THAT(doubles_of(*value), ElementsAre(0, 1));
    EXPECT_THAT(ints_of(*value), ElementsAre(0, 1));
  }
  EXPECT_THAT(ints_of(*array_from(u8, {2}, {-1, 300})), ElementsAre(0, 255));
}

TEST_F(Interp, BufferIsGivenBackUncopied) {
  const auto bytes = array_from(f32, {3}, {1, 2, 3});
  EXPECT_EQ(array(b.buffer(bytes)), bytes);
}

TEST_F(Interp, ParamsByNumber) {
  const Dim shape[] = {2};
  const Node x = b.param(3, f32, shape, "x"), y = b.param(0, f32, shape);
  const Bindings bindings = {
      {{0, array_from(f32, {2}, {1, 2})}, {3, array_from(f32, {2}, {10, 20})}}, {}, {}};
  EXPECT_THAT(doubles(b.sub(x, y), bindings), ElementsAre(9, 18));
}

TEST_F(Interp, MissingAndWrongParams) {
  const Dim shape[] = {2, var("N", 1, 8)};
  const Node x = b.param(3, f32, shape, "x");
  Bindings bindings;
  bindings.vars = {{"N", 4}};
  EXPECT_THAT(failure(x, bindings), HasSubstr("[data] param 3 \"x\": has no data, needs f32[2,4]"));
  bindings.params = {{3, array_from(f32, {2, 1}, {1, 2})}};
  EXPECT_THAT(failure(x, bindings), HasSubstr("param 3 \"x\": needs f32[2,4], got f32[2,1]"));
  bindings.params = {{3, array_from(f64, {2, 4}, {0, 0, 0, 0, 0, 0, 0, 0})}};
  EXPECT_THAT(failure(x, bindings), HasSubstr("param 3 \"x\": needs f32[2,4], got f64[2,4]"));
  bindings.params = {{3, array_from(f32, {2, 4}, {1})}};
  EXPECT_THAT(failure(x, bindings), HasSubstr("param 3 \"x\": needs 32 bytes, got 4"));
}

TEST_F(Interp, BufferWithoutData) {
  const Node parsed =
      graph.intern({Op::Buffer, f32, {}, {}, std::make_unique<ir::Arg>(ir::BufferArg{77}).get()});
  EXPECT_THAT(failure(parsed), HasSubstr("buffer 77: has no data"));
}

TEST_F(Interp, Variables) {
  const Dim n = var("N", 2, 8, 2);
  EXPECT_THAT(failure(n.expr), HasSubstr("var \"N\": has no value, allowed is 2 to 8, multiples of 2"));
  for (int64_t bad : {0, 3, 10})
    EXPECT_THAT(failure(n.expr, {{}, {{"N", bad}}, {}}),
                HasSubstr("var \"N\": is bound to " + std::to_string(bad)));
  EXPECT_THAT(ints(b.add(n.expr, b.index(1)), {{}, {{"N", 4}}, {}}), ElementsAre(5));
}

TEST_F(Interp, Ranges) {
  const Node r = b.range(Dim(5), 7);
  EXPECT_THAT(ints(b.mul(r, r), {{}, {}, {{7, 4}}}), ElementsAre(16));
  EXPECT_THAT(failure(r), HasSubstr("range 7: has no value"));
  EXPECT_THAT(failure(r, {{}, {}, {{7, 5}}}), HasSubstr("range 7: is bound to 5 of 5"));
}

TEST_F(Interp, Dims) {
  const Dim n = var("N");
  const Node r = b.range(n, 0);
  const Bindings bindings = {{}, {{"N", 7}}, {{0, 6}}};
  EXPECT_EQ(evaluate_dim(graph, Dim(12)), 12);
  EXPECT_EQ(evaluate_dim(graph, Dim(b.add(b.mul(r, n.expr), b.floordiv(b.neg(r), b.index(4)))), bindings),
            40);
  EXPECT_EQ(evaluate_dim(graph, Dim(b.where(b.lt(r, n.expr), r, b.index(-1))), bindings), 6);
  EXPECT_EQ(evaluate_dim(graph, Dim(b.eq(r, n.expr)), bindings), 0);
}

TEST_F(Interp, SymbolicExtents) {
  const Dim n = var("N");
  const Dim shape[] = {n, 2};
  const Node x = b.param(0, i32, shape);
  const Dim flat[] = {Dim(b.mul(n.expr, b.index(2)))};
  const Node y =
      b.reduce(b.reshape(b.add(x, b.full(shape, n.expr ? b.cast(n.expr, i32) : x)), flat), ReduceOp::kAdd, 1);
  for (int64_t extent : {0, 1, 3}) {
    std::vector<double> values(static_cast<size_t>(2 * extent), 1.0);
    const Bindings bindings = {{{0, array_from(i32, {extent, 2}, values)}}, {{"N", extent}}, {}};
    EXPECT_THAT(ints(y, bindings), ElementsAre(2 * extent * (1 + extent)));
  }
}

TEST_F(Interp, ExtentsThatTurnOutWrong) {
  const Dim n = var("N"), m = var("M");
  const Dim n_shape[] = {n}, m_shape[] = {m};
  const Node x = b.full(n_shape, b.constant_int(1, i32));
  const Bindings bindings = {{}, {{"N", 2}, {"M", 3}}, {}};
  EXPECT_THAT(failure(b.reshape(x, m_shape), bindings), HasSubstr("reshape: from [2] to [3]"));
  EXPECT_THAT(failure(b.expand(x, m_shape), bindings), HasSubstr("expand: from [2] to [3]"));
  const Dim negative[] = {Dim(b.sub(n.expr, m.expr))};
  EXPECT_THAT(failure(b.iota(negative, 0, i32), bindings), HasSubstr("iota: has extent -1 on axis 0"));
}

TEST_F(Interp, TooManyBytes) {
  const Dim shape[] = {1000, 1000};
  const Node x = b.add(b.full(shape, b.constant_float(1, f32)), b.full(shape, b.constant_float(2, f32)));
  EXPECT_EQ(array(x, {}, {Mode::kExact, 4000100})->bytes.size(), 4000000u);
  EXPECT_THAT(failure(x, {}, {Mode::kExact, 3999999}), HasSubstr("[limit] add: an array f32[1000,1000]"));
  EXPECT_THAT(failure(x, {}, {Mode::kDouble, 4000100}), HasSubstr("add: an array f64[1000,1000]"));
  const Dim huge[] = {int64_t{1} << 40, int64_t{1} << 22};
  const Node y = b.full(huge, b.constant_float(1, f64));
  EXPECT_THAT(failure(b.neg(y)), HasSubstr("[limit] neg: an array f64[1099511627776,4194304]"));
}

TEST_F(Interp, CountOfElementsOverflows) {
  const Dim n = var("N", 0, INT64_MAX);
  const Dim shape[] = {n, n, n};
  const Node x = b.full(shape, b.constant_float(1, f32));
  EXPECT_THAT(failure(x, {{}, {{"N", int64_t{1} << 31}}, {}}),
              HasSubstr("expand: has more than 2^63 - 1 elements"));
}

TEST_F(Interp, OneNameIsOneVariable) {
  const Dim n = var("N", 1, 8), other = var("N", 1, 9);
  const Dim a[] = {n}, c[] = {other};
  const Node one = b.constant_float(1, f32);
  const Node sum = b.concat(std::vector<Node>{b.full(a, one), b.full(c, one)}, 0);
  EXPECT_THAT(failure(sum, {{}, {{"N", 3}}, {}}), HasSubstr("two variables have this name"));
  EXPECT_THAT(failure(b.full(a, one), {{}, {{"N", 3}, {"N", 4}}, {}}),
              HasSubstr("is bound twice, to 3 and to 4"));
}

TEST_F(Interp, MemoryIsFreedAtTheLastUse) {
  const Dim shape[] = {1000};
  Node x = b.iota(shape, 0, i64);
  for (int i = 0; i < 200; ++i) x = b.add(b.flip(x, 1), b.mul(x, x));  // two uses: never deferred
  EXPECT_EQ(array(x, {}, {Mode::kExact, 40000})->shape[0], 1000);
}

TEST_F(Interp, DeepAndSharedGraphs) {
  const Dim shape[] = {3};
  Node x = b.full(shape, b.constant_int(1, i32));
  for (int i = 0; i < 20000; ++i) x = b.add(x, b.constant_int(1, i32));
  EXPECT_THAT(ints(x), ElementsAre(20001, 20001, 20001));
  Node y = b.full(shape, b.constant_int(1, u32));
  for (int i = 0; i < 100; ++i) y = b.add(y, y);  // 2^100 paths
  EXPECT_THAT(ints(y), ElementsAre(0, 0, 0));
  Node n = b.var("N", 0, 9);
  const Node one = b.index(1);
  for (int i = 0; i < 20000; ++i) n = graph.intern({Op::Add, DType::kIndex, {}, std::vector<Node>{n, one}});
  EXPECT_EQ(evaluate_dim(graph, Dim(n), {{}, {{"N", 2}}, {}}), 20002);
}

TEST_F(Interp, RootsInOrderAndSinks) {
  const Node x = data(f32, {2}, {1, 2}), y = b.neg(x), z = b.flip(y, 1);
  const Node results[] = {z, x};
  const Node roots[] = {y, b.sink(results), z, y};
  const auto values = evaluate(graph, roots);
  ASSERT_EQ(values.size(), 5u);
  EXPECT_THAT(doubles_of(*values[0]), ElementsAre(-1, -2));
  EXPECT_THAT(doubles_of(*values[1]), ElementsAre(-2, -1));
  EXPECT_THAT(doubles_of(*values[2]), ElementsAre(1, 2));
  EXPECT_EQ(values[1], values[3]);
  EXPECT_EQ(values[0], values[4]);
  EXPECT_TRUE(evaluate(graph, {}).empty());
}

TEST_F(Interp, GradientMarksAreTheirFirstSource) {
  const Node x = data(f32, {2}, {1, 2});
  EXPECT_THAT(doubles(b.make(Op::StopGradient, {x})), ElementsAre(1, 2));
  const uint64_t serial =
      graph.add_custom_gradient([](ir::Graph&, Node, std::span<const Node>) { return std::vector<Node>{}; });
  EXPECT_THAT(doubles(b.make(Op::CustomGradient, {b.neg(x), x}, ir::CustomArg{serial})), ElementsAre(-1, -2));
  EXPECT_THAT(doubles(b.make(Op::Alias, {b.neg(x)}, ir::BufferArg{graph.add_buffer(nullptr)})),
              ElementsAre(-1, -2));
}

// -- Double mode --

TEST_F(Interp, DoubleModeHoldsFloatsInF64) {
  const Node x = b.constant_float(1, f16), tiny = b.constant_float(0x1p-14, f16);
  const Node sum = b.add(x, tiny);
  EXPECT_THAT(doubles(sum), ElementsAre(1));
  const auto exact = array(sum, {}, kDoubleMode);
  EXPECT_EQ(exact->dtype, f64);
  EXPECT_THAT(doubles_of(*exact), ElementsAre(1 + 0x1p-14));
  EXPECT_THAT(doubles(b.cast(b.cast(sum, f8e4m3), f32), {}, kDoubleMode), ElementsAre(1 + 0x1p-14));
  EXPECT_THAT(doubles(b.make(Op::Exp, {b.constant_float(1, bf16)}), {}, kDoubleMode),
              ElementsAre(std::exp(1.0)));
  EXPECT_EQ(array(b.constant_int(3, i8), {}, kDoubleMode)->dtype, i8);
}

TEST_F(Interp, DoubleModeConvertsData) {
  const Node x = data(bf16, {2}, {1.5, -2});
  EXPECT_EQ(array(x, {}, kDoubleMode)->dtype, f64);
  EXPECT_THAT(doubles(x, {}, kDoubleMode), ElementsAre(1.5, -2));
  const Dim shape[] = {1};
  const Node p = b.param(0, f16, shape);
  EXPECT_THAT(doubles(p, {{{0, array_from(f16, {1}, {0.1})}}, {}, {}}, kDoubleMode), ElementsAre(0x1.998p-4));
  EXPECT_THAT(doubles(p, {{{0, array_from(f64, {1}, {0.1})}}, {}, {}}, kDoubleMode), ElementsAre(0.1));
  EXPECT_THAT(failure(p, {{{0, array_from(f32, {1}, {0.1})}}, {}, {}}, kDoubleMode),
              HasSubstr("needs f16[1], got f32[1]"));
}

TEST_F(Interp, DoubleModeBitcastsTheRealType) {
  const Node third = b.div(b.constant_float(1, f32), b.constant_float(3, f32));
  EXPECT_EQ(ints_of(*array(b.bitcast(third, i32), {}, kDoubleMode))[0], std::bit_cast<int32_t>(1.0f / 3.0f));
  const Node bits = b.constant_int(0x3c00, u16);
  EXPECT_THAT(doubles(b.bitcast(bits, f16), {}, kDoubleMode), ElementsAre(1));
  EXPECT_THAT(doubles(b.bitcast(b.bitcast(bits, f16), bf16), {}, kDoubleMode), ElementsAre(0x1p-7));
}

TEST_F(Interp, DoubleModeFoldsInF64) {
  const Node x = data(f16, {3}, {2048, 1, 1});
  EXPECT_THAT(doubles(b.reduce(x, ReduceOp::kAdd, 1), {}, kDoubleMode), ElementsAre(2050));
  EXPECT_THAT(doubles(b.scan(x, ReduceOp::kAdd, 0), {}, kDoubleMode), ElementsAre(2048, 2049, 2050));
  EXPECT_THAT(doubles(b.scan(x, ReduceOp::kAdd, 0)), ElementsAre(2048, 2048, 2050));
  const Node at = data(i32, {3}, {0, 0, 0}), zero = data(f16, {1}, {0.0});
  EXPECT_THAT(doubles(b.scatter(zero, at, x, 0, ir::ScatterMode::kAdd), {}, kDoubleMode), ElementsAre(2050));
}

}  // namespace
}  // namespace anneal::interp
