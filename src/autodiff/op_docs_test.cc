// SPDX-License-Identifier: MIT
// docs/ops.md says what the tables say.
#include "autodiff/op_docs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/flags.h"

namespace anneal::autodiff {
namespace {

TEST(OpDocs, FileIsUpToDate) {
  const char* path = "docs/ops.md";
  if (support::flag_on(support::Flag::kBless)) std::ofstream(path) << op_table_markdown();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == op_table_markdown())
      << path << " differs from the op table: accept with ./dev bless";
}

TEST(OpDocs, EveryOpIsThereOnce) {
  const std::string text = op_table_markdown();
  for (const ir::OpInfo& info : ir::kOpTable) {
    const std::string row = "| `" + std::string(info.text) + "` |";
    const size_t at = text.find(row);
    EXPECT_NE(at, std::string::npos) << info.text;
    EXPECT_EQ(text.find(row, at + 1), std::string::npos) << info.text;
  }
}

}  // namespace
}  // namespace anneal::autodiff
