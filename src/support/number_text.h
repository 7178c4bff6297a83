// SPDX-License-Identifier: MIT
// Numbers from text and back. Tested by number_text_test.cc and src/ir/text_test.cc.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace anneal::support {

// The whole text is a number: decimal or hexadecimal, inf or nan. Out of range gives infinity or zero. For
// standard libraries without floating-point from_chars.
inline bool parse_double(std::string_view text, double* out) {
  if (text.empty() || text.size() > 400 || text[0] == ' ' || text[0] == '\t') return false;
  const std::string copy(text);  // strtod needs its end marked
  char* end = nullptr;
  *out = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() + copy.size();
}

// Bytes for people: "640 B", "1.2 KB", "37.5 MB", "2.25 GB"; units of a thousand.
inline std::string size_text(double bytes) {
  char text[48];
  if (bytes < 1e3)
    std::snprintf(text, sizeof text, "%.0f B", bytes);
  else if (bytes < 999.95e3)
    std::snprintf(text, sizeof text, "%.1f KB", bytes / 1e3);
  else if (bytes < 999.95e6)
    std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  else
    std::snprintf(text, sizeof text, "%.2f GB", bytes / 1e9);
  return text;
}
inline std::string size_text(uint64_t bytes) { return size_text(static_cast<double>(bytes)); }

}  // namespace anneal::support
