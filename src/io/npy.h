// SPDX-License-Identifier: MIT
//
// One array in a .npy file: a magic word, a version, a header that is a Python dictionary, and the data. All
// element types that numpy shares with anneal are read, in either byte order, row- or column-major, from
// header versions 1 to 3. Records, complex numbers, text and Python objects are refused, with advice.
// Files written here are byte for byte what numpy.save writes.
// Tested by npy_test.cc and npy_fuzz.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/layout.h"
#include "io/message.h"
#include "io/safetensors.h"

namespace anneal::io {

// True of what begins like a .npy file.
bool is_npy(std::span<const std::byte> bytes);

// `storage` keeps `bytes` alive; the array points into it where nothing has to be turned round.
Result<Array> parse_npy(std::span<const std::byte> bytes, std::string_view label,
                        std::shared_ptr<const void> storage = nullptr);
Result<Array> read_npy(const std::string& path);

// Everything before the data. numpy has no bf16 and no fp8: a failure with advice.
Result<std::string> npy_header(const TensorView& tensor);

// The tensor's name is not part of the file.
Result<std::vector<std::byte>> serialize_npy(const TensorView& tensor);
Result<void> write_npy(const std::string& path, const TensorView& tensor);

}  // namespace anneal::io
