// SPDX-License-Identifier: MIT
// The meaning of every elementwise op on one element of a computed type: bool, the eight integers, float, double.
// Constant folding and the interpreter both come here, so there is one definition; the semantics are those at the
// top of ops.def. Narrow floats and index have no code of their own: they compute in float and int64_t (blocks.h).
// Functions of float go through double and round once, so that no platform's float library is part of the meaning.
// Tested by eval_test.cc.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "ir/arg.h"
#include "ir/op.h"

namespace anneal::ir {

template <typename T>
concept FloatElement = std::same_as<T, float> || std::same_as<T, double>;
template <typename T>
concept IntElement = std::integral<T> && !std::same_as<T, bool>;

// Whether elements of T can be sources of ops with this rule.
template <typename T>
constexpr bool rule_allows(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::Number: return !std::same_as<T, bool>;
    case DTypeRule::Int: return IntElement<T>;
    case DTypeRule::Integral: return IntElement<T> || std::same_as<T, bool>;
    case DTypeRule::Float: return FloatElement<T>;
    default: return true;
  }
}

// The functions below choose by op at compile time; an op without a case leaves its instance without a return,
// which does not compile.

// -- One source --

template <Op op, FloatElement T>
T unary_op(T a) {
  [[maybe_unused]] const double d = a;
  if constexpr (op == Op::Neg) return -a;
  if constexpr (op == Op::Abs) return std::fabs(a);
  if constexpr (op == Op::Recip) return T{1} / a;
  if constexpr (op == Op::Sqrt) return std::sqrt(a);
  if constexpr (op == Op::Exp) return static_cast<T>(std::exp(d));
  if constexpr (op == Op::Exp2) return static_cast<T>(std::exp2(d));
  if constexpr (op == Op::Expm1) return static_cast<T>(std::expm1(d));
  if constexpr (op == Op::Log) return static_cast<T>(std::log(d));
  if constexpr (op == Op::Log2) return static_cast<T>(std::log2(d));
  if constexpr (op == Op::Log1p) return static_cast<T>(std::log1p(d));
  if constexpr (op == Op::Sin) return static_cast<T>(std::sin(d));
  if constexpr (op == Op::Cos) return static_cast<T>(std::cos(d));
  if constexpr (op == Op::Tanh) return static_cast<T>(std::tanh(d));
  if constexpr (op == Op::Atan) return static_cast<T>(std::atan(d));
  if constexpr (op == Op::Erf) return static_cast<T>(std::erf(d));
  if constexpr (op == Op::Floor) return std::floor(a);
  if constexpr (op == Op::Ceil) return std::ceil(a);
  if constexpr (op == Op::Round) return std::nearbyint(a);
  if constexpr (op == Op::Trunc) return std::trunc(a);
}

// Wrapping arithmetic on integers: the low bits of the result in 64 bits.
template <IntElement T>
constexpr T wrap(uint64_t v) {
  return static_cast<T>(v);
}

template <Op op, IntElement T>
constexpr T unary_op(T a) {
  if constexpr (op == Op::Neg) return wrap<T>(0 - static_cast<uint64_t>(a));
  if constexpr (op == Op::Abs) return a < T{0} ? unary_op<Op::Neg>(a) : a;
  if constexpr (op == Op::Not) return static_cast<T>(~a);
}

template <Op op, std::same_as<bool> T>
constexpr T unary_op(T a) {
  if constexpr (op == Op::Not) return !a;
}

// -- Two sources --

// The quotient a / b rounded to an integer, exactly: a / b itself may round onto an integer that the true quotient
// does not reach. The remainder a - q * b, whose sign fma gives exactly, tells.
template <FloatElement T>
T floor_of_quotient(T a, T b) {
  constexpr T kAllIntegers = T{2} / std::numeric_limits<T>::epsilon();  // above, q - 1 is not a neighbour
  const T q = std::floor(a / b);
  if (!(std::fabs(q) < kAllIntegers)) return q;
  const T rest = std::fma(-q, b, a);
  return (rest < 0 && b > 0) || (rest > 0 && b < 0) ? q - T{1} : q;
}

// The remainder with the sign of b, for which fmod has given the one with the sign of a.
template <FloatElement T>
T floor_remainder(T a, T b) {
  const T r = std::fmod(a, b);
  if (r == 0) return std::copysign(r, b);
  return std::signbit(r) != std::signbit(b) ? r + b : r;  // a NaN stays one
}

template <FloatElement T>
T trunc_of_quotient(T a, T b) {
  return std::signbit(a) == std::signbit(b) ? floor_of_quotient(a, b) : -floor_of_quotient(-a, b);
}

