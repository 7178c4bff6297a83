// SPDX-License-Identifier: MIT
#include "cpu/plan_contraction.h"

#include "cpu/test_contraction.h"

namespace anneal::cpu {
namespace {

struct PlanTest : ContractionTest {
  std::optional<ContractPlan> plan(Node x, Node y, Node k, Node to, int64_t count) {
    const Node p = b.accumulate(b.mul(x, y), ir::ReduceOp::kAdd, std::span(&k, 1));
    const std::vector<Node> statements{b.store(fresh(f32, count), to, p)};
    return plan_contraction(graph, loop::lower(graph, b.sink(statements)), test_targets()[0], 2);
  }
};

TEST_F(PlanTest, StridesThatWrapRarely) {
  const Node i = range(0, 5000);
  const auto stride = [&](Node index) { return usual_stride(graph, index, i); };
  EXPECT_EQ(stride(i), 1);
  EXPECT_EQ(stride(b.index(3)), 0);
  EXPECT_EQ(stride(b.sub(b.index(3), b.mul(i, b.index(2)))), -2);
  EXPECT_EQ(stride(b.make(Op::FloorMod, {i, b.index(28)})), 1);
  EXPECT_EQ(stride(b.floordiv(i, b.index(28))), 0);
  EXPECT_EQ(stride(b.floordiv(b.mul(i, b.index(6)), b.index(3))), 2);
  EXPECT_EQ(stride(b.make(Op::FloorMod, {i, b.index(3)})), std::nullopt);
  EXPECT_EQ(stride(b.mul(i, i)), std::nullopt);
}

TEST_F(PlanTest, FactorsAreMadeAlongWhatIsContiguous) {
  const int64_t m = 100, n = 90, k = 80;
  for (int which = 0; which < 4; ++which) {
    const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
    next_slot = 0;
    const Node i = range(0, m), j = range(1, n), r = reduce_range(2, k);
    const Node x = b.load(fresh(f32, m * k), ta ? row_major({{r, k}, {i, m}}) : row_major({{i, m}, {r, k}}));
    const Node y = b.load(fresh(f32, k * n), tb ? row_major({{j, n}, {r, k}}) : row_major({{r, k}, {j, n}}));
    const auto p = plan(x, y, r, row_major({{i, m}, {j, n}}), m * n);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->path, ContractPath::kTiles);
    EXPECT_EQ(p->traits.a_along, ta ? Axis::kM : Axis::kK);
    EXPECT_EQ(p->traits.b_along, tb ? Axis::kK : Axis::kN);
  }
}

TEST_F(PlanTest, ThinProductsReadTheLargeFactorAsItLies) {
  const int64_t n = 900, k = 800;
  for (const bool tb : {false, true}) {
    next_slot = 0;
    const Node j = range(1, n), r = reduce_range(2, k);
    const Node y = b.load(fresh(f32, k * n), tb ? row_major({{j, n}, {r, k}}) : row_major({{r, k}, {j, n}}));
    const auto p = plan(b.load(fresh(f32, k), r), y, r, j, n);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->path, tb ? ContractPath::kDot : ContractPath::kAxpy);
  }
}

TEST_F(PlanTest, NoneForASmallProductOrNone) {
  const Node i = range(0, 3), j = range(1, 3), r = reduce_range(2, 3);
  const Node x = b.load(fresh(f32, 9), row_major({{i, 3}, {r, 3}})),
             y = b.load(fresh(f32, 9), row_major({{r, 3}, {j, 3}}));
  EXPECT_FALSE(plan(x, y, r, row_major({{i, 3}, {j, 3}}), 9));
}

}  // namespace
}  // namespace anneal::cpu
