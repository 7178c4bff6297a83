// SPDX-License-Identifier: MIT
// See narrow_float.h.
#include "cpu/narrow_float.h"

#include <cmath>

#include "support/float_formats.h"

namespace anneal::cpu {
namespace {

using llvm::Type;
using llvm::Value;

constexpr int64_t kF32Infinity = 0x7f800000, kF32Magnitude = 0x7fffffff, kF32Quiet = 0x00400000;
constexpr int kF32Mantissa = 23, kF32Bias = 127;

support::FloatFormat format_of(DType t) {
  switch (t) {
    case f16: return support::kF16Format;
    case bf16: return support::kBf16Format;
    case f8e4m3: return support::kE4m3Format;
    default: return support::kE5m2Format;
  }
}

int bias_of(support::FloatFormat f) { return (1 << (f.exponent_bits - 1)) - 1; }

Value* ints(ValueBuilder& w, Value* like, Value* v) {
  return w.CreateZExt(v, ValueBuilder::same_lanes(w.getInt32Ty(), like));
}

// bf16 is the upper half of an f32.
Value* bf16_bits(ValueBuilder& w, Value* value) {
  Value* bits = w.bits_of(value);
  const auto c = [&](int64_t v) { return ValueBuilder::integer(bits, v); };
  Value* last = w.CreateAnd(w.CreateLShr(bits, c(16)), c(1));
  Value* rounded = w.CreateAdd(w.CreateAdd(bits, c(0x7fff)), last);  // the carry makes the largest infinite
  return w.CreateLShr(w.CreateSelect(w.is_nan(value), w.CreateOr(bits, c(kF32Quiet)), rounded), c(16));
}

// The smaller formats: a normal result by adding half a step to the integer that the bits are; a subnormal
// one by an addition whose last bit is the format's step.
Value* small_bits(ValueBuilder& w, support::FloatFormat format, Value* value) {
  const int drop = kF32Mantissa - format.mantissa_bits;
  const int bias = bias_of(format);
  const int width = 1 + format.exponent_bits + format.mantissa_bits;
  Value* bits = w.bits_of(value);
  const auto c = [&](int64_t v) { return ValueBuilder::integer(bits, v); };
  Value* magnitude = w.CreateAnd(bits, c(kF32Magnitude));
  Value* sign = w.CreateAnd(w.CreateLShr(bits, c(32 - width)), c(int64_t{1} << (width - 1)));

  Value* last = w.CreateAnd(w.CreateLShr(magnitude, c(drop)), c(1));
  Value* shifted = w.CreateSub(magnitude, c(static_cast<int64_t>(kF32Bias - bias) << kF32Mantissa));
  Value* normal =
      w.CreateLShr(w.CreateAdd(w.CreateAdd(shifted, c((int64_t{1} << (drop - 1)) - 1)), last), c(drop));

  // 2^(step + 23), whose last bit weighs as much as the format's smallest number, 2^step.
  const int step = 1 - bias - format.mantissa_bits;
  const int64_t anchor = static_cast<int64_t>(step + kF32Mantissa + kF32Bias) << kF32Mantissa;
  Value* aligned =
      w.CreateFAdd(w.float_of(magnitude, value->getType()), w.float_of(c(anchor), value->getType()));
  Value* subnormal = w.CreateSub(w.bits_of(aligned), c(anchor));

  const int64_t smallest_normal = static_cast<int64_t>(1 - bias + kF32Bias) << kF32Mantissa;
  Value* result = w.CreateSelect(w.CreateICmpULT(magnitude, c(smallest_normal)), subnormal, normal);
  const int64_t top = (int64_t{1} << (width - 1)) - 1;  // all ones but the sign
  if (format.has_infinity) {
    const int64_t infinity = ((int64_t{1} << format.exponent_bits) - 1) << format.mantissa_bits;
    const int64_t too_large = static_cast<int64_t>(1 << format.exponent_bits) - 1 - bias + kF32Bias;
    result = w.CreateSelect(w.CreateICmpUGE(magnitude, c(too_large << kF32Mantissa)), c(infinity), result);
    const int64_t quiet = infinity | (int64_t{1} << (format.mantissa_bits - 1));
    result = w.CreateSelect(w.CreateICmpUGT(magnitude, c(kF32Infinity)), c(quiet), result);
  } else {
    // All ones is NaN; what rounds to that or beyond is too large.
    Value* too_large = w.CreateOr(
        w.CreateICmpUGE(magnitude, c(kF32Infinity)),
        w.CreateAnd(w.CreateICmpUGE(magnitude, c(smallest_normal)), w.CreateICmpUGE(normal, c(top))));
    result = w.CreateSelect(too_large, c(top), result);
  }
  return w.CreateOr(result, sign);
}

Value* small_value(ValueBuilder& w, support::FloatFormat format, Value* stored) {
  const int width = 1 + format.exponent_bits + format.mantissa_bits;
  const int bias = bias_of(format);
  Value* bits = ints(w, stored, stored);
  Type* real = ValueBuilder::same_lanes(w.getFloatTy(), stored);
  const auto c = [&](int64_t v) { return ValueBuilder::integer(bits, v); };
  const int64_t top = (int64_t{1} << (width - 1)) - 1;
  Value* magnitude = w.CreateAnd(bits, c(top));
  Value* sign = w.CreateShl(w.CreateAnd(bits, c(top + 1)), c(32 - width));
  Value* aligned = w.CreateShl(magnitude, c(kF32Mantissa - format.mantissa_bits));
  Value* normal = w.CreateAdd(aligned, c(static_cast<int64_t>(kF32Bias - bias) << kF32Mantissa));
  // A subnormal is its bits times the step.
  Value* step = llvm::ConstantFP::get(real, std::ldexp(1.0, 1 - bias - format.mantissa_bits));
  Value* subnormal = w.bits_of(w.CreateFMul(w.CreateUIToFP(magnitude, real), step));
  Value* result =
      w.CreateSelect(w.CreateICmpULT(magnitude, c(int64_t{1} << format.mantissa_bits)), subnormal, normal);
  const int64_t infinity = ((int64_t{1} << format.exponent_bits) - 1) << format.mantissa_bits;
  if (format.has_infinity) {
    Value* special = w.CreateOr(aligned, c(kF32Infinity));
    result = w.CreateSelect(w.CreateICmpUGE(magnitude, c(infinity)), special, result);
  } else {
    result = w.CreateSelect(w.CreateICmpEQ(magnitude, c(top)), c(kF32Infinity | kF32Quiet), result);
  }
  return w.float_of(w.CreateOr(result, sign), real);
}

}  // namespace

Value* decode_narrow(ValueBuilder& w, DType t, Value* bits) {
  Type* real = ValueBuilder::same_lanes(w.getFloatTy(), bits);
  if (t == bf16)
    return w.float_of(w.CreateShl(ints(w, bits, bits),
                                  ValueBuilder::integer(ValueBuilder::same_lanes(w.getInt32Ty(), bits), 16)),
                      real);
  if (t == f16 && w.target().has_f16c)
    return w.CreateFPExt(w.CreateBitCast(bits, ValueBuilder::same_lanes(w.getHalfTy(), bits)), real);
  return w.call(
      std::string("decode_").append(dtype_name(t)), ValueBuilder::Inline::kAlways, real, {bits},
      [&](ValueBuilder& inner, ValueBuilder::Values v) { return small_value(inner, format_of(t), v[0]); });
}

Value* encode_narrow(ValueBuilder& w, DType t, Value* value) {
  Type* stored = ValueBuilder::same_lanes(w.memory_type(t), value);
  if (t == f16 && w.target().has_f16c)
    return w.CreateBitCast(w.CreateFPTrunc(value, ValueBuilder::same_lanes(w.getHalfTy(), value)), stored);
  Value* bits = w.call(std::string("encode_").append(dtype_name(t)), ValueBuilder::Inline::kAlways,
                       ValueBuilder::same_lanes(w.getInt32Ty(), value), {value},
                       [&](ValueBuilder& inner, ValueBuilder::Values v) {
                         return t == bf16 ? bf16_bits(inner, v[0]) : small_bits(inner, format_of(t), v[0]);
                       });
  return w.CreateTrunc(bits, stored);
}

Value* round_narrow(ValueBuilder& w, DType t, Value* value) {
  return decode_narrow(w, t, encode_narrow(w, t, value));
}

Value* from_memory(ValueBuilder& w, DType t, Value* stored) {
  if (is_narrow_float(t)) return decode_narrow(w, t, stored);
  if (t == boolean) return w.CreateICmpNE(stored, ValueBuilder::integer(stored, 0));
  return stored;
}

Value* to_memory(ValueBuilder& w, DType t, Value* value) {
  if (is_narrow_float(t)) return encode_narrow(w, t, value);
  if (t == boolean) return w.CreateZExt(value, ValueBuilder::same_lanes(w.getInt8Ty(), value));
  return value;
}

}  // namespace anneal::cpu
