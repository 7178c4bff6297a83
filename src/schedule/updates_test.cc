// SPDX-License-Identifier: MIT
#include "schedule/updates.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/walk.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Dim;
using ir::Node;

struct UpdatesTest : testing::Test {
  ir::Graph g;
  ir::Graph::Scope scope{g};
  Builder b{g};
  Node in(int64_t number) { return b.param(number, DType::kF32, std::vector<Dim>{Dim(8)}); }
  Node c(double v) { return b.constant_float(v, DType::kF32); }
  std::vector<bool> marks(std::vector<Node> roots, std::vector<int32_t> replaced) {
    return update_nodes(g, ir::postorder(g, roots), roots, replaced);
  }
};

TEST_F(UpdatesTest, WhatContinuesAnInputAndWhatScalesItsGradient) {
  const Node w = in(0), m = in(1), slope = b.mul(in(2), in(3));
  const Node scaled = b.mul(slope, c(0.1)), next_m = b.add(b.mul(m, c(0.9)), scaled);
  const Node next_w = b.sub(w, b.mul(next_m, c(0.01)));
  const std::vector<bool> marked = marks({next_w, next_m}, {0, 1});
  for (Node n : {scaled, next_m, next_w}) EXPECT_TRUE(marked[n.id]);
  for (Node n : {w, m, slope}) EXPECT_FALSE(marked[n.id]);  // inputs; the gradient is the program's
}

TEST_F(UpdatesTest, NotWhatTheProgramNeedsAsWell) {
  const Node w = in(0), scaled = b.mul(in(1), c(0.1)), next = b.sub(w, scaled);
  EXPECT_TRUE(marks({next}, {0})[scaled.id]);
  EXPECT_FALSE(marks({next, scaled}, {0, -1})[scaled.id]);     // a result
  EXPECT_FALSE(marks({next, b.neg(scaled)}, {0})[scaled.id]);  // read by what makes one
  EXPECT_FALSE(marks({next, b.neg(next)}, {0})[next.id]);
  EXPECT_FALSE(marks({next}, {-1})[next.id]);  // replaces nothing
  EXPECT_FALSE(marks({next}, {})[next.id]);
}

TEST_F(UpdatesTest, TwoGradientsAreAddedUpInTheProgram) {
  const Node sum = b.add(b.neg(in(1)), b.neg(in(2))), next = b.sub(in(0), sum);
  const std::vector<bool> marked = marks({next}, {0});
  EXPECT_TRUE(marked[next.id]);
  EXPECT_FALSE(marked[sum.id]);
}

}  // namespace
}  // namespace anneal::schedule
