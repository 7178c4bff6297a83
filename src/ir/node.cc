// SPDX-License-Identifier: MIT
// Conversions between constants and numbers, for every dtype. One rounding, to nearest even.
#include "ir/node.h"

#include <bit>
#include <cmath>

#include "support/float_formats.h"

namespace anneal::ir {
namespace {

constexpr uint64_t kQuietNan = 0x7ff8000000000000u;

double round_to(double v, DType t) {
  switch (t) {
    case DType::kF32: return static_cast<double>(static_cast<float>(v));
    case DType::kF16: return static_cast<double>(support::f16_to_f32(support::f16_from_f64(v)));
    case DType::kBF16: return static_cast<double>(support::bf16_to_f32(support::bf16_from_f64(v)));
    case DType::kF8E4M3: return static_cast<double>(support::e4m3_to_f32(support::e4m3_from_f64(v)));
    case DType::kF8E5M2: return static_cast<double>(support::e5m2_to_f32(support::e5m2_from_f64(v)));
    default: return v;
  }
}

// Sign- or zero-extends the low bits that t has.
uint64_t wrap_to(uint64_t v, DType t) {
  const int bits = dtype_size(t) * 8;
  if (t == DType::kBool) return v != 0 ? 1 : 0;
  if (bits >= 64) return v;
  const uint64_t low = v & ((uint64_t{1} << bits) - 1);
  if (is_signed(t) && (low >> (bits - 1)) != 0) return low | ~((uint64_t{1} << bits) - 1);
  return low;
}

struct IntRange {
  int64_t min;
  uint64_t max;
};
IntRange int_range(DType t) {
  const int bits = dtype_size(t) * 8;
  if (!is_signed(t)) return {0, bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1};
  return {bits == 64 ? INT64_MIN : -(int64_t{1} << (bits - 1)), (uint64_t{1} << (bits - 1)) - 1};
}

// Truncates and saturates; NaN gives 0.
uint64_t saturate_to_int(double v, DType t) {
  if (std::isnan(v)) return 0;
  const IntRange range = int_range(t);
  if (v <= static_cast<double>(range.min)) return static_cast<uint64_t>(range.min);
  if (v >= static_cast<double>(range.max)) return range.max;
  return v < 0 ? static_cast<uint64_t>(static_cast<int64_t>(v)) : static_cast<uint64_t>(v);
}

}  // namespace

Scalar Scalar::from_double(double v, DType t) {
  if (is_float(t)) {
    const double r = round_to(v, t);
    return {std::isnan(r) ? kQuietNan : std::bit_cast<uint64_t>(r)};
  }
  if (t == DType::kBool) return {v != 0 ? 1u : 0u};
  return {saturate_to_int(v, t)};
}

Scalar Scalar::from_int(int64_t v, DType t) {
  if (!is_float(t)) return {wrap_to(static_cast<uint64_t>(v), t)};
  if (t == DType::kF64) return from_double(static_cast<double>(v), t);
  if (t == DType::kF32) return from_double(static_cast<double>(static_cast<float>(v)), t);
  // The narrow types: above 2^53 a sticky low bit keeps the second rounding right.
  constexpr int64_t kExact = int64_t{1} << 53;
  if (v > kExact || v < -kExact) v = (v & ~int64_t{0x7ff}) | ((v & 0x7ff) != 0 ? 0x400 : 0);
  return from_double(static_cast<double>(v), t);
}

double Scalar::as_double(DType t) const {
  if (is_float(t)) return std::bit_cast<double>(bits);
  return is_signed(t) ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
}

int64_t Scalar::as_int(DType t) const {
  return is_float(t) ? static_cast<int64_t>(saturate_to_int(as_double(t), DType::kI64))
                     : static_cast<int64_t>(bits);
}

}  // namespace anneal::ir
