// SPDX-License-Identifier: MIT
//
// Fuzz target for .npy and IDX files. Inputs whose first byte is odd are the text of a .npy header to be
// framed, followed after a zero byte by the data; others are the file itself. What is accepted has the size
// that its shape says, and writing and reading it again changes nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/idx.h"
#include "io/npy.h"

namespace {

using anneal::io::Array;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::byte> framed(const uint8_t* data, size_t size) {
  const uint8_t* end = std::find(data + 1, data + size, uint8_t{0});
  const auto length = static_cast<size_t>(end - data - 1);
  std::vector<std::byte> file;
  for (const unsigned char c : std::string("\x93NUMPY\2\0", 8)) file.push_back(static_cast<std::byte>(c));
  for (size_t i = 0; i < 4; ++i) file.push_back(static_cast<std::byte>(length >> (8 * i) & 0xff));
  for (const uint8_t* at = data + 1; at != data + size; ++at)
    if (at != end) file.push_back(static_cast<std::byte>(*at));
  return file;
}

void check_size(const Array& array) {
  require(anneal::io::byte_size(array.shape, array.dtype) == array.data.size());
}

void check_npy(const std::vector<std::byte>& file) {
  const auto read = anneal::io::parse_npy(file, "input");
  if (!read) {
    require(read.message().starts_with("input: ") && read.message().size() < 2000);
    return;
  }
  check_size(*read);
  const auto written = anneal::io::serialize_npy({"", read->dtype, read->shape, read->data});
  require(written.ok());
  const auto again = anneal::io::parse_npy(*written, "written");
  require(again.ok() && again->dtype == read->dtype && again->shape == read->shape);
  require(std::ranges::equal(again->data, read->data));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> file(size);
  if (size > 0) std::memcpy(file.data(), data, size);
  if (const auto idx = anneal::io::parse_idx(file, "input")) check_size(*idx);
  check_npy(size > 0 && data[0] % 2 == 1 ? framed(data, size) : file);
  return 0;
}
