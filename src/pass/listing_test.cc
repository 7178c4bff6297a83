// SPDX-License-Identifier: MIT
#include "pass/listing.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace anneal::pass {
namespace {

TEST(Listing, SourcesAreNumbersOfTheText) {
  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  const ir::Parsed parsed = ir::parse(graph,
                                      "%0 = param 0, \"x\" : f32[2,3]\n"
                                      "%1 = reduce %0, op=add, axes=[1] : f32[2,1]\n"
                                      "%2 = neg %1 : f32[2,1]\nsink %2, %0\n");
  ASSERT_EQ(parsed.error, "");
  const std::vector<ListedNode> rows = list_nodes(graph, parsed.roots);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].op, "param");
  EXPECT_EQ(rows[0].argument, "0, \"x\"");
  EXPECT_EQ(rows[1].sources, std::vector<size_t>{0});
  EXPECT_EQ(rows[1].argument, "op=add, axes=[1]");
  EXPECT_EQ(rows[1].shape, "[2,1]");
  EXPECT_EQ(rows[2].sources, std::vector<size_t>{1});
  EXPECT_EQ(rows[2].dtype, "f32");
  EXPECT_EQ(rows[2].phase, "forward");
}

}  // namespace
}  // namespace anneal::pass
