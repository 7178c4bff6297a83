// SPDX-License-Identifier: MIT
//
// Tensors by name in a safetensors file: 8 bytes of header length (little-endian), a JSON header that gives
// dtype, shape and place of every tensor, then the data without gaps. Files are mapped, not copied, and every
// file is taken for hostile: what does not fit together is refused with the file, the tensor, the offset and
// what would fit. Written files are byte for byte what the format's reference library writes.
// Tested by safetensors_test.cc and safetensors_fuzz.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/dtype.h"
#include "io/message.h"

namespace anneal::io {

class FileBytes;

// One tensor, row-major and little-endian. The data begins at a multiple of the element size in files written
// here or by the reference library; other files promise nothing about alignment.
struct TensorView {
  std::string name;
  DType dtype = DType::kVoid;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

using Metadata = std::map<std::string, std::string>;

class SafeTensors {
 public:
  // The views stay good as long as this object or a copy of it lives. The file must not be cut short
  // meanwhile.
  static Result<SafeTensors> open(const std::string& path);

  // The views point into `bytes`, which the caller keeps. `label` names them in messages.
  static Result<SafeTensors> parse(std::span<const std::byte> bytes, std::string_view label);

  // Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;

  // In the order of their data; empty tensors at the same place in the order of their names.
  const std::vector<TensorView>& tensors() const { return tensors_; }

  // The header's free-form __metadata__ entry.
  const Metadata& metadata() const { return metadata_; }

 private:
  SafeTensors() = default;

  std::shared_ptr<const FileBytes> file_;  // null after parse()
  std::vector<TensorView> tensors_;
  std::vector<uint32_t> by_name_;  // indices into tensors_
  Metadata metadata_;
};

// The bytes of a file. Tensors are put in the format's order (element types from u64 down to bool, then
// names), so the order of `tensors` does not matter. Without metadata there is no __metadata__ entry.
Result<std::vector<std::byte>> serialize_safetensors(std::span<const TensorView> tensors,
                                                     const Metadata& metadata = {});

// The same to a file, which is replaced as a whole or, on failure, left as it was.
Result<void> write_safetensors(const std::string& path, std::span<const TensorView> tensors,
                               const Metadata& metadata = {});

}  // namespace anneal::io
