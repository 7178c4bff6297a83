// SPDX-License-Identifier: MIT
// Sine and cosine, and the reduction of their arguments. See math.h.
#include <limits>
#include <numbers>

#include "cpu/math_coefficients.h"
#include "cpu/math_parts.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

// x = k * pi/2 + high + low, |high| <= pi/4 or hardly more.
struct Reduced {
  Value *high, *low, *quadrant;  // an integer, of which two bits count
};

// The first product is exact by cancellation as long as k has few bits; the second one is kept in two parts,
// since it may cancel what the first has left.
Reduced reduce_moderate(const Math& f, Value* x) {
  constexpr double kF32[] = {0x1.921fb6p+0, -0x1.777a5cp-25, -0x1.ee59dap-50};
  constexpr double kF64[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  Value* k = f.round(f.mul(x, f.c(2 / std::numbers::pi)));
  Value* first = f.fma(f.neg(k), f.c(kF32[0], kF64[0]), x);
  Value* product = f.mul(k, f.c(kF32[1], kF64[1]));
  Value* product_low = f.fma(k, f.c(kF32[1], kF64[1]), f.neg(product));
  Value* difference = f.sub(first, product);
  Value* change = f.sub(difference, first);
  Value* lost = f.sub(f.sub(first, f.sub(difference, change)), f.add(product, change));
  Value* low = f.fma(f.neg(k), f.c(kF32[2], kF64[2]), f.sub(lost, product_low));
  Value* high = f.add(difference, low);
  return {high, f.add(f.sub(difference, high), low), f.to_int(k)};
}

constexpr double kLargestF32 = 0x1p16, kLargestF64 = 0x1p26;

// One lane of a large or infinite argument: runtime.cc multiplies by as many bits of 2/pi as it takes.
Value* reduce_large_lane(ValueBuilder& w, Value* x, llvm::StructType* type) {
  llvm::Type* wide = w.getDoubleTy();
  Value* place = w.CreateAlloca(llvm::ArrayType::get(wide, 2));
  Value* quadrant = w.call_runtime("anneal_cpu_reduce", w.getInt64Ty(), {w.CreateFPExt(x, wide), place});
  const auto part = [&](unsigned i) { return w.CreateLoad(wide, w.CreateConstGEP1_64(wide, place, i)); };
  Value *high = part(0), *low = part(1);
  if (x->getType()->isFloatTy()) {
    Value* rounded = w.CreateFPTrunc(high, x->getType());
    low = w.CreateFPTrunc(w.CreateFAdd(w.CreateFSub(high, w.CreateFPExt(rounded, wide)), low), x->getType());
    high = rounded;
  }
  Value* result = llvm::PoisonValue::get(type);
  result = w.CreateInsertValue(result, high, 0);
  result = w.CreateInsertValue(result, low, 1);
  return w.CreateInsertValue(result, w.CreateIntCast(quadrant, type->getElementType(2), true), 2);
}

// All lanes, those of moderate size included: what they need is there already.
Reduced reduce_large(const Math& f, Value* x, const Reduced& moderate, Value* is_large) {
  ValueBuilder& w = f.w;
  llvm::Type* element = x->getType()->getScalarType();
  llvm::Type* integer = f.int_type()->getScalarType();
  auto* type = llvm::StructType::get(w.getContext(), {element, element, integer});
  const unsigned lanes = ValueBuilder::lanes(x);
  llvm::BasicBlock* before = w.GetInsertBlock();
  llvm::Function* function = before->getParent();
  auto* taken = llvm::BasicBlock::Create(w.getContext(), "large", function);
  auto* done = llvm::BasicBlock::Create(w.getContext(), "reduced", function);
  w.CreateCondBr(w.any(is_large), taken, done);
  w.SetInsertPoint(taken);
  Value* parts[] = {moderate.high, moderate.low, moderate.quadrant};
  Value* larges[] = {moderate.high, moderate.low, moderate.quadrant};
  for (unsigned i = 0; i < std::max(lanes, 1U); ++i) {
    Value* one = lanes == 0 ? x : w.CreateExtractElement(x, i);
    Value* reduced = w.call(
        "reduce_large", ValueBuilder::Inline::kNever, type, {one},
        [&](ValueBuilder& inner, ValueBuilder::Values v) { return reduce_large_lane(inner, v[0], type); });
    for (unsigned p = 0; p < 3; ++p) {
      Value* v = w.CreateExtractValue(reduced, p);
      larges[p] = lanes == 0 ? v : w.CreateInsertElement(larges[p], v, i);
    }
  }
  for (unsigned p = 0; p < 3; ++p) larges[p] = w.CreateSelect(is_large, larges[p], parts[p]);
  llvm::BasicBlock* after = w.GetInsertBlock();
  w.CreateBr(done);
  w.SetInsertPoint(done);
  for (unsigned p = 0; p < 3; ++p) {
    llvm::PHINode* phi = w.CreatePHI(parts[p]->getType(), 2);
    phi->addIncoming(parts[p], before);
    phi->addIncoming(larges[p], after);
    parts[p] = phi;
  }
  return {parts[0], parts[1], parts[2]};
}

}  // namespace

Value* write_trigonometric(ValueBuilder& w, bool cosine, Value* x) {
  const Math f(w, x);
  Value* is_large = w.CreateNot(w.CreateFCmpULE(w.fabs(x), f.c(kLargestF32, kLargestF64)));  // no NaN
  Value* small = f.pick(w.CreateOr(is_large, w.is_nan(x)), f.c(0), x);
  const Reduced r = reduce_large(f, x, reduce_moderate(f, small), is_large);
  Value* y = r.high;
  Value* z = f.mul(y, y);
  Value* cube = f.mul(z, y);
  Value* half = f.mul(z, f.c(0.5));
  // sin(y + low) = y + (y^3 S + low (1 - z/2)), cos(y + low) = 1 - (z/2 - (z^2 C - y low))
  Value* sine = f.add(y, f.fma(cube, f.polynomial(z, kSinF32, kSinF64), f.mul(r.low, f.sub(f.c(1), half))));
  Value* one = f.sub(f.c(1), half);
  Value* lost = f.sub(f.sub(f.c(1), one), half);
  Value* cosine_tail = f.fma(f.mul(z, z), f.polynomial(z, kCosF32, kCosF64), f.neg(f.mul(y, r.low)));
  Value* cosinus = f.add(one, f.add(lost, cosine_tail));
  Value* quadrant = cosine ? w.CreateAdd(r.quadrant, f.i(1)) : r.quadrant;
  const auto has = [&](int64_t bit) { return w.CreateICmpNE(w.CreateAnd(quadrant, f.i(bit)), f.i(0)); };
  Value* result = f.pick(has(1), cosinus, sine);
  result = f.pick(has(2), f.neg(result), result);
  if (!cosine) result = f.pick(f.less(w.fabs(x), f.c(0x1p-13, 0x1p-28)), x, result);  // and keeps -0
  Value* infinite = w.CreateFCmpOEQ(w.fabs(x), f.c(std::numeric_limits<double>::infinity()));
  result = f.pick(infinite, f.c(std::numeric_limits<double>::quiet_NaN()), result);
  return f.pick(w.is_nan(x), x, result);
}

}  // namespace anneal::cpu
