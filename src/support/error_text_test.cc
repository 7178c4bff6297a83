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

TEST(ErrorText, LosesTheLineOfItsCallerAndNothingElse) {
  EXPECT_EQ(without_caller("error[data] load: no file\n  at int f(int)  cli/a.cc:12"),
            "error[data] load: no file");
  const char* const kept[] = {"error[data] load: no file",
                              "",
                              "\n  at ",
                              "a\n  at int main()",
                              "a\n  at b  c:",
                              "a\n  at b  c:1x",
                              "interp: no row\n  at r0 = 3, r1 = 4",
                              "step: not finite\n  the first NaN is made by log, forward, model.cc:44",
                              "  at int main()  a.cc:12"};
  for (const char* text : kept) EXPECT_EQ(without_caller(text), text);
}

}  // namespace
}  // namespace anneal::support
