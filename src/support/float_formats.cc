// SPDX-License-Identifier: MIT
//
// The format-independent encoder and decoder, in integer arithmetic on the bits of a double, and the fp8
// decoding tables computed from them at compile time. The rounding happens in one place, encode().
#include "support/float_formats.h"

#include <algorithm>
#include <cstddef>

namespace anneal::support {
namespace {

constexpr int kF64MantissaBits = 52;
constexpr int kF64Bias = 1023;
constexpr uint64_t kF64Magnitude = ~uint64_t{0} >> 1;
constexpr uint64_t kF64Infinity = uint64_t{0x7ff} << kF64MantissaBits;
constexpr uint64_t kF64MantissaMask = (uint64_t{1} << kF64MantissaBits) - 1;

constexpr uint64_t low_ones(int count) { return (uint64_t{1} << count) - 1; }

constexpr int bias_of(FloatFormat format) { return (1 << (format.exponent_bits - 1)) - 1; }

// The encoding after the largest finite value: infinity, or NaN where there is none.
constexpr uint64_t first_nonfinite(FloatFormat format) {
  const uint64_t magnitude_bits = low_ones(format.exponent_bits + format.mantissa_bits);
  return format.has_infinity ? magnitude_bits - low_ones(format.mantissa_bits) : magnitude_bits;
}

constexpr uint16_t encode(FloatFormat format, double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t magnitude = bits & kF64Magnitude;
  const uint64_t mantissa = bits & kF64MantissaMask;
  const uint64_t sign = (bits >> 63) << (format.exponent_bits + format.mantissa_bits);
  const uint64_t nonfinite = first_nonfinite(format);

  if (magnitude > kF64Infinity) {
    const uint64_t quiet_bit = uint64_t{1} << (format.mantissa_bits - 1);
    const uint64_t payload = quiet_bit | (mantissa >> (kF64MantissaBits - format.mantissa_bits));
    return static_cast<uint16_t>(sign | nonfinite | (format.has_infinity ? payload : 0));
  }
  if (magnitude == kF64Infinity) return static_cast<uint16_t>(sign | nonfinite);

  // Zeros and f64 subnormals: the latter are far below half of any format's smallest value.
  const int f64_exponent = static_cast<int>(magnitude >> kF64MantissaBits);
  if (f64_exponent == 0) return static_cast<uint16_t>(sign);

  const int bias = bias_of(format);
  const int lowest = 1 - bias;  // the exponent of the subnormals and of the smallest normal values
  const int exponent = f64_exponent - kF64Bias;
  const uint64_t significand = mantissa | (kF64MantissaMask + 1);
  const int dropped = kF64MantissaBits - format.mantissa_bits + std::max(0, lowest - exponent);
  if (dropped > kF64MantissaBits + 1) return static_cast<uint16_t>(sign);  // below half of the smallest

  uint64_t kept = significand >> dropped;
  const uint64_t remainder = significand & low_ones(dropped);
  const uint64_t half = uint64_t{1} << (dropped - 1);
  if (remainder > half || (remainder == half && (kept & 1) != 0)) ++kept;

  // A normal `kept` has its leading one, which adds the last 1 to the exponent field. So does a carry out of
  // the mantissa, and a subnormal that rounded up to the smallest normal.
  const uint64_t exponent_field = static_cast<uint64_t>(std::max(exponent, lowest) + bias - 1);
  const uint64_t encoding = (exponent_field << format.mantissa_bits) + kept;
  return static_cast<uint16_t>(sign | std::min(encoding, nonfinite));
}

constexpr double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + kF64Bias) << kF64MantissaBits);
}

constexpr float decode(FloatFormat format, uint16_t encoding) {
  const int sign_position = format.exponent_bits + format.mantissa_bits;
  const bool negative = ((encoding >> sign_position) & 1) != 0;
  const uint64_t magnitude = encoding & low_ones(sign_position);
  const uint64_t mantissa = magnitude & low_ones(format.mantissa_bits);
  const uint64_t nonfinite = first_nonfinite(format);

  if (magnitude >= nonfinite) {
    const bool is_infinity = format.has_infinity && magnitude == nonfinite;
    const uint32_t payload = static_cast<uint32_t>(mantissa) << (23 - format.mantissa_bits);
    const uint32_t nan = internal::kF32QuietBit | payload;
    const uint32_t sign = negative ? uint32_t{1} << 31 : 0;
    return std::bit_cast<float>(sign | internal::kF32Infinity | (is_infinity ? 0 : nan));
  }

  const int exponent_field = static_cast<int>(magnitude >> format.mantissa_bits);
  const uint64_t leading_one = exponent_field == 0 ? 0 : uint64_t{1} << format.mantissa_bits;
  const int exponent = std::max(exponent_field, 1) - bias_of(format) - format.mantissa_bits;
  const double value = static_cast<double>(leading_one | mantissa) * power_of_two(exponent);
  return static_cast<float>(negative ? -value : value);
}

constexpr std::array<float, 256> decode_all(FloatFormat format) {
  std::array<float, 256> values = {};
  for (size_t i = 0; i < values.size(); ++i) values[i] = decode(format, static_cast<uint16_t>(i));
  return values;
}

}  // namespace

namespace internal {

constinit const std::array<float, 256> kE4m3Values = decode_all(kE4m3Format);
constinit const std::array<float, 256> kE5m2Values = decode_all(kE5m2Format);

}  // namespace internal

uint16_t encode_float(FloatFormat format, double value) { return encode(format, value); }
float decode_float(FloatFormat format, uint16_t encoding) { return decode(format, encoding); }

uint16_t f16_from_f64(double value) { return encode(kF16Format, value); }
uint16_t bf16_from_f64(double value) { return encode(kBf16Format, value); }
uint8_t e4m3_from_f64(double value) { return static_cast<uint8_t>(encode(kE4m3Format, value)); }
uint8_t e4m3_from_f32(float value) {
  return static_cast<uint8_t>(encode(kE4m3Format, static_cast<double>(value)));
}
uint8_t e5m2_from_f64(double value) { return static_cast<uint8_t>(encode(kE5m2Format, value)); }
uint8_t e5m2_from_f32(float value) {
  return static_cast<uint8_t>(encode(kE5m2Format, static_cast<double>(value)));
}

}  // namespace anneal::support
