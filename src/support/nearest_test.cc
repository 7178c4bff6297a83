// SPDX-License-Identifier: MIT
#include "support/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace anneal::support {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"simplify", "opt", "relu"};

TEST(Nearest, DistanceCountsChangedLetters) {
  EXPECT_EQ(edit_distance("opt", "opt"), 0);
  EXPECT_EQ(edit_distance("OPT", "opt"), 0);
  EXPECT_EQ(edit_distance("otp", "opt"), 1);
  EXPECT_EQ(edit_distance("", "opt"), 3);
  EXPECT_EQ(nearest_name("simplfy", kNames), "simplify");
}

TEST(Nearest, HintOnlyWhereANameIsNear) {
  EXPECT_EQ(nearest_hint("; try '", "simplfy", kNames, "'"), "; try 'simplify'");
  EXPECT_EQ(nearest_hint("; try ", "op", kNames), "; try opt");
  EXPECT_EQ(nearest_hint("; try ", "xxlu", kNames), "; try relu");  // half of the letters
  EXPECT_EQ(nearest_hint("; try ", "xxxu", kNames), "");
  EXPECT_EQ(nearest_hint("; try ", "zzzzzzzz", kNames), "");
  EXPECT_EQ(nearest_hint("; try ", "", kNames), "");
  EXPECT_EQ(nearest_hint("; try ", "opt", {}), "");
  EXPECT_EQ(nearest_hint("; try ", std::string(100000, 'q'), kNames), "");
}

}  // namespace
}  // namespace anneal::support
