// SPDX-License-Identifier: MIT
//
// UTF-8 is checked by hand, one sequence at a time: overlong forms, surrogates and values above U+10FFFF are
// not UTF-8.
#include "io/message.h"

#include <cstdint>

namespace anneal::io {
namespace {

uint8_t byte_at(std::string_view text, size_t position) { return static_cast<uint8_t>(text[position]); }

// C0, DEL, and C1 in its two-byte form.
bool is_control(std::string_view text, size_t position) {
  const uint8_t lead = byte_at(text, position);
  if (lead == 0xc2) return position + 1 < text.size() && byte_at(text, position + 1) < 0xa0;
  return lead < 0x20 || lead == 0x7f;
}

void append_escaped(std::string& out, uint8_t byte) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out += "\\x";
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0xf];
}

}  // namespace

size_t utf8_length(std::string_view text, size_t position) {
  const uint8_t lead = byte_at(text, position);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() - position < length) return 0;
  // Only the second byte has a narrower range, after four of the leads.
  const uint8_t lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  const uint8_t second = byte_at(text, position + 1);
  if (second < lowest || second > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte_at(text, position + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool is_valid_utf8(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    const size_t length = utf8_length(text, position);
    if (length == 0) return false;
    position += length;
  }
  return true;
}

std::string printable(std::string_view text, size_t limit) {
  std::string out;
  size_t position = 0;
  while (position < text.size()) {
    if (out.size() >= limit) return out + "...";
    const size_t length = utf8_length(text, position);
    const size_t end = position + (length == 0 ? 1 : length);
    if (length == 0 || is_control(text, position)) {
      for (; position < end; ++position) append_escaped(out, byte_at(text, position));
    } else {
      out += text.substr(position, length);
      position = end;
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) { return concat("\"", printable(text, 80), "\""); }

}  // namespace anneal::io
