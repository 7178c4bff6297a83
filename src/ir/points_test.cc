// SPDX-License-Identifier: MIT
//
// Points: the order of enumeration, extents that depend on variables, and single points.
#include "ir/points.h"

#include <gtest/gtest.h>

#include "ir/builder.h"

namespace anneal::ir {
namespace {

TEST(Points, CountsTheLastUnknownFastest) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node i = b.range(2, 0), j = b.range(3, 1);
  const Node flat = b.add(b.mul(i, b.index(3)), j);
  Points points(g, std::span(&flat, 1));
  ASSERT_TRUE(points.ok());
  for (int64_t expected = 0; expected < 6; ++expected) {
    ASSERT_TRUE(points.next());
    EXPECT_EQ(points.value_int(flat), expected);
  }
  EXPECT_FALSE(points.next());
  EXPECT_FALSE(points.next());
}

TEST(Points, ExtentsFollowVariables) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node n = b.var("n", 0, 8, 2);
  const Node i = b.range(Dim(b.floordiv(n, b.index(2))), 0);
  EXPECT_EQ(count_points(g, std::span(&i, 1), 100), 0 + 1 + 2 + 3 + 4);
  EXPECT_EQ(count_points(g, std::span(&i, 1), 3), 4);
}

TEST(Points, AConstantHasOnePoint) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node seven = b.add(b.index(3), b.index(4));
  Points points(g, std::span(&seven, 1));
  EXPECT_TRUE(points.next());
  EXPECT_EQ(points.value_int(seven), 7);
  EXPECT_FALSE(points.next());
}

TEST(Points, OnePointAtATime) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node x = b.param(0, f32, {});
  const Node square = b.mul(x, x);
  Points points(g, std::span(&square, 1));
  points.set(x, Scalar::from_double(1.5, f32));
  points.evaluate();
  EXPECT_EQ(points.value(square).as_double(f32), 2.25);
}

TEST(Points, TensorsHaveNone) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Dim shape[] = {Dim(4)};
  const Node x = b.param(0, f32, shape);
  EXPECT_FALSE(Points(g, std::span(&x, 1)).ok());
}

}  // namespace
}  // namespace anneal::ir
