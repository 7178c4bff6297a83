// SPDX-License-Identifier: MIT
#include "conform/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/host_value.h"

namespace anneal::conform {
namespace {

constexpr double kSmallest = 1e-6;  // added to the norm of the reference, which may be 0

size_t count_of(const ir::BufferData& array) {
  return array.bytes.size() / static_cast<size_t>(dtype_size(array.dtype));
}

double number_of(const HostValue& v) {
  if (v.is_float) return v.number;
  return v.is_signed ? static_cast<double>(static_cast<int64_t>(v.integer)) : static_cast<double>(v.integer);
}

std::string text_of(const HostValue& v) {
  if (v.is_float) return fmt::format("{}", v.number);
  return v.is_signed ? fmt::format("{}", static_cast<int64_t>(v.integer)) : fmt::format("{}", v.integer);
}

std::string place_of(size_t element, const std::vector<int64_t>& shape) {
  std::vector<int64_t> at(shape.size());
  auto left = static_cast<int64_t>(element);
  for (size_t i = shape.size(); i-- > 0; left /= shape[i]) at[i] = left % shape[i];
  return shape_text(at);
}

Comparison compare_exactly(const ir::BufferData& got, const ir::BufferData& reference) {
  Comparison out;
  const size_t count = count_of(reference);
  size_t differing = 0;
  for (size_t i = 0; i < count; ++i) {
    const HostValue a = load_value(got, i), b = load_value(reference, i);
    const bool same = a.is_float || b.is_float ? number_of(a) == number_of(b) : a.integer == b.integer;
    if (same) continue;
    if (differing++ == 0)
      out.message =
          fmt::format("{} at {}, reference {}", text_of(a), place_of(i, reference.shape), text_of(b));
  }
  if (differing == 0) return out;
  out.ok = false;
  out.error = static_cast<double>(differing) / static_cast<double>(count);
  out.message = fmt::format("{} of {} elements differ, exactness is needed; the first is {}", differing,
                            count, out.message);
  return out;
}

bool is_whole(const ir::BufferData& array) {
  for (size_t i = 0; i < count_of(array); ++i)
    if (const double v = number_of(load_value(array, i)); v != std::trunc(v) || std::isinf(v)) return false;
  return true;
}

Comparison compare_floats(const ir::BufferData& got, const ir::BufferData& reference, double tolerance) {
  Comparison out;
  out.tolerance = tolerance;
  const size_t count = count_of(reference);
  double difference = 0, size = 0;
  for (size_t i = 0; i < count; ++i) {
    const double a = number_of(load_value(got, i)), b = number_of(load_value(reference, i));
    if (std::isfinite(a) && std::isfinite(b)) {
      difference += (a - b) * (a - b);
      size += b * b;
    } else if (!(a == b || (std::isnan(a) && std::isnan(b)))) {
      out.ok = false;
      out.error = HUGE_VAL;
      out.message = fmt::format("{} at {}, reference {}", a, place_of(i, reference.shape), b);
      return out;
    }
  }
  out.error = std::sqrt(difference) / (std::sqrt(size) + kSmallest);
  out.ok = out.error <= tolerance;
  if (!out.ok) out.message = fmt::format("relative error {:.3g}, tolerance {:.0e}", out.error, tolerance);
  return out;
}

}  // namespace

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

double tolerance_for(DType reference, const Tolerance& tolerance) {
  switch (reference) {
    case DType::kF16: return std::max(tolerance.relative, 0x1p-10);    // half an ulp is 2^-11
    case DType::kBF16: return std::max(tolerance.relative, 0x1p-7);    // 2^-8
    case DType::kF8E4M3: return std::max(tolerance.relative, 0x1p-3);  // 2^-4
    case DType::kF8E5M2: return std::max(tolerance.relative, 0x1p-2);  // 2^-3
    default: return tolerance.relative;
  }
}

ir::BufferData to_array(const io::TensorView& view) {
  ir::BufferData out{view.dtype, view.shape, {}};
  out.bytes.assign(view.data.begin(), view.data.end());
  return out;
}

Comparison compare(const ir::BufferData& got, const io::TensorView& view, const Tolerance& tolerance) {
  if (got.shape != view.shape) {
    Comparison out;
    out.ok = false;
    out.error = HUGE_VAL;
    out.message = fmt::format("shape {}, reference {}", shape_text(got.shape), shape_text(view.shape));
    return out;
  }
  const ir::BufferData reference = to_array(view);
  // Sets store truth values as integers, and whole numbers as floats; nothing else stands for another kind.
  const bool same_kind =
      is_float(got.dtype) == is_float(view.dtype) && is_bool(got.dtype) == is_bool(view.dtype);
  const bool stands_for =
      is_float(view.dtype) ? is_whole(reference) : is_bool(got.dtype) && is_int(view.dtype);
  if (!same_kind && !stands_for) {
    Comparison out;
    out.ok = false;
    out.error = HUGE_VAL;
    out.message = fmt::format("values of {}, reference {}", dtype_name(got.dtype), dtype_name(view.dtype));
    return out;
  }
  if (!same_kind || !is_float(view.dtype)) return compare_exactly(got, reference);
  return compare_floats(got, reference, tolerance_for(view.dtype, tolerance));
}

}  // namespace anneal::conform
