// SPDX-License-Identifier: MIT
#include "support/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "anneal/error.h"
#include "support/flags.h"

namespace anneal::support {
namespace {

struct DumpTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "anneal_dump_test";
  DumpTest() {
    std::filesystem::create_directories(folder);
    set_flag(Flag::kDumpDir, folder.string());
  }
  ~DumpTest() override {
    set_flag(Flag::kDump, "");
    set_flag(Flag::kDebug, "0");
    set_flag(Flag::kDumpDir, ".");
    std::filesystem::remove_all(folder);
  }
  std::string text_of(const std::string& name) const {
    std::ifstream file(folder / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
};

TEST_F(DumpTest, AStageIsWrittenUnderItsNumberAndNothingIsMadeUnlessAsked) {
  const StageClock clock;
  int made = 0;
  const auto text = [&] {
    ++made;
    return "text " + std::to_string(made);
  };
  clock.show(StageId::kOrder, "", text);
  EXPECT_EQ(made, 0);
  set_flag(Flag::kDump, "order,plan");
  clock.show(StageId::kOrder, "", text);
  clock.show(StageId::kLoops, "", text);
  clock.show(StageId::kOrder, "", text);
  EXPECT_EQ(text_of("07-order.txt"), "text 1");
  EXPECT_EQ(text_of("07-order.2.txt"), "text 2");
  EXPECT_EQ(made, 2);
}

TEST_F(DumpTest, AFolderThatIsNotThereIsNamed) {
  set_flag(Flag::kDumpDir, (folder / "absent").string());
  try {
    write_dump(12, "x", "ir", "text");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kData);
    EXPECT_THAT(e.message(), testing::HasSubstr("absent/12-x.ir"));
  }
}

TEST_F(DumpTest, TimeGoesToTheStageThatIsRunning) {
  StageClock clock;
  clock.enter(StageId::kIndexing);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  clock.enter(StageId::kScopes);
  clock.enter(StageId::kIndexing);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  clock.leave();
  clock.leave();
  EXPECT_GE(clock.milliseconds(StageId::kIndexing), 4);
  EXPECT_EQ(clock.milliseconds(StageId::kPlan), 0);
  set_flag(Flag::kDebug, "1");
  testing::internal::CaptureStderr();
  clock.show(StageId::kIndexing, "3 values", [] { return ""; });
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex("indexing +[0-9.]+ ms  3 values\n"));
}

TEST_F(DumpTest, StagesFitTogether) {
  for (const StageInfo& s : all_stages()) EXPECT_FALSE(s.meaning.empty()) << s.name;
  EXPECT_EQ(stage_info(StageId::kRender).name, "render");
}

}  // namespace
}  // namespace anneal::support
