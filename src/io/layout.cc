// SPDX-License-Identifier: MIT
#include "io/layout.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/message.h"

namespace anneal::io {
namespace {

// Elements of a size that the compiler knows.
template <size_t kSize>
void gather_rows(const std::byte* from, std::byte* to, std::span<const int64_t> shape,
                 std::span<const size_t> strides) {
  const size_t rank = shape.size();
  const auto row = static_cast<size_t>(shape.back());
  const size_t step = strides.back() * kSize;
  std::vector<int64_t> position(rank, 0);
  while (true) {
    size_t offset = 0;
    for (size_t axis = 0; axis + 1 < rank; ++axis)
      offset += static_cast<size_t>(position[axis]) * strides[axis];
    const std::byte* source = from + offset * kSize;
    for (size_t i = 0; i < row; ++i, to += kSize, source += step) std::memcpy(to, source, kSize);
    size_t axis = rank - 1;
    while (axis > 0 && ++position[axis - 1] == shape[axis - 1]) position[--axis] = 0;
    if (axis == 0) return;
  }
}

}  // namespace

std::string shape_text(std::span<const int64_t> shape) {
  constexpr size_t kShown = 8;
  std::string text = "[";
  for (size_t i = 0; i < std::min(shape.size(), kShown); ++i) text += concat(i == 0 ? "" : ", ", shape[i]);
  return text + (shape.size() > kShown ? concat(", ... ", shape.size(), " extents]") : "]");
}

std::optional<uint64_t> byte_size(std::span<const int64_t> shape, DType dtype) {
  int64_t bytes = dtype_size(dtype);
  bool is_empty = false;
  for (int64_t extent : shape) {
    if (extent == 0) is_empty = true;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes)) return std::nullopt;
  }
  return is_empty ? 0 : static_cast<uint64_t>(bytes);
}

std::vector<std::byte> swap_bytes(std::span<const std::byte> data, size_t element_size) {
  std::vector<std::byte> out(data.size());
  for (size_t start = 0; start + element_size <= data.size(); start += element_size) {
    std::reverse_copy(data.begin() + static_cast<ptrdiff_t>(start),
                      data.begin() + static_cast<ptrdiff_t>(start + element_size),
                      out.begin() + static_cast<ptrdiff_t>(start));
  }
  return out;
}

std::vector<std::byte> from_column_major(std::span<const std::byte> data, std::span<const int64_t> shape,
                                         size_t element_size) {
  std::vector<std::byte> out(data.size());
  if (data.empty()) return out;
  if (shape.size() < 2) {
    std::copy(data.begin(), data.end(), out.begin());
    return out;
  }
  std::vector<size_t> strides;
  size_t stride = 1;
  for (const int64_t extent : shape) {
    strides.push_back(stride);
    stride *= static_cast<size_t>(extent);
  }
  switch (element_size) {
    case 1: gather_rows<1>(data.data(), out.data(), shape, strides); break;
    case 2: gather_rows<2>(data.data(), out.data(), shape, strides); break;
    case 4: gather_rows<4>(data.data(), out.data(), shape, strides); break;
    default: gather_rows<8>(data.data(), out.data(), shape, strides); break;
  }
  return out;
}

Array owning_array(DType dtype, std::vector<int64_t> shape, std::vector<std::byte> bytes) {
  const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {dtype, std::move(shape), *kept, kept};
}

}  // namespace anneal::io
