// SPDX-License-Identifier: MIT
// Exponentials, logarithms and what is made of them. See math.h.
#include "cpu/math.h"

#include <limits>
#include <numbers>

#include "cpu/math_coefficients.h"
#include "cpu/math_parts.h"
#include "support/check.h"

namespace anneal::cpu {
namespace {

using ir::Op;
using llvm::Value;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ln(2) and log2(e) in two parts. Multiples of the first part of ln(2) by an exponent are exact.
constexpr double kLn2HighF32 = 0x1.62e4p-1, kLn2LowF32 = 0x1.7f7d1cp-20;
constexpr double kLn2HighF64 = 0x1.62e42fefa4p-1, kLn2LowF64 = -0x1.8432a1b0e2634p-43;
constexpr double kLog2eHighF32 = 0x1.715476p+0, kLog2eLowF32 = 0x1.4ae0cp-26;
constexpr double kLog2eHighF64 = 0x1.71547652b82fep+0, kLog2eLowF64 = 0x1.777d0ffda0d24p-56;

// x = k * ln(2) + r; then r^2 * (e^r - 1 - r) / r^2 is what e^r has beyond 1 + r.
struct ReducedExp {
  Value *k, *r, *rest;
};
ReducedExp reduce_exp(const Math& f, Value* x) {
  Value* k = f.round(f.mul(x, f.c(std::numbers::log2e)));
  Value* r = f.fma(f.neg(k), f.c(kLn2HighF32, kLn2HighF64), x);
  r = f.fma(f.neg(k), f.c(kLn2LowF32, kLn2LowF64), r);
  return {k, r, f.mul(f.mul(r, r), f.polynomial(r, kExpF32, kExpF64))};
}

Value* write_exp(const Math& f, Value* x) {
  x = f.clamp(x, f.c(-105, -746), f.c(89, 710));
  const ReducedExp e = reduce_exp(f, x);
  Value* p = f.add(f.c(1), f.add(e.r, e.rest));
  return f.pick(f.w.is_nan(x), x, f.scale(p, f.to_int(f.pick(f.w.is_nan(x), f.c(0), e.k))));
}

Value* write_exp2(const Math& f, Value* x) {
  x = f.clamp(x, f.c(-151, -1076), f.c(129, 1025));
  Value* k = f.round(x);
  Value* r = f.sub(x, k);
  Value* p = f.fma(r, f.polynomial(r, kExp2F32, kExp2F64), f.c(1));
  return f.pick(f.w.is_nan(x), x, f.scale(p, f.to_int(f.pick(f.w.is_nan(x), f.c(0), k))));
}

// 2^k * (e^r - 1) + (2^k - 1), halved until the end: 2^k itself may be too large.
Value* write_expm1(const Math& f, Value* x) {
  Value* y = f.clamp(x, f.c(-20, -40), f.c(89, 710));
  const ReducedExp e = reduce_exp(f, y);
  Value* k = f.to_int(f.pick(f.w.is_nan(x), f.c(0), e.k));
  Value* half = f.power_of_two(f.w.CreateSub(k, f.i(1)));
  // Both parts of e^r - 1 join the sum in turn; the second is what rounds.
  Value* sum = f.fma(half, f.add(e.r, e.rest), f.sub(half, f.c(0.5)));
  Value* result = f.mul(sum, f.c(2));
  Value* tiny = f.less(f.w.fabs(x), f.c(0x1p-26, 0x1p-55));
  return f.pick(f.w.CreateOr(tiny, f.w.is_nan(x)), x, result);
}

// log(1 + m') for m' = m - 1 and a small correction to it: f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f).
struct LogParts {
  Value *f, *half_square, *tail;  // tail = s * (half_square + R)
};
LogParts log_parts(const Math& f, Value* m) {
  Value* x = f.sub(m, f.c(1));
  Value* s = f.div(x, f.add(x, f.c(2)));
  Value* z = f.mul(s, s);
  Value* r = f.mul(z, f.polynomial(z, kLogF32, kLogF64));
  Value* half_square = f.mul(f.mul(x, x), f.c(0.5));
  return {x, half_square, f.mul(s, f.add(half_square, r))};
}

Value* log_special(const Math& f, Value* x, Value* result) {
  result = f.pick(f.w.CreateFCmpOEQ(x, f.c(0)), f.c(-kInfinity), result);
  result = f.pick(f.less(x, f.c(0)), f.c(kNan), result);
  Value* kept = f.w.CreateOr(f.w.is_nan(x), f.w.CreateFCmpOEQ(x, f.c(kInfinity)));
  return f.pick(kept, x, result);
}

Value* write_log(const Math& f, Value* x) {
  const Decomposed d = decompose(f, x);
  const LogParts p = log_parts(f, d.m);
  Value* low = f.fma(d.e, f.c(kLn2LowF32, kLn2LowF64), p.tail);
  Value* small = f.sub(p.f, f.sub(p.half_square, low));
  return log_special(f, x, f.fma(d.e, f.c(kLn2HighF32, kLn2HighF64), small));
}

Value* write_log2(const Math& f, Value* x) {
  const Decomposed d = decompose(f, x);
  const LogParts p = log_parts(f, d.m);
  // log(m) as a sum of two, so that the product with log2(e) rounds but once.
  Value* rest = f.sub(p.half_square, p.tail);
  Value* high = f.sub(p.f, rest);
  Value* low = f.sub(f.sub(p.f, high), rest);
  Value* correction =
      f.fma(low, f.c(kLog2eHighF32, kLog2eHighF64), f.mul(high, f.c(kLog2eLowF32, kLog2eLowF64)));
  Value* product = f.mul(high, f.c(kLog2eHighF32, kLog2eHighF64));
  Value* error = f.fma(high, f.c(kLog2eHighF32, kLog2eHighF64), f.neg(product));
  Value* sum = f.add(d.e, product);  // |e| >= 1 > |product|, or e is 0: what is lost is exact
  Value* lost = f.sub(product, f.sub(sum, d.e));
  return log_special(f, x, f.add(sum, f.add(lost, f.add(error, correction))));
}

// 1 + x rounds; what it loses, relative to it, is a term of its own.
Value* write_log1p(const Math& f, Value* x) {
  Value* u = f.add(f.c(1), x);
  Value* large = f.less(f.c(1), x);
  Value* lost = f.pick(large, f.sub(f.c(1), f.sub(u, x)), f.sub(x, f.sub(u, f.c(1))));
  const Decomposed d = decompose(f, u);
  const LogParts p = log_parts(f, d.m);
  Value* low = f.fma(d.e, f.c(kLn2LowF32, kLn2LowF64), f.add(p.tail, f.div(lost, u)));
  Value* small = f.sub(p.f, f.sub(p.half_square, low));
  Value* result = log_special(f, u, f.fma(d.e, f.c(kLn2HighF32, kLn2HighF64), small));
  return f.pick(f.less(f.w.fabs(x), f.c(0x1p-26, 0x1p-55)), x, result);
}

Value* write_tanh(const Math& f, Value* x) {
  Value* magnitude = f.clamp(f.w.fabs(x), f.c(0), f.c(10, 22));
  Value* e = write_expm1(f, f.add(magnitude, magnitude));
  Value* result = f.div(e, f.add(e, f.c(2)));
  result = f.pick(f.less(magnitude, f.c(0x1p-14, 0x1p-28)), magnitude, result);
  return f.pick(f.w.is_nan(x), x, f.w.copysign(result, x));
}

// Below tan(pi/8) itself, up to tan(3 pi/8) from pi/4, above from pi/2.
Value* write_atan(const Math& f, Value* x) {
  constexpr double kPi4HighF32 = 0x1.921fb6p-1, kPi4LowF32 = -0x1.777a5cp-26;
  constexpr double kPi4HighF64 = 0x1.921fb54442d18p-1, kPi4LowF64 = 0x1.1a62633145c07p-55;
  Value* y = f.w.fabs(x);
  Value* low = f.w.CreateFCmpULE(y, f.c(0x1.a8279ap-2));
  Value* middle = f.less(y, f.c(0x1.3504f4p+1));
  Value* is_infinite = f.w.CreateFCmpOEQ(y, f.c(kInfinity));
  Value* above = f.pick(low, y, f.pick(middle, f.sub(y, f.c(1)), f.c(-1)));
  Value* below = f.pick(low, f.c(1), f.pick(middle, f.add(y, f.c(1)), y));
  Value* t = f.div(above, below);
  Value* quarters = f.pick(low, f.c(0), f.pick(middle, f.c(1), f.c(2)));
  Value* z = f.mul(t, t);
  Value* tail =
      f.fma(f.mul(z, f.polynomial(z, kAtanF32, kAtanF64)), t, f.mul(quarters, f.c(kPi4LowF32, kPi4LowF64)));
  Value* result = f.add(f.mul(quarters, f.c(kPi4HighF32, kPi4HighF64)), f.add(t, tail));
  result = f.pick(is_infinite, f.c(std::numbers::pi / 2), result);
  result = f.pick(f.less(y, f.c(0x1p-13, 0x1p-28)), y, result);
  return f.pick(f.w.is_nan(x), x, f.w.copysign(result, x));
}

Value* write_erf(const Math& f, Value* x) {
  Value* y = f.clamp(f.w.fabs(x), f.c(0), f.c(4, 6));
  Value* square = f.mul(y, y);
  Value* near = f.fma(y, f.polynomial(square, kErfF32, kErfF64), y);
  Value* v = f.div(f.c(1), f.add(y, f.c(2)));
  v = f.mul(f.sub(v, f.c(kErfcxMiddleF32, kErfcxMiddleF64)), f.c(kErfcxScaleF32, kErfcxScaleF64));
  Value* rest = f.mul(write_exp(f, f.neg(square)), f.polynomial(v, kErfcxF32, kErfcxF64));
  Value* result = f.pick(f.less(y, f.c(1)), near, f.sub(f.c(1), rest));
  return f.pick(f.w.is_nan(x), x, f.w.copysign(result, x));
}

Value* write(ValueBuilder& w, Op op, Value* x) {
  const Math f(w, x);
  switch (op) {
    case Op::Exp: return write_exp(f, x);
    case Op::Exp2: return write_exp2(f, x);
    case Op::Expm1: return write_expm1(f, x);
    case Op::Log: return write_log(f, x);
    case Op::Log2: return write_log2(f, x);
    case Op::Log1p: return write_log1p(f, x);
    case Op::Sin: return write_trigonometric(w, false, x);
    case Op::Cos: return write_trigonometric(w, true, x);
    case Op::Tanh: return write_tanh(f, x);
    case Op::Atan: return write_atan(f, x);
    case Op::Erf: return write_erf(f, x);
    default: ANNEAL_UNREACHABLE(ir::op_text(op).data());
  }
}

}  // namespace

Decomposed decompose(const Math& f, Value* x) {
  Value* subnormal = f.less(x, f.c(0x1p-126, 0x1p-1022));
  Value* scaled = f.pick(subnormal, f.mul(x, f.c(0x1p24, 0x1p54)), x);
  // The exponent that leaves a mantissa from sqrt(1/2): the bits of that number are the border.
  constexpr int64_t kRootF32 = 0x3f3504f3, kRootF64 = 0x3fe6a09e667f3bcd;
  Value* bits = f.bits(scaled);
  Value* from_root = f.w.CreateSub(bits, f.i(f.single ? kRootF32 : kRootF64));
  Value* e = f.w.CreateAShr(from_root, f.i(f.mantissa));
  Value* m = f.from_bits(f.w.CreateSub(bits, f.w.CreateShl(e, f.i(f.mantissa))));
  Value* exponent = f.to_real(e);
  return {m, f.pick(subnormal, f.sub(exponent, f.c(24, 54)), exponent)};
}

Value* emit_math(ValueBuilder& w, Op op, std::span<Value* const> s) {
  const auto inlined = ValueBuilder::Inline::kAlways;
  if (op == Op::Pow)
    return w.call("pow", inlined, s[0]->getType(), {s[0], s[1]},
                  [](ValueBuilder& inner, ValueBuilder::Values v) { return write_pow(inner, v[0], v[1]); });
  return w.call(std::string(ir::op_text(op)), inlined, s[0]->getType(), {s[0]},
                [&](ValueBuilder& inner, ValueBuilder::Values v) { return write(inner, op, v[0]); });
}

}  // namespace anneal::cpu
