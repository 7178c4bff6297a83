// SPDX-License-Identifier: MIT
// The sample programs, and that no op with a derivative is without one.
#include "autodiff/gradient_samples.h"

#include <gtest/gtest.h>

#include <set>

#include "autodiff/gradient.h"
#include "support/random_stream.h"

namespace anneal::autodiff {
namespace {

using ir::AxisMask;
using ir::Builder;
using ir::Dim;
using ir::Node;
using ir::Op;
using ir::ReduceOp;
using ir::ScatterMode;
using Nodes = std::span<const Node>;

std::string_view fold_text(ReduceOp op) { return ir::kReduceOpText[static_cast<size_t>(op)]; }

// Integers as a constant of the program: positions for gather and scatter.
Node integers(const Builder& b, std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  auto data = std::make_shared<ir::BufferData>();
  data->dtype = i64;
  data->shape = std::move(shape);
  const auto bytes = std::as_bytes(std::span(values));
  data->bytes.assign(bytes.begin(), bytes.end());
  return b.buffer(std::move(data));
}

// true, false, true, ... along the last axis.
Node stripes(const Builder& b, ir::Shape shape) {
  const Node at = b.iota(shape, static_cast<int>(shape.size()) - 1, i32);
  return b.eq(b.floormod(at, b.constant_int(2, i32)), b.constant_int(0, i32));
}

void add_unary(std::vector<Sample>& out) {
  const auto add = [&](Op op, double low, double high) {
    out.push_back({op, "", {random_input({2, 3}, low, high)}, [op](const Builder& b, Nodes in) {
                     return b.make(op, {in[0]});
                   }});
  };
  for (Op op :
       {Op::Neg, Op::Exp, Op::Exp2, Op::Expm1, Op::Sin, Op::Cos, Op::Tanh, Op::Atan, Op::Erf, Op::Alias}) {
    if (op != Op::Alias) add(op, -1.5, 1.5);
  }
  for (Op op : {Op::Abs, Op::Recip, Op::Sqrt, Op::Log, Op::Log2, Op::Log1p}) add(op, 0.4, 2);
  add(Op::Abs, -2, -0.3);
  add(Op::Recip, -2, -0.3);
  add(Op::Log1p, -0.6, 0.6);
  out.push_back({Op::Cast, "to f32 and back", {random_input({4}, -2, 2)}, [](const Builder& b, Nodes in) {
                   return b.mul(b.cast(b.cast(in[0], f32), f64), in[0]);
                 }});
  out.push_back({Op::Cast, "through f16", {random_input({4}, -2, 2)}, [](const Builder& b, Nodes in) {
                   const Node narrow = b.cast(in[0], f16);
                   return b.mul(narrow, narrow);
                 }});
  out.push_back({Op::Alias, "", {random_input({4}, -2, 2)}, [](const Builder& b, Nodes in) {
                   return b.make(Op::Alias, {b.mul(in[0], in[0])},
                                 ir::BufferArg{b.graph.add_buffer(nullptr)});
                 }});
  out.push_back({Op::CustomGradient, "of a cube", {random_input({4}, -2, 2)}, [](const Builder& b, Nodes in) {
                   const Node cube = b.mul(b.mul(in[0], in[0]), in[0]);
                   const uint64_t serial =
                       b.graph.add_custom_gradient([](ir::Graph& g, Node up, Nodes inputs) {
                         const Builder make{g};
                         const Node three = make.constant_float(3, g.dtype(up));
                         const Node x = make.cast(inputs[0], g.dtype(up));
                         return std::vector<Node>{make.mul(up, make.mul(three, make.mul(x, x)))};
                       });
                   return b.make(Op::CustomGradient, {cube, in[0]}, ir::CustomArg{serial});
                 }});
}

void add_binary(std::vector<Sample>& out) {
  const auto add = [&](Op op, SampleInput left, SampleInput right) {
    const auto build = [op](const Builder& b, Nodes in) { return b.make(op, {in[0], in[1]}); };
    const SampleInput one_left{{}, {left.values[0]}}, one_right{{}, {right.values[0]}};
    out.push_back({op, "of two tensors", {left, right}, build});
    out.push_back({op, "scalar on the left", {one_left, right}, build});
    out.push_back({op, "scalar on the right", {left, one_right}, build});
    out.push_back({op, "of two scalars", {one_left, one_right}, build});
  };
  for (Op op : {Op::Add, Op::Sub, Op::Mul})
    add(op, random_input({2, 3}, -2, 2, 3), random_input({2, 3}, -2, 2, 4));
  add(Op::Div, random_input({2, 3}, -2, 2, 3), random_input({2, 3}, 0.5, 2, 4));
  add(Op::Pow, random_input({2, 3}, 0.4, 2, 3), random_input({2, 3}, -1.5, 2.5, 4));
  add(Op::Max, random_input({2, 3}, -2, 2, 5), random_input({2, 3}, -2, 2, 6));
  add(Op::Min, random_input({2, 3}, -2, 2, 5), random_input({2, 3}, -2, 2, 6));
  // Remainders: quotients that stay away from integers.
  const SampleInput numerators{{2, 3}, {2.3, -2.3, 5.1, -5.1, 0.4, 7.7}},
      divisors{{2, 3}, {1.4, 1.4, -2, -2, 3, -1.3}};
  add(Op::FloorMod, numerators, divisors);
  add(Op::TruncMod, numerators, divisors);
  out.push_back(
      {Op::Mul, "of one tensor with itself", {random_input({3}, -2, 2)}, [](const Builder& b, Nodes in) {
         return b.mul(in[0], in[0]);
       }});
  for (double power : {0.0, 1.0, 2.0, 3.0, -2.0})
    out.push_back({Op::Pow,
                   "to the constant " + std::to_string(power),
                   {{{4}, {-1.3, -0.4, 0.7, 1.6}}},
                   [power](const Builder& b, Nodes in) {
                     return b.make(Op::Pow, {in[0], b.constant_float(power, f64)});
                   }});
  for (double power : {0.0, 1.0, 2.0, 3.0})
    out.push_back({Op::Pow,
                   "of 0 to the constant " + std::to_string(power),
                   {{{2}, {0.0, 0.5}}},
                   [power](const Builder& b, Nodes in) {
                     return b.make(Op::Pow, {in[0], b.constant_float(power, f64)});
                   }});
  out.push_back({Op::Pow, "of the constant 0", {{{2}, {1.5, 2}}}, [](const Builder& b, Nodes in) {
                   return b.make(Op::Pow, {b.constant_float(0, f64), in[0]});
                 }});
  const auto chosen = [](const Builder& b, Nodes in) {
    return b.where(stripes(b, std::vector<Dim>{2, 3}), in[0], in[1]);
  };
  const SampleInput a = random_input({2, 3}, -2, 2, 7), c = random_input({2, 3}, -2, 2, 8), one{{}, {0.3}};
  out.push_back({Op::Where, "of two tensors", {a, c}, chosen});
  out.push_back({Op::Where, "scalar on the left", {one, c}, chosen});
  out.push_back({Op::Where, "scalar on the right", {a, one}, chosen});
  out.push_back({Op::Where, "by a scalar", {a, c}, [](const Builder& b, Nodes in) {
                   return b.where(b.constant_int(0, boolean), in[0], in[1]);
                 }});
  out.push_back({Op::Where, "hiding an infinity", {{{3}, {-1.0, 0.5, 2.0}}}, [](const Builder& b, Nodes in) {
                   const Node positive = b.lt(b.constant_float(0, f64), in[0]);
                   const Node safe = b.where(positive, in[0], b.constant_float(1, f64));
                   return b.where(positive, b.make(Op::Log, {safe}), in[0]);
                 }});
}

void add_movement(std::vector<Sample>& out) {
  using Dims = std::vector<Dim>;
  const SampleInput x = random_input({2, 3, 2}, -2, 2, 9), one{{}, {0.7}};
  const auto add = [&](Op op, std::string name, SampleInput in,
                       std::function<Node(const Builder&, Node)> move) {
    out.push_back({op, std::move(name), {std::move(in)}, [move](const Builder& b, Nodes inputs) {
                     return move(b, inputs[0]);
                   }});
  };
  add(Op::Reshape, "", x, [](const Builder& b, Node n) { return b.reshape(n, Dims{4, 3}); });
  add(Op::Reshape, "of a scalar", one, [](const Builder& b, Node n) { return b.reshape(n, Dims{1, 1}); });
  add(Op::Expand, "from a scalar", one, [](const Builder& b, Node n) { return b.expand(n, Dims{2, 3}); });
  add(Op::Expand, "of one axis", random_input({3, 1}, -2, 2),
      [](const Builder& b, Node n) { return b.expand(n, Dims{3, 4}); });
  add(Op::Expand, "of several axes", random_input({1, 3, 1}, -2, 2),
      [](const Builder& b, Node n) { return b.expand(n, Dims{2, 3, 4}); });
  add(Op::Expand, "to nothing", random_input({1, 3}, -2, 2),
      [](const Builder& b, Node n) { return b.expand(n, Dims{0, 3}); });
  add(Op::Permute, "", x,
      [](const Builder& b, Node n) { return b.permute(n, std::vector<uint8_t>{2, 0, 1}); });
  add(Op::Flip, "", x, [](const Builder& b, Node n) { return b.flip(n, 5); });
  add(Op::Slice, "with steps", random_input({5, 4}, -2, 2),
      [](const Builder& b, Node n) { return b.slice(n, {{1, 0}, {2, 3}}, Dims{2, 2}); });
  add(Op::Slice, "of the end", random_input({5}, -2, 2),
      [](const Builder& b, Node n) { return b.slice(n, {{3}, {1}}, Dims{2}); });
  add(Op::Slice, "of nothing", random_input({5}, -2, 2),
      [](const Builder& b, Node n) { return b.slice(n, {{4}, {3}}, Dims{0}); });
  const auto add_pad = [&](std::string name, SampleInput in, ir::PadArg arg) {
    out.push_back({Op::Pad, std::move(name), {std::move(in), one}, [arg](const Builder& b, Nodes inputs) {
                     return b.pad(inputs[0], inputs[1], arg);
                   }});
  };
  add_pad("on both sides", random_input({2, 3}, -2, 2), {{1, 0}, {2, 1}, {0, 0}});
  add_pad("inside", random_input({3, 2}, -2, 2), {{0, 1}, {0, 0}, {2, 1}});
  add_pad("of nothing", random_input({0, 2}, -2, 2), {{1, 0}, {1, 0}, {1, 0}});
  out.push_back(
      {Op::Concat,
       "of three",
       {random_input({2, 2}, -2, 2, 1), random_input({2, 3}, -2, 2, 2), random_input({2, 1}, -2, 2, 3)},
       [](const Builder& b, Nodes in) { return b.concat(in, 1); }});
  out.push_back(
      {Op::Concat,
       "of one part twice",
       {random_input({2, 2}, -2, 2, 1), random_input({0, 2}, -2, 2, 2)},
       [](const Builder& b, Nodes in) { return b.concat(std::vector<Node>{in[0], in[1], in[0]}, 0); }});
}

void add_folds(std::vector<Sample>& out) {
  const SampleInput x = random_input({2, 3, 2}, 0.5, 2, 11);
  SampleInput one_zero = x, two_zeros = x, mixed = random_input({2, 3, 2}, -2, 2, 12);
  one_zero.values[3] = 0;
  two_zeros.values[2] = two_zeros.values[4] = two_zeros.values[9] = 0;
  const auto add = [&](ReduceOp fold, AxisMask axes, const SampleInput& in, const std::string& name) {
    out.push_back({Op::Reduce,
                   std::string(fold_text(fold)) + " over axes " + std::to_string(axes) + name,
                   {in},
                   [fold, axes](const Builder& b, Nodes inputs) { return b.reduce(inputs[0], fold, axes); }});
  };
  const auto add_scan = [&](ReduceOp fold, int axis, bool reverse, const SampleInput& in,
                            const std::string& name) {
    out.push_back({Op::Scan,
                   std::string(fold_text(fold)) + " along axis " + std::to_string(axis) +
                       (reverse ? " from the end" : "") + name,
                   {in},
                   [=](const Builder& b, Nodes inputs) { return b.scan(inputs[0], fold, axis, reverse); }});
  };
  for (ReduceOp fold : {ReduceOp::kAdd, ReduceOp::kMul, ReduceOp::kMax, ReduceOp::kMin}) {
    for (AxisMask axes : {1u, 2u, 4u, 3u, 5u, 7u}) add(fold, axes, mixed, "");
    for (int axis : {0, 1, 2})
      for (bool reverse : {false, true}) add_scan(fold, axis, reverse, mixed, "");
  }
  for (const auto& [in, name] : {std::pair{one_zero, " with a zero"}, std::pair{two_zeros, " with zeros"}}) {
    for (AxisMask axes : {2u, 7u}) add(ReduceOp::kMul, axes, in, name);
    for (bool reverse : {false, true}) add_scan(ReduceOp::kMul, 1, reverse, in, name);
  }
  const SampleInput all_zero{{5}, {0, 0, 0, 0, 0}}, empty{{2, 0}, {}}, single{{1}, {0.7}};
  add(ReduceOp::kMul, 1, all_zero, " of zeros");
  add_scan(ReduceOp::kMul, 0, false, all_zero, " of zeros");
  for (ReduceOp fold : {ReduceOp::kAdd, ReduceOp::kMul, ReduceOp::kMax}) {
    if (fold != ReduceOp::kMax) add(fold, 2, empty, " of nothing");
    add(fold, 1, single, " of one");
    add_scan(fold, 1, false, empty, " of nothing");
    add_scan(fold, 0, true, single, " of one");
  }
  for (int64_t n : {2, 3, 4, 5, 7, 8, 9}) {
    add_scan(ReduceOp::kMul, 0, false, random_input({n}, -2, 2, 20), " of " + std::to_string(n));
    add_scan(ReduceOp::kMul, 0, true, random_input({n}, -2, 2, 21), " of " + std::to_string(n));
  }
}

void add_indexing(std::vector<Sample>& out) {
  const SampleInput x = random_input({4, 2}, -2, 2, 31), values = random_input({3, 2}, -2, 2, 32);
  const std::vector<int64_t> rows{2, 0, 2, 3, 2, 0}, outside{-1, 4, 1, 100, 0, -7};
  for (const auto& [rows_at, name] : {std::pair{rows, "with repeats"}, std::pair{outside, "out of range"}}) {
    out.push_back({Op::Gather, name, {x}, [at = rows_at](const Builder& b, Nodes in) {
                     return b.gather(in[0], integers(b, {3, 2}, at), 0);
                   }});
    for (ScatterMode mode : {ScatterMode::kAdd, ScatterMode::kSet})
      out.push_back({Op::Scatter,
                     std::string(ir::kScatterModeText[static_cast<size_t>(mode)]) + " " + name,
                     {x, values},
                     [at = rows_at, mode](const Builder& b, Nodes in) {
                       return b.scatter(in[0], integers(b, {3, 2}, at), in[1], 0, mode);
                     }});
  }
  out.push_back({Op::Gather, "along the last axis", {x}, [](const Builder& b, Nodes in) {
                   return b.gather(in[0], integers(b, {4, 3}, {0, 1, 1, 1, 1, 1, 0, 5, 0, 0, -1, 1}), 1);
                 }});
  for (ScatterMode mode : {ScatterMode::kAdd, ScatterMode::kSet})
    out.push_back({Op::Scatter,
                   std::string("along the last axis by ") +
                       std::string(ir::kScatterModeText[static_cast<size_t>(mode)]),
                   {x, random_input({4, 3}, -2, 2, 33)},
                   [mode](const Builder& b, Nodes in) {
                     return b.scatter(in[0], integers(b, {4, 3}, {0, 1, 1, 1, 1, 1, 0, 5, 0, 0, -1, 1}),
                                      in[1], 1, mode);
                   }});
}

}  // namespace

SampleInput random_input(std::vector<int64_t> shape, double low, double high, uint64_t seed) {
  SampleInput out{std::move(shape), {}};
  int64_t count = 1;
  for (int64_t d : out.shape) count *= d;
  support::RandomStream random(seed);
  // One from each of `count` equal parts, in random order: no two come close.
  std::vector<int64_t> order;
  for (int64_t i = 0; i < count; ++i) order.insert(order.begin() + random.below(i + 1), i);
  for (int64_t i : order)
    out.values.push_back(low + (high - low) * (static_cast<double>(i) + 0.25 + 0.5 * random.unit()) /
                                   static_cast<double>(count));
  return out;
}

std::vector<Sample> gradient_samples() {
  std::vector<Sample> out;
  add_unary(out);
  add_binary(out);
  add_movement(out);
  add_folds(out);
  add_indexing(out);
  return out;
}

namespace {

TEST(GradientSamples, CoverEveryOpWithADerivative) {
  std::set<Op> sampled;
  for (const Sample& s : gradient_samples()) sampled.insert(s.op);
  for (int i = 0; i < ir::kNumOps; ++i) {
    const auto op = static_cast<Op>(i);
    EXPECT_EQ(sampled.count(op) != 0, gradient_info(op).kind == GradientKind::kRule)
        << ir::op_text(op) << ": an op with a derivative needs a sample, one without has none";
    EXPECT_FALSE(gradient_info(op).text.empty()) << ir::op_text(op);
  }
}

}  // namespace
}  // namespace anneal::autodiff
