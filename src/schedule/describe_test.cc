// SPDX-License-Identifier: MIT
#include "schedule/describe.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace anneal::schedule {
namespace {

TEST(Describe, EveryStageOfASoftmax) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const std::vector<Node> roots = ir::parse(g, R"(%0 = param 0, "x" : f32[4,8]
%1 = exp %0 : f32[4,8]
%2 = reduce %1, op=add, axes=[1] : f32[4,1]
%3 = expand %2 : f32[4,8]
%4 = div %1, %3 : f32[4,8]
sink %4
)")
                                      .roots;
  const Schedule s = make_schedule(g, roots, {}, {.fuse = Fuse::kGreedy});
  EXPECT_EQ(describe_values(*s.values),
            "v0 leaf param f32[4,8]\n"
            "v1 map exp f32[4,8], inlined\n"
            "v2 reduce reduce f32[4,1] of [4,8] over 1: reads v0 in step\n"
            "v3 map div f32[4,8], root: reads v0 in step, v2 in step\n");
  EXPECT_EQ(describe_scopes(*s.values, s.scopes),
            "group 0 row [4,8] over 1: v2 v3*\n"
            "(* is stored)\n"
            "fused v2 v3: the consumer takes it in step\n");
  EXPECT_EQ(describe_order(s.launches), "0 reduce+div: v0 -> v3\n");
  const std::string kernels = describe_kernels(*s.values, s.launches);
  EXPECT_EQ(kernels.find("# reduce+div\n%0 = param "), 0u) << kernels;
  EXPECT_NE(kernels.find("op=add"), std::string::npos) << kernels;
}

}  // namespace
}  // namespace anneal::schedule
