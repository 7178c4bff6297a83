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

TEST(Describe, CascadesOfAttention) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const std::vector<Node> roots = ir::parse(g, R"(%0 = param 0, "q" : f32[64,8]
%1 = param 1, "k" : f32[8,64]
%2 = param 2, "v" : f32[64,8]
%3 = reshape %0 : f32[64,8,1]
%4 = expand %3 : f32[64,8,64]
%5 = reshape %1 : f32[1,8,64]
%6 = expand %5 : f32[64,8,64]
%7 = mul %4, %6 : f32[64,8,64]
%8 = reduce %7, op=add, axes=[1] : f32[64,1,64]
%9 = exp %8 : f32[64,1,64]
%10 = reduce %9, op=add, axes=[2] : f32[64,1,1]
%11 = expand %10 : f32[64,1,64]
%12 = div %9, %11 : f32[64,1,64]
%13 = permute %12, perm=[0,2,1] : f32[64,64,1]
%14 = expand %13 : f32[64,64,8]
%15 = reshape %2 : f32[1,64,8]
%16 = expand %15 : f32[64,64,8]
%17 = mul %14, %16 : f32[64,64,8]
%18 = reduce %17, op=add, axes=[1] : f32[64,1,8]
sink %18
)")
                                      .roots;
  const ValueGraph fine(g, roots);
  const ValueGraph values = fine.inlining(choose_inlined(fine, Fuse::kModel));
  EXPECT_EQ(describe_cascades(choose_pairs(values, {})),
            "part 0: v3 v4 made again for v5 v9\n"
            "fused v3 v9: pairs are made where they are used: 0 Mflop again for 0 MB\n")
      << describe_values(values);
  EXPECT_EQ(describe_cascades({}), "no pairs of rows\n");
}

}  // namespace
}  // namespace anneal::schedule
