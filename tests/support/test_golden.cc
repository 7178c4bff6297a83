// SPDX-License-Identifier: MIT
// See test_golden.h.
#include "tests/support/test_golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "support/flags.h"

namespace anneal::test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string golden_path(const std::string& name) {
  return std::string(ANNEAL_SOURCE_DIR) + "/tests/golden/" + name;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_golden(const std::string& name, const std::string& found) {
  const std::string path = golden_path(name);
  if (support::flag_on(support::Flag::kBless)) {
    std::ofstream(path) << found;
    return;
  }
  const std::vector<std::string> wanted = lines_of(read_text(path)), got = lines_of(found);
  for (size_t i = 0; i < std::max(wanted.size(), got.size()); ++i)
    EXPECT_EQ(i < wanted.size() ? wanted[i] : "", i < got.size() ? got[i] : "")
        << path << ":" << i + 1 << "; accept with: ./dev bless";
}

}  // namespace anneal::test
