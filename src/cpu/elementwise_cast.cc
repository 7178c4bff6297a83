// SPDX-License-Identifier: MIT
// Casts and bit casts between all types. See elementwise.h.
#include "cpu/elementwise.h"
#include "cpu/narrow_float.h"

namespace anneal::cpu {
namespace {

using llvm::Type;
using llvm::Value;

// An integer in f32 so that it then rounds to a narrow float as the integer itself does.
Value* int_for_rounding(ValueBuilder& w, bool is_signed_int, Value* v) {
  const unsigned width = v->getType()->getScalarSizeInBits();
  const auto to = [&](Type* element, Value* i) {
    Type* type = ValueBuilder::same_lanes(element, v);
    return is_signed_int ? w.CreateSIToFP(i, type) : w.CreateUIToFP(i, type);
  };
  if (width <= 16) return to(w.getFloatTy(), v);
  if (width == 32) return w.round_to_odd(to(w.getDoubleTy(), v));
  // The lowest bits of a large one become one sticky bit, which f64 keeps.
  const auto c = [&](int64_t i) { return ValueBuilder::integer(v, i); };
  Value* magnitude =
      is_signed_int ? w.CreateIntrinsic(llvm::Intrinsic::abs, {v->getType()}, {v, w.getFalse()}) : v;
  constexpr int64_t kDropped = 0x7ff;
  Value* sticky =
      w.CreateSelect(w.CreateICmpNE(w.CreateAnd(magnitude, c(kDropped)), c(0)), c(kDropped + 1), c(0));
  Value* kept = w.CreateOr(w.CreateAnd(magnitude, c(~kDropped)), sticky);
  Value* exact = w.CreateICmpEQ(w.CreateLShr(magnitude, c(53)), c(0));
  Value* wide =
      w.CreateUIToFP(w.CreateSelect(exact, magnitude, kept), ValueBuilder::same_lanes(w.getDoubleTy(), v));
  if (is_signed_int) wide = w.CreateSelect(w.CreateICmpSLT(v, c(0)), w.CreateFNeg(wide), wide);
  return w.round_to_odd(wide);
}

Value* int_to_float(ValueBuilder& w, DType to, DType from, Value* v) {
  if (is_narrow_float(to)) return round_narrow(w, to, int_for_rounding(w, is_signed(from), v));
  Type* type = ValueBuilder::same_lanes(w.compute_type(to), v);
  return is_signed(from) ? w.CreateSIToFP(v, type) : w.CreateUIToFP(v, type);
}

Value* float_to_float(ValueBuilder& w, DType to, DType from, Value* v) {
  if (to == f64) return from == f64 ? v : w.CreateFPExt(v, ValueBuilder::same_lanes(w.getDoubleTy(), v));
  if (to == f32) return from == f64 ? w.CreateFPTrunc(v, ValueBuilder::same_lanes(w.getFloatTy(), v)) : v;
  return round_narrow(w, to, from == f64 ? w.round_to_odd(v) : v);
}

}  // namespace

Value* emit_cast(ValueBuilder& w, DType to, DType from, Value* v) {
  if (to == from) return v;
  if (to == boolean)
    return is_float(from) ? w.CreateFCmpUNE(v, ValueBuilder::number(v, 0))
                          : w.CreateICmpNE(v, ValueBuilder::integer(v, 0));
  if (is_float(from) && is_float(to)) return float_to_float(w, to, from, v);
  if (is_float(to)) {
    if (from == boolean) return w.CreateUIToFP(v, ValueBuilder::same_lanes(w.compute_type(to), v));
    return int_to_float(w, to, from, v);
  }
  Type* type = ValueBuilder::same_lanes(w.compute_type(to), v);
  if (is_float(from)) {
    const auto id = is_signed(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return w.CreateIntrinsic(id, {type, v->getType()}, {v});
  }
  return w.CreateIntCast(v, type, is_signed(from));
}

Value* emit_bitcast(ValueBuilder& w, DType to, DType from, Value* v) {
  Value* bits = to_memory(w, from, v);
  return from_memory(w, to, w.CreateBitCast(bits, ValueBuilder::same_lanes(w.memory_type(to), v)));
}

}  // namespace anneal::cpu
