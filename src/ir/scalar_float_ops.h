// SPDX-License-Identifier: MIT
// The part of scalar_ops.h for float and double. Functions of float go through double and round once, so that
// no platform's float library is part of the meaning.
//
// The functions below choose by op at compile time; an op without a case leaves its instance without a
// return, which does not compile.
#pragma once

#include <cmath>
#include <concepts>
#include <limits>

#include "ir/op.h"

namespace anneal::ir {

template <typename T>
concept FloatElement = std::same_as<T, float> || std::same_as<T, double>;

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

// The quotient a / b rounded to an integer, exactly: a / b itself may round onto an integer that the true
// quotient does not reach. The remainder a - q * b, whose sign fma gives exactly, tells; of an infinite b it
// is a, and the quotient lies on one side of 0.
template <FloatElement T>
T floor_of_quotient(T a, T b) {
  constexpr T kAllIntegers = T{2} / std::numeric_limits<T>::epsilon();  // above, q - 1 is not a neighbour
  const T q = std::floor(a / b);
  if (!(std::fabs(q) < kAllIntegers)) return q;
  const T rest = std::isinf(b) ? a : std::fma(-q, b, a);
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
  if constexpr (op == Op::Pow)
    return static_cast<T>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  if constexpr (op == Op::Max) return max_of(a, b);
  if constexpr (op == Op::Min) return min_of(a, b);
}

}  // namespace anneal::ir
