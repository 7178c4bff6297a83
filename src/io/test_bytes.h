// SPDX-License-Identifier: MIT
// Bytes as the tests of this folder like to compare them.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>

namespace anneal::io {

inline std::string as_text(std::span<const std::byte> bytes) {
  std::string text(bytes.size(), '\0');
  if (!bytes.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
  return text;
}

}  // namespace anneal::io
