// SPDX-License-Identifier: MIT
// A program of ten million nodes in one chain: nothing that goes over a graph may recurse.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

TEST(DeepGraph, IsBuiltPrintedVerifiedWalkedAndCollected) {
  constexpr int64_t kDepth = 10'000'000;
  Graph g;
  {
    const Graph::Scope scope(g);
    const Builder b{g};
    Node x = b.param(0, f32, {});
    const Node one = b.constant_float(1, f32);
    for (int64_t i = 0; i < kDepth; ++i) x = b.add(x, one);
    const std::span<const Node> roots(&x, 1);
    EXPECT_EQ(postorder(g, roots).size(), static_cast<size_t>(kDepth) + 2);
    EXPECT_EQ(verify(g, roots, Stage::kTensor), "");
    const std::string text = print(g, roots);
    EXPECT_EQ(text.substr(text.size() - 16), "\nsink %10000001\n");
    EXPECT_NE(text.find("%10000001 = add %10000000, %1 : f32\n"), std::string::npos);
  }
  EXPECT_EQ(g.collect(), static_cast<size_t>(kDepth) + 2);
  EXPECT_EQ(g.live_nodes(), 0u);
}

}  // namespace
}  // namespace anneal::ir
