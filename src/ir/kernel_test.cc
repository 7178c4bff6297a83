// SPDX-License-Identifier: MIT
#include "ir/kernel.h"

#include <gtest/gtest.h>

#include "ir/builder.h"

namespace anneal::ir {
namespace {

TEST(KernelRanges, AreFreeUntilTheyAreBound) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Dim four(4), sixteen(16);
  const Node i = b.range(four, 5), k = b.range(four, 2, AxisKind::kReduce), j = b.range(four, 9);
  const Node x = b.load(b.param(0, f32, std::span(&sixteen, 1)), b.add(b.mul(i, b.index(4)), k));
  const Node sum = b.accumulate(x, ReduceOp::kAdd, std::span(&k, 1));
  const Node scan = b.scan_store(b.param(1, f32, std::span(&sixteen, 1)), b.add(b.mul(i, b.index(4)), j), sum,
                                 j, ReduceOp::kAdd, false);
  const Node sink = b.sink(std::span(&scan, 1));
  const Kernel kernel(g, std::span(&sink, 1));
  EXPECT_EQ(kernel.error(), "");
  ASSERT_EQ(kernel.ranges().size(), 3u);
  EXPECT_EQ(kernel.ranges()[0], k);  // by id
  EXPECT_EQ(kernel.free(x), (RangeSet{0, 1}));
  EXPECT_EQ(kernel.free(sum), (RangeSet{1}));
  EXPECT_EQ(kernel.bound(sum), (RangeSet{0}));
  EXPECT_EQ(kernel.free(scan), (RangeSet{1}));
  EXPECT_EQ(kernel.bound(scan), (RangeSet{2}));
  EXPECT_EQ(first_bound_source(g, scan), 3u);
  EXPECT_EQ(first_bound_source(g, x), 2u);
}

TEST(KernelRanges, AreSets) {
  EXPECT_EQ(united({1, 4}, {2, 4}), (RangeSet{1, 2, 4}));
  EXPECT_EQ(without({1, 2, 4}, {2, 3}), (RangeSet{1, 4}));
  EXPECT_TRUE(includes({1, 2, 4}, {1, 4}));
  EXPECT_FALSE(includes({1, 4}, {2}));
  EXPECT_TRUE(contains({1, 4}, 4));
}

}  // namespace
}  // namespace anneal::ir
