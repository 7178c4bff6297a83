// SPDX-License-Identifier: MIT
//
// tests/golden/{index,simplify}: the graph above "# EXPECT" simplifies to the one below it, compared as
// nodes, so that numbering cannot matter. ANNEAL_BLESS=1 writes what came out instead. Header lines:
//   # RUN: anneal opt --passes=simplify [--floats=reassociating,approximate]
//   # LAW: what the case shows
//   # NO-DIV: no division or remainder may be left
// Index goldens are proven as well: before and after agree at every value of every loop and variable.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "ir/points.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "rules/rules.h"
#include "rules/simplify.h"
#include "support/flags.h"
#include "tests/support/test_golden.h"

namespace anneal::rules {
namespace {

using ir::Graph;
using ir::Node;
using test::golden_path;

constexpr std::string_view kExpect = "# EXPECT\n";

struct Golden {
  std::string path;    // index/x.ir, of tests/golden
  std::string header;  // up to and with the input
  std::string expected;
};

std::vector<std::string> golden_paths() {
  std::vector<std::string> paths;
  for (const std::string folder : {"index", "simplify"})
    for (const auto& entry : std::filesystem::directory_iterator(golden_path(folder)))
      if (entry.path().extension() == ".ir") paths.push_back(folder + "/" + entry.path().filename().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Golden read_golden(const std::string& path) {
  const std::string all = test::read_text(golden_path(path));
  const size_t at = all.find(kExpect);
  EXPECT_NE(at, std::string::npos) << path << " has no line # EXPECT";
  return {path, all.substr(0, at + kExpect.size()),
          at == std::string::npos ? "" : all.substr(at + kExpect.size())};
}

std::vector<Node> parsed(Graph& g, const std::string& text, const std::string& path) {
  ir::Parsed p = ir::parse(g, text);
  EXPECT_EQ(p.error, "") << path;
  return p.roots;
}

class GoldenTest : public testing::TestWithParam<std::string> {};

std::string fired(const rewrite::RewriteStats& stats) {
  std::string text;
  for (const auto& f : stats.fired)
    if (f.count > 0) text += " " + std::string(f.rule->name) + " x" + std::to_string(f.count);
  return text.empty() ? " none" : text;
}

void prove_by_enumeration(const Graph& g, std::span<const Node> before, std::span<const Node> after) {
  std::vector<Node> all(before.begin(), before.end());
  all.insert(all.end(), after.begin(), after.end());
  ir::Points points(g, all);
  ASSERT_TRUE(points.ok());
  int64_t count = 0;
  for (; points.next(); ++count)
    for (size_t i = 0; i < before.size(); ++i)
      ASSERT_EQ(points.value_int(before[i]), points.value_int(after[i]))
          << ir::print(g, std::span(&after[i], 1));
  EXPECT_GT(count, 0);
}

bool has_division(const Graph& g, std::span<const Node> roots) {
  for (Node n : ir::postorder(g, roots))
    if (g.op(n) == ir::Op::FloorDiv || g.op(n) == ir::Op::FloorMod) return true;
  return false;
}

TEST_P(GoldenTest, SimplifiesAsExpected) {
  const Golden golden = read_golden(GetParam());
  Graph g;
  const Graph::Scope scope(g);
  const std::vector<Node> input = parsed(g, golden.header, golden.path);
  SimplifyOptions options;
  rewrite::RewriteStats stats;
  options.floats.reassociating = golden.header.find("reassociating") != std::string::npos;
  options.floats.approximate = golden.header.find("approximate") != std::string::npos;
  options.stats = &stats;
  const std::vector<Node> output = simplify(g, input, options);
  EXPECT_EQ(simplify(g, output, options), output) << "not a fixpoint";
  const bool is_index = golden.path.starts_with("index/");
  EXPECT_EQ(ir::verify(g, output, is_index ? ir::Stage::kIndex : ir::Stage::kTensor, "simplify"), "");
  if (is_index) prove_by_enumeration(g, input, output);
  const bool may_divide = golden.header.find("# NO-DIV") == std::string::npos;
  EXPECT_TRUE(may_divide || !has_division(g, output)) << golden.path << ": a division is left\n"
                                                      << ir::print(g, output);
  const std::string text = ir::print(g, output);
  if (support::flag_on(support::Flag::kBless)) {
    std::ofstream(golden_path(golden.path)) << golden.header << text;
    return;
  }
  EXPECT_TRUE(parsed(g, golden.expected, golden.path) == output)
      << golden.path << "  (pass simplify; rules:" << fired(stats) << ")\nexpected\n"
      << golden.expected << "got\n"
      << text << "accept with: ANNEAL_BLESS=1";
}

std::string golden_name(const testing::TestParamInfo<std::string>& golden) {
  std::string name = golden.param;
  for (char& c : name)
    if (c == '/' || c == '.') c = '_';
  return name.substr(0, name.size() - 3);
}
INSTANTIATE_TEST_SUITE_P(All, GoldenTest, testing::ValuesIn(golden_paths()), golden_name);

}  // namespace
}  // namespace anneal::rules
