// SPDX-License-Identifier: MIT
#include "support/flags.h"

#include <charconv>
#include <cstdlib>

#include "support/number_text.h"

namespace anneal::support {
namespace {

std::array<std::string, kFlags.size()> read_all() {
  std::array<std::string, kFlags.size()> out;
  for (size_t i = 0; i < out.size(); ++i) {
    const char* value = std::getenv(kFlags[i].name.data());  // a literal, so it ends with 0
    out[i] = value != nullptr ? value : std::string(kFlags[i].fallback);
  }
  return out;
}

std::string& value_of(Flag flag) {
  static std::array<std::string, kFlags.size()> values = read_all();
  return values[static_cast<size_t>(flag)];
}

}  // namespace

const std::string& flag_text(Flag flag) { return value_of(flag); }

int flag_level(Flag flag) {
  const std::string& text = flag_text(flag);
  int level = 0;
  std::from_chars(text.data(), text.data() + text.size(), level);
  return level;
}

bool flag_names(Flag flag, std::string_view word) {
  std::string_view text = flag_text(flag);
  if (text == "all") return true;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    if (text.substr(0, comma) == word) return true;
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return false;
}

std::string flag_problem() {
  for (size_t i = 0; i < kFlags.size(); ++i) {
    const FlagInfo& info = kFlags[i];
    const std::string& text = value_of(static_cast<Flag>(i));
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const bool is_number = error == std::errc() && stop == end;
    const auto bad = [&](std::string_view fits) {
      return std::string(info.name) + "=" + text.substr(0, 100) + ": " + std::string(fits) + " fits";
    };
    if (text.empty() || info.kind == FlagKind::kText) continue;
    if (info.kind == FlagKind::kSwitch && !(is_number && number <= 1)) return bad("0 or 1");
    if (info.kind == FlagKind::kLevel && !(is_number && number <= 2)) return bad("0, 1 or 2");
    if (info.kind == FlagKind::kCount && !(is_number && number <= INT32_MAX))
      return bad("a number from 0 up");
    if (info.kind == FlagKind::kNumber && !is_number) return bad("a number from 0 up");
    if (info.kind == FlagKind::kFolder && text != "off" && text[0] != '/')
      return bad("an absolute path, or off,");
    if (info.kind == FlagKind::kSize && !parse_size(text)) return bad("a size such as 800M or 1.5G");
  }
  return {};
}

void set_flag(Flag flag, std::string value) { value_of(flag) = std::move(value); }

}  // namespace anneal::support
