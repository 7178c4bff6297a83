// SPDX-License-Identifier: MIT
//
// Result<T> and Result<void>: both sides, moves, and the abort on reading the wrong one.
#include "support/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace anneal::support {
namespace {

Result<int> half_of(int value) {
  if (value % 2 != 0) return Failure{std::to_string(value) + " is odd"};
  return value / 2;
}

Result<void> check_even(int value) {
  Result<int> half = half_of(value);
  if (!half) return std::move(half).failure();
  return {};
}

TEST(Result, HoldsAValue) {
  const Result<int> half = half_of(14);
  ASSERT_TRUE(half.ok());
  EXPECT_TRUE(static_cast<bool>(half));
  EXPECT_EQ(half.value(), 7);
  EXPECT_EQ(*half, 7);
}

TEST(Result, HoldsAFailure) {
  const Result<int> half = half_of(7);
  ASSERT_FALSE(half.ok());
  EXPECT_FALSE(static_cast<bool>(half));
  EXPECT_EQ(half.message(), "7 is odd");
  EXPECT_EQ(half.failure().message, "7 is odd");
}

TEST(Result, ValueCanBeChangedAndReachedThroughArrow) {
  Result<std::vector<int>> numbers = std::vector<int>{1, 2};
  numbers->push_back(3);
  (*numbers)[0] = 9;
  EXPECT_EQ(numbers.value(), (std::vector<int>{9, 2, 3}));
}

TEST(Result, CarriesMoveOnlyValues) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  Result<std::unique_ptr<int>> moved = std::move(made);
  std::unique_ptr<int> taken = std::move(moved).value();
  EXPECT_EQ(*taken, 5);
}

TEST(Result, ValueTypeMayBeAString) {
  const Result<std::string> value = std::string("text");
  const Result<std::string> failed = Failure{"text"};
  EXPECT_TRUE(value.ok());
  EXPECT_FALSE(failed.ok());
}

TEST(Result, VoidSucceedsOrCarriesTheMessageOn) {
  EXPECT_TRUE(check_even(4).ok());
  const Result<void> odd = check_even(5);
  ASSERT_FALSE(odd.ok());
  EXPECT_EQ(odd.message(), "5 is odd");
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  const Result<int> failed = half_of(7);
  const Result<int> good = half_of(8);
  const Result<void> done;
  EXPECT_DEATH((void)failed.value(), "value\\(\\) of a failed Result: 7 is odd");
  EXPECT_DEATH((void)good.failure(), "failure\\(\\) of a Result that holds a value");
  EXPECT_DEATH((void)done.message(), "failure\\(\\) of a Result that succeeded");
}

}  // namespace
}  // namespace anneal::support
