// SPDX-License-Identifier: MIT
// The meaning of every elementwise op on one element of a computed type: bool, the eight integers, float,
// double. Constant folding and the interpreter both come here, so there is one definition; the semantics are
// those at the top of ops.def. Narrow floats and index have no code of their own: they compute in float and
// int64_t (blocks.h). Tested by eval_test.cc.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "ir/arg.h"
#include "ir/scalar_float_ops.h"
#include "ir/scalar_int_ops.h"

namespace anneal::ir {

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

// -- Bool, and ops of every type --

template <Op op, std::same_as<bool> T>
constexpr T unary_op(T a) {
  if constexpr (op == Op::Not) return !a;
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

// The order in which sorting and argmax see elements: NaN is greater than everything, all NaNs are alike, and
// so are -0 and +0.
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
