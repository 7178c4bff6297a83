// SPDX-License-Identifier: MIT
// Scalar: conversions from and to numbers for every element type, with one rounding, wrapping and saturation.
#include "ir/node.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace anneal::ir {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

double rounded(double v, DType t) { return Scalar::from_double(v, t).as_double(t); }
int64_t truncated(double v, DType t) { return Scalar::from_double(v, t).as_int(t); }
int64_t wrapped(int64_t v, DType t) { return Scalar::from_int(v, t).as_int(t); }
double float_of(int64_t v, DType t) { return Scalar::from_int(v, t).as_double(t); }

TEST(Scalar, FloatsRoundToNearestEven) {
  EXPECT_EQ(rounded(0.1, f64), 0.1);
  EXPECT_EQ(rounded(0.1, f32), static_cast<double>(0.1f));
  EXPECT_EQ(rounded(0x1.000001p0, f32), 1);  // a tie goes to the even side
  EXPECT_EQ(rounded(0x1.000003p0, f32), 0x1.000004p0);
  EXPECT_EQ(rounded(0x1.0000010000001p0, f32), 0x1.000002p0);  // just above the tie
  EXPECT_EQ(rounded(2049, f16), 2048);
  EXPECT_EQ(rounded(2051, f16), 2052);
  EXPECT_EQ(rounded(2049.0000001, f16), 2050);  // rounding through f32 would give 2048
  EXPECT_EQ(rounded(257, bf16), 256);
  EXPECT_EQ(rounded(259, bf16), 260);
  EXPECT_EQ(rounded(257.00000001, bf16), 258);
  EXPECT_EQ(rounded(17, f8e4m3), 16);
  EXPECT_EQ(rounded(19, f8e4m3), 20);
  EXPECT_EQ(rounded(9, f8e5m2), 8);
  EXPECT_EQ(rounded(11, f8e5m2), 12);
}

TEST(Scalar, FloatsBeyondTheRangeBecomeInfiniteOrNan) {
  EXPECT_EQ(rounded(1e39, f32), kInfinite);
  EXPECT_EQ(rounded(-1e39, f32), -kInfinite);
  EXPECT_EQ(rounded(65519, f16), 65504);
  EXPECT_EQ(rounded(65520, f16), kInfinite);
  EXPECT_EQ(rounded(3.4e38, bf16), kInfinite);
  EXPECT_EQ(rounded(464, f8e4m3), 448);
  EXPECT_TRUE(std::isnan(rounded(465, f8e4m3)));  // it has no infinity
  EXPECT_TRUE(std::isnan(rounded(kInfinite, f8e4m3)));
  EXPECT_EQ(rounded(61440, f8e5m2), kInfinite);
  EXPECT_EQ(rounded(61439, f8e5m2), 57344);
}

TEST(Scalar, SubnormalsAndSignedZeros) {
  EXPECT_EQ(rounded(0x1p-24, f16), 0x1p-24);
  EXPECT_EQ(rounded(0x1p-25, f16), 0);
  EXPECT_EQ(rounded(0x1p-149, f32), 0x1p-149);
  EXPECT_EQ(rounded(0x1p-9, f8e4m3), 0x1p-9);
  EXPECT_EQ(rounded(0x1p-16, f8e5m2), 0x1p-16);
  for (DType t : {f8e4m3, f8e5m2, f16, bf16, f32, f64}) {
    EXPECT_TRUE(std::signbit(rounded(-0.0, t))) << dtype_name(t);
    EXPECT_NE(Scalar::from_double(-0.0, t), Scalar::from_double(0.0, t)) << dtype_name(t);
  }
}

TEST(Scalar, NanHasOneForm) {
  const double payload = std::bit_cast<double>(uint64_t{0xfff8000000000123});
  for (DType t : {f8e4m3, f8e5m2, f16, bf16, f32, f64}) {
    EXPECT_TRUE(std::isnan(rounded(std::nan(""), t))) << dtype_name(t);
    EXPECT_EQ(Scalar::from_double(payload, t), Scalar::from_double(std::nan(""), t)) << dtype_name(t);
    EXPECT_EQ(Scalar::from_double(std::nan(""), t).as_int(t), 0) << dtype_name(t);
  }
}

