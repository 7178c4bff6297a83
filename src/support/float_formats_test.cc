// SPDX-License-Identifier: MIT
//
// The narrow float formats against an independent model: values are spelled out with ldexp, and every
// rounding boundary (midpoint of two neighbours, and one ulp of the source type to either side) is visited,
// for every format, sign and source type. The per-element fast paths are compared with the generic
// definition.
#include "support/float_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace anneal::support {
namespace {

static_assert(f16_from_f32(1.0f) == 0x3c00 && f16_to_f32(0x3c00) == 1.0f);
static_assert(f16_from_f32(0x1p-24f) == 0x0001 && f16_to_f32(0x0001) == 0x1p-24f);
static_assert(bf16_from_f32(-1.0f) == 0xbf80 && bf16_to_f32(0xbf80) == -1.0f);

struct Case {
  const char* name;
  FloatFormat format;
  uint32_t largest;    // encoding of the largest finite value
  uint32_t nonfinite;  // what overflow gives
  double largest_value;
  double first_overflow_tie;  // midway between the largest value and the one that would follow
  uint32_t tie_result;
  uint16_t (*from_f64)(double);
  uint16_t (*from_f32)(float);
  float (*to_f32)(uint16_t);
};

const Case kCases[] = {
    {"f16", kF16Format, 0x7bff, 0x7c00, 65504.0, 65520.0, 0x7c00,  //
     f16_from_f64, f16_from_f32, f16_to_f32},
    {"bf16", kBf16Format, 0x7f7f, 0x7f80, 0x1.fep127, 0x1.ffp127, 0x7f80,  //
     bf16_from_f64, bf16_from_f32, bf16_to_f32},
    {"e4m3", kE4m3Format, 0x7e, 0x7f, 448.0, 464.0, 0x7e,  //
     [](double v) -> uint16_t { return e4m3_from_f64(v); },
     [](float v) -> uint16_t { return e4m3_from_f32(v); },
     [](uint16_t e) { return e4m3_to_f32(static_cast<uint8_t>(e)); }},
    {"e5m2", kE5m2Format, 0x7b, 0x7c, 57344.0, 61440.0, 0x7c,  //
     [](double v) -> uint16_t { return e5m2_from_f64(v); },
     [](float v) -> uint16_t { return e5m2_from_f32(v); },
     [](uint16_t e) { return e5m2_to_f32(static_cast<uint8_t>(e)); }},
};

// The value of a magnitude encoding, by the textbook formula. One past the largest finite encoding it gives
// the value that the next exponent step would have.
double model_value(const FloatFormat& format, uint32_t magnitude) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(magnitude >> format.mantissa_bits);
  const uint32_t fraction = magnitude & ((1u << format.mantissa_bits) - 1);
  if (exponent == 0) return std::ldexp(fraction, 1 - bias - format.mantissa_bits);
  return std::ldexp(fraction + (1u << format.mantissa_bits), exponent - bias - format.mantissa_bits);
}

uint32_t sign_bit(const FloatFormat& format) { return 1u << (format.exponent_bits + format.mantissa_bits); }

// Checks `value` and `-value`, from f64, and from f32 where f32 can hold them.
void expect_encoding(const Case& c, double value, uint32_t expected) {
  const uint32_t sign = sign_bit(c.format);
  ASSERT_EQ(c.from_f64(value), expected) << c.name << " from f64 " << value;
  ASSERT_EQ(c.from_f64(-value), expected | sign) << c.name << " from f64 " << -value;
  ASSERT_EQ(encode_float(c.format, value), expected) << c.name << " generic " << value;
  const float narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return;
  ASSERT_EQ(c.from_f32(narrow), expected) << c.name << " from f32 " << value;
  ASSERT_EQ(c.from_f32(-narrow), expected | sign) << c.name << " from f32 " << -value;
}

TEST(FloatFormats, EveryEncodingHasItsValueAndComesBack) {
  for (const Case& c : kCases) {
    const uint32_t sign = sign_bit(c.format);
    const uint32_t quiet_bit = 1u << (c.format.mantissa_bits - 1);
    for (uint32_t encoding = 0; encoding < 2 * sign; ++encoding) {
      const uint32_t magnitude = encoding & ~sign;
      const bool negative = (encoding & sign) != 0;
      const float value = c.to_f32(static_cast<uint16_t>(encoding));
      const float generic = decode_float(c.format, static_cast<uint16_t>(encoding));
      ASSERT_EQ(std::bit_cast<uint32_t>(generic), std::bit_cast<uint32_t>(value))
          << c.name << " " << encoding;
      ASSERT_EQ(std::signbit(value), negative) << c.name << " " << encoding;
      uint32_t expected = encoding;
      if (magnitude <= c.largest) {
        ASSERT_EQ(std::fabs(static_cast<double>(value)), model_value(c.format, magnitude)) << c.name;
      } else if (c.format.has_infinity && magnitude == c.nonfinite) {
        ASSERT_TRUE(std::isinf(value)) << c.name << " " << encoding;
      } else {
        ASSERT_TRUE(std::isnan(value)) << c.name << " " << encoding;
        ASSERT_NE(std::bit_cast<uint32_t>(value) & 0x00400000u, 0u)
            << c.name << " NaN is not quiet: " << encoding;
        if (c.format.has_infinity) expected |= quiet_bit;
      }
      ASSERT_EQ(c.from_f32(value), expected) << c.name << " " << encoding;
      ASSERT_EQ(c.from_f64(static_cast<double>(value)), expected) << c.name << " " << encoding;
    }
    EXPECT_EQ(model_value(c.format, c.largest), c.largest_value) << c.name;
  }
}

