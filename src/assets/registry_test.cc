// SPDX-License-Identifier: MIT
#include "assets/registry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace anneal::assets {
namespace {

TEST(Assets, NamesAreSafePathsAndSumsAreSums) {
  std::set<std::string_view> names;
  for (const Asset& asset : all_assets()) {
    EXPECT_TRUE(names.insert(asset.name).second) << asset.name;
    EXPECT_EQ(asset.name.find(".."), std::string_view::npos);
    EXPECT_NE(asset.name.front(), '/');
    EXPECT_FALSE(set_of(asset).empty());
    EXPECT_TRUE(asset.url.starts_with("https://")) << asset.url;
    EXPECT_EQ(find_asset(asset.name), &asset);
    EXPECT_EQ(asset.sha256.empty(), asset.size == 0) << asset.name;
    EXPECT_EQ(asset.sha256.size(), asset.sha256.empty() ? 0u : 64u);
    EXPECT_EQ(asset.sha256.find_first_not_of("0123456789abcdef"), std::string_view::npos);
  }
  EXPECT_EQ(find_asset("gpt2"), nullptr);
}

}  // namespace
}  // namespace anneal::assets
