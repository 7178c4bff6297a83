// SPDX-License-Identifier: MIT
// What is made of values of which a part is needed, and random programs that cut: narrowed or not, they give
// the same bits on the interpreter. ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from where.
#include "schedule/demand.h"

#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "interp/test_bindings.h"
#include "ir/random_program.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "schedule/test_program.h"
#include "tensor/call.h"
#include "tests/support/test_random.h"

namespace anneal::schedule {
namespace {

// Elements of all nodes that the results reach, after narrowing.
double elements(const Tensor& t) {
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const ir::Node root = node_of(t);
  double out = 0;
  for (const ir::Node n : ir::postorder(g, narrow_to_demand(g, std::span(&root, 1))))
    if (!ir::has_flag(g.op(n), ir::kLeaf)) {
      double size = 1;
      for (const ir::Dim& d : g.shape(n)) size *= static_cast<double>(d.value);
      out += size;
    }
  return out;
}

Tensor in(int64_t n, const Sizes& sizes) { return input(n, sizes); }

TEST(Demand, APartIsMadeOfAPart) {
  const Tensor x = in(0, {64, 32}), w = in(1, {32, 48});
  EXPECT_LT(elements(narrow(exp(x), 0, 5, 2)), 200);
  EXPECT_LT(elements(narrow(matmul(exp(x), w), 0, 63, 1)), 7000);
  EXPECT_LT(elements(narrow(permute(tanh(x), {1, 0}), 1, 3, 4)), 600);
  EXPECT_LT(elements(narrow(flip(tanh(x), {0}), 0, 3, 1)), 200);
  EXPECT_LT(elements(narrow(reshape(tanh(x), {64, 4, 8}), 0, 3, 1)), 200);
  EXPECT_LT(elements(narrow(softmax(x), 0, 3, 1)), 400);
  EXPECT_LT(elements(narrow(pad(tanh(x), {{2, 2}, {0, 0}}), 0, 3, 1)), 200);
}

TEST(Demand, WhatIsNeededWholeStaysWhole) {
  const Tensor x = tanh(in(0, {64, 32}));
  const Tensor both = narrow(x, 0, 0, 1) + sum(x);
  EXPECT_GT(elements(both), 64 * 32);
  EXPECT_GT(elements(narrow(cumsum(x, 0), 0, 0, 1)), 2 * 64 * 32);
  EXPECT_GT(elements(narrow(x, 0, 0, 40)), 64 * 32) << "more than half";
  EXPECT_GT(elements(narrow(reshape(x, {2048}), 0, 0, 10)), 64 * 32) << "rows and columns are joined";
}

TEST(Demand, ASymbolicPlaceIsFollowed) {
  const Extent n = dim("n", 1, 1000);
  const Tensor x = in(0, {n, 32}), w = in(1, {32, 48});
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  const ir::Node root = node_of(narrow(matmul(x, w), 0, n - 1, 1));
  for (const ir::Node m : ir::postorder(g, narrow_to_demand(g, std::span(&root, 1))))
    if (g.op(m) == ir::Op::Reduce) {
      EXPECT_TRUE(g.shape(m)[0].is(1)) << ir::type_text(g, m);
    }
}

TEST(DemandFuzz, NarrowedProgramsGiveTheSame) {
  size_t narrowed = 0;
  for (const uint64_t seed : test::seeds(0.2)) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const std::vector<ir::Node> roots = ir::random_program(g, seed, {.symbolic = seed % 4 == 0});
    const std::vector<ir::Node> now = narrow_to_demand(g, roots);
    if (std::equal(now.begin(), now.end(), roots.begin())) continue;
    ++narrowed;
    interp::Bindings bindings =
        small_bindings(g, roots, seed, {{"N", static_cast<int64_t>(1 + seed / 4 % 4)}});
    bindings.vars = {{"N", static_cast<int64_t>(1 + seed / 4 % 4)}};
    const Values wanted = interp::evaluate(g, roots, bindings), got = interp::evaluate(g, now, bindings);
    for (size_t i = 0; i < wanted.size(); ++i)
      ASSERT_EQ(wanted[i]->bytes, got[i]->bytes) << "ANNEAL_FUZZ_SEED=" << seed << "\n"
                                                 << ir::print(g, roots);
  }
  EXPECT_GT(narrowed, 0u);
}

}  // namespace
}  // namespace anneal::schedule
