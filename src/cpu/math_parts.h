// SPDX-License-Identifier: MIT
// What the transcendental functions share. Included by math*.cc only. Tested by math_slow_test.cc.
#pragma once

#include <limits>
#include <span>

#include "cpu/value_builder.h"

namespace anneal::cpu {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A function of x in one precision: shorthand for instructions on values like x.
struct Math {
  using Value = llvm::Value;
  ValueBuilder& w;
  llvm::Type* real;  // the type of x
  bool single;       // f32
  int mantissa, bias;

  Math(ValueBuilder& builder, Value* x)
      : w(builder),
        real(x->getType()),
        single(real->getScalarType()->isFloatTy()),
        mantissa(single ? 23 : 52),
        bias(single ? 127 : 1023) {}

  llvm::Constant* c(double f32_value, double f64_value) const {
    return llvm::ConstantFP::get(real, single ? f32_value : f64_value);
  }
  llvm::Constant* c(double v) const { return c(v, v); }
  llvm::Constant* i(int64_t v) const { return ValueBuilder::integer(int_type(), v); }
  llvm::Type* int_type() const {
    const auto* v = llvm::dyn_cast<llvm::FixedVectorType>(real);
    return ValueBuilder::with_lanes(w.getIntNTy(single ? 32 : 64), v != nullptr ? v->getNumElements() : 0);
  }
  Value* add(Value* a, Value* b) const { return w.CreateFAdd(a, b); }
  Value* sub(Value* a, Value* b) const { return w.CreateFSub(a, b); }
  Value* mul(Value* a, Value* b) const { return w.CreateFMul(a, b); }
  Value* div(Value* a, Value* b) const { return w.CreateFDiv(a, b); }
  Value* neg(Value* a) const { return w.CreateFNeg(a); }
  Value* fma(Value* a, Value* b, Value* d) const { return w.fma(a, b, d); }
  Value* less(Value* a, Value* b) const { return w.CreateFCmpOLT(a, b); }
  Value* pick(Value* condition, Value* a, Value* b) const { return w.CreateSelect(condition, a, b); }
  Value* round(Value* a) const { return w.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, a); }
  Value* to_int(Value* a) const { return w.CreateFPToSI(a, int_type()); }  // of what fits
  Value* to_real(Value* a) const { return w.CreateSIToFP(a, real); }
  Value* bits(Value* a) const { return w.bits_of(a); }
  Value* from_bits(Value* a) const { return w.float_of(a, real); }
  // Between the two, and NaN where x is.
  Value* clamp(Value* x, Value* low, Value* high) const {
    x = pick(less(x, low), low, x);
    return pick(less(high, x), high, x);
  }
  // c[0] * x^(n-1) + ... + c[n-1]
  Value* polynomial(Value* x, std::span<const double> coefficients) const {
    Value* sum = c(coefficients[0]);
    for (const double k : coefficients.subspan(1)) sum = fma(sum, x, c(k));
    return sum;
  }
  Value* polynomial(Value* x, std::span<const double> f32_coefficients,
                    std::span<const double> f64_coefficients) const {
    return polynomial(x, single ? f32_coefficients : f64_coefficients);
  }
  Value* power_of_two(Value* exponent) const {  // an integer for which it is a normal number
    return from_bits(w.CreateShl(w.CreateAdd(exponent, i(bias)), i(mantissa)));
  }
  // p * 2^k in two steps, so that only the last one can round or overflow.
  Value* scale(Value* p, Value* k) const {
    Value* half = w.CreateAShr(k, i(1));
    return mul(mul(p, power_of_two(half)), power_of_two(w.CreateSub(k, half)));
  }
};

// x = m * 2^e with m from sqrt(1/2) to sqrt(2), for x > 0 and finite.
struct Decomposed {
  llvm::Value *m, *e;  // both floats
};
Decomposed decompose(const Math& f, llvm::Value* x);

llvm::Value* write_trigonometric(ValueBuilder& w, bool cosine, llvm::Value* x);
llvm::Value* write_pow(ValueBuilder& w, llvm::Value* a, llvm::Value* b);

}  // namespace anneal::cpu
