// SPDX-License-Identifier: MIT
#include "io/idx.h"

#include <optional>
#include <utility>

#include "io/deflate.h"
#include "io/file_bytes.h"

namespace anneal::io {
namespace {

constexpr size_t kIdxStart = 4, kIdxExtent = 4;

std::optional<DType> idx_dtype(std::byte code) {
  switch (std::to_integer<int>(code)) {
    case 0x08: return DType::kU8;
    case 0x09: return DType::kI8;
    case 0x0b: return DType::kI16;
    case 0x0c: return DType::kI32;
    case 0x0d: return DType::kF32;
    case 0x0e: return DType::kF64;
    default: return std::nullopt;
  }
}

Result<Array> parse_plain_idx(std::span<const std::byte> bytes, std::string_view label,
                              std::shared_ptr<const void> storage) {
  if (!is_idx(bytes)) {
    return Failure{concat(label,
                          ": not an IDX file: it does not begin with two zero bytes, an element type "
                          "(8, 9, 11 to 14) and a rank")};
  }
  const auto rank = std::to_integer<size_t>(bytes[3]);
  const size_t start = kIdxStart + rank * kIdxExtent;
  if (bytes.size() < start)
    return Failure{
        concat(label, ": cut short: ", bytes.size(), " bytes, but ", rank, " extents need ", start)};
  std::vector<int64_t> shape;
  for (size_t at = kIdxStart; at < start; at += kIdxExtent) {
    int64_t extent = 0;
    for (size_t i = 0; i < kIdxExtent; ++i) extent = extent << 8 | std::to_integer<int64_t>(bytes[at + i]);
    shape.push_back(extent);
  }
  const DType dtype = *idx_dtype(bytes[2]);
  const std::span<const std::byte> data = bytes.subspan(start);
  const std::optional<uint64_t> size = byte_size(shape, dtype);
  if (!size || *size != data.size()) {
    return Failure{concat(label, ": shape ", shape_text(shape), " of ", dtype_name(dtype), " needs ",
                          size ? std::to_string(*size) : "more than 2^63-1", " bytes, but ", data.size(),
                          " bytes of data follow")};
  }
  const auto element = static_cast<size_t>(dtype_size(dtype));
  if (element > 1) return owning_array(dtype, std::move(shape), swap_bytes(data, element));
  return Array{dtype, std::move(shape), data, std::move(storage)};
}

}  // namespace

bool is_idx(std::span<const std::byte> bytes) {
  return bytes.size() >= kIdxStart && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} &&
         idx_dtype(bytes[2]);
}

Result<Array> parse_idx(std::span<const std::byte> bytes, std::string_view label,
                        std::shared_ptr<const void> storage) {
  if (!is_gzip(bytes)) return parse_plain_idx(bytes, label, std::move(storage));
  Result<std::vector<std::byte>> unfolded = gunzip(bytes, unfolded_limit(bytes.size()), label);
  if (!unfolded) return std::move(unfolded).failure();
  const auto kept = std::make_shared<const std::vector<std::byte>>(std::move(*unfolded));
  return parse_plain_idx(*kept, label, kept);
}

Result<Array> read_idx(const std::string& path) {
  Result<std::shared_ptr<const FileBytes>> file = FileBytes::map(path);
  if (!file) return std::move(file).failure();
  const std::span<const std::byte> bytes = (*file)->bytes();
  return parse_idx(bytes, path, std::move(*file));
}

}  // namespace anneal::io
