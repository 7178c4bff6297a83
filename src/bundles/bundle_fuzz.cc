// SPDX-License-Identifier: MIT
//
// Fuzz target for the files of a run bundle. The first byte says which file the others are. Whatever they
// are: no crash; what is accepted comes back from its own text; what is refused is refused with a message.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bundles/logs.h"
#include "bundles/manifest.h"

namespace {

using anneal::io::Result;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename T>
bool is_good(const Result<T>& parsed) {
  if (parsed) return true;
  require(parsed.message().starts_with("input"));
  require(anneal::io::is_valid_utf8(parsed.message()));
  return false;
}

template <typename Row>
void check_rows(const Result<std::vector<Row>>& parsed, std::string_view head,
                std::string (*line)(const Row&),
                Result<std::vector<Row>> (*parse)(std::string_view, std::string_view)) {
  if (!is_good(parsed)) return;
  std::string text(head);
  for (const Row& row : *parsed) text += line(row);
  const Result<std::vector<Row>> again = parse(text, "printed");
  require(again.ok() && again->size() == parsed->size());
  std::string printed(head);
  for (const Row& row : *again) printed += line(row);
  require(printed == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anneal::bundles;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      if (const auto manifest = parse_manifest(text, "input"); is_good(manifest)) {
        require(is_plain_name(manifest->model));
        require(manifest->checkpoint.empty() || is_plain_name(manifest->checkpoint));
        const auto again = parse_manifest(manifest_text(*manifest), "printed");
        require(again.ok() && *again == *manifest);
      }
      break;
    case 1:
      if (const auto config = parse_config(text, "input"); is_good(config)) {
        require(config->start.empty() || is_plain_name(config->start));
        const auto again = parse_config(config_text(*config), "printed");
        require(again.ok() && *again == *config);
      }
      break;
    case 2: check_rows(parse_losses(text, "input"), kLossHead, loss_line, parse_losses); break;
    case 3: check_rows(parse_tokens(text, "input"), "", token_line, parse_tokens); break;
    default: check_rows(parse_events(text, "input"), "", event_line, parse_events); break;
  }
  return 0;
}
