// SPDX-License-Identifier: MIT
//
// Fuzz target for the safetensors reader and writer. Inputs whose first byte is odd are a data size and a
// header text to be framed, so that the search spends its time behind the length check; others are the file
// itself. Whatever is accepted has tensors that tile the data, and writing them and reading that back changes
// nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "io/safetensors.h"

namespace {

using anneal::io::SafeTensors;
using anneal::io::TensorView;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::byte> framed(const uint8_t* data, size_t size) {
  const size_t data_size = size > 1 ? data[1] : 0;
  const size_t header_size = size > 2 ? size - 2 : 0;
  std::vector<std::byte> file(8 + header_size + data_size);
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<std::byte>(header_size >> (8 * i) & 0xff);
  if (header_size > 0) std::memcpy(file.data() + 8, data + 2, header_size);
  return file;
}

bool is_same_tensor(const TensorView& a, const TensorView& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.data, b.data);
}

void check_accepted(std::span<const std::byte> file, const SafeTensors& read) {
  const std::byte* next = nullptr;
  size_t total = 0;
  for (const TensorView& tensor : read.tensors()) {
    if (next != nullptr) require(tensor.data.data() == next);
    next = tensor.data.data() + tensor.data.size();
    total += tensor.data.size();
    require(read.find(tensor.name) == &tensor);
  }
  if (next != nullptr) require(next == file.data() + file.size());
  require(total < file.size());

  const auto written = anneal::io::serialize_safetensors(read.tensors(), read.metadata());
  require(written.ok());
  const auto again = SafeTensors::parse(*written, "written");
  require(again.ok());
  require(again->metadata() == read.metadata());
  require(again->tensors().size() == read.tensors().size());
  for (const TensorView& tensor : read.tensors()) {
    const TensorView* found = again->find(tensor.name);
    require(found != nullptr && is_same_tensor(*found, tensor));
  }
  const auto rewritten = anneal::io::serialize_safetensors(again->tensors(), again->metadata());
  require(rewritten.ok() && *rewritten == *written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const bool is_framed = size > 0 && data[0] % 2 == 1;
  std::vector<std::byte> file(size);
  if (is_framed) {
    file = framed(data, size);
  } else if (size > 0) {
    std::memcpy(file.data(), data, size);
  }
  const auto read = SafeTensors::parse(file, "input");
  if (read) {
    check_accepted(file, *read);
  } else {
    require(read.message().starts_with("input: "));
    require(read.message().size() < 2000 && anneal::io::is_valid_utf8(read.message()));
  }
  return 0;
}
