// SPDX-License-Identifier: MIT
#include "pass/shrink.h"

#include <gtest/gtest.h>

#include "ir/random_program.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::pass {
namespace {

using ir::Node;

bool holds(const ir::Graph& g, std::span<const Node> roots, ir::Op op) {
  for (Node n : ir::postorder(g, roots))
    if (g.op(n) == op) return true;
  return false;
}

TEST(Shrink, KeepsOnlyWhatTheFailureNeeds) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const ir::Parsed program = ir::parse(g,
                                       "%0 = param 0 : f32[8,6]\n"
                                       "%1 = param 1 : f32[8,6]\n"
                                       "%2 = mul %0, %1 : f32[8,6]\n"
                                       "%3 = exp %2 : f32[8,6]\n"
                                       "%4 = reduce %3, op=add, axes=[1] : f32[8,1]\n"
                                       "%5 = sqrt %4 : f32[8,1]\n"
                                       "sink %5, %2\n");
  const ShrinkResult r =
      shrink(g, program.roots, [&](std::span<const Node> roots) { return holds(g, roots, ir::Op::Exp); });
  EXPECT_EQ(ir::print(g, r.roots), "%0 = param 0 : f32[1,1]\n%1 = exp %0 : f32[1,1]\nsink %1\n");
}

TEST(Shrink, RandomProgramsShrinkToTheOpAndItsLeaves) {
  int shrunk = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const std::vector<Node> roots = ir::random_program(g, seed);
    if (!holds(g, roots, ir::Op::Where)) continue;
    ++shrunk;
    const ShrinkResult r =
        shrink(g, roots, [&](std::span<const Node> now) { return holds(g, now, ir::Op::Where); });
    EXPECT_TRUE(holds(g, r.roots, ir::Op::Where));
    EXPECT_LE(ir::postorder(g, r.roots).size(), 4u) << ir::print(g, r.roots);
  }
  EXPECT_GT(shrunk, 3);
}

}  // namespace
}  // namespace anneal::pass
