// SPDX-License-Identifier: MIT
// A computed array against its reference. Floats: the norm of the difference over the norm of the reference,
// of the whole tensor; NaN and infinities must stand in the same places. Integers and truth values: exactly.
// The kind of element belongs to the result, but a reference may hold truth values as integers, and whole
// numbers as floats.
// Tested by compare_test.cc.
#pragma once

#include <string>

#include "io/safetensors.h"
#include "ir/graph.h"

namespace anneal::conform {

struct Tolerance {
  double relative;  // for f32 and f64 references
};
inline constexpr Tolerance kTolerance{2e-5};

struct Comparison {
  bool ok = true;
  double error = 0;  // relative; for integers the share of elements that differ
  double tolerance = 0;
  std::string message;  // when not ok: figure and tolerance, or the first place that differs
};

// References in narrow floats are rounded themselves: they get the tolerance of their type if that is wider.
double tolerance_for(DType reference, const Tolerance& tolerance);

Comparison compare(const ir::BufferData& got, const io::TensorView& reference, const Tolerance& tolerance);

// The reference as an array of its own.
ir::BufferData to_array(const io::TensorView& view);
// "[2,3]"
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace anneal::conform
