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

}  // namespace anneal::support
