// SPDX-License-Identifier: MIT
// a^b of floats. See math.h.
#include <limits>
#include <numbers>

#include "cpu/math_coefficients.h"
#include "cpu/math_parts.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

// An unevaluated sum, |low| much below |high|.
struct Pair {
  Value *high, *low;
};

Pair exact_product(const Math& f, Value* a, Value* b) {
  Value* p = f.mul(a, b);
  return {p, f.fma(a, b, f.neg(p))};
}
Pair product(const Math& f, const Pair& a, const Pair& b) {
  const Pair p = exact_product(f, a.high, b.high);
  return {p.high, f.add(p.low, f.fma(a.high, b.low, f.mul(a.low, b.high)))};
}
Pair sum(const Math& f, const Pair& a, const Pair& b) {  // |a| >= |b|, or a is 0
  Value* s = f.add(a.high, b.high);
  return {s, f.add(f.add(f.sub(b.high, f.sub(s, a.high)), a.low), b.low)};
}

// log(x) in twice the precision of f64, but for some bits: a = 2 s + 2/3 s^3 + s^5 P(s^2).
Pair wide_log(const Math& f, Value* x) {
  const Decomposed d = decompose(f, x);
  Value* m = f.sub(d.m, f.c(1));  // exact
  Value* denominator = f.add(d.m, f.c(1));
  Value* lost = f.sub(d.m, f.sub(denominator, f.c(1)));
  Value* s = f.div(m, denominator);
  Value* rest = f.fma(f.neg(s), denominator, m);  // m - s * denominator, exactly
  Value* s_low = f.div(f.fma(f.neg(s), lost, rest), denominator);
  const Pair root{s, s_low};
  const Pair square = product(f, root, root);
  const Pair cube = product(f, square, root);
  const Pair third = product(f, cube, {f.c(0x1.5555555555555p-1), f.c(0x1.5555555555555p-55)});
  Value* fifth = f.mul(f.mul(cube.high, square.high), f.polynomial(square.high, kPowLogF64));
  const Pair twice{f.add(s, s), f.add(s_low, s_low)};
  const Pair log_m = sum(f, twice, {third.high, f.add(third.low, fifth)});
  const Pair log_2 = product(f, {d.e, f.c(0)}, {f.c(0x1.62e42fefa39efp-1), f.c(0x1.abc9e3b39803fp-56)});
  return sum(f, log_2, log_m);
}

// e^x for a pair.
Value* wide_exp(const Math& f, const Pair& x) {
  Value* high = f.clamp(x.high, f.c(-750), f.c(715));
  Value* low = f.pick(f.w.CreateFCmpOEQ(high, x.high), x.low, f.c(0));
  Value* k = f.round(f.mul(high, f.c(std::numbers::log2e)));
  Value* r = f.fma(f.neg(k), f.c(0x1.62e42fefa4p-1), high);
  r = f.add(f.fma(f.neg(k), f.c(-0x1.8432a1b0e2634p-43), r), low);
  Value* p = f.add(f.c(1), f.fma(f.mul(r, r), f.polynomial(r, kExpF64), r));
  return f.scale(p, f.to_int(f.pick(f.w.is_nan(k), f.c(0), k)));
}

Value* is_integer(const Math& f, Value* b) {
  return f.w.CreateFCmpOEQ(f.w.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, b), b);  // infinities are
}

// Of an integer: half of it is none. From 2^53 on all are even, and halving is exact.
Value* is_odd(const Math& f, Value* b) {
  return f.w.CreateAnd(is_integer(f, b), f.w.CreateNot(is_integer(f, f.mul(b, f.c(0.5)))));
}

// What C says of zeros, infinities, negative bases and NaN.
Value* with_special_cases(const Math& f, Value* a, Value* b, Value* magnitude) {
  ValueBuilder& w = f.w;
  Value* size = w.fabs(a);
  Value* grows = w.CreateICmpEQ(f.less(f.c(1), size), f.less(f.c(0), b));  // where it tends to infinity
  Value* extreme =
      w.CreateOr(w.CreateOr(w.CreateFCmpOEQ(size, f.c(0)), w.CreateFCmpOEQ(size, f.c(kInfinity))),
                 w.CreateFCmpOEQ(w.fabs(b), f.c(kInfinity)));
  Value* result = f.pick(extreme, f.pick(grows, f.c(kInfinity), f.c(0)), magnitude);
  Value* negative = w.CreateICmpSLT(w.bits_of(a), f.i(0));
  result = f.pick(w.CreateAnd(negative, is_odd(f, b)), f.neg(result), result);
  Value* no_root = w.CreateAnd(w.CreateAnd(f.less(a, f.c(0)), w.CreateFCmpONE(size, f.c(kInfinity))),
                               w.CreateNot(is_integer(f, b)));
  result = f.pick(no_root, f.c(std::numeric_limits<double>::quiet_NaN()), result);
  result = f.pick(w.CreateFCmpUNO(a, b), f.add(a, b), result);
  Value* minus_one = w.CreateAnd(w.CreateFCmpOEQ(size, f.c(1)), w.CreateFCmpOEQ(w.fabs(b), f.c(kInfinity)));
  Value* one = w.CreateOr(w.CreateOr(w.CreateFCmpOEQ(b, f.c(0)), w.CreateFCmpOEQ(a, f.c(1))), minus_one);
  return f.pick(one, f.c(1), result);
}

}  // namespace

// f32 goes through f64, whose own result is then far more exact than what it is rounded to.
Value* write_pow(ValueBuilder& w, Value* a, Value* b) {
  llvm::Type* type = a->getType();
  if (type->getScalarType()->isFloatTy()) {
    llvm::Type* wide = ValueBuilder::same_lanes(w.getDoubleTy(), a);
    return w.CreateFPTrunc(write_pow(w, w.CreateFPExt(a, wide), w.CreateFPExt(b, wide)), type);
  }
  const Math f(w, a);
  const Pair log = wide_log(f, w.fabs(a));
  const Pair exponent = exact_product(f, log.high, b);
  const Pair whole{exponent.high, f.fma(log.low, b, exponent.low)};
  return with_special_cases(f, a, b, wide_exp(f, whole));
}

}  // namespace anneal::cpu
