// SPDX-License-Identifier: MIT
//
// Several arrays by name in a .npz file: a zip archive with a .npy file for each, stored or deflated.
// Tested by npz_test.cc and npz_fuzz.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/npy.h"
#include "io/zip.h"

namespace anneal::io {

using NamedArrays = std::vector<std::pair<std::string, Array>>;

// In the order of the archive; names without ".npy", as in numpy. `storage` keeps `bytes` alive.
Result<NamedArrays> parse_npz(std::span<const std::byte> bytes, std::string_view label,
                              const std::shared_ptr<const void>& storage = nullptr,
                              const ZipLimits& limits = {});
Result<NamedArrays> read_npz(const std::string& path, const ZipLimits& limits = {});

// In the given order; names must differ.
Result<void> write_npz(const std::string& path, std::span<const TensorView> tensors, bool compress = false);

}  // namespace anneal::io
