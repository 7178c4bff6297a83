// SPDX-License-Identifier: MIT
//
// Shapes that come out of files: their size in bytes without overflow, their text, and the way from other
// layouts to row-major and little-endian.
// Tested by layout_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "anneal/dtype.h"

namespace anneal::io {

// A tensor's values as a file of one array gives them, row-major and little-endian.
struct Array {
  DType dtype = DType::kVoid;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  std::shared_ptr<const void> storage;  // what `data` points into; null where the caller keeps it
};

// "[2, 3]", shortened when there are many extents.
std::string shape_text(std::span<const int64_t> shape);

// The size of a tensor in bytes, or nothing when it is beyond int64_t. Zero extents count as 1 in that check,
// so that strides and partial products are in range too. No extent may be negative.
std::optional<uint64_t> byte_size(std::span<const int64_t> shape, DType dtype);

// Copies, each element with its bytes the other way round.
std::vector<std::byte> swap_bytes(std::span<const std::byte> data, size_t element_size);

// Copies column-major data (the first axis runs fastest) to row-major.
std::vector<std::byte> from_column_major(std::span<const std::byte> data, std::span<const int64_t> shape,
                                         size_t element_size);

// An array that owns `bytes`.
Array owning_array(DType dtype, std::vector<int64_t> shape, std::vector<std::byte> bytes);

}  // namespace anneal::io
