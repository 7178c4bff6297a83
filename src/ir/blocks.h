// SPDX-License-Identifier: MIT
// Elementwise ops over runs of elements. A run in computed form is packed and of the C++ type that the
// element type computes in: float for the narrow floats (holding values of the narrow type), int64_t for
// index, bool as one byte that is 0 or 1, else the type itself. Memory form is what a buffer holds. Tested by
// eval_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/node.h"
#include "ir/op.h"
#include "support/check.h"

namespace anneal::ir {

constexpr bool is_narrow_float(DType t) { return is_float(t) && dtype_size(t) < 4; }

// The element type whose memory form is the computed form of t.
constexpr DType compute_dtype(DType t) {
  if (is_narrow_float(t)) return DType::kF32;
  return t == DType::kIndex ? DType::kI64 : t;
}

// Calls fn.template operator()<T>() with the C++ type in which t computes.
template <typename Fn>
void visit_compute(DType t, Fn&& fn) {
  switch (compute_dtype(t)) {
    case DType::kBool: return fn.template operator()<bool>();
    case DType::kI8: return fn.template operator()<int8_t>();
    case DType::kI16: return fn.template operator()<int16_t>();
    case DType::kI32: return fn.template operator()<int32_t>();
    case DType::kI64: return fn.template operator()<int64_t>();
    case DType::kU8: return fn.template operator()<uint8_t>();
    case DType::kU16: return fn.template operator()<uint16_t>();
    case DType::kU32: return fn.template operator()<uint32_t>();
    case DType::kU64: return fn.template operator()<uint64_t>();
    case DType::kF32: return fn.template operator()<float>();
    case DType::kF64: return fn.template operator()<double>();
    default: ANNEAL_UNREACHABLE("void has no elements");
  }
}

// Memory form to computed form; the elements are `stride` elements apart (0 and negative are fine).
void load_elements(DType t, const std::byte* from, int64_t stride, size_t n, void* to);
// Computed form to memory form, packed. Values that t does not have are rounded to it.
void store_elements(DType t, const void* from, size_t n, std::byte* to);

// One constant in computed form (8 bytes suffice), and back.
void load_scalar(DType t, Scalar value, void* to);
Scalar scalar_of(DType t, const void* from);

// One elementwise op. `source` is the type of the last source; `lane` is that of Threefry.
struct Elementwise {
  Op op;
  DType result, source;
  int32_t lane = 0;
};
// All runs are in computed form, of n elements, and do not overlap `out`.
void run_elementwise(const Elementwise& what, const void* const* sources, void* out, size_t n);

}  // namespace anneal::ir
