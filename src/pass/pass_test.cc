// SPDX-License-Identifier: MIT
#include "pass/pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/builder.h"
#include "ir/text.h"
#include "support/flags.h"

namespace anneal::pass {
namespace {

using ir::Node;
using ::testing::HasSubstr;

constexpr std::string_view kProgram =
    "%0 = param 0 : i32[4]\n"
    "%1 = const 3 : i32\n"
    "%2 = const 4 : i32\n"
    "%3 = add %0, %1 : i32[4]\n"
    "%4 = add %3, %2 : i32[4]\n"
    "sink %4\n";

struct PassTest : ::testing::Test {
  std::vector<Node> run(std::vector<const Pass*> passes, std::vector<PassTiming>* timings = nullptr) {
    return run_passes(g, roots, passes, {}, timings);
  }
  ir::Graph g;
  ir::Graph::Scope scope{g};
  std::vector<Node> roots = ir::parse(g, kProgram).roots;
};

TEST_F(PassTest, SimplifyRunsAndIsTimed) {
  std::vector<PassTiming> timings;
  const std::vector<Node> out = run({&find_pass("simplify"), &find_pass("simplify")}, &timings);
  EXPECT_THAT(ir::print(g, out), HasSubstr("const 7"));
  ASSERT_EQ(timings.size(), 2u);
  EXPECT_TRUE(timings[0].changed);
  EXPECT_FALSE(timings[1].changed);
}

TEST_F(PassTest, EveryPassRunsAlone) {
  const std::vector<double> values = {1, -2, 30, 400};
  interp::Bindings bindings;
  bindings.params.emplace_back(0, interp::array_from(i32, {4}, values));
  for (const Pass& p : all_passes()) {
    const auto results = interp::evaluate(g, run({&p}), bindings);
    ASSERT_EQ(results.size(), 1u) << p.name;
    EXPECT_THAT(interp::ints_of(*results[0]), ::testing::ElementsAre(8, 5, 37, 407)) << p.name;
  }
}

TEST_F(PassTest, AnUnknownNameGivesTheNearestAndTheList) {
  try {
    find_pass("simplfy");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kName);
    EXPECT_THAT(e.message(), HasSubstr("did you mean 'simplify'"));
    EXPECT_THAT(e.message(), HasSubstr("simplify_movement"));
  }
}

TEST_F(PassTest, AnIllFormedProgramIsNamedBeforeItRuns) {
  // Interned by hand: an add whose result type is not that of its sources.
  const Node sources[] = {roots[0], roots[0]};
  roots = {g.intern({ir::Op::Add, f32, g.shape_id(roots[0]), sources, nullptr})};
  try {
    run({&find_pass("simplify")});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kVerify);
    EXPECT_THAT(e.message(), HasSubstr("add"));
  }
}

TEST_F(PassTest, APassForAnotherStageIsRefused) {
  roots = {ir::Builder{g}.range(ir::Dim(4), 0)};
  EXPECT_THROW(run({&find_pass("simplify_movement")}), Error);
  EXPECT_EQ(run({&find_pass("simplify")}), roots);
}

TEST_F(PassTest, MarksGiveWayAtAnyDepth) {
  roots = ir::parse(g,
                    "%0 = param 0 : f32[4]\n"
                    "%1 = stop_gradient %0 : f32[4]\n"
                    "%2 = exp %1 : f32[4]\n"
                    "%3 = alias %2, 0 : f32[4]\n"
                    "%4 = stop_gradient %3 : f32[4]\n"
                    "%5 = add %4, %1 : f32[4]\n"
                    "sink %5\n")
              .roots;
  EXPECT_EQ(ir::print(g, run({&find_pass("drop_marks")})),
            "%0 = param 0 : f32[4]\n%1 = exp %0 : f32[4]\n%2 = add %1, %0 : f32[4]\nsink %2\n");
}

TEST_F(PassTest, DumpsTheResultOfTheNamedPass) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "anneal_pass_test";
  std::filesystem::create_directories(folder);
  support::set_flag(support::Flag::kDump, "simplify");
  support::set_flag(support::Flag::kDumpDir, folder.string());
  run({&find_pass("simplify")});
  support::set_flag(support::Flag::kDump, "");
  std::ifstream file(folder / "01-simplify.ir");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr("const 7"));
  EXPECT_EQ(ir::parse(g, text).error, "");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace anneal::pass
