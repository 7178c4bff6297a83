// SPDX-License-Identifier: MIT
#include "bundles/logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "io/test_folder.h"

namespace anneal::bundles {
namespace {

using testing::HasSubstr;

TEST(BundleLogs, LossesComeBackBitForBit) {
  const double losses[] = {0.1, 1.0 / 3, 5e-324, 1e308, -0.0, 2.0F / 3, HUGE_VAL};
  std::string text(kLossHead);
  std::vector<LossRow> rows;
  for (size_t i = 0; i < std::size(losses); ++i) {
    rows.push_back({static_cast<int64_t>(i) + 11, losses[i], static_cast<double>(i) * 1.5});
    text += loss_line(rows.back());
  }
  EXPECT_EQ(*parse_losses(text, "l"), rows);
  EXPECT_TRUE(std::isnan((*parse_losses("step,loss,wall_ms\n1,nan,0\n", "l"))[0].loss));
}

TEST(BundleLogs, ALineThatWasNotFinishedIsLeftOut) {
  const std::string text = "step,loss,wall_ms\n1,0.5,1.000\n2,0.25,2.000\n";
  for (size_t length = 0; length <= text.size(); ++length) {
    const auto rows = parse_losses(text.substr(0, length), "l");
    ASSERT_TRUE(rows.ok()) << rows.message();
    EXPECT_EQ(rows->size(), length == text.size() ? 2U : length > 29 ? 1U : 0U) << length;
  }
}

TEST(BundleLogs, LossesThatAreNoneAreRefused) {
  for (const char* bad :
       {"1,0.5,1\n", "step,loss,wall_ms\n1,0.5\n", "step,loss,wall_ms\n1,x,1\n", "step,loss,wall_ms\n0,1,1\n",
        "step,loss,wall_ms\n1,1,1\n3,1,1\n", "step,loss,wall_ms\n1,1,1,1\n", "step,loss,wall_ms\n1,1,inf\n",
        "step,loss,wall_ms\n\n"}) {
    const auto rows = parse_losses(bad, "l");
    ASSERT_FALSE(rows.ok()) << bad;
    EXPECT_THAT(rows.message(), HasSubstr("l: line "));
  }
}

TEST(BundleLogs, TokensAndEventsComeBack) {
  const std::vector<TokenRow> tokens = {{0, 17, "a \"b\"\n", 0.5}, {1, 0, "\u00e4", 1.25}};
  EXPECT_EQ(*parse_tokens(token_line(tokens[0]) + token_line(tokens[1]) + "{\"ind", "t"), tokens);
  EXPECT_FALSE(parse_tokens(token_line(tokens[1]), "t").ok()) << "the first one is missing";
  EXPECT_FALSE(parse_tokens("{\"index\":0,\"token\":2147483648,\"text\":\"\",\"wall_ms\":0}\n", "t").ok());
  EXPECT_FALSE(parse_tokens("{\"index\":0,\"token\":\"1\",\"text\":\"\",\"wall_ms\":0}\n", "t").ok());
  const std::vector<Event> events = {{0.125, "started", 0, ""}, {7, "failed", 3, "no room"}};
  EXPECT_EQ(*parse_events(event_line(events[0]) + event_line(events[1]), "e"), events);
  EXPECT_FALSE(parse_events("[]\n", "e").ok());
  EXPECT_EQ(token_line({0, 1, "\xff", 0}),
            "{\"index\":0,\"token\":1,\"text\":\"\xef\xbf\xbd\",\"wall_ms\":0.0}\n");
}

TEST(BundleLogs, FilesGrowLineByLineAndSayThatSomebodyIsThere) {
  const io::TestFolder folder;
  const std::string path = folder.path("log");
  EXPECT_FALSE(is_locked(path));
  {
    LineFile file;
    ASSERT_TRUE(file.create(path).ok());
    EXPECT_FALSE(is_locked(path));
    file.lock();
    EXPECT_TRUE(is_locked(path));
    ASSERT_TRUE(file.append("one\n").ok());
    EXPECT_EQ(folder.read("log"), "one\n");
    LineFile other;
    EXPECT_THAT(other.create(path).message(), HasSubstr("cannot create"));
  }
  EXPECT_FALSE(is_locked(path));
}

TEST(BundleLogs, AFullDiskIsAFailure) {
  LineFile none;
  EXPECT_FALSE(none.append("x\n").ok()) << "nothing was created";
}

}  // namespace
}  // namespace anneal::bundles