TEST(FloatFormats, EveryMidpointGoesToEvenAndItsNeighboursToTheNearest) {
  constexpr double kUp = std::numeric_limits<double>::infinity();
  constexpr float kUpF = std::numeric_limits<float>::infinity();
  for (const Case& c : kCases) {
    for (uint32_t below = 0; below <= c.largest; ++below) {
      const uint32_t above = below + 1;  // c.nonfinite after the largest
      const uint32_t even = below % 2 == 0 ? below : above;
      const double middle = (model_value(c.format, below) + model_value(c.format, above)) / 2;
      expect_encoding(c, model_value(c.format, below), below);
      expect_encoding(c, middle, even);
      expect_encoding(c, std::nextafter(middle, 0.0), below);
      expect_encoding(c, std::nextafter(middle, kUp), above);
      const float narrow_middle = static_cast<float>(middle);
      ASSERT_EQ(static_cast<double>(narrow_middle), middle) << c.name;
      expect_encoding(c, static_cast<double>(std::nextafter(narrow_middle, 0.0f)), below);
      const float narrow_above = std::nextafter(narrow_middle, kUpF);
      if (std::isfinite(narrow_above)) expect_encoding(c, static_cast<double>(narrow_above), above);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(FloatFormats, OverflowThresholds) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Case& c : kCases) {
    expect_encoding(c, c.largest_value, c.largest);
    expect_encoding(c, std::nextafter(c.first_overflow_tie, 0.0), c.largest);
    expect_encoding(c, c.first_overflow_tie, c.tie_result);
    expect_encoding(c, std::nextafter(c.first_overflow_tie, kInfinity), c.nonfinite);
    expect_encoding(c, static_cast<double>(std::numeric_limits<float>::max()), c.nonfinite);
    expect_encoding(c, std::numeric_limits<double>::max(), c.nonfinite);
    expect_encoding(c, kInfinity, c.nonfinite);
  }
}

TEST(FloatFormats, ZerosAndTinyValuesKeepTheirSign) {
  for (const Case& c : kCases) {
    const double smallest = model_value(c.format, 1);
    expect_encoding(c, 0.0, 0);
    expect_encoding(c, std::numeric_limits<double>::denorm_min(), 0);
    expect_encoding(c, std::numeric_limits<double>::min(), 0);
    expect_encoding(c, static_cast<double>(std::numeric_limits<float>::denorm_min()), 0);
    expect_encoding(c, smallest / 4, 0);
    expect_encoding(c, smallest / 2, 0);
    expect_encoding(c, smallest, 1);
    expect_encoding(c, smallest * 1.5, 2);
  }
}

TEST(FloatFormats, NanStaysNanForEveryPayloadBit) {
  for (const Case& c : kCases) {
    const uint32_t sign = sign_bit(c.format);
    const uint32_t quiet_bit = c.format.has_infinity ? 1u << (c.format.mantissa_bits - 1) : 0;
    for (int bit = 0; bit < 52; ++bit) {
      for (uint64_t negative = 0; negative < 2; ++negative) {
        const uint64_t bits = (negative << 63) | (uint64_t{0x7ff} << 52) | (uint64_t{1} << bit);
        const uint32_t encoding = c.from_f64(std::bit_cast<double>(bits));
        EXPECT_TRUE(std::isnan(c.to_f32(static_cast<uint16_t>(encoding)))) << c.name << " bit " << bit;
        EXPECT_EQ(encoding & quiet_bit, quiet_bit) << c.name << " bit " << bit;
        EXPECT_EQ((encoding & sign) != 0, negative != 0) << c.name << " bit " << bit;
        if (bit >= 23) continue;
        const uint32_t narrow_bits = (static_cast<uint32_t>(negative) << 31) | 0x7f800000u | (1u << bit);
        const uint32_t narrow = c.from_f32(std::bit_cast<float>(narrow_bits));
        EXPECT_TRUE(std::isnan(c.to_f32(static_cast<uint16_t>(narrow)))) << c.name << " bit " << bit;
        EXPECT_EQ(narrow & quiet_bit, quiet_bit) << c.name << " bit " << bit;
        EXPECT_EQ((narrow & sign) != 0, negative != 0) << c.name << " bit " << bit;
      }
    }
  }
}

// Rounding f64 -> f32 -> narrow would give the even neighbour here: the f32 step lands exactly on a midpoint.
TEST(FloatFormats, F64IsRoundedOnce) {
  for (const Case& c : kCases) {
    const int last_bit = c.format.mantissa_bits;
    const double just_above_the_tie = 1.0 + std::ldexp(1.0, -last_bit - 1) + 0x1p-40;
    const uint32_t one = c.from_f64(1.0);
    EXPECT_EQ(c.from_f64(just_above_the_tie), one + 1) << c.name;
    EXPECT_EQ(c.from_f32(static_cast<float>(just_above_the_tie)), one) << c.name;
  }
}

// A step coprime to 2^32 visits all exponents and both signs with varied mantissas.
TEST(FloatFormats, FastPathsAgreeWithTheDefinitionOnASweepOfF32) {
  constexpr uint32_t kStep = 4099;
  constexpr uint32_t kSamples = (uint64_t{1} << 32) / kStep;
  for (uint32_t i = 0; i < kSamples; ++i) {
    const float value = std::bit_cast<float>(i * kStep);
    const double wide = static_cast<double>(value);
    ASSERT_EQ(f16_from_f32(value), encode_float(kF16Format, wide)) << i * kStep;
    ASSERT_EQ(bf16_from_f32(value), encode_float(kBf16Format, wide)) << i * kStep;
  }
}

}  // namespace
}  // namespace anneal::support
