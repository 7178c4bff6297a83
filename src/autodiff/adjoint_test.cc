// SPDX-License-Identifier: MIT
// The reverse walk itself: what it is taken with respect to, types of adjoints, custom gradients, provenance,
// errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "autodiff/test_gradient_check.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::autodiff {
namespace {

using ir::Builder;
using ir::Dim;
using ir::Node;
using ir::Op;
using ir::ReduceOp;
using testing::AllOf;
using testing::HasSubstr;
using Nodes = std::span<const Node>;

class AdjointTest : public testing::Test, protected GradientCheck {
 protected:
  std::vector<Node> back(Node y, std::vector<Node> wrt, double seed = 1) {
    const Node up = b.full(g.shape(y), b.constant_float(seed, g.dtype(y)));
    return vjp(g, std::span(&y, 1), std::span(&up, 1), wrt);
  }
  template <typename F>
  std::string failure(F f) {
    try {
      f();
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }
  // value, whose derivative with respect to x is `slope` times x, whatever the value says.
  Node custom(Node value, Node x, double slope) {
    const uint64_t serial = g.add_custom_gradient([slope](ir::Graph& graph, Node up, Nodes given) {
      const Builder make{graph};
      const Node factor = make.mul(given[0], make.constant_float(slope, graph.dtype(up)));
      return std::vector<Node>{make.mul(up, factor)};
    });
    return b.make(Op::CustomGradient, {value, x}, ir::CustomArg{serial});
  }
};

// -- With respect to what --

TEST_F(AdjointTest, SeveralOutputsAddUp) {
  bind({{{2}, {1, 2}}, {{2}, {3, 5}}});
  const Node x = inputs[0], y = inputs[1];
  const Node outputs[] = {b.mul(x, y), b.neg(x)};
  const Node ups[] = {b.full(g.shape(x), b.constant_float(2, f64)),
                      b.full(g.shape(x), b.constant_float(10, f64))};
  const std::vector<Node> found = vjp(g, outputs, ups, inputs);
  EXPECT_EQ(evaluate(found[0]), (Doubles{2 * 3 - 10, 2 * 5 - 10}));
  EXPECT_EQ(evaluate(found[1]), (Doubles{2, 4}));
}

TEST_F(AdjointTest, OneOutputTwiceCountsTwice) {
  bind({{{2}, {1, 2}}});
  const Node y = b.mul(inputs[0], inputs[0]), outputs[] = {y, y};
  const Node up = b.full(g.shape(y), b.constant_float(1, f64)), ups[] = {up, up};
  EXPECT_EQ(evaluate(vjp(g, outputs, ups, inputs)[0]), (Doubles{4, 8}));
}

TEST_F(AdjointTest, AnOutputIsItsOwnVariable) {
  bind({{{2}, {1, 2}}});
  const Node y = b.neg(inputs[0]);
  const std::vector<Node> found = back(y, {y, inputs[0], y}, 7);
  EXPECT_EQ(evaluate(found[0]), (Doubles{7, 7}));
  EXPECT_EQ(evaluate(found[1]), (Doubles{-7, -7}));
  EXPECT_EQ(found[2], found[0]);
}

TEST_F(AdjointTest, ValuesInBetweenMayBeVariables) {
  bind({{{2}, {1, 2}}});
  const Node middle = b.mul(inputs[0], inputs[0]), y = b.mul(middle, b.neg(inputs[0]));
  const std::vector<Node> found = back(y, {middle, inputs[0]});
  EXPECT_EQ(evaluate(found[0]), (Doubles{-1, -2}));
  EXPECT_EQ(evaluate(found[1]), (Doubles{-3, -12}));  // the whole derivative, through the middle too
}

TEST_F(AdjointTest, WhatIsNotReachedGivesNull) {
  bind({{{2}, {1, 2}}, {{2}, {1, 2}}});
  const std::vector<Node> found = back(b.neg(inputs[0]), {inputs[1], b.mul(inputs[0], inputs[1])});
  EXPECT_FALSE(found[0]);
  EXPECT_FALSE(found[1]);
  EXPECT_TRUE(vjp(g, {}, {}, inputs)[0] == Node{});
}

TEST_F(AdjointTest, AnAliasIsAVariableOfItsOwn) {
  bind({{{2}, {3, 5}}});
  const Node x = inputs[0];
  const Node own = b.make(Op::Alias, {x}, ir::BufferArg{g.add_buffer(nullptr)});
  const Node other = b.make(Op::Alias, {x}, ir::BufferArg{g.add_buffer(nullptr)});
  ASSERT_NE(own, other);
  const Node y = b.mul(b.mul(own, own), b.mul(x, other));
  const std::vector<Node> found = back(y, {own, other, x});
  EXPECT_EQ(evaluate(found[0]), (Doubles{2 * 27, 2 * 125}));
  EXPECT_EQ(evaluate(found[1]), (Doubles{27, 125}));
  EXPECT_EQ(evaluate(found[2]), (Doubles{4 * 27, 4 * 125}));
}

TEST_F(AdjointTest, DeepChainsAreNoProblem) {
  bind({{{}, {1}}});
  Node y = inputs[0];
  for (int i = 0; i < 300000; ++i) y = b.add(y, inputs[0]);
  EXPECT_EQ(evaluate(back(y, inputs)[0]), Doubles{300001});
}

// -- Types --

TEST_F(AdjointTest, AdjointsNeverNarrow) {
  const std::vector<Dim> shape{2};
  const Node x = b.param(0, f16, shape);
  const Node wide = b.mul(b.cast(x, f32), b.param(1, f32, shape));
  EXPECT_EQ(g.dtype(back(wide, {x})[0]), f32);
  EXPECT_EQ(g.dtype(back(b.mul(x, x), {x})[0]), f16);
  EXPECT_EQ(g.dtype(back(b.cast(wide, f64), {x})[0]), f64);
  EXPECT_EQ(g.dtype(back(b.cast(wide, f16), {x})[0]), f32);  // narrow, then wide again on the way back
  const Node small = b.param(2, f8e4m3, shape);
  EXPECT_EQ(g.dtype(back(b.cast(small, f8e5m2), {small})[0]), bf16);  // the join of both
  EXPECT_EQ(g.dtype(back(b.cast(small, f16), {small})[0]), f32);
}

TEST_F(AdjointTest, UpstreamsOfAWiderTypeStayWide) {
  const std::vector<Dim> shape{2};
  const Node x = b.param(0, f16, shape), y = b.make(Op::Sin, {b.mul(x, x)});
  const Node up = b.full(shape, b.constant_float(1, f32));
  const Node found = vjp(g, std::span(&y, 1), std::span(&up, 1), std::span(&x, 1))[0];
  EXPECT_EQ(g.dtype(found), f32);
}

TEST_F(AdjointTest, EveryRuleTakesAnUpstreamOfAWiderType) {
  for (const Sample& s : gradient_samples()) {
    SCOPED_TRACE(std::string(ir::op_text(s.op)) + ", " + s.name);
    GradientCheck check;
    check.bind(s.inputs);
    std::vector<Node> narrow;
    for (size_t i = 0; i < check.inputs.size(); ++i) narrow.push_back(check.b.cast(check.inputs[i], f32));
    Node y;
    try {
      y = s.build(check.b, narrow);
    } catch (const Error&) {
      continue;  // a sample that mixes in constants of f64
    }
    const Node up = check.b.full(check.g.shape(y), check.b.constant_float(1, f64));
    for (Node found : vjp(check.g, std::span(&y, 1), std::span(&up, 1), narrow))
      if (found) {
        EXPECT_EQ(check.g.dtype(found), f64);
      }
  }
}

// -- Custom gradients --

TEST_F(AdjointTest, ACustomGradientReplacesTheDerivative) {
  bind({{{2}, {3, 5}}});
  const Node x = inputs[0];
  const Node y = custom(b.make(Op::Exp, {x}), x, 10);  // claims 10 x
  EXPECT_EQ(evaluate(back(y, {x})[0]), (Doubles{30, 50}));
  // The value is no path of its own.
  const Node through = custom(b.mul(x, x), b.make(Op::StopGradient, {x}), 10);
  EXPECT_EQ(evaluate(through), (Doubles{9, 25}));
  EXPECT_FALSE(back(through, {x})[0]);
}

TEST_F(AdjointTest, CustomGradientsNest) {
  bind({{{2}, {3, 5}}});
  const Node x = inputs[0];
  const Node inner = custom(b.mul(x, x), x, 10);        // 10 x
  const Node outer = custom(b.neg(inner), inner, 100);  // 100 inner
  EXPECT_EQ(evaluate(back(outer, {x})[0]), (Doubles{100 * 9 * 30, 100 * 25 * 50}));
}

TEST_F(AdjointTest, CustomGradientsAreDifferentiatedAgain) {
  bind({{{2}, {3, 5}}});
  const Node x = inputs[0], first = back(custom(b.mul(x, x), x, 10), {x})[0];
  EXPECT_EQ(evaluate(back(first, {x})[0]), (Doubles{10, 10}));
}

TEST_F(AdjointTest, CustomGradientsInForwardMode) {
  bind({{{2}, {3, 5}}, {{2}, {2, -1}}});
  const Node x = inputs[0], inner = custom(b.mul(x, x), x, 10), y = b.mul(custom(inner, inner, 3), x);
  // d/dx: 3 inner * 10 x * x + inner
  const Node forward = jvp(g, std::span(&y, 1), std::span(&x, 1), std::span(&inputs[1], 1))[0];
  EXPECT_EQ(evaluate(forward), (Doubles{2 * (3 * 9 * 30 * 3 + 9), -(3 * 25 * 50 * 5 + 25)}));
}

TEST_F(AdjointTest, CustomGradientsMayLeaveInputsOut) {
  bind({{{2}, {3, 5}}, {{2}, {1, 1}}});
  const uint64_t serial =
      g.add_custom_gradient([](ir::Graph&, Node up, Nodes) { return std::vector<Node>{Node{}, up}; });
  const Node y =
      b.make(Op::CustomGradient, {b.add(inputs[0], inputs[1]), inputs[0], inputs[1]}, ir::CustomArg{serial});
  const std::vector<Node> found = back(y, inputs);
  EXPECT_FALSE(found[0]);
  EXPECT_EQ(evaluate(found[1]), (Doubles{1, 1}));
}

TEST_F(AdjointTest, WrongCustomGradientsAreRefused) {
  bind({{{2}, {3, 5}}});
  const Node x = inputs[0];
  const uint64_t none = g.add_custom_gradient([](ir::Graph&, Node, Nodes) { return std::vector<Node>{}; });
  EXPECT_THAT(failure([&] { back(b.make(Op::CustomGradient, {x, x}, ir::CustomArg{none}), {x}); }),
              HasSubstr("custom_gradient: the function gave 0 gradients for 1 inputs"));
  const uint64_t scalar = g.add_custom_gradient(
      [](ir::Graph& graph, Node, Nodes) { return std::vector<Node>{Builder{graph}.constant_float(1, f64)}; });
  EXPECT_THAT(failure([&] { back(b.make(Op::CustomGradient, {x, x}, ir::CustomArg{scalar}), {x}); }),
              HasSubstr("custom_gradient: gradient 0 is f64 for an input f64[2]"));
}

// -- Provenance --

TEST_F(AdjointTest, BackwardNodesSayWhatTheyBelongTo) {
  bind({{{4, 3}, random_input({4, 3}, 0.5, 1).values}});
  Node square, sum;
  {
    const ir::Graph::Module layer(g, "layer");
    g.set_site(g.intern_site("model.cc", 21, "square"));
    square = b.mul(inputs[0], inputs[0]);
    g.set_site(g.intern_site("model.cc", 22, "sum"));
    sum = b.reshape(b.reduce(square, ReduceOp::kMul, 3), {});
  }
  g.set_site(0);
  const Node seed = b.constant_float(1, f64), given[] = {sum, seed};
  std::vector<bool> old(g.id_limit(), false);
  for (Node n : ir::postorder(g, given)) old[n.id] = true;
  const Node found = vjp(g, std::span(&sum, 1), std::span(&seed, 1), inputs)[0];
  size_t made = 0, of_square = 0;
  for (Node n : ir::postorder(g, std::span(&found, 1))) {
    if (n.id < old.size() && old[n.id]) continue;
    ++made;
    EXPECT_EQ(g.origin(n).phase, ir::Phase::kBackward) << ir::node_text(g, n);
    of_square += g.site(g.origin(n).site).line == 21 ? 1 : 0;
    if (g.origin(n).site != 0) {
      EXPECT_EQ(g.module_path(g.origin(n).path), "layer") << ir::node_text(g, n);
    }
  }
  EXPECT_GT(made, 5u);
  EXPECT_GT(of_square, 0u);
  EXPECT_EQ(g.phase(), ir::Phase::kForward);
  EXPECT_EQ(g.current_origin().site, 0u);
}

TEST_F(AdjointTest, TheOriginIsPutBackAfterAnError) {
  bind({{{2}, {1, 2}}});
  Node y;
  {
    const ir::Graph::Module layer(g, "layer");
    g.set_site(g.intern_site("model.cc", 9, "bits"));
    y = b.bitcast(b.cast(inputs[0], f16), bf16);
  }
  g.set_site(0);
  EXPECT_THAT(failure([&] { back(y, inputs); }), HasSubstr("bitcast has no gradient"));
  EXPECT_EQ(g.phase(), ir::Phase::kForward);
  EXPECT_EQ(g.current_origin().path, 0u);
  EXPECT_EQ(g.current_origin().site, 0u);
}

// -- Errors --

TEST_F(AdjointTest, ABitcastIsRefusedWhereItWasWritten) {
  bind({{{2}, {1, 2}}});
  g.set_site(g.intern_site("model.cc", 33, "bitcast"));
  const Node bits = b.bitcast(b.cast(inputs[0], f16), bf16);
  g.set_site(g.intern_site("model.cc", 34, "neg"));
  const Node y = b.neg(bits);
  EXPECT_THAT(failure([&] { back(y, inputs); }),
              AllOf(HasSubstr("error[gradient] bitcast has no gradient: bits are not numbers"),
                    HasSubstr("model.cc:33"), HasSubstr(": bf16[2]")));
  // Nothing is asked of it when no path leads through it.
  EXPECT_EQ(evaluate(back(b.mul(b.cast(y, f64), inputs[0]), {y})[0]).size(), 2u);
  EXPECT_FALSE(back(b.make(Op::StopGradient, {y}), inputs)[0]);
}

TEST_F(AdjointTest, OnlyFloatsHaveGradients) {
  bind({{{2}, {1, 2}}});
  const Node whole = b.cast(inputs[0], i32);
  EXPECT_THAT(failure([&] { back(whole, inputs); }),
              HasSubstr("error[gradient] gradient of i32[2]: only floats have gradients"));
  EXPECT_THAT(failure([&] { back(b.neg(inputs[0]), {whole}); }),
              HasSubstr("gradient with respect to i32[2]: only floats have gradients"));
}

TEST_F(AdjointTest, TheUpstreamHasTheShapeOfTheOutput) {
  bind({{{2}, {1, 2}}});
  const Node y = b.neg(inputs[0]), up = b.constant_float(1, f64);
  EXPECT_THAT(failure([&] { vjp(g, std::span(&y, 1), std::span(&up, 1), inputs); }),
              HasSubstr("error[shape] gradient: the upstream is f64 for an output f64[2]"));
}

}  // namespace
}  // namespace anneal::autodiff
