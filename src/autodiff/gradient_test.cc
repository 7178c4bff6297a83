// SPDX-License-Identifier: MIT
// Derivatives of every op against finite differences in f64: gradients, gradients of gradients, forward
// derivatives.
#include "autodiff/gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "autodiff/test_gradient_check.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace anneal::autodiff {
namespace {

using ir::Builder;
using ir::Dim;
using ir::Node;
using ir::Op;
using ir::ReduceOp;

constexpr double kTolerance = 2e-8;

std::string title(const Sample& s) {
  return std::string(ir::op_text(s.op)) + (s.name.empty() ? "" : ", " + s.name);
}

// `orders` times: the gradient against differences, then the weighted sum of the gradient takes the place of
// the loss.
void check_orders(GradientCheck& check, Node y, int orders) {
  Node loss = check.weighted_sum(y, 0.3);
  for (int order = 1; order <= orders; ++order) {
    const std::vector<Node> found = check.gradients(loss);
    ASSERT_EQ(ir::verify(check.g, found, ir::Stage::kTensor), "") << "order " << order;
    const std::vector<Doubles> expected = check.differences(loss),
                               actual = check.evaluate(found, check.points);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(check.g.dtype(found[i]), f64);
      EXPECT_EQ(check.g.shape_id(found[i]), check.g.shape_id(check.inputs[i]));
      EXPECT_EQ(compare(actual[i], expected[i], kTolerance), "") << "order " << order << ", input " << i;
    }
    Node next = check.b.constant_float(0, f64);
    for (size_t i = 0; i < found.size(); ++i)
      next = check.b.add(
          next, check.weighted_sum(found[i], 0.5 + static_cast<double>(order) + static_cast<double>(i)));
    loss = next;
  }
}

TEST(Gradient, OfEveryOpMatchesDifferences) {
  for (const Sample& s : gradient_samples()) {
    SCOPED_TRACE(title(s));
    GradientCheck check;
    check.bind(s.inputs);
    check_orders(check, s.build(check.b, check.inputs), 1);
  }
}

TEST(Gradient, OfTheGradientMatchesDifferences) {
  for (const Sample& s : gradient_samples()) {
    SCOPED_TRACE(title(s));
    GradientCheck check;
    check.bind(s.inputs);
    // The square makes every op's second derivative count, also that of linear ops.
    const Node y = s.build(check.b, check.inputs);
    check_orders(check, check.b.mul(y, y), 2);
  }
}

TEST(Gradient, ThirdDerivativesOfScalars) {
  for (Op op : {Op::Exp, Op::Exp2, Op::Expm1, Op::Log, Op::Log2, Op::Log1p, Op::Sin, Op::Cos, Op::Tanh,
                Op::Atan, Op::Erf, Op::Recip, Op::Sqrt}) {
    SCOPED_TRACE(ir::op_text(op));
    GradientCheck check;
    check.bind({{{}, {0.8}}});
    check_orders(check, check.b.make(op, {check.inputs[0]}), 3);
  }
  GradientCheck power;
  power.bind({{{}, {1.2}}, {{}, {2.3}}});
  check_orders(power, power.b.make(Op::Pow, {power.inputs[0], power.inputs[1]}), 3);
  GradientCheck product;
  product.bind({{{4}, {0.5, 0, -1.2, 0.8}}});
  check_orders(product, product.b.scan(product.inputs[0], ReduceOp::kMul, 0), 3);
}

// -- Forward derivatives --

TEST(Jvp, MatchesDifferencesAndTheGradient) {
  for (const Sample& s : gradient_samples()) {
    SCOPED_TRACE(title(s));
    GradientCheck check;
    check.bind(s.inputs);
    const Node plain = s.build(check.b, check.inputs), y = check.b.mul(plain, plain);
    std::vector<Node> tangents;
    for (size_t i = 0; i < s.inputs.size(); ++i) {
      const SampleInput direction = random_input(s.inputs[i].shape, -1, 1, 100 + i);
      auto data = interp::array_from(f64, direction.shape, direction.values);
      tangents.push_back(check.b.buffer(data));
    }
    const Node forward = jvp(check.g, std::span(&y, 1), check.inputs, tangents)[0];
    ASSERT_TRUE(forward);
    ASSERT_EQ(check.g.shape_id(forward), check.g.shape_id(y));
    const Doubles actual = check.evaluate(forward);

    // Differences along the tangents, element by element.
    constexpr double kStep = 1e-3;
    const auto value_at = [&](double steps) {
      std::vector<SampleInput> moved = check.points;
      for (size_t i = 0; i < moved.size(); ++i) {
        const Doubles along = check.evaluate(tangents[i]);
        for (size_t e = 0; e < along.size(); ++e) moved[i].values[e] += steps * kStep * along[e];
      }
      return check.evaluate({y}, moved)[0];
    };
    const Doubles p1 = value_at(1), m1 = value_at(-1), p2 = value_at(2), m2 = value_at(-2);
    Doubles expected;
    for (size_t e = 0; e < p1.size(); ++e)
      expected.push_back((8 * (p1[e] - m1[e]) - (p2[e] - m2[e])) / (12 * kStep));
    EXPECT_EQ(compare(actual, expected, kTolerance), "");

    // <w, J t> == <J^T w, t>
    const Node weighted = check.weighted_sum(y, 0.3);
    const std::vector<Node> back = check.gradients(weighted);
    double left = check.evaluate(check.weighted_sum(forward, 0.3))[0], right = 0;
    for (size_t i = 0; i < back.size(); ++i) {
      const Doubles slope = check.evaluate(back[i]), along = check.evaluate(tangents[i]);
      for (size_t e = 0; e < slope.size(); ++e) right += slope[e] * along[e];
    }
    EXPECT_NEAR(left, right, 1e-10 * (1 + std::abs(right)));
  }
}

