// SPDX-License-Identifier: MIT
// The part of scalar_ops.h for integers: two's complement, without a trap and without undefined behaviour.
// Choice by op is as in scalar_float_ops.h.
#pragma once

#include <concepts>
#include <cstdint>

#include "ir/op.h"

namespace anneal::ir {

template <typename T>
concept IntElement = std::integral<T> && !std::same_as<T, bool>;

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
  if constexpr (op == Op::Shr)
    return shifts_out(b) ? static_cast<T>(a < T{0} ? -1 : 0) : static_cast<T>(a >> b);
}

}  // namespace anneal::ir