template <FloatElement T>
T max_of(T a, T b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
template <FloatElement T>
T min_of(T a, T b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <Op op, FloatElement T>
T binary_op(T a, T b) {
  if constexpr (op == Op::Add) return a + b;
  if constexpr (op == Op::Sub) return a - b;
  if constexpr (op == Op::Mul) return a * b;
  if constexpr (op == Op::Div) return a / b;
  if constexpr (op == Op::FloorDiv) return floor_of_quotient(a, b);
  if constexpr (op == Op::FloorMod) return floor_remainder(a, b);
  if constexpr (op == Op::TruncDiv) return trunc_of_quotient(a, b);
  if constexpr (op == Op::TruncMod) return std::fmod(a, b);
  if constexpr (op == Op::Pow) return static_cast<T>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  if constexpr (op == Op::Max) return max_of(a, b);
  if constexpr (op == Op::Min) return min_of(a, b);
}

template <IntElement T>
constexpr bool is_minus_one(T v) {
  return std::signed_integral<T> && v == static_cast<T>(-1);
}

// x / 0 is 0 and x % 0 is 0; dividing by -1 is negation, which wraps where the machine's division would trap.
template <IntElement T>
constexpr T trunc_div(T a, T b) {
  if (b == 0) return 0;
  return is_minus_one(b) ? unary_op<Op::Neg>(a) : static_cast<T>(a / b);
}
template <IntElement T>
constexpr T trunc_mod(T a, T b) {
  return b == 0 || is_minus_one(b) ? T{0} : static_cast<T>(a % b);
}
template <IntElement T>
constexpr T floor_div(T a, T b) {
  const T q = trunc_div(a, b), r = trunc_mod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
}
template <IntElement T>
constexpr T floor_mod(T a, T b) {
  const T r = trunc_mod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

template <IntElement T>
constexpr T int_pow(T a, T b) {
  if (b < T{0}) {
    const bool odd = (b & 1) != 0;
    if (a == 1) return 1;
    return is_minus_one(a) ? static_cast<T>(odd ? -1 : 1) : T{0};
  }
  uint64_t result = 1, square = static_cast<uint64_t>(a);
  for (uint64_t left = static_cast<uint64_t>(b); left != 0; left >>= 1, square *= square)
    if ((left & 1) != 0) result *= square;
  return wrap<T>(result);
}

// An amount that is negative or at least the width is too far.
template <IntElement T>
constexpr bool shifts_out(T amount) {
  return static_cast<uint64_t>(amount) >= sizeof(T) * 8;
}

template <Op op, IntElement T>
constexpr T binary_op(T a, T b) {
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  if constexpr (op == Op::Add) return wrap<T>(x + y);
  if constexpr (op == Op::Sub) return wrap<T>(x - y);
  if constexpr (op == Op::Mul) return wrap<T>(x * y);
  if constexpr (op == Op::FloorDiv) return floor_div(a, b);
  if constexpr (op == Op::FloorMod) return floor_mod(a, b);
  if constexpr (op == Op::TruncDiv) return trunc_div(a, b);
  if constexpr (op == Op::TruncMod) return trunc_mod(a, b);
  if constexpr (op == Op::Pow) return int_pow(a, b);
  if constexpr (op == Op::Max) return a < b ? b : a;
  if constexpr (op == Op::Min) return b < a ? b : a;
  if constexpr (op == Op::And) return static_cast<T>(a & b);
  if constexpr (op == Op::Or) return static_cast<T>(a | b);
  if constexpr (op == Op::Xor) return static_cast<T>(a ^ b);
  if constexpr (op == Op::Shl) return shifts_out(b) ? T{0} : wrap<T>(x << y);
  if constexpr (op == Op::Shr) return shifts_out(b) ? static_cast<T>(a < T{0} ? -1 : 0) : static_cast<T>(a >> b);
}

template <Op op, std::same_as<bool> T>
constexpr T binary_op(T a, T b) {
  if constexpr (op == Op::Max || op == Op::Or) return a || b;
  if constexpr (op == Op::Min || op == Op::And) return a && b;
  if constexpr (op == Op::Xor) return a != b;
}

template <Op op, typename T>
constexpr bool compare_op(T a, T b) {
  if constexpr (op == Op::Lt) return a < b;
  if constexpr (op == Op::Le) return a <= b;
  if constexpr (op == Op::Eq) return a == b;
  if constexpr (op == Op::Ne) return a != b;
}

// The order in which sorting and argmax see elements: NaN is greater than everything, all NaNs are alike, and so
// are -0 and +0.
template <typename T>
constexpr bool sorts_before(T a, T b) {
  if constexpr (FloatElement<T>) {
    return a < b || (b != b && a == a);
  } else {
    return a < b;
  }
}

// -- Casts between computed types --

template <IntElement To, FloatElement From>
constexpr To saturate(From v) {
  constexpr To kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
  constexpr From kAbove = From{2} * static_cast<From>(uint64_t{1} << (std::numeric_limits<To>::digits - 1));
  if (v != v) return 0;
  if (v <= static_cast<From>(kLow)) return kLow;
  return v >= kAbove ? kHigh : static_cast<To>(v);
}

template <typename To, typename From>
constexpr To convert(From v) {
  if constexpr (std::same_as<To, bool>) {
    return v != From{0};
  } else if constexpr (IntElement<To> && FloatElement<From>) {
    return saturate<To>(v);
  } else {
    return static_cast<To>(v);
  }
}

// A double that rounds to any type of at most 24 bits as v itself does: exact, but for integers beyond 2^53,
// whose lowest bits are kept as one sticky bit.
template <typename From>
constexpr double convert_for_rounding(From v) {
  if constexpr (IntElement<From>) {
    const bool negative = v < From{0};
    const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
    constexpr uint64_t kDropped = 0x7ff;
    const uint64_t sticky = (magnitude & kDropped) != 0 ? kDropped + 1 : 0;
    const bool exact = magnitude >> 53 == 0;
    const auto kept = static_cast<double>(exact ? magnitude : (magnitude & ~kDropped) | sticky);
    return negative ? -kept : kept;
  } else {
    return static_cast<double>(v);
  }
}

// -- Folds --

constexpr Op fold_as_op(ReduceOp op) {
  constexpr Op kOps[] = {Op::Add, Op::Mul, Op::Max, Op::Min};
  return kOps[static_cast<size_t>(op)];
}

template <ReduceOp op, typename T>
constexpr T fold_op(T a, T b) {
  return binary_op<fold_as_op(op)>(a, b);
}

}  // namespace anneal::ir
