// SPDX-License-Identifier: MIT
// Strides of addresses, before and after simplification.
#include "loop/stride.h"

#include <gtest/gtest.h>

#include "interp/test_kernel.h"

namespace anneal::loop {
namespace {

class Stride : public testing::Test, protected interp::TestKernel {
 protected:
  std::optional<int64_t> of(Node index, Node range) { return stride(graph, index, range); }
};

TEST_F(Stride, OfSums) {
  const Node i = loop(0, 8), j = loop(1, 6), n = b.var("N", 1, 9);
  EXPECT_EQ(of(at(i, 6, j), i), 6);
  EXPECT_EQ(of(at(i, 6, j), j), 1);
  EXPECT_EQ(of(b.sub(b.index(47), at(i, 6, j)), j), -1);
  EXPECT_EQ(of(b.neg(b.mul(b.index(3), i)), i), -3);
  EXPECT_EQ(of(i, j), 0);
  EXPECT_EQ(of(b.mul(i, n), i), std::nullopt);  // N at run time
  EXPECT_EQ(of(b.mul(n, i), n), std::nullopt);
  EXPECT_EQ(of(b.add(n, i), n), 1);
}

TEST_F(Stride, OfWhatSimplifies) {
  const Node i = loop(0, 8), j = loop(1, 6), flat = at(i, 6, j);
  EXPECT_EQ(of(b.floordiv(flat, b.index(6)), i), 1);
  EXPECT_EQ(of(b.floormod(flat, b.index(6)), i), 0);
  EXPECT_EQ(of(b.floormod(flat, b.index(6)), j), 1);
  EXPECT_EQ(of(b.floordiv(flat, b.index(4)), j), std::nullopt);
  const Node chosen = b.where(b.lt(j, b.index(3)), b.add(i, b.index(5)), b.add(i, b.index(9)));
  EXPECT_EQ(of(chosen, i), 1);
  EXPECT_EQ(of(chosen, j), std::nullopt);
}

TEST_F(Stride, OfWhatIsLoaded) {
  const Node i = loop(0, 8), j = loop(1, 6), r = reduce(2, 6);
  const Node row = b.cast(b.load(slot(0, i32, 8), i), DType::kIndex);
  EXPECT_EQ(of(at(row, 6, j), j), 1);
  EXPECT_EQ(of(at(row, 6, j), i), std::nullopt);
  const Node most = greatest(b.add(r, j), r);
  EXPECT_EQ(of(most, r), 0);
  EXPECT_EQ(of(most, j), std::nullopt);
}

}  // namespace
}  // namespace anneal::loop
