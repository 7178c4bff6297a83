// SPDX-License-Identifier: MIT
// What an Error says, for whoever says it again in other words. Tested by error_text_test.cc.
#pragma once

#include <string_view>

namespace anneal::support {

// "error[shape] matmul: ..." without its kind; any other text as it is.
inline std::string_view without_kind(std::string_view message) {
  const size_t end = message.find("] ");
  return message.starts_with("error[") && end != std::string_view::npos ? message.substr(end + 2) : message;
}

// Without its last line, where that is the line of the C++ program that called: "  at int main()  a.cc:12".
// For those who run a program of ours, of which they need not know. What a message says of a model's lines
// stays.
inline std::string_view without_caller(std::string_view message) {
  const size_t last = message.rfind('\n');
  if (last == std::string_view::npos || !message.substr(last).starts_with("\n  at ")) return message;
  const std::string_view line = message.substr(last + 6);
  const size_t file = line.rfind("  "), colon = line.rfind(':');
  const bool is_place = file != std::string_view::npos && colon != std::string_view::npos && file < colon &&
                        colon + 1 < line.size() &&
                        line.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return is_place ? message.substr(0, last) : message;
}

}  // namespace anneal::support
