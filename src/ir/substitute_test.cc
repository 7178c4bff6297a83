// SPDX-License-Identifier: MIT
#include "ir/substitute.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace anneal::ir {
namespace {

constexpr std::string_view kProgram =
    "%0 = param 0 : f32[4,6]\n"
    "%1 = exp %0 : f32[4,6]\n"
    "%2 = reduce %1, op=add, axes=[1] : f32[4,1]\n"
    "%3 = expand %2 : f32[4,6]\n"
    "%4 = div %1, %3 : f32[4,6]\n"
    "sink %4\n";

struct SubstituteTest : ::testing::Test {
  Graph g;
  Graph::Scope scope{g};
  std::vector<Node> roots = parse(g, kProgram).roots;
};

TEST_F(SubstituteTest, NothingToDoGivesTheSameNodes) { EXPECT_EQ(substitute(g, roots, {}), roots); }

TEST_F(SubstituteTest, ANodeIsReplacedEverywhere) {
  const Node exp = g.source(roots[0], 0), param = g.source(exp, 0);
  const auto changed = substitute(g, roots, {.nodes = {{exp, param}}, .extents = {}});
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(print(g, *changed),
            "%0 = param 0 : f32[4,6]\n"
            "%1 = reduce %0, op=add, axes=[1] : f32[4,1]\n"
            "%2 = expand %1 : f32[4,6]\n"
            "%3 = div %0, %2 : f32[4,6]\n"
            "sink %3\n");
}

TEST_F(SubstituteTest, ExtentsShrinkInEveryShape) {
  const auto changed = substitute(g, roots, {.nodes = {}, .extents = {{6, 2}}});
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(type_text(g, (*changed)[0]), "f32[4,2]");
}

TEST_F(SubstituteTest, AnIllTypedResultIsRefused) {
  const Node exp = g.source(roots[0], 0);
  const Parsed other = parse(g, "%0 = param 1 : i32[4,6]\nsink %0\n");
  EXPECT_FALSE(substitute(g, roots, {.nodes = {{exp, other.roots[0]}}, .extents = {}}).has_value());
}

}  // namespace
}  // namespace anneal::ir
