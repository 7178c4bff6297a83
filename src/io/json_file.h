// SPDX-License-Identifier: MIT
//
// JSON that may come from anyone: nesting, size and the number of values are limited, a name may stand only
// once in an object, and every complaint says where in the file it is. No exceptions are involved.
// Callers include nlohmann/json.hpp themselves.
// Tested by json_file_test.cc and json_fuzz.cc.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "io/message.h"

namespace anneal::io {

struct JsonLimits {
  size_t max_bytes = size_t{256} << 20;
  size_t max_values = size_t{16} << 20;  // objects, arrays and scalars; bounds the memory of the result
  int max_depth = 64;                    // objects and arrays inside each other
};

// `label` names the text in messages, usually by its path. `text_offset` is where the text starts in its
// file.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view label,
                                  const JsonLimits& limits = {}, size_t text_offset = 0);

Result<nlohmann::json> read_json(const std::string& path, const JsonLimits& limits = {});

}  // namespace anneal::io
