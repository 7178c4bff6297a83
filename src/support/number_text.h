// SPDX-License-Identifier: MIT
// Numbers from text and back. Tested by number_text_test.cc and src/ir/text_test.cc.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
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

// The same back: "640", "800M", "1.5GB", "1T" in units of a thousand, "512MiB" in units of 1024. A number
// without a unit is as many of `plain`. None for what is no size, or one beyond 64 bits.
inline std::optional<uint64_t> parse_size(std::string_view text, uint64_t plain = 1) {
  constexpr size_t kMaxPlaces = 6;  // after the point
  uint64_t whole = 0, part = 0, parts = 1;
  size_t at = 0;
  const auto is_digit = [&] { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  if (!is_digit()) return {};
  for (; is_digit(); ++at)
    if (__builtin_mul_overflow(whole, uint64_t{10}, &whole) ||
        __builtin_add_overflow(whole, static_cast<uint64_t>(text[at] - '0'), &whole))
      return {};
  if (at < text.size() && text[at] == '.') {
    const size_t first = ++at;
    for (; is_digit(); ++at) part = part * 10 + static_cast<uint64_t>(text[at] - '0'), parts *= 10;
    if (at == first || at - first > kMaxPlaces) return {};
  }
  uint64_t unit = plain;
  if (const std::string_view name = text.substr(at); !name.empty()) {
    const size_t power = std::string_view("BKMGT").find(name[0]);
    const std::string_view rest = name.substr(1);
    if (power == std::string_view::npos || !(rest.empty() || (power > 0 && (rest == "B" || rest == "iB"))))
      return {};
    unit = 1;
    for (size_t i = 0; i < power; ++i) unit *= rest == "iB" ? 1024 : 1000;
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(whole, unit, &bytes) ||
      __builtin_add_overflow(bytes, part * unit / parts, &bytes))
    return {};
  return bytes;
}

}  // namespace anneal::support
