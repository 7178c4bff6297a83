// SPDX-License-Identifier: MIT
// Numbers from text and back, for standard libraries without floating-point from_chars.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

namespace anneal::support {

// The whole text is a number: decimal or hexadecimal, inf or nan. Out of range gives infinity or zero.
inline bool parse_double(std::string_view text, double* out) {
  if (text.empty() || text.size() > 400 || text[0] == ' ' || text[0] == '\t') return false;
  const std::string copy(text);  // strtod needs its end marked
  char* end = nullptr;
  *out = std::strtod(copy.c_str(), &end);
  return end == copy.c_str() + copy.size();
}

}  // namespace anneal::support
