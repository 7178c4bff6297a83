// SPDX-License-Identifier: MIT
// Float ops on f32 and f64 values. See elementwise.h.
#include "cpu/elementwise.h"

#include <cmath>

#include "cpu/math.h"

namespace anneal::cpu {
namespace {

using ir::Op;
using llvm::Value;
using Inline = ValueBuilder::Inline;

Value* unary(ValueBuilder& w, llvm::Intrinsic::ID id, Value* a) { return w.CreateUnaryIntrinsic(id, a); }

bool is_f32(const Value* v) { return v->getType()->getScalarType()->isFloatTy(); }

// The rounded quotient may be an integer that the exact one does not reach: the sign of what is left tells.
// Of an infinite divisor all of a is left.
Value* floor_of_quotient(ValueBuilder& w, Value* a, Value* b) {
  Value* q = unary(w, llvm::Intrinsic::floor, w.CreateFDiv(a, b));
  Value* endless = w.CreateFCmpOEQ(w.fabs(b), ValueBuilder::number(a, HUGE_VAL));
  Value* rest = w.CreateSelect(endless, a, w.fma(w.CreateFNeg(q), b, a));
  Value* zero = ValueBuilder::number(a, 0);
  Value* beyond = w.CreateOr(w.CreateAnd(w.CreateFCmpOLT(rest, zero), w.CreateFCmpOGT(b, zero)),
                             w.CreateAnd(w.CreateFCmpOGT(rest, zero), w.CreateFCmpOLT(b, zero)));
  // Above, all floats are integers, and q - 1 is not a neighbour.
  Value* small = w.CreateFCmpOLT(w.fabs(q), ValueBuilder::number(a, is_f32(a) ? 0x1p24 : 0x1p53));
  return w.CreateSelect(w.CreateAnd(beyond, small), w.CreateFSub(q, ValueBuilder::number(a, 1)), q);
}

Value* sign_bit(ValueBuilder& w, Value* a) {
  Value* bits = w.bits_of(a);
  return w.CreateICmpSLT(bits, ValueBuilder::integer(bits, 0));
}

Value* trunc_of_quotient(ValueBuilder& w, Value* a, Value* b) {
  Value* opposite = w.CreateICmpNE(sign_bit(w, a), sign_bit(w, b));
  Value* q = floor_of_quotient(w, w.CreateSelect(opposite, w.CreateFNeg(a), a), b);
  return w.CreateSelect(opposite, w.CreateFNeg(q), q);
}

// Remainders are exact and take many steps when the quotient is large: the library's are exact too.
Value* trunc_remainder(ValueBuilder& w, Value* a, Value* b) {
  llvm::Type* element = a->getType()->getScalarType();
  const char* name = is_f32(a) ? "anneal_cpu_fmodf" : "anneal_cpu_fmod";
  return w.call(
      "fmod", Inline::kNever, a->getType(), {a, b}, [&](ValueBuilder& inner, ValueBuilder::Values v) {
        return inner.each_lane(v, element,
                               [&](ValueBuilder::Values s) { return inner.call_runtime(name, element, s); });
      });
}

Value* floor_remainder(ValueBuilder& w, Value* a, Value* b) {
  Value* r = trunc_remainder(w, a, b);
  Value* is_zero = w.CreateFCmpOEQ(r, ValueBuilder::number(a, 0));
  Value* differs = w.CreateICmpNE(sign_bit(w, r), sign_bit(w, b));
  return w.CreateSelect(is_zero, w.copysign(r, b), w.CreateSelect(differs, w.CreateFAdd(r, b), r));
}

// NaN of either side, and the zeros in order: of equal numbers the bits differ in the sign of zero only.
// (LLVM's own maximum loses NaN of f16 values that it narrows the operation to.)
Value* extreme(ValueBuilder& w, bool greatest, Value* a, Value* b) {
  Value* first = greatest ? w.CreateFCmpOGT(a, b) : w.CreateFCmpOLT(a, b);
  Value* result = w.CreateSelect(w.CreateOr(first, w.is_nan(a)), a, b);
  Value *x = w.bits_of(a), *y = w.bits_of(b);
  Value* both = w.float_of(greatest ? w.CreateAnd(x, y) : w.CreateOr(x, y), a->getType());
  return w.CreateSelect(w.CreateFCmpOEQ(a, b), both, result);
}

}  // namespace

Value* emit_float_op(ValueBuilder& w, const ElementOp& what, std::span<Value* const> s) {
  switch (what.op) {
    case Op::Neg: return w.CreateFNeg(s[0]);
    case Op::Abs: return w.fabs(s[0]);
    case Op::Recip: return w.CreateFDiv(ValueBuilder::number(s[0], 1), s[0]);
    case Op::Sqrt: return unary(w, llvm::Intrinsic::sqrt, s[0]);
    case Op::Floor: return unary(w, llvm::Intrinsic::floor, s[0]);
    case Op::Ceil: return unary(w, llvm::Intrinsic::ceil, s[0]);
    case Op::Round: return unary(w, llvm::Intrinsic::roundeven, s[0]);
    case Op::Trunc: return unary(w, llvm::Intrinsic::trunc, s[0]);
    case Op::Add: return w.CreateFAdd(s[0], s[1]);
    case Op::Sub: return w.CreateFSub(s[0], s[1]);
    case Op::Mul: return w.CreateFMul(s[0], s[1]);
    case Op::Div: return w.CreateFDiv(s[0], s[1]);
    case Op::FloorDiv: return floor_of_quotient(w, s[0], s[1]);
    case Op::TruncDiv: return trunc_of_quotient(w, s[0], s[1]);
    case Op::FloorMod: return floor_remainder(w, s[0], s[1]);
    case Op::TruncMod: return trunc_remainder(w, s[0], s[1]);
    case Op::Max: return extreme(w, true, s[0], s[1]);
    case Op::Min: return extreme(w, false, s[0], s[1]);
    default: return emit_math(w, what.op, s);
  }
}

}  // namespace anneal::cpu
