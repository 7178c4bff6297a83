// SPDX-License-Identifier: MIT
#include "plan/in_place.h"

#include "interp/test_kernel.h"

namespace anneal::plan {
namespace {

class InPlace : public testing::Test, protected interp::TestKernel {
 protected:
  bool one_to_one(const std::vector<Node>& statements) {
    EXPECT_EQ(ir::verify(graph, statements, ir::Stage::kKernel), "");
    return maps_one_to_one(graph, b.sink(statements), 0, 1);
  }
};

TEST_F(InPlace, WhereTheLoadIsTheStore) {
  const Node i = loop(0, 12), j = reduce(1, 4), in = slot(0, f32, 12), out = slot(1, f32, 12);
  const Node x = b.load(in, i);
  EXPECT_TRUE(one_to_one({b.store(out, i, unary(Op::Exp, x))}));
  EXPECT_TRUE(one_to_one({b.store(out, i, x), b.store(slot(2, f32, 12), i, b.neg(x))}));
  EXPECT_FALSE(one_to_one({b.store(out, i, b.load(in, b.sub(b.index(11), i)))}));
  EXPECT_FALSE(
      one_to_one({b.store(out, i, x), b.store(slot(2, f32, 12), loop(2, 12), b.load(in, loop(2, 12)))}));
  EXPECT_TRUE(one_to_one({b.store(out, i, sum(b.mul(x, b.load(slot(2, f32, 48), at(i, 4, j))), j))}));
}

TEST_F(InPlace, WhereOnlyScattersFollow) {
  const Node i = loop(0, 12), j = loop(1, 3), in = slot(0, f32, 12), out = slot(1, f32, 12),
             places = slot(2, i64, 3), updates = slot(3, f32, 3);
  const Node copy = b.store(out, i, b.load(in, i)), place = b.cast(b.load(places, j), DType::kIndex);
  const auto scattered = [&](Node value) {
    return b.scatter_store(out, place, value, b.lt(place, b.index(12)), std::span(&j, 1),
                           ir::ScatterMode::kSet);
  };
  EXPECT_TRUE(one_to_one({copy, scattered(b.load(updates, j))}));
  EXPECT_FALSE(one_to_one({copy, scattered(b.load(in, j))}));  // which may have been written by then
  EXPECT_FALSE(one_to_one({scattered(b.load(updates, j)), copy}));
}

// The result of one row may be stored before another phase loads for it.
TEST_F(InPlace, NotInPhases) {
  const Node i = loop(0, 12), j = reduce(1, 4), k = reduce(2, 3), in = slot(0, f32, 12),
             out = slot(1, f32, 12);
  const Node product = b.mul(b.load(slot(2, f32, 36), at(i, 3, k)), b.load(slot(3, f32, 12), at(j, 3, k)));
  EXPECT_FALSE(one_to_one({b.store(out, i, b.mul(sum(sum(product, k), j), b.load(in, i)))}));
}

}  // namespace
}  // namespace anneal::plan
