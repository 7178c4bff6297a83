// SPDX-License-Identifier: MIT
#include "support/number_text.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

TEST(NumberText, SizesHaveThreeOrFourDigits) {
  EXPECT_EQ(size_text(uint64_t{0}), "0 B");
  EXPECT_EQ(size_text(uint64_t{999}), "999 B");
  EXPECT_EQ(size_text(uint64_t{1000}), "1.0 KB");
  EXPECT_EQ(size_text(uint64_t{999'940}), "999.9 KB");
  EXPECT_EQ(size_text(uint64_t{999'960}), "1.0 MB") << "not 1000.0 KB";
  EXPECT_EQ(size_text(uint64_t{37'500'000}), "37.5 MB");
  EXPECT_EQ(size_text(uint64_t{999'960'000}), "1.00 GB");
  EXPECT_EQ(size_text(2.25e9), "2.25 GB");
  EXPECT_EQ(size_text(UINT64_MAX), "18446744073.71 GB");
}

}  // namespace
}  // namespace anneal::support
