// SPDX-License-Identifier: MIT
#include "support/flags.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <tuple>

namespace anneal::support {
namespace {

TEST(Flags, HaveNamesAndMeanings) {
  // What others say, and programs heed.
  const std::set<std::string_view> common = {"HOME", "XDG_CACHE_HOME", "NO_COLOR", "TERM",
                                             "LANG", "LC_ALL",         "LC_CTYPE"};
  for (const FlagInfo& info : kFlags) {
    EXPECT_TRUE(info.name.starts_with("ANNEAL_") || common.contains(info.name)) << info.name;
    EXPECT_FALSE(info.meaning.empty());
  }
}

TEST(Flags, SetGoesBeforeTheEnvironment) {
  const std::string before = flag_text(Flag::kDebug);
  set_flag(Flag::kDebug, "2");
  EXPECT_EQ(flag_level(Flag::kDebug), 2);
  set_flag(Flag::kDebug, "much");
  EXPECT_FALSE(flag_on(Flag::kDebug));
  set_flag(Flag::kDebug, before);
}

TEST(Flags, WhatDoesNotFitIsNamed) {
  const std::tuple<Flag, const char*, const char*> cases[] = {
      {Flag::kPoison, "2", "ANNEAL_POISON=2: 0 or 1 fits"},
      {Flag::kDebug, "much", "ANNEAL_DEBUG=much: 0, 1 or 2 fits"},
      {Flag::kFuzzPrograms, "12M", "ANNEAL_FUZZ_PROGRAMS=12M: a number from 0 up fits"},
      {Flag::kCacheSize, "abc", "ANNEAL_CACHE_SIZE=abc: a size such as 800M or 1.5G fits"},
      {Flag::kCacheSize, "-1", "ANNEAL_CACHE_SIZE=-1: a size such as 800M or 1.5G fits"},
      {Flag::kCacheDir, "kept", "ANNEAL_CACHE_DIR=kept: an absolute path, or off, fits"},
      {Flag::kCacheDir, "/kept", ""},
      {Flag::kCacheDir, "off", ""},
      {Flag::kCacheSize, "1.5G", ""},
      {Flag::kCacheSize, "", ""},
      {Flag::kCacheSize, "0", ""}};
  EXPECT_EQ(flag_problem(), "");
  for (const auto& [flag, text, problem] : cases) {
    const std::string before = flag_text(flag);
    set_flag(flag, text);
    EXPECT_EQ(flag_problem(), problem);
    set_flag(flag, before);
  }
}

TEST(Flags, ListsAndAll) {
  const std::string before = flag_text(Flag::kDump);
  set_flag(Flag::kDump, "simplify,movement");
  EXPECT_TRUE(flag_names(Flag::kDump, "simplify"));
  EXPECT_TRUE(flag_names(Flag::kDump, "movement"));
  EXPECT_FALSE(flag_names(Flag::kDump, "simp"));
  set_flag(Flag::kDump, "all");
  EXPECT_TRUE(flag_names(Flag::kDump, "anything"));
  set_flag(Flag::kDump, "");
  EXPECT_FALSE(flag_names(Flag::kDump, "anything"));
  set_flag(Flag::kDump, before);
}

}  // namespace
}  // namespace anneal::support
