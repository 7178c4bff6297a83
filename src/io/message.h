// SPDX-License-Identifier: MIT
//
// Text for messages about input that nobody has vetted: what came out of a file is shortened and escaped
// before it reaches a terminal or a log.
// Tested by message_test.cc.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include "support/result.h"

namespace anneal::io {

using support::Failure;
using support::Result;

// The length of the UTF-8 sequence that starts at `position`, or 0 when there is none.
size_t utf8_length(std::string_view text, size_t position);

bool is_valid_utf8(std::string_view text);

// `text` with control characters and bytes that are not UTF-8 written as \xNN, cut after about `limit` bytes.
std::string printable(std::string_view text, size_t limit = 160);

// printable(text) in double quotes.
std::string in_quotes(std::string_view text);

namespace internal {

inline void append_part(std::string& out, std::string_view part) { out += part; }
inline void append_part(std::string& out, std::integral auto part) { out += std::to_string(part); }

}  // namespace internal

// Joins text and integers: concat("byte ", 12, " of ", path).
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (internal::append_part(out, parts), ...);
  return out;
}

}  // namespace anneal::io
