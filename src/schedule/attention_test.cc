// SPDX-License-Identifier: MIT
// Attention of every kind, forward and backward: how many kernels it is, that nothing as large as its scores
// is written, and that its kernels, as they are and as loops, give what the interpreter gives.
#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "interp/test_bindings.h"
#include "schedule/test_program.h"
#include "tensor/call.h"

namespace anneal::schedule {
namespace {

struct Case {
  std::string name;
  Sizes q, k, v;
  std::function<AttentionOptions()> options = [] { return AttentionOptions{}; };
  DType dtype = f32;
  Vars vars = {};
  size_t backward = 2;  // kernels of the result and its gradients
};

// The result, and with `backward` the gradients of its product with a fourth input.
std::vector<Tensor> program(const Case& c, bool backward) {
  const std::vector<Tensor> in = {input(0, c.q, c.dtype), input(1, c.k, c.dtype), input(2, c.v, c.dtype)};
  const Tensor out = scaled_dot_product_attention(in[0], in[1], in[2], c.options());
  if (!backward) return {out};
  std::vector<Tensor> results = gradients(sum(out * input(3, out.sizes(), c.dtype)), in);
  results.insert(results.begin(), out);
  return results;
}

// Elements of the largest value that is stored.
double largest(const Schedule& s) {
  double most = 0;
  for (size_t v = 0; v < s.scopes.stored.size(); ++v)
    if (s.scopes.stored[v]) most = std::max(most, (*s.values)[static_cast<uint32_t>(v)].elements);
  return most;
}

std::string log_text(const Schedule& s) {
  std::string text;
  for (const Decision& d : s.scopes.log) text += (d.fused ? "fused: " : "not: ") + d.reason + "\n";
  return text;
}

void check(const Case& c, bool backward) {
  const std::vector<Tensor> results = program(c, backward);
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  const Schedule s = make_schedule(g, roots, {});
  const std::string where = c.name + (backward ? ", backward" : "") + "\n" + log_text(s);
  size_t kernels = 0;
  for (const Launch& l : s.launches) kernels += l.parts.size();
  EXPECT_EQ(kernels, backward ? c.backward : 1) << where;
  double inputs = 0;
  for (const Value& v : s.values->values())
    if (v.kind == ValueKind::kLeaf && is_float(g.dtype(v.node)) && g.arg_as<ir::ParamArg>(v.node).index < 3)
      inputs = std::max(inputs, v.elements);
  EXPECT_LE(largest(s), inputs) << where;
  const interp::Bindings bindings = small_bindings(g, roots, 7, c.vars);
  const Values wanted = interp::evaluate(g, roots, bindings);
  EXPECT_EQ(schedule_differs(g, wanted, s, bindings), "") << where;
  // In several blocks of rows, and of columns where few rows fit.
  for (const int64_t onchip : {600, 1000, 3500})
    EXPECT_EQ(schedule_differs(g, wanted, s, bindings, interp::Mode::kExact, RunOn::kLoops, onchip), "")
        << where;
}

std::vector<Case> cases() {
  const auto with = [](auto make) { return [make] { return AttentionOptions{.mask = make()}; }; };
  const auto causal = [] { return AttentionOptions{.causal = true}; };
  const auto at = [](int64_t value) { return Vars{{"N", value}}; };
  const Extent n = dim("N", 0, 24), m = dim("N", 1, 24, 1);
  return {
      {"plain", {2, 2, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}},
      {"one head", {20, 4}, {20, 4}, {20, 4}},
      {"causal", {2, 2, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}, causal},
      {"causal, not a power of two", {1, 2, 37, 5}, {1, 2, 37, 5}, {1, 2, 37, 5}, causal},
      {"another head of values", {2, 20, 4}, {2, 20, 4}, {2, 20, 6}},
      {"as long as the head", {2, 16, 16}, {2, 16, 16}, {2, 16, 16}},
      {"across", {2, 2, 27, 4}, {2, 2, 17, 4}, {2, 2, 17, 4}},
      // And one that sums over the heads of a group.
      {"grouped", {2, 4, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}, causal, f32, {}, 4},
      {"one head of keys for all", {2, 4, 20, 4}, {2, 1, 20, 4}, {2, 1, 20, 4}},
      {"bool mask", {2, 2, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}, with([] {
         return input(4, {20, 20}, boolean);
       })},
      {"mask of a batch", {2, 2, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}, with([] {
         return input(4, {2, 1, 1, 20}, boolean);
       })},
      {"added mask", {2, 2, 20, 4}, {2, 2, 20, 4}, {2, 2, 20, 4}, with([] { return input(4, {20, 20}); })},
      {"nothing may be attended to", {2, 24, 8}, {2, 24, 8}, {2, 24, 8}, with([] {
         return input(4, {24, 1}) < 0;
       })},
      {"bf16", {2, 20, 4}, {2, 20, 4}, {2, 20, 4}, causal, bf16},
      {"f16", {2, 20, 4}, {2, 20, 4}, {2, 20, 4}, [] { return AttentionOptions{}; }, f16},
      {"f64", {2, 20, 4}, {2, 20, 4}, {2, 20, 4}, causal, f64},
      {"symbolic, none", {2, n, 4}, {2, n, 4}, {2, n, 4}, causal, f32, at(0)},
      {"symbolic, one", {2, n, 4}, {2, n, 4}, {2, n, 4}, causal, f32, at(1)},
      {"symbolic", {2, n, 4}, {2, n, 4}, {2, n, 4}, causal, f32, at(23)},
      {"symbolic batch", {m, 24, 4}, {m, 24, 4}, {m, 24, 4}, causal, f32, at(3)},
  };
}

TEST(Attention, IsOneKernel) {
  for (const Case& c : cases()) check(c, false);
}

// One for the rows of the queries, the result among them, and one for those of the keys.
TEST(Attention, WithItsGradientsIsTwo) {
  for (const Case& c : cases()) check(c, true);
}

}  // namespace
}  // namespace anneal::schedule
