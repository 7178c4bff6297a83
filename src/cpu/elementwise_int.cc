// SPDX-License-Identifier: MIT
// Integer ops: two's complement, total division and shifts. See elementwise.h.
#include "cpu/elementwise.h"

namespace anneal::cpu {
namespace {

using ir::Op;
using llvm::Value;
using Inline = ValueBuilder::Inline;

struct Division {
  Value *quotient, *remainder;  // truncated
};

// Vectors have no division: up to 32 bits f64 does it, whose quotient cannot round onto an integer that the
// true one does not reach.
Value* divide_in_doubles(ValueBuilder& w, bool is_signed_int, Value* a, Value* b) {
  llvm::Type* wide = ValueBuilder::same_lanes(w.getDoubleTy(), a);
  if (is_signed_int)
    return w.CreateFPToSI(w.CreateFDiv(w.CreateSIToFP(a, wide), w.CreateSIToFP(b, wide)), a->getType());
  return w.CreateFPToUI(w.CreateFDiv(w.CreateUIToFP(a, wide), w.CreateUIToFP(b, wide)), a->getType());
}

Value* machine_divide(ValueBuilder& w, bool is_signed_int, Value* a, Value* b) {
  const bool in_doubles = ValueBuilder::lanes(a) != 0 && !llvm::isa<llvm::Constant>(b) &&
                          a->getType()->getScalarSizeInBits() <= 32;
  if (in_doubles) return divide_in_doubles(w, is_signed_int, a, b);
  return is_signed_int ? w.CreateSDiv(a, b) : w.CreateUDiv(a, b);
}

// x / 0 is 0, and dividing by -1 is negation.
Division divide(ValueBuilder& w, bool is_signed_int, Value* a, Value* b) {
  const auto c = [&](int64_t v) { return ValueBuilder::integer(a, v); };
  Value* is_zero = w.CreateICmpEQ(b, c(0));
  Value* special = is_signed_int ? w.CreateOr(is_zero, w.CreateICmpEQ(b, c(-1))) : is_zero;
  Value* q = machine_divide(w, is_signed_int, a, w.CreateSelect(special, c(1), b));
  if (is_signed_int) q = w.CreateSelect(w.CreateICmpEQ(b, c(-1)), w.CreateNeg(a), q);
  q = w.CreateSelect(is_zero, c(0), q);
  Value* r = w.CreateSelect(is_zero, c(0), w.CreateSub(a, w.CreateMul(q, b)));
  return {q, r};
}

// The value of a constant, the same in all lanes.
const llvm::APInt* constant_of(Value* v) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(v);
  if (constant == nullptr) return nullptr;
  if (v->getType()->isVectorTy()) constant = constant->getSplatValue();
  const auto* number = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant);
  return number != nullptr ? &number->getValue() : nullptr;
}

// By a positive constant, which is what index arithmetic does. Null when it is none.
Value* floor_by_constant(ValueBuilder& w, const ElementOp& what, Value* a, Value* b) {
  const llvm::APInt* by = constant_of(b);
  if (by == nullptr || !by->isStrictlyPositive()) return nullptr;
  const bool wants_remainder = what.op == Op::FloorMod;
  if (by->isPowerOf2()) {
    if (wants_remainder) return w.CreateAnd(a, ValueBuilder::integer(a, by->getSExtValue() - 1));
    return w.CreateAShr(a, ValueBuilder::integer(a, by->logBase2()));
  }
  Value* q;
  if (what.non_negative) {
    q = w.CreateUDiv(a, b);
  } else {  // of a negative number: the complement of the complement's quotient
    Value* sign = w.CreateAShr(a, ValueBuilder::integer(a, a->getType()->getScalarSizeInBits() - 1));
    q = w.CreateXor(w.CreateUDiv(w.CreateXor(a, sign), b), sign);
  }
  return wants_remainder ? w.CreateSub(a, w.CreateMul(q, b)) : q;
}

Value* emit_division(ValueBuilder& w, const ElementOp& what, Value* a, Value* b) {
  const bool is_signed_int = is_signed(what.source);
  const bool floors = what.op == Op::FloorDiv || what.op == Op::FloorMod;
  const bool wants_remainder = what.op == Op::FloorMod || what.op == Op::TruncMod;
  if (is_signed_int && floors)
    if (Value* simple = floor_by_constant(w, what, a, b)) return simple;
  const Division d = divide(w, is_signed_int && !what.non_negative, a, b);
  if (!floors || !is_signed_int || what.non_negative) return wants_remainder ? d.remainder : d.quotient;
  const auto negative = [&](Value* v) { return w.CreateICmpSLT(v, ValueBuilder::integer(v, 0)); };
  Value* down = w.CreateAnd(w.CreateICmpNE(d.remainder, ValueBuilder::integer(a, 0)),
                            w.CreateICmpNE(negative(d.remainder), negative(b)));
  if (wants_remainder) return w.CreateSelect(down, w.CreateAdd(d.remainder, b), d.remainder);
  return w.CreateSelect(down, w.CreateSub(d.quotient, ValueBuilder::integer(a, 1)), d.quotient);
}

