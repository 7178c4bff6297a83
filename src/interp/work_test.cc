// SPDX-License-Identifier: MIT
#include "interp/work.h"

#include <gtest/gtest.h>

#include "anneal/error.h"
#include "ir/text.h"

namespace anneal::interp {
namespace {

double work_of(std::string_view text, const Bindings& bindings = {}) {
  ir::Graph g;
  const ir::Graph::Scope scope(g);
  const ir::Parsed parsed = ir::parse(g, text);
  EXPECT_EQ(parsed.error, "");
  return estimate_work(g, parsed.roots, bindings);
}

TEST(Work, CountsWhatIsMadeAndWhatIsFolded) {
  constexpr std::string_view kFold =
      "%0 = const 1 : f32\n"
      "%1 = expand %0 : f32[1000000,1000000]\n"
      "%2 = reduce %1, op=add, axes=[0,1] : f32[1,1]\n"
      "sink %2\n";
  EXPECT_NEAR(work_of(kFold), 1e12, 10);
  constexpr std::string_view kMoves =
      "%0 = param 0 : f32[100]\n"
      "%1 = exp %0 : f32[100]\n"
      "%2 = reshape %1 : f32[10,10]\n"
      "sink %2\n";
  EXPECT_NEAR(work_of(kMoves), 200, 2);
}

TEST(Work, TakesSymbolicExtentsFromTheBindings) {
  constexpr std::string_view kSymbolic =
      "%0 = var \"B\", min=1, max=1000000 : index\n"
      "%1 = const 1 : f32\n"
      "%2 = expand %1 : f32[%0,%0]\n"
      "%3 = reduce %2, op=add, axes=[0,1] : f32[1,1]\n"
      "sink %3\n";
  EXPECT_NEAR(work_of(kSymbolic, {.params = {}, .vars = {{"B", 1000}}, .ranges = {}}), 1e6, 10);
  EXPECT_THROW(work_of(kSymbolic), Error);
}

}  // namespace
}  // namespace anneal::interp
