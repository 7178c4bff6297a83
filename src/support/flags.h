// SPDX-License-Identifier: MIT
// The environment variables that the project reads (flags.def): read once, at first use, and nowhere else.
// Tested by flags_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace anneal::support {

enum class Flag : uint8_t {
#define ANNEAL_FLAG(id, ...) k##id,
#include "support/flags.def"
#undef ANNEAL_FLAG
};

enum class FlagKind : uint8_t {
  kText,
  kSwitch,  // 0 or 1
  kLevel,   // 0, 1 or 2
  kCount,   // a number from 0 up to 2^31 - 1
  kNumber,  // one of 64 bits
  kFolder,  // an absolute path, or off
  kSize,    // 512, 800M, 1.5G: see parse_size
};
struct FlagInfo {
  std::string_view name, fallback;
  FlagKind kind;
  std::string_view meaning;
};
inline constexpr std::array kFlags = {
#define ANNEAL_FLAG(id, name, fallback, kind, meaning) FlagInfo{name, fallback, FlagKind::kind, meaning},
#include "support/flags.def"
#undef ANNEAL_FLAG
};

constexpr const FlagInfo& flag_info(Flag flag) { return kFlags[static_cast<size_t>(flag)]; }

// What the environment says, else the default. Good until set_flag.
const std::string& flag_text(Flag flag);
int flag_level(Flag flag);  // as a number; what is not a number is 0
inline bool flag_on(Flag flag) { return flag_level(flag) != 0; }
bool flag_names(Flag flag,
                std::string_view word);  // the text is "all", or a list with commas that holds the word

// "ANNEAL_POISON=2: 0 or 1 fits" of the first flag whose text is not of its kind; else empty. An empty text
// fits.
std::string flag_problem();

// Goes before the environment. Not while other threads read flags.
void set_flag(Flag flag, std::string value);

}  // namespace anneal::support
