// SPDX-License-Identifier: MIT
#include "conform/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "interp/arrays.h"

namespace anneal::conform {
namespace {

using ::testing::HasSubstr;

Comparison compare_values(DType got, std::vector<double> a, DType reference, std::vector<double> b) {
  const auto count = static_cast<int64_t>(a.size());
  const auto x = interp::array_from(got, {count}, a),
             y = interp::array_from(reference, {static_cast<int64_t>(b.size())}, b);
  return compare(*x, {"r", y->dtype, y->shape, y->bytes}, kTolerance);
}

TEST(Compare, FloatsByTheNormOfTheWholeTensor) {
  EXPECT_TRUE(compare_values(f32, {100, 0.001}, f32, {100, 0.0005}).ok);  // small beside the rest
  EXPECT_FALSE(compare_values(f32, {1, 2}, f32, {1, 2.001}).ok);
  EXPECT_NEAR(compare_values(f32, {3, 4}, f32, {3, 5}).error, 1 / std::sqrt(34), 1e-6);
  EXPECT_TRUE(compare_values(f32, {0, 1e-12}, f32, {0, 0}).ok);  // a reference of zeros has a tolerance too
  EXPECT_FALSE(compare_values(f32, {0, 1e-9}, f32, {0, 0}).ok);
}

TEST(Compare, NonFiniteElementsInPlace) {
  EXPECT_TRUE(compare_values(f32, {NAN, INFINITY, 1}, f32, {NAN, INFINITY, 1}).ok);
  EXPECT_FALSE(compare_values(f32, {NAN, 1}, f32, {1, NAN}).ok);
  EXPECT_FALSE(compare_values(f32, {INFINITY}, f32, {-INFINITY}).ok);
  EXPECT_FALSE(compare_values(f32, {1}, f32, {INFINITY}).ok);
}

TEST(Compare, IntegersExactlyWhateverTheirType) {
  EXPECT_TRUE(compare_values(i64, {1, -2}, i32, {1, -2}).ok);
  EXPECT_TRUE(compare_values(boolean, {1, 0}, boolean, {1, 0}).ok);
  const Comparison different = compare_values(i32, {1, 2, 3}, i32, {1, 5, 3});
  EXPECT_FALSE(different.ok);
  EXPECT_THAT(different.message, HasSubstr("1 of 3 elements differ"));
  EXPECT_THAT(different.message, HasSubstr("2 at [1], reference 5"));
}

TEST(Compare, TheKindOfElementsBelongsToTheResult) {
  EXPECT_FALSE(compare_values(f32, {1, 0}, i32, {1, 0}).ok);
  EXPECT_THAT(compare_values(f32, {1, 0}, i32, {1, 0}).message, HasSubstr("values of f32, reference i32"));
  EXPECT_FALSE(compare_values(i32, {1, 0}, boolean, {1, 0}).ok);
  EXPECT_FALSE(compare_values(f32, {1, 0}, boolean, {1, 0}).ok);
  // Truth values as integers, and whole numbers in a float, as one_hot is often stored.
  EXPECT_TRUE(compare_values(boolean, {1, 0}, i32, {1, 0}).ok);
  EXPECT_FALSE(compare_values(boolean, {1, 0}, i32, {2, 0}).ok);
  EXPECT_TRUE(compare_values(i64, {1, 0}, f32, {1, 0}).ok);
  EXPECT_TRUE(compare_values(boolean, {1, 0}, f32, {1, 0}).ok);
  EXPECT_FALSE(compare_values(i64, {1, 0}, f32, {1, 1}).ok);
  EXPECT_FALSE(compare_values(i64, {1, 0}, f32, {1, 0.5}).ok);
  EXPECT_FALSE(compare_values(i64, {1, 0}, f32, {1, NAN}).ok);
}

TEST(Compare, NarrowReferencesAreRoundedThemselves) {
  EXPECT_TRUE(compare_values(f32, {1.001}, bf16, {1}).ok);
  EXPECT_FALSE(compare_values(f32, {1.02}, bf16, {1}).ok);
}

TEST(Compare, ShapesFirst) {
  EXPECT_THAT(compare_values(f32, {1, 2}, f32, {1}).message, HasSubstr("shape [2], reference [1]"));
  EXPECT_TRUE(compare_values(f32, {}, f32, {}).ok);
}

}  // namespace
}  // namespace anneal::conform
