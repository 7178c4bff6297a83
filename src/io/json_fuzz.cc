// SPDX-License-Identifier: MIT
//
// Fuzz target for parse_json. Whatever the bytes are: no crash; what is accepted is JSON to the library's own
// check too and survives being printed and parsed again; what is refused is refused with a message, and is
// either not JSON or beyond a limit.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "io/json_file.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const anneal::io::JsonLimits limits = {.max_bytes = 4096, .max_values = 200, .max_depth = 10};
  const auto parsed = anneal::io::parse_json(text, "input", limits);
  const bool is_json = nlohmann::json::accept(text);
  if (!parsed) {
    require(parsed.message().starts_with("input: "));
    require(anneal::io::is_valid_utf8(parsed.message()));
    const bool says_not_json = parsed.message().find("not valid JSON") != std::string::npos;
    const bool has_zero_byte = text.find('\0') != std::string_view::npos;
    require(!says_not_json || !is_json || has_zero_byte);
    return 0;
  }
  require(is_json);
  const std::string printed = parsed->dump();
  const auto again = anneal::io::parse_json(printed, "printed", {});
  require(again.ok());
  require(again->dump() == printed);
  return 0;
}
