// SPDX-License-Identifier: MIT
//
// Matching and the driver: orders, literals, the same letter twice, shapes, traces, origins, depth, and
// rewrites that do not end.
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "ir/builder.h"
#include "ir/text.h"
#include "rewrite/driver.h"

namespace anneal::rewrite {
namespace {

using ir::Builder;
using ir::Dim;

class Rewrite : public testing::Test {
 protected:
  ir::Graph g;
  ir::Graph::Scope scope{g};
  Builder b{g};
  const Pattern x = letters().x, y = letters().y, z = letters().z, c0 = letters().c0, c1 = letters().c1;
  const std::vector<Dim> shape = {Dim(2), Dim(3)};
  const Node p = b.param(0, f32, shape), q = b.param(1, f32, shape), s = b.param(2, f32, {});
  const Node i = b.param(3, i32, shape);
  const Node three = b.constant_float(3, f32), four = b.constant_float(4, f32),
             zero = b.constant_float(0, f32);

  Node one(Node root, std::vector<Rule> rules, const RewriteOptions& options = {}) {
    return rewrite(g, std::span(&root, 1), RuleSet(std::span<const Rule>(rules)), options)[0];
  }
  std::string failure(Node root, std::vector<Rule> rules, const RewriteOptions& options = {}) {
    try {
      one(root, std::move(rules), options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInternal);
      return e.message();
    }
    return "no failure";
  }
};

TEST_F(Rewrite, MatchesOneOrderUnlessToldOtherwise) {
  const Rule fixed{"r", "x + -y = x - y", x + -y, x - y};
  const Rule both{"r", "x + -y = x - y", x + -y, x - y, both_orders};
  const Node right = b.add(p, b.neg(q)), left = b.add(b.neg(q), p);
  EXPECT_EQ(one(right, {fixed}), b.sub(p, q));
  EXPECT_EQ(one(left, {fixed}), left);
  EXPECT_EQ(one(left, {both}), b.sub(p, q));
}

TEST_F(Rewrite, TheSameLetterIsTheSameNode) {
  const Rule rule{"r", "x - x = 0", x - x, 0};
  EXPECT_EQ(one(b.sub(p, q), {rule}), b.sub(p, q));
  EXPECT_EQ(one(b.sub(p, p), {rule}), b.expand(zero, shape));  // a scalar is expanded to the shape
}

TEST_F(Rewrite, NumbersTakeTheTypeAtHand) {
  const Rule rule{"r", "x * 2 = x + x", x * 2, x + x};
  EXPECT_EQ(one(b.mul(p, b.constant_float(2, f32)), {rule}), b.add(p, p));
  EXPECT_EQ(one(b.mul(i, b.constant_int(2, i32)), {rule}), b.add(i, i));
  const Rule minus_zero{"r", "x + -0 = x", x + -0.0, x};
  EXPECT_EQ(one(b.add(p, zero), {minus_zero}), b.add(p, zero));
  EXPECT_EQ(one(b.add(p, b.constant_float(-0.0, f32)), {minus_zero}), p);
}

TEST_F(Rewrite, FoldsConstantsOfTheMatch) {
  const Rule rule{"r", "(x + c) + d = x + (c + d)", (x + c0) + c1, x + fold(c0 + c1)};
  EXPECT_EQ(one(b.add(b.add(p, three), four), {rule}), b.add(p, b.constant_float(7, f32)));
  const Node zero_int = b.constant_int(0, i32), five = b.constant_int(5, i32);
  const Rule divides{"r", "(x + c) // d", floordiv(x + c0, c1), x + fold(floordiv(c0, c1))};
  const Node by_zero = b.floordiv(b.add(i, five), zero_int);
  EXPECT_EQ(one(by_zero, {divides}), by_zero);
}

TEST_F(Rewrite, ConditionsAndGuardsDecide) {
  const Rule ints{"r", "x + x = x * 2", x + x, x * 2, of_int};
  EXPECT_EQ(one(b.add(p, p), {ints}), b.add(p, p));
  EXPECT_EQ(g.op(one(b.add(i, i), {ints})), Op::Mul);
  const Rule guarded{"r", "x + x = x * 2", x + x, x * 2, Guard{"never", [](MatchContext&) { return false; }}};
  EXPECT_EQ(one(b.add(i, i), {guarded}), b.add(i, i));
  const std::vector<Rule> rules = {Rule{"r", "x + x = x * 2", x + x, x * 2, FloatClass::kApproximate}};
  EXPECT_TRUE(RuleSet(std::span<const Rule>(rules)).rules().empty());
  EXPECT_EQ(RuleSet(std::span<const Rule>(rules), {.approximate = true}).rules().size(), 1u);
  const Rule tensors{"r", "x + x = x * 2", x + x, x * 2, tensors_only};
  EXPECT_EQ(one(b.add(s, s), {tensors}), b.add(s, s));
  EXPECT_EQ(g.op(one(b.add(p, p), {tensors})), Op::Mul);
}

TEST_F(Rewrite, AnOpWildcardIsTheSameOpEverywhere) {
  const Rule rule{"r", "f(f(x)) = f(x)", f(ir::kIdempotentUnary, f(ir::kIdempotentUnary, x)),
                  f(ir::kIdempotentUnary, x)};
  const Node floor = b.make(Op::Floor, {p});
  EXPECT_EQ(one(b.make(Op::Floor, {floor}), {rule}), floor);
  const Node mixed = b.make(Op::Ceil, {floor});
  EXPECT_EQ(one(mixed, {rule}), mixed);
}

TEST_F(Rewrite, TheFirstRuleWins) {
  const Rule first{"first", "x + y = x", x + y, x}, second{"second", "x + y = y", x + y, y};
  EXPECT_EQ(one(b.add(p, q), {first, second}), p);
  EXPECT_EQ(one(b.add(p, q), {second, first}), q);
}

TEST_F(Rewrite, ReachesAFixpointThroughNewNodes) {
  const Rule twice{"twice", "x + x = x * 2", x + x, x * 2},
      half{"half", "(x * 2) * 0.5 = x", (x * 2) * 0.5, x};
  EXPECT_EQ(one(b.mul(b.add(p, p), b.constant_float(0.5, f32)), {twice, half}), p);
}

TEST_F(Rewrite, GivesTheSameNodesWhenNothingApplies) {
  const Rule rule{"r", "x - x = 0", x - x, 0};
  const Node root =
      b.reduce(b.mul(b.add(p, q), b.concat(std::array{p, q}, 0).id ? p : q), ir::ReduceOp::kAdd, 1);
  const size_t live = g.live_nodes();
  EXPECT_EQ(one(root, {rule}), root);
  EXPECT_EQ(g.live_nodes(), live);
}

TEST_F(Rewrite, RewritesBelowOpsOfAllKinds) {
  const Rule rule{"r", "x + 0 = x", x + 0, x};
  const Node a = b.add(p, zero), c = b.concat(std::array{a, q, a}, 0);
  const Node roots[] = {b.reduce(c, ir::ReduceOp::kMax, 1), a};
  const std::vector<Rule> rules = {rule};
  const std::vector<Node> results = rewrite(g, roots, RuleSet(std::span<const Rule>(rules)));
  EXPECT_EQ(results[0], b.reduce(b.concat(std::array{p, q, p}, 0), ir::ReduceOp::kMax, 1));
  EXPECT_EQ(results[1], p);
}

TEST_F(Rewrite, LoopIndicesKeepTheirExtents) {
  const Rule rule{"r", "x + 0 = x", x + 0, x};
  const Node n = b.var("n", 1, 9), extent = b.add(n, b.index(0));
  const Node loop = b.range(Dim(extent), 0);
  EXPECT_EQ(one(loop, {rule}), loop);
  EXPECT_EQ(one(extent, {rule}), n);
}

TEST_F(Rewrite, TracesAndCounts) {
  const Rule twice{"twice", "x + x = x * 2", x + x, x * 2};
  Trace trace;
  RewriteStats stats;
  RewriteOptions options;
  options.pass = "test";
  options.trace = &trace;
  options.stats = &stats;
  const Node sum = b.add(p, p), other = b.add(q, q);
  const std::vector<Rule> rules = {twice};
  const Node roots[] = {b.sub(sum, other)};
  rewrite(g, roots, RuleSet(std::span<const Rule>(rules)), options);
  ASSERT_EQ(trace.size(), 2u);
  EXPECT_EQ(trace[0].pass, "test");
  EXPECT_EQ(trace[0].rule->name, "twice");
  EXPECT_EQ(trace[0].before, sum);
  EXPECT_EQ(g.op(trace[0].after), Op::Mul);
  EXPECT_EQ(stats.steps, 2u);
  ASSERT_EQ(stats.fired.size(), 1u);
  EXPECT_EQ(stats.fired[0].count, 2u);
  EXPECT_GT(stats.visited, 5u);
}

TEST_F(Rewrite, CarriesTheOriginOn) {
  Rule twice{"twice", "x + x = x * 2", x + x, x * 2};
  twice.id = 42;
  g.set_site(g.intern_site("user.cc", 7, "main"));
  g.set_phase(ir::Phase::kBackward);
  Node root;
  {
    const ir::Graph::Module layer(g, "layer");
    root = b.make(Op::Exp, {b.add(p, p)});
  }
  g.set_site(0);
  g.set_phase(ir::Phase::kForward);
  const Node result = one(root, {twice});
  for (Node n : {result, g.source(result, 0)}) {
    EXPECT_EQ(g.module_path(g.origin(n).path), "layer");
    EXPECT_EQ(g.site(g.origin(n).site).line, 7);
    EXPECT_EQ(g.origin(n).phase, ir::Phase::kBackward);
  }
  EXPECT_EQ(g.origin(g.source(result, 0)).rule, 42);
  EXPECT_EQ(g.origin(result).rule, 0);
  EXPECT_EQ(g.current_origin().path, 0u);
}

TEST_F(Rewrite, DeepChainsDoNotRecurse) {
  const Rule rule{"r", "x + 0 = x", x + 0, x};
  Node n = p;
  for (int k = 0; k < 300000; ++k) n = b.neg(b.add(n, zero));
  const Node result = one(n, {rule});
  EXPECT_EQ(g.op(result), Op::Neg);
  EXPECT_EQ(g.op(g.source(result, 0)), Op::Neg);
}

TEST_F(Rewrite, ReportsRulesThatUndoEachOther) {
  const Rule there{"there", "x + y = y + x", x + y, x - -y}, back{"back", "x - -y = x + y", x - -y, x + y};
  const std::string text = failure(b.add(p, q), {there, back});
  EXPECT_NE(text.find("rewrite: two rules undo each other"), std::string::npos) << text;
  EXPECT_NE(text.find("last rules: there back"), std::string::npos) << text;
  EXPECT_NE(text.find(ir::node_text(g, b.add(p, q))), std::string::npos) << text;
  EXPECT_NE(text.find(ir::node_text(g, b.sub(p, b.neg(q)))), std::string::npos) << text;
}

TEST_F(Rewrite, ReportsGrowthWithoutEnd) {
  const Rule grows{"grows", "(x + c) = (x + (c + 1))", x + c0, x + fold(c0 + 1)};
  RewriteOptions options;
  options.pass = "growing";
  options.max_steps = 100;
  const std::string text = failure(b.add(p, three), {grows}, options);
  EXPECT_NE(text.find("growing: one node took more than 100 steps"), std::string::npos) << text;
  EXPECT_NE(text.find("last rules: grows grows grows grows grows"), std::string::npos) << text;
}

TEST_F(Rewrite, ReportsANodeInsideItsOwnReplacement) {
  const Rule wraps{"wraps", "exp(x) = log(exp(x))", unary(Op::Exp, x), unary(Op::Log, unary(Op::Exp, x))};
  const std::string text = failure(b.make(Op::Exp, {p}), {wraps});
  EXPECT_NE(text.find("became part of its own replacement"), std::string::npos) << text;
}

TEST_F(Rewrite, ReportsARuleThatChangesTheType) {
  const Rule wrong{"wrong", "x < y = x", x < y, x};
  EXPECT_NE(failure(b.lt(p, q), {wrong}).find("a rule changed the type"), std::string::npos);
  EXPECT_NE(failure(b.lt(p, q), {wrong}).find("wrong"), std::string::npos);
}

TEST_F(Rewrite, OnceDoesOneStep) {
  const std::vector<Rule> rules = {Rule{"r", "-(-x) = x", -(-x), x}};
  const RuleSet set{std::span<const Rule>(rules)};
  const Node four_times = b.neg(b.neg(b.neg(b.neg(p))));
  EXPECT_EQ(rewrite_once(g, four_times, set), b.neg(b.neg(p)));
  EXPECT_FALSE(rewrite_once(g, p, set));
}

// The inside of a sum is left to the whole sum, but looked at when something else uses it, or the whole does
// not see it.
TEST_F(Rewrite, LeavesTheInsideToItsUsers) {
  const std::vector<Rule> rules = {Rule{"r", "x + c = c - x", x + c0, fold(c0 * 1) - x}};
  RuleSet set{std::span<const Rule>(rules)};
  static bool sees;
  set.leave_to_users({[](const ir::Graph& graph, Node n) { return graph.op(n) == Op::Add; },
                      [](MatchContext&, Node) { return sees; }});
  const Node inner = b.add(p, three), outer = b.add(b.add(inner, q), q),
             other_user = b.make(Op::Exp, {inner});
  const Node changed = b.sub(three, p), changed_outer = b.add(b.add(changed, q), q);
  const auto results = [&](std::initializer_list<Node> roots) {
    return rewrite(g, std::span<const Node>(roots.begin(), roots.size()), set);
  };
  sees = true;
  EXPECT_EQ(results({outer})[0], outer);
  EXPECT_EQ(results({outer, other_user})[0], changed_outer);
  EXPECT_EQ(results({outer, inner})[0], changed_outer);
  sees = false;
  EXPECT_EQ(results({outer})[0], changed_outer);
}

}  // namespace
}  // namespace anneal::rewrite
