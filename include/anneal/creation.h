// SPDX-License-Identifier: MIT
// Tensors from nothing, from numbers and from host data.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "anneal/tensor.h"

namespace anneal {

namespace detail {
// Raises "name: what", and says where in the user's program.
[[noreturn]] void fail(std::string_view name, ErrorCode code, const std::string& what, const Loc& loc);
}  // namespace detail

Tensor full(const Sizes& sizes, In value);  // the type of the number: i32, f32 or bool
Tensor full(const Sizes& sizes, In value, DType dtype);
Tensor zeros(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current());
Tensor ones(const Sizes& sizes, DType dtype = f32, Loc loc = Loc::current());
Tensor full_like(In x, In value);
Tensor zeros_like(In x);
Tensor ones_like(In x);
Tensor eye(const Extent& rows, DType dtype = f32, Loc loc = Loc::current());
Tensor eye(const Extent& rows, const Extent& columns, DType dtype = f32, Loc loc = Loc::current());
Tensor arange(const Extent& stop, DType dtype = i32, Loc loc = Loc::current());
Tensor arange(double start, double stop, double step = 1, DType dtype = f32, Loc loc = Loc::current());
// Of integers alone it holds integers: arange(0, 5) is i32, arange(0, 5, 0.5) f32.
template <typename A, typename B, typename C = int>
  requires std::is_integral_v<A> && std::is_integral_v<B> && std::is_integral_v<C>
Tensor arange(A start, B stop, C step = 1, Loc loc = Loc::current()) {
  return arange(static_cast<double>(start), static_cast<double>(stop), static_cast<double>(step), i32, loc);
}
template <typename T>
  requires std::is_floating_point_v<T>
Tensor arange(T stop, DType dtype = f32, Loc loc = Loc::current()) {  // arange(2.5) is {0, 1, 2}
  return arange(0.0, static_cast<double>(stop), 1.0, dtype, loc);
}
Tensor linspace(double start, double stop, int64_t count, DType dtype = f32, Loc loc = Loc::current());
Tensor tri(const Extent& rows, const Extent& columns, int64_t diagonal = 0, DType dtype = f32,
           Loc loc = Loc::current());
Tensor from_bytes(std::span<const std::byte> data, const std::vector<int64_t>& shape, DType dtype,
                  Loc loc = Loc::current());
template <typename T>
Tensor from_data(const std::vector<T>& data, const std::vector<int64_t>& shape, Loc loc = Loc::current()) {
  if constexpr (std::is_same_v<T, bool>) {  // which holds its elements as bits
    const std::vector<uint8_t> bytes(data.begin(), data.end());
    return from_bytes(std::as_bytes(std::span<const uint8_t>(bytes)), shape, boolean, loc);
  } else {
    return from_bytes(std::as_bytes(std::span<const T>(data)), shape, Tensor::dtype_of<T>(), loc);
  }
}
// tensor({1.f, 2.f}), tensor({{1, 2}, {3, 4}}): literals. Numbers of several types are f64.
template <typename T>
Tensor tensor(std::initializer_list<T> values, Loc loc = Loc::current()) {
  return from_data(std::vector<T>(values), {static_cast<int64_t>(values.size())}, loc);
}
template <typename T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows, Loc loc = Loc::current()) {
  std::vector<T> data;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size())
      detail::fail("tensor", ErrorCode::kShape, "the rows have different lengths", loc);
    data.insert(data.end(), row.begin(), row.end());
  }
  return from_data(data,
                   {static_cast<int64_t>(rows.size()),
                    static_cast<int64_t>(data.size() / std::max<size_t>(1, rows.size()))},
                   loc);
}
template <typename T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes,
              Loc loc = Loc::current()) {
  std::vector<T> data;
  const size_t rows = planes.size() == 0 ? 0 : planes.begin()->size();
  const size_t columns = rows == 0 ? 0 : planes.begin()->begin()->size();
  for (const auto& plane : planes) {
    if (plane.size() != rows)
      detail::fail("tensor", ErrorCode::kShape, "the planes have different numbers of rows", loc);
    for (const auto& row : plane) {
      if (row.size() != columns)
        detail::fail("tensor", ErrorCode::kShape, "the rows have different lengths", loc);
      data.insert(data.end(), row.begin(), row.end());
    }
  }
  return from_data(
      data, {static_cast<int64_t>(planes.size()), static_cast<int64_t>(rows), static_cast<int64_t>(columns)},
      loc);
}
namespace detail {
struct AnyNumber {
  double value;
  template <typename T>
    requires std::is_arithmetic_v<T>
  AnyNumber(T v) : value(static_cast<double>(v)) {}  // NOLINT: elements of a literal
};
}  // namespace detail
inline Tensor tensor(std::initializer_list<detail::AnyNumber> values, Loc loc = Loc::current()) {
  std::vector<double> data;
  for (const detail::AnyNumber& v : values) data.push_back(v.value);
  return from_data(data, {static_cast<int64_t>(data.size())}, loc);
}
// An input that is bound later, by number or name: for programs that are compiled, printed or interpreted.
Tensor input(int64_t number, const Sizes& sizes, DType dtype = f32, std::string_view name = {},
             Loc loc = Loc::current());

}  // namespace anneal
