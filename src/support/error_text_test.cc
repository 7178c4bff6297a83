// SPDX-License-Identifier: MIT
#include "support/error_text.h"

#include <gtest/gtest.h>

namespace anneal::support {
namespace {

TEST(ErrorText, LosesItsKindAndNothingElse) {
  EXPECT_EQ(without_kind("error[shape] matmul: [2] and [3]"), "matmul: [2] and [3]");
  EXPECT_EQ(without_kind("error[shape]"), "error[shape]");
  EXPECT_EQ(without_kind("matmul: [2] and [3]"), "matmul: [2] and [3]");
}

}  // namespace
}  // namespace anneal::support
