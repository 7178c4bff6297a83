// SPDX-License-Identifier: MIT
#include "support/cache_folder.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

TEST(CacheFolder, ChosenElseThatOfTheDesktopElseThatOfTheUser) {
  const std::string before[] = {flag_text(Flag::kCacheDir), flag_text(Flag::kCacheHome),
                                flag_text(Flag::kHome)};
  const auto folder = [](std::string chosen, std::string caches, std::string user) {
    set_flag(Flag::kCacheDir, std::move(chosen));
    set_flag(Flag::kCacheHome, std::move(caches));
    set_flag(Flag::kHome, std::move(user));
    return cache_folder();
  };
  EXPECT_EQ(folder("kept", "/c", "/u"), "kept");
  EXPECT_EQ(folder("off", "/c", "/u"), "");
  EXPECT_EQ(folder("", "/c", "/u"), "/c/anneal");
  EXPECT_EQ(folder("", "relative", "/u"), "/u/.cache/anneal");
  EXPECT_EQ(folder("", "", ""), "");
  folder(before[0], before[1], before[2]);
}

}  // namespace
}  // namespace anneal::support
