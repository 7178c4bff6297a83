// SPDX-License-Identifier: MIT
//
// IDX files, the format of MNIST: two zero bytes, an element type, a rank, the extents and the data, all
// big-endian. Files that are compressed with gzip are read as well.
// Tested by idx_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/layout.h"
#include "io/message.h"

namespace anneal::io {

bool is_idx(std::span<const std::byte> bytes);

// `storage` keeps `bytes` alive.
Result<Array> parse_idx(std::span<const std::byte> bytes, std::string_view label,
                        std::shared_ptr<const void> storage = nullptr);
Result<Array> read_idx(const std::string& path);

}  // namespace anneal::io
