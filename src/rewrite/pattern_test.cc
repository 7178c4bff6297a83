// SPDX-License-Identifier: MIT
//
// Patterns: how they print, what letters they hold, and the checks on rules made of them.
#include "rewrite/pattern.h"

#include <gtest/gtest.h>

#include "rewrite/rule.h"

namespace anneal::rewrite {
namespace {

TEST(Pattern, PrintsAsItIsWritten) {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  EXPECT_EQ((x + 0).text(), "x + 0");
  EXPECT_EQ(((x + c0) + c1).text(), "(x + c0) + c1");
  EXPECT_EQ((x + fold(c0 + c1)).text(), "x + fold(c0 + c1)");
  EXPECT_EQ((-(x - y) * z).text(), "-(x - y) * z");
  EXPECT_EQ((~(x == y)).text(), "~(x == y)");
  EXPECT_EQ(where(x < y, y, x).text(), "where(x < y, y, x)");
  EXPECT_EQ(max(min(x, 1.5), -0.0).text(), "max(min(x, 1.5), -0.0)");
  EXPECT_EQ(floordiv(floormod(x, c0), c1).text(), "(x % c0) // c1");
  EXPECT_EQ(f(ir::kIdempotentUnary, f(ir::kIdempotentUnary, x)).text(), "f(f(x))");
  EXPECT_EQ(any_sources(Op::Concat).text(), "concat(...)");
}

TEST(Pattern, KnowsItsLetters) {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  EXPECT_EQ((x + x).letters(), 1u);
  EXPECT_EQ(((y * c0) + w).letters(), 0b11010u);
  EXPECT_EQ(Pattern(3).letters(), 0u);
}

TEST(Rule, HoldsWhatItWasMadeOf) {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const Rule rule{"add-zero", "x + 0 = x", x + 0, x, of_int, both_orders, FloatClass::kReassociating};
  EXPECT_EQ(rule.name, "add-zero");
  EXPECT_EQ(rule.types_text(), "int");
  EXPECT_EQ(rule.replacement_text(), "x");
  EXPECT_TRUE(rule.commutes);
  EXPECT_EQ(rule.float_class, FloatClass::kReassociating);
  EXPECT_EQ(rule.place(), "src/rewrite/pattern_test.cc:" + std::to_string(__LINE__ - 6));
}

TEST(RuleDeathTest, RefusesAReplacementOfUnboundLetters) {
  EXPECT_DEATH((Rule{"wrong", "x + 0 = y", letters().x + 0, letters().y}), "wrong");
}

TEST(Types, ClassesOfElementTypes) {
  EXPECT_EQ(types_of(boolean).mask, of_bool.mask);
  EXPECT_EQ(types_of(i8).mask, of_machine_int.mask);
  EXPECT_EQ(types_of(DType::kIndex).mask, of_index.mask);
  EXPECT_EQ(types_of(bf16).mask, of_float.mask);
  EXPECT_EQ(types_of(DType::kVoid).mask, 0);
}

// Places of nodes are bytes: a part that is not there, or too many, would lead out of the list of nodes.
TEST(Pattern, PartsAreThereAndFew) {
  EXPECT_DEATH(unary(Op::Neg, Pattern()), "a pattern is made of one that is not there");
  Pattern p = letters().x;
  EXPECT_DEATH(
      {
        for (size_t i = 0; i < Pattern::kMaxNodes; ++i) p = -p;
      },
      "a pattern has too many nodes");
}

}  // namespace
}  // namespace anneal::rewrite
