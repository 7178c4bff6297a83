// SPDX-License-Identifier: MIT
//
// Bit-exact conversions between f32/f64 and the four narrow float formats: f16, bf16, fp8 e4m3 and fp8 e5m2.
// Narrowing rounds to nearest, ties to even, once, straight from the source type; subnormals and signed zeros
// are kept. A NaN keeps its sign and the top of its payload and becomes quiet, so narrowing what was widened
// gives back every encoding except signalling NaNs, whose quiet bit gets set.
// e4m3 is the OCP E4M3FN format: no infinities, NaN is 0x7f or 0xff, the largest value is 448. What rounds
// beyond 448, infinities included, becomes NaN of the same sign (no saturation, as in PyTorch's cast); since
// 464 lies midway between 448 and the missing 480, it goes to the even 448, and NaN starts just above it.
// Tested by float_formats_test.cc.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "anneal/dtype.h"

namespace anneal::support {

// A sign bit, then exponent bits, then mantissa bits. With infinities the top exponent is reserved as in
// IEEE 754; without, it holds finite values too and only the all-ones encoding is NaN.
struct FloatFormat {
  int exponent_bits;
  int mantissa_bits;
  bool has_infinity;

  constexpr int precision() const { return mantissa_bits + 1; }  // the hidden bit included
  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  // Of the smallest subnormal's and the largest value's leading bit.
  constexpr int min_exponent() const { return 1 - bias() - mantissa_bits; }
  constexpr int max_exponent() const { return has_infinity ? bias() : bias() + 1; }
};

inline constexpr FloatFormat kF16Format = {5, 10, true};
inline constexpr FloatFormat kBf16Format = {8, 7, true};
inline constexpr FloatFormat kE4m3Format = {4, 3, false};
inline constexpr FloatFormat kE5m2Format = {5, 2, true};
inline constexpr FloatFormat kF32Format = {8, 23, true};
inline constexpr FloatFormat kF64Format = {11, 52, true};

// Of a float type.
constexpr FloatFormat float_format(DType t) {
  switch (t) {
    case DType::kF8E4M3: return kE4m3Format;
    case DType::kF8E5M2: return kE5m2Format;
    case DType::kF16: return kF16Format;
    case DType::kBF16: return kBf16Format;
    case DType::kF32: return kF32Format;
    default: return kF64Format;
  }
}

// The definitions, for any format of at most 16 bits and at most 8 exponent bits. Everything below agrees
// with them. f32 arguments convert to double without loss.
uint16_t encode_float(FloatFormat format, double value);
float decode_float(FloatFormat format, uint16_t encoding);

uint16_t f16_from_f64(double value);
uint16_t bf16_from_f64(double value);
uint8_t e4m3_from_f64(double value);
uint8_t e4m3_from_f32(float value);
uint8_t e5m2_from_f64(double value);
uint8_t e5m2_from_f32(float value);

namespace internal {

extern const std::array<float, 256> kE4m3Values;
extern const std::array<float, 256> kE5m2Values;

inline constexpr uint32_t kF32Magnitude = 0x7fffffff;
inline constexpr uint32_t kF32Infinity = 0x7f800000;
inline constexpr uint32_t kF32QuietBit = 0x00400000;

}  // namespace internal

inline float e4m3_to_f32(uint8_t encoding) { return internal::kE4m3Values[encoding]; }
inline float e5m2_to_f32(uint8_t encoding) { return internal::kE5m2Values[encoding]; }

constexpr uint16_t bf16_from_f32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & internal::kF32Magnitude) > internal::kF32Infinity) {
    return static_cast<uint16_t>((bits | internal::kF32QuietBit) >> 16);
  }
  const uint32_t round_up_from = 0x7fff + ((bits >> 16) & 1);  // the carry turns the largest into infinity
  return static_cast<uint16_t>((bits + round_up_from) >> 16);
}

constexpr float bf16_to_f32(uint16_t encoding) {
  const uint32_t bits = static_cast<uint32_t>(encoding) << 16;
  const bool is_nan = (bits & internal::kF32Magnitude) > internal::kF32Infinity;
  return std::bit_cast<float>(is_nan ? bits | internal::kF32QuietBit : bits);
}

constexpr uint16_t f16_from_f32(float value) {
  constexpr uint32_t kTwoToThe16 = 0x47800000;      // f16 has no exponent for this or more
  constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr uint32_t kOneHalf = 0x3f000000;         // its last bit is 2^-24, the f16 subnormal step
  constexpr uint32_t kExponentChange = 0x38000000;  // (127 - 15) << 23
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & internal::kF32Magnitude;
  const uint32_t sign = (bits >> 16) & 0x8000;
  if (magnitude >= kTwoToThe16) {
    const uint32_t nan_payload = 0x200 | ((magnitude >> 13) & 0x3ff);
    return static_cast<uint16_t>(sign | 0x7c00 | (magnitude > internal::kF32Infinity ? nan_payload : 0));
  }
  if (magnitude < kSmallestNormal) {
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;  // this addition rounds to the step
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(aligned) - kOneHalf));
  }
  const uint32_t rounded = magnitude - kExponentChange + 0xfff + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

constexpr float f16_to_f32(uint16_t encoding) {
  constexpr uint32_t kExponentMask = 0x1f << 23;
  constexpr uint32_t kExponentChange = (127 - 15) << 23;
  constexpr float kSubnormalStep = 0x1p-24f;
  const uint32_t sign = static_cast<uint32_t>(encoding & 0x8000) << 16;
  const uint32_t aligned = static_cast<uint32_t>(encoding & 0x7fff) << 13;
  const uint32_t exponent = aligned & kExponentMask;
  uint32_t magnitude = aligned + kExponentChange;
  if (exponent == kExponentMask) {
    const bool is_nan = aligned != exponent;
    magnitude = aligned | internal::kF32Infinity | (is_nan ? internal::kF32QuietBit : 0);
  } else if (exponent == 0) {
    magnitude = std::bit_cast<uint32_t>(static_cast<float>(encoding & 0x3ff) * kSubnormalStep);
  }
  return std::bit_cast<float>(sign | magnitude);
}

}  // namespace anneal::support