TEST(Scalar, FloatsToIntegersTruncateAndSaturate) {
  EXPECT_EQ(truncated(-1.9, i32), -1);
  EXPECT_EQ(truncated(1.9, u8), 1);
  EXPECT_EQ(truncated(-0.9, u8), 0);
  EXPECT_EQ(truncated(300, u8), 255);
  EXPECT_EQ(truncated(-1, u8), 0);
  EXPECT_EQ(truncated(128, i8), 127);
  EXPECT_EQ(truncated(-129, i8), -128);
  EXPECT_EQ(truncated(1e10, i16), 32767);
  EXPECT_EQ(truncated(1e10, u16), 65535);
  EXPECT_EQ(truncated(1e10, u32), int64_t{4294967295});
  EXPECT_EQ(truncated(2147483647.9, i32), 2147483647);
  EXPECT_EQ(truncated(1e19, i64), INT64_MAX);
  EXPECT_EQ(truncated(-1e19, i64), INT64_MIN);
  EXPECT_EQ(truncated(0x1p63, i64), INT64_MAX);
  EXPECT_EQ(truncated(-0x1p63, DType::kIndex), INT64_MIN);
  EXPECT_EQ(Scalar::from_double(1e20, u64).bits, UINT64_MAX);
  EXPECT_EQ(Scalar::from_double(0x1p63, u64).bits, uint64_t{1} << 63);
  for (DType t : {i8, i64, u8, u64, DType::kIndex}) EXPECT_EQ(truncated(std::nan(""), t), 0) << dtype_name(t);
  EXPECT_EQ(Scalar::from_double(kInfinite, f32).as_int(f32), INT64_MAX);
  EXPECT_EQ(Scalar::from_double(-kInfinite, f32).as_int(f32), INT64_MIN);
}

TEST(Scalar, IntegersToNarrowerIntegersWrap) {
  EXPECT_EQ(wrapped(300, u8), 44);
  EXPECT_EQ(wrapped(-1, u8), 255);
  EXPECT_EQ(wrapped(200, i8), -56);
  EXPECT_EQ(wrapped(-129, i8), 127);
  EXPECT_EQ(wrapped(40000, i16), -25536);
  EXPECT_EQ(wrapped(-1, u16), 65535);
  EXPECT_EQ(wrapped(int64_t{1} << 31, i32), INT32_MIN);
  EXPECT_EQ(wrapped(-1, u32), int64_t{4294967295});
  EXPECT_EQ(wrapped(INT64_MIN, i64), INT64_MIN);
  EXPECT_EQ(Scalar::from_int(-1, u64).bits, UINT64_MAX);
  EXPECT_EQ(Scalar::from_int(-1, u64).as_double(u64), 0x1p64);
  EXPECT_EQ(wrapped(INT64_MAX, DType::kIndex), INT64_MAX);
}

TEST(Scalar, AnythingToBoolIsNotZero) {
  EXPECT_EQ(wrapped(2, boolean), 1);
  EXPECT_EQ(wrapped(256, boolean), 1);
  EXPECT_EQ(wrapped(0, boolean), 0);
  EXPECT_EQ(truncated(0.5, boolean), 1);
  EXPECT_EQ(truncated(-0.0, boolean), 0);
  EXPECT_EQ(truncated(std::nan(""), boolean), 1);
}

TEST(Scalar, IntegersToFloatsRoundOnce) {
  EXPECT_EQ(float_of(16777217, f32), 16777216);
  EXPECT_EQ(float_of(16777219, f32), 16777220);
  // 2^53 + 2^29 + 1: going through f64 drops the 1, which leaves a tie.
  EXPECT_EQ(float_of((int64_t{1} << 53) + (int64_t{1} << 29) + 1, f32), 0x1.000002p53);
  EXPECT_EQ(float_of(-(int64_t{1} << 53) - (int64_t{1} << 29) - 1, f32), -0x1.000002p53);
  EXPECT_EQ(float_of(INT64_MAX, f64), 0x1p63);
  EXPECT_EQ(float_of(INT64_MIN, f64), -0x1p63);
  EXPECT_EQ(float_of(70000, f16), kInfinite);
  EXPECT_EQ(float_of(-3, f16), -3);
  // 2^62 + 2^54 is a tie in bf16 (8 bits); one more lies above it, one less below.
  const int64_t tie = (int64_t{1} << 62) + (int64_t{1} << 54);
  EXPECT_EQ(float_of(tie, bf16), 0x1p62);
  EXPECT_EQ(float_of(tie + 1, bf16), 0x1p62 + 0x1p55);
  EXPECT_EQ(float_of(tie - 1, bf16), 0x1p62);
  EXPECT_EQ(float_of(-tie - 1, bf16), -0x1p62 - 0x1p55);
  EXPECT_EQ(float_of(-tie + 1, bf16), -0x1p62);
}

TEST(Scalar, EveryNarrowFloatIsHeldExactly) {
  for (DType t : {f8e4m3, f8e5m2, f16, bf16}) {
    int finite = 0;
    for (int64_t k = -2048; k <= 2048; ++k) {
      const double v = rounded(static_cast<double>(k) * 0.37, t);
      if (std::isnan(v)) continue;
      EXPECT_EQ(rounded(v, t), v) << dtype_name(t) << ' ' << v;
      ++finite;
    }
    EXPECT_GT(finite, 2000) << dtype_name(t);
  }
}

TEST(Dim, ConstantsAndExpressionsDiffer) {
  EXPECT_TRUE(Dim(3).is(3));
  EXPECT_TRUE(Dim(3) == Dim(3));
  EXPECT_FALSE(Dim(3) == Dim(4));
  const Dim expression(Node{7});
  EXPECT_FALSE(expression.is_const());
  EXPECT_FALSE(expression.is(0));
  EXPECT_FALSE(expression == Dim(0));
}

}  // namespace
}  // namespace anneal::ir