TEST(Jvp, OfAnOutputThatDependsOnNothingIsNull) {
  GradientCheck check;
  check.bind({{{2}, {1, 2}}, {{2}, {3, 4}}});
  const Node outputs[] = {check.b.neg(check.inputs[1]), check.b.neg(check.inputs[0])};
  const std::vector<Node> found =
      jvp(check.g, outputs, std::span(check.inputs).first(1), std::span(check.inputs).subspan(1, 1));
  EXPECT_FALSE(found[0]);
  EXPECT_EQ(check.evaluate(found[1]), (Doubles{-3, -4}));
}

// -- Where derivatives stop --

TEST(Gradient, IsNothingThroughJumpsAndStops) {
  GradientCheck check;
  check.bind({{{3}, {0.4, 1.3, -2.2}}});
  const Node x = check.inputs[0], two = check.b.constant_float(2, f64);
  const Node zeros[] = {
      check.b.make(Op::Floor, {x}),
      check.b.make(Op::Ceil, {x}),
      check.b.make(Op::Round, {x}),
      check.b.make(Op::Trunc, {x}),
      check.b.make(Op::FloorDiv, {x, two}),
      check.b.make(Op::TruncDiv, {x, two}),
      check.b.make(Op::StopGradient, {check.b.mul(x, x)}),
      check.b.cast(check.b.lt(x, two), f64),
      check.b.cast(check.b.cast(x, i32), f64),
      check.b.cast(check.b.arg_sort(x, 0, false), f64),
  };
  for (Node y : zeros) {
    const Node seed = check.b.full(check.g.shape(y), check.b.constant_float(1, f64));
    EXPECT_FALSE(vjp(check.g, std::span(&y, 1), std::span(&seed, 1), check.inputs)[0])
        << ir::node_text(check.g, y);
  }
}

TEST(Gradient, StopsAreFollowedAroundOnly) {
  GradientCheck check;
  check.bind({{{2}, {3, 5}}});
  const Node x = check.inputs[0];
  const Node y = check.b.mul(x, check.b.make(Op::StopGradient, {x}));
  EXPECT_EQ(check.evaluate(check.gradients(check.b.reshape(check.b.reduce(y, ReduceOp::kAdd, 1), {}))[0]),
            (Doubles{3, 5}));
}

// -- Ties --

TEST(Gradient, TiesShareEqually) {
  GradientCheck check;
  check.bind({{{3}, {2, 2, 2}}, {{3}, {2, 1, 3}}});
  const auto slopes = [&](Node y) {
    const Node seed = check.b.full(check.g.shape(y), check.b.constant_float(6, f64));
    const std::vector<Node> found = vjp(check.g, std::span(&y, 1), std::span(&seed, 1), check.inputs);
    return std::pair(check.evaluate(found[0]), found[1] ? check.evaluate(found[1]) : Doubles{});
  };
  EXPECT_EQ(slopes(check.b.make(Op::Max, {check.inputs[0], check.inputs[1]})),
            std::pair(Doubles({3, 6, 0}), Doubles({3, 0, 6})));
  EXPECT_EQ(slopes(check.b.make(Op::Min, {check.inputs[0], check.inputs[1]})),
            std::pair(Doubles({3, 0, 6}), Doubles({3, 6, 0})));
  EXPECT_EQ(slopes(check.b.reduce(check.inputs[0], ReduceOp::kMax, 1)).first, Doubles({2, 2, 2}));
  EXPECT_EQ(slopes(check.b.reduce(check.inputs[0], ReduceOp::kMin, 1)).first, Doubles({2, 2, 2}));
  EXPECT_EQ(slopes(check.b.make(Op::Max, {check.inputs[0], check.inputs[0]})).first, Doubles({6, 6, 6}));
}