// Squares and multiplies until no lane has bits left.
Value* write_pow(ValueBuilder& w, bool is_signed_int, Value* a, Value* b) {
  const auto c = [&](int64_t v) { return ValueBuilder::integer(a, v); };
  llvm::Function* function = w.GetInsertBlock()->getParent();
  llvm::BasicBlock* entry = w.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(w.getContext(), "loop", function);
  auto* done = llvm::BasicBlock::Create(w.getContext(), "done", function);
  w.CreateBr(loop);
  w.SetInsertPoint(loop);
  llvm::PHINode* result = w.CreatePHI(a->getType(), 2);
  llvm::PHINode* square = w.CreatePHI(a->getType(), 2);
  llvm::PHINode* left = w.CreatePHI(a->getType(), 2);
  Value* odd = w.CreateICmpNE(w.CreateAnd(left, c(1)), c(0));
  Value* product = w.CreateSelect(odd, w.CreateMul(result, square), result);
  Value* rest = w.CreateLShr(left, c(1));
  result->addIncoming(c(1), entry), result->addIncoming(product, loop);
  square->addIncoming(a, entry), square->addIncoming(w.CreateMul(square, square), loop);
  left->addIncoming(b, entry), left->addIncoming(rest, loop);
  w.CreateCondBr(w.any(w.CreateICmpNE(rest, c(0))), loop, done);
  w.SetInsertPoint(done);
  if (!is_signed_int) return product;
  Value* is_odd = w.CreateICmpNE(w.CreateAnd(b, c(1)), c(0));
  Value* inverse =
      w.CreateSelect(w.CreateICmpEQ(a, c(1)), c(1),
                     w.CreateSelect(w.CreateICmpEQ(a, c(-1)), w.CreateSelect(is_odd, c(-1), c(1)), c(0)));
  return w.CreateSelect(w.CreateICmpSLT(b, c(0)), inverse, product);
}

Value* emit_shift(ValueBuilder& w, const ElementOp& what, Value* a, Value* b) {
  const int64_t width = a->getType()->getScalarSizeInBits();
  Value* too_far = w.CreateICmpUGE(b, ValueBuilder::integer(a, width));
  Value* amount = w.CreateSelect(too_far, ValueBuilder::integer(a, width - 1), b);
  if (what.op == Op::Shr && is_signed(what.source)) return w.CreateAShr(a, amount);
  Value* shifted = what.op == Op::Shl ? w.CreateShl(a, amount) : w.CreateLShr(a, amount);
  return w.CreateSelect(too_far, ValueBuilder::integer(a, 0), shifted);
}

}  // namespace

Value* emit_int_op(ValueBuilder& w, const ElementOp& what, std::span<Value* const> s) {
  const bool is_signed_int = is_signed(what.source);
  switch (what.op) {
    case Op::Neg: return w.CreateNeg(s[0]);
    case Op::Abs:
      if (!is_signed_int) return s[0];
      return w.CreateIntrinsic(llvm::Intrinsic::abs, {s[0]->getType()}, {s[0], w.getFalse()});
    case Op::Not: return w.CreateNot(s[0]);
    case Op::Add: return w.CreateAdd(s[0], s[1]);
    case Op::Sub: return w.CreateSub(s[0], s[1]);
    case Op::Mul: return w.CreateMul(s[0], s[1]);
    case Op::FloorDiv:
    case Op::FloorMod:
    case Op::TruncDiv:
    case Op::TruncMod: return emit_division(w, what, s[0], s[1]);
    case Op::Pow:
      return w.call(is_signed_int ? "pow_signed" : "pow_unsigned", Inline::kNever, s[0]->getType(),
                    {s[0], s[1]}, [&](ValueBuilder& inner, ValueBuilder::Values v) {
                      return write_pow(inner, is_signed_int, v[0], v[1]);
                    });
    case Op::Max:
      return w.CreateBinaryIntrinsic(is_signed_int ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, s[0],
                                     s[1]);
    case Op::Min:
      return w.CreateBinaryIntrinsic(is_signed_int ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, s[0],
                                     s[1]);
    case Op::And: return w.CreateAnd(s[0], s[1]);
    case Op::Or: return w.CreateOr(s[0], s[1]);
    case Op::Xor: return w.CreateXor(s[0], s[1]);
    case Op::Shl:
    case Op::Shr: return emit_shift(w, what, s[0], s[1]);
    default: ANNEAL_UNREACHABLE(ir::op_text(what.op).data());
  }
}

}  // namespace anneal::cpu
