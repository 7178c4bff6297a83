// SPDX-License-Identifier: MIT
// Arithmetic of extents: one node for one polynomial, exact division, three-valued comparisons, limits.
#include "ir/dims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "ir/builder.h"
#include "ir/text.h"

namespace anneal::ir {
namespace {

using testing::HasSubstr;

class Dims : public testing::Test {
 protected:
  Dim add(Dim a, Dim c) { return dim_add(g, a, c); }
  Dim sub(Dim a, Dim c) { return dim_sub(g, a, c); }
  Dim mul(Dim a, Dim c) { return dim_mul(g, a, c); }
  Dim div(Dim a, Dim c) { return dim_floordiv(g, a, c); }
  std::string text(Dim d) { return dim_text(g, d); }
  template <typename F>
  std::string failure(F f) {
    try {
      f();
    } catch (const Error& e) {
      return e.message();
    }
    return "nothing was raised";
  }

  Graph g;
  Graph::Scope scope{g};
  Builder b{g};
  Dim B{b.var("B", 1, 8)}, T{b.var("T", 0, 100)}, M{b.var("M", 0, 64, 16)};
};

TEST_F(Dims, ConstantsStayNumbers) {
  EXPECT_EQ(add(2, 3), Dim(5));
  EXPECT_EQ(sub(2, 3), Dim(-1));
  EXPECT_EQ(mul(4, 3), Dim(12));
  EXPECT_EQ(div(7, 2), Dim(3));
  EXPECT_EQ(div(-7, 2), Dim(-4));
  EXPECT_EQ(div(7, -2), Dim(-4));
  EXPECT_EQ(div(-7, -2), Dim(3));
  EXPECT_EQ(div(6, -1), Dim(-6));
  EXPECT_EQ(dim_product(g, std::vector<Dim>{2, 3, 4}), Dim(24));
  EXPECT_EQ(dim_product(g, {}), Dim(1));
}

TEST_F(Dims, EqualPolynomialsAreOneNode) {
  EXPECT_EQ(mul(mul(B, 4), 2), mul(8, B));
  EXPECT_EQ(sub(add(B, 1), 1), B);
  EXPECT_EQ(add(B, T), add(T, B));
  EXPECT_EQ(mul(B, T), mul(T, B));
  EXPECT_EQ(mul(add(B, 1), add(B, 1)), add(mul(B, B), add(mul(2, B), 1)));
  EXPECT_EQ(mul(sub(B, T), add(B, T)), sub(mul(B, B), mul(T, T)));
  EXPECT_EQ(add(add(B, T), M), add(M, add(T, B)));
  EXPECT_EQ(add(B, B), mul(B, 2));
}

TEST_F(Dims, WhatCancelsBecomesANumber) {
  EXPECT_EQ(sub(B, B), Dim(0));
  EXPECT_EQ(sub(add(mul(B, T), 3), mul(T, B)), Dim(3));
  EXPECT_EQ(mul(B, 0), Dim(0));
  EXPECT_EQ(mul(0, add(B, T)), Dim(0));
}

TEST_F(Dims, ExpressionsMadeByHandAreUnderstood) {
  const Node by_hand = b.add(b.index(2), b.sub(b.mul(b.index(3), B.expr), b.neg(T.expr)));
  EXPECT_EQ(add(Dim(by_hand), 0), add(add(mul(B, 3), T), 2));
  EXPECT_EQ(sub(Dim(b.index(5)), 2), Dim(3));
}

TEST_F(Dims, SharedSumsAreTakenApartOnce) {
  Node x = B.expr;
  for (int i = 0; i < 40; ++i) x = b.add(x, x);
  EXPECT_EQ(add(Dim(x), 0), mul(B, Dim(int64_t{1} << 40)));
}

TEST_F(Dims, ExactDivision) {
  EXPECT_EQ(div(mul(B, 6), 3), mul(B, 2));
  EXPECT_EQ(div(mul(B, T), B), T);
  EXPECT_EQ(div(add(mul(B, T), mul(B, 3)), B), add(T, 3));
  EXPECT_EQ(dim_exact_div(g, mul(mul(B, B), T), mul(B, T)), B);
  EXPECT_EQ(dim_exact_div(g, 12, 4), Dim(3));
  EXPECT_EQ(dim_exact_div(g, 0, B), Dim(0));
  EXPECT_EQ(dim_exact_div(g, 5, -1), Dim(-5));
  EXPECT_FALSE(dim_exact_div(g, 12, 5));
  EXPECT_FALSE(dim_exact_div(g, 12, 0));
  EXPECT_FALSE(dim_exact_div(g, B, T));
  EXPECT_FALSE(dim_exact_div(g, B, 2));
  EXPECT_FALSE(dim_exact_div(g, add(B, 1), B));
}

TEST_F(Dims, DivisionByASum) {
  const Dim variables[] = {B, T, M};
  for (const Dim& x : variables)
    for (const Dim& y : variables)
      for (const Dim& z : variables) {
        const Dim divisor = add(x, mul(x, y));  // whichever order the keys give
        EXPECT_EQ(dim_exact_div(g, mul(divisor, z), divisor), z) << text(divisor) << " * " << text(z);
        const Dim other = add(mul(x, 2), add(y, 1));
        EXPECT_EQ(dim_exact_div(g, mul(other, mul(z, 3)), other), mul(z, 3)) << text(other);
        EXPECT_FALSE(dim_exact_div(g, add(mul(other, z), 1), other)) << text(other);
      }
  EXPECT_EQ(dim_exact_div(g, 0, add(B, 1)), Dim(0));
  EXPECT_EQ(div(add(B, 1), add(B, 1)), Dim(1));
}

TEST_F(Dims, WhatDoesNotDivideStaysADivision) {
  const Dim half = div(add(B, 1), 2);
  EXPECT_EQ(text(half), "floordiv(B + 1, 2)");
  EXPECT_EQ(add(half, half), mul(half, 2));  // an atom like any other
  EXPECT_EQ(dim_min(g, half), 1);
  EXPECT_EQ(dim_max(g, half), 4);
}

TEST_F(Dims, EqualityHasThreeAnswers) {
  EXPECT_EQ(dim_equal(g, B, B), Tri::kTrue);
  EXPECT_EQ(dim_equal(g, mul(B, 2), add(B, B)), Tri::kTrue);
  EXPECT_EQ(dim_equal(g, 3, 3), Tri::kTrue);
  EXPECT_EQ(dim_equal(g, 3, 4), Tri::kFalse);
  EXPECT_EQ(dim_equal(g, B, add(B, 1)), Tri::kFalse);
  EXPECT_EQ(dim_equal(g, B, 9), Tri::kFalse);  // beyond its bounds
  EXPECT_EQ(dim_equal(g, B, 0), Tri::kFalse);
  EXPECT_EQ(dim_equal(g, M, 17), Tri::kFalse);  // M is a multiple of 16
  EXPECT_EQ(dim_equal(g, M, 32), Tri::kUnknown);
  EXPECT_EQ(dim_equal(g, mul(B, 2), add(mul(T, 2), 1)), Tri::kFalse);  // even and odd
  EXPECT_EQ(dim_equal(g, B, T), Tri::kUnknown);
  EXPECT_EQ(dim_equal(g, Dim(b.var("one", 1, 1)), 1), Tri::kTrue);
}

TEST_F(Dims, OrderHasThreeAnswers) {
  EXPECT_EQ(dim_less_equal(g, 2, 2), Tri::kTrue);
  EXPECT_EQ(dim_less_equal(g, 3, 2), Tri::kFalse);
  EXPECT_EQ(dim_less_equal(g, B, 8), Tri::kTrue);
  EXPECT_EQ(dim_less_equal(g, 9, B), Tri::kFalse);
  EXPECT_EQ(dim_less_equal(g, B, 7), Tri::kUnknown);
  EXPECT_EQ(dim_less_equal(g, B, mul(B, 2)), Tri::kTrue);
  EXPECT_EQ(dim_less_equal(g, add(B, 1), B), Tri::kFalse);
  EXPECT_EQ(dim_less_equal(g, T, B), Tri::kUnknown);
}

TEST_F(Dims, BoundsOfExtents) {
  EXPECT_EQ(dim_min(g, 5), 5);
  EXPECT_EQ(dim_max(g, 5), 5);
  EXPECT_EQ(dim_min(g, add(mul(B, 2), T)), 2);
  EXPECT_EQ(dim_max(g, add(mul(B, 2), T)), 116);
  EXPECT_EQ(dim_max(g, mul(B, T)), 800);
  EXPECT_EQ(dim_max(g, Dim(b.var("any", 0, INT64_MAX))), INT64_MAX);
  EXPECT_EQ(dim_max(g, mul(Dim(b.var("any", 0, INT64_MAX)), 2)), INT64_MAX);
}

TEST_F(Dims, TextIsInfix) {
  EXPECT_EQ(text(Dim(4)), "4");
  EXPECT_EQ(text(B), "B");
  EXPECT_EQ(text(mul(B, 2)), "2*B");
  EXPECT_EQ(text(add(mul(B, 2), 1)), "2*B + 1");
  EXPECT_EQ(text(sub(B, 1)), "B - 1");
  EXPECT_EQ(text(Dim(b.add(b.mul(T.expr, b.index(3)), b.mul(B.expr, b.index(-1))))), "3*T - B");
  EXPECT_EQ(text(Dim(b.add(T.expr, b.mul(B.expr, b.index(-2))))), "T - 2*B");
  EXPECT_EQ(text(Dim(b.sub(b.index(9), b.sub(B.expr, T.expr)))), "9 - (B - T)");
  EXPECT_EQ(text(Dim(b.mul(b.add(B.expr, T.expr), b.index(2)))), "2*(B + T)");
}

TEST_F(Dims, WhatDoesNotFit64BitsIsAnError) {
  const Dim big(INT64_MAX), low(INT64_MIN);
  EXPECT_THAT(failure([&] { add(big, 1); }), HasSubstr("error[limit] extent arithmetic overflows 64 bits"));
  EXPECT_THAT(failure([&] { sub(low, 1); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { sub(0, low); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { mul(big, 2); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { mul(mul(B, big), 2); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { add(mul(B, big), B); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { div(low, -1); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { dim_exact_div(g, mul(B, low), -1); }), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(failure([&] { div(B, 0); }), HasSubstr("error[argument] extent divided by zero"));
  EXPECT_EQ(add(sub(big, 1), 1), big);
}

TEST_F(Dims, PolynomialsDoNotGrowWithoutBound) {
  const auto power_of_sum = [&] {
    Dim sum(1);
    for (int i = 0; i < 6; ++i) sum = add(sum, Dim(b.var("v" + std::to_string(i), 1, 4)));
    for (int i = 0; i < 5; ++i) sum = mul(sum, sum);
  };
  EXPECT_THAT(failure(power_of_sum), HasSubstr("error[limit] an extent has more than 256 terms"));
  Node power = B.expr;
  for (int i = 0; i < 30; ++i) power = b.mul(power, power);
  EXPECT_THAT(failure([&] { add(Dim(power), 1); }), HasSubstr("64 factors in one of them"));
}

}  // namespace
}  // namespace anneal::ir