TEST(Gradient, ARunningExtremeBelongsToItsLastMaker) {
  GradientCheck check;
  check.bind({{{6}, {1, 3, 2, 3, 0, 4}}});
  const auto slopes = [&](ReduceOp op, bool reverse) {
    const Node y = check.b.scan(check.inputs[0], op, 0, reverse);
    const Node seed = check.b.full(check.g.shape(y), check.b.constant_float(1, f64));
    return check.evaluate(vjp(check.g, std::span(&y, 1), std::span(&seed, 1), check.inputs)[0]);
  };
  EXPECT_EQ(slopes(ReduceOp::kMax, false), (Doubles{1, 2, 0, 2, 0, 1}));
  EXPECT_EQ(slopes(ReduceOp::kMax, true), (Doubles{0, 0, 0, 0, 0, 6}));
  EXPECT_EQ(slopes(ReduceOp::kMin, false), (Doubles{4, 0, 0, 0, 2, 0}));
  EXPECT_EQ(slopes(ReduceOp::kMin, true), (Doubles{0, 0, 0, 0, 5, 1}));
}

TEST(Gradient, OfAMaxOfNothingHasNoNan) {
  GradientCheck check;
  check.bind({{{2, 0}, {}}});
  const Node y = check.b.reduce(check.inputs[0], ReduceOp::kMax, 2);
  const Node seed = check.b.full(check.g.shape(y), check.b.constant_float(1, f64));
  EXPECT_EQ(check.evaluate(vjp(check.g, std::span(&y, 1), std::span(&seed, 1), check.inputs)[0]), Doubles());
  EXPECT_EQ(check.evaluate(jvp(check.g, std::span(&y, 1), check.inputs, check.inputs)[0]), (Doubles{0, 0}));
}

TEST(Gradient, OfAbsIsZeroAtZero) {
  GradientCheck check;
  check.bind({{{3}, {-2, 0, 2}}});
  const Node y = check.b.make(Op::Abs, {check.inputs[0]});
  const Node seed = check.b.full(check.g.shape(y), check.b.constant_float(1, f64));
  EXPECT_EQ(check.evaluate(vjp(check.g, std::span(&y, 1), std::span(&seed, 1), check.inputs)[0]),
            (Doubles{-1, 0, 1}));
}

// -- Symbolic extents --

TEST(Gradient, HoldsForSymbolicExtents) {
  using Build = std::function<Node(const Builder&, Node, Dim)>;
  const std::pair<const char*, Build> programs[] = {
      {"sum", [](const Builder& b, Node x, Dim) { return b.reduce(x, ReduceOp::kAdd, 1); }},
      {"product", [](const Builder& b, Node x, Dim) { return b.reduce(x, ReduceOp::kMul, 3); }},
      {"max", [](const Builder& b, Node x, Dim) { return b.reduce(x, ReduceOp::kMax, 1); }},
      {"running product", [](const Builder& b, Node x, Dim) { return b.scan(x, ReduceOp::kMul, 0); }},
      {"running product from the end",
       [](const Builder& b, Node x, Dim) { return b.scan(x, ReduceOp::kMul, 0, true); }},
      {"running max", [](const Builder& b, Node x, Dim) { return b.scan(x, ReduceOp::kMax, 0); }},
      {"reshape", [](const Builder& b, Node x,
                     Dim n) { return b.reshape(x, std::vector<Dim>{dim_mul(b.graph, n, 3)}); }},
      {"concat",
       [](const Builder& b, Node x, Dim) { return b.concat(std::vector<Node>{x, b.mul(x, x)}, 0); }},
      {"slice of the first",
       [](const Builder& b, Node x, Dim) { return b.slice(x, {{0, 0}, {1, 1}}, std::vector<Dim>{1, 3}); }},
      {"slice of a half",
       [](const Builder& b, Node x, Dim n) {
         return b.slice(x, {{0, 0}, {1, 1}},
                        std::vector<Dim>{dim_floordiv(b.graph, dim_add(b.graph, n, 1), 2), 3});
       }},
      {"slice of the rest",
       [](const Builder& b, Node x, Dim n) {
         return b.slice(x, {{1, 0}, {1, 1}}, std::vector<Dim>{dim_sub(b.graph, n, 1), 3});
       }},
      {"pad", [](const Builder& b, Node x,
                 Dim n) { return b.pad(x, b.constant_float(0, f64), {{n, 0}, {1, 0}, {1, 0}}); }},
      {"expand",
       [](const Builder& b, Node x, Dim n) {
         const Node first = b.slice(x, {{0, 0}, {1, 1}}, std::vector<Dim>{1, 3});
         return b.expand(first, std::vector<Dim>{n, 3});
       }},
      {"flip", [](const Builder& b, Node x, Dim) { return b.mul(b.flip(x, 1), x); }},
  };
  for (int64_t extent : {1, 2, 5}) {
    for (const auto& [name, build] : programs) {
      SCOPED_TRACE(std::string(name) + " of " + std::to_string(extent));
      GradientCheck check;
      const Dim n(check.b.var("N", 1, 8));
      check.vars = {{"N", extent}};
      check.points = {random_input({extent, 3}, 0.5, 2, 5)};
      check.inputs = {check.b.param(0, f64, std::vector<Dim>{n, 3})};
      check_orders(check, build(check.b, check.inputs[0], n), 2);
    }
  }
}

}  // namespace
}  // namespace anneal::autodiff
