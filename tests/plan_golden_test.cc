// SPDX-License-Identifier: MIT
// tests/golden/plan/<name>.txt: the plans of a few programs on default capabilities: order, places, what is
// overwritten, what is checked. ANNEAL_BLESS=1 writes what came out instead.
#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "plan/build_plan.h"
#include "plan/print.h"
#include "programs/programs.h"
#include "runtime/canonical.h"
#include "tensor/call.h"
#include "tests/support/test_golden.h"

namespace anneal {
namespace {

// `updates`: pairs of a result and the input that it replaces.
std::string text_of(const std::vector<Tensor>& results,
                    const std::vector<std::pair<Tensor, Tensor>>& updates = {}) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<ir::Node> roots, first;
  std::vector<int32_t> replaced;
  for (const Tensor& t : results) roots.push_back(node_of(t)), replaced.push_back(-1);
  for (const auto& [next, old] : updates) {
    replaced.push_back(static_cast<int32_t>(first.size()));
    roots.push_back(node_of(next));
    first.push_back(node_of(old));
  }
  const runtime::Canonical c = runtime::canonicalize(graph, roots, first);
  return plan::print(
      plan::build_plan(graph, {c.roots, static_cast<uint32_t>(c.leaves.size()), replaced}, {}).plan);
}

std::string training(std::string_view name) {
  const programs::Program p = programs::build_program(programs::find_program(name), {.train = true});
  std::vector<std::pair<Tensor, Tensor>> updates;
  for (size_t i = 0; i < p.updates.size(); ++i)
    updates.emplace_back(p.updates[i], i < p.parameters.size() ? p.parameters[i].value
                                                               : p.state[i - p.parameters.size()].value);
  return text_of({p.results[0].value}, updates);
}

std::string symbolic() {
  const Extent n = dim("n", 1, 64, 2), m = dim("m", 1, 32);
  const Tensor x = input(0, {n, 16}), y = input(1, {m, 32});
  return text_of({softmax(cumsum(cat({x, y.reshape({n, 16})}, 1), 0))});
}

std::string attention() {
  const Tensor q = input(0, {2, 64, 32}), k = input(1, {2, 64, 32}), v = input(2, {2, 64, 32});
  const Tensor y = scaled_dot_product_attention(q, k, v, {.causal = true});
  return text_of(vjp({y}, {input(3, {2, 64, 32})}, {q, k, v}));
}

void expect_golden(const std::string& name, const std::string& found) {
  test::expect_golden("plan/" + name + ".txt", found);
}

TEST(PlanGolden, MlpTraining) { expect_golden("mlp_train", training("mlp")); }
TEST(PlanGolden, Symbolic) { expect_golden("symbolic", symbolic()); }
TEST(PlanGolden, AttentionBackward) { expect_golden("attention_backward", attention()); }

}  // namespace
}  // namespace anneal
