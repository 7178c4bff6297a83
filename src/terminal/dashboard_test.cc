// SPDX-License-Identifier: MIT
#include "terminal/dashboard.h"

#include <gtest/gtest.h>

#include <cmath>

namespace anneal::terminal {
namespace {

Progress some_progress() {
  Progress p;
  p.title = "nanogpt on cpu";
  p.step = 340;
  p.steps = 2000;
  p.seconds = 34;
  p.losses = {4, 3, 2, 2.5};
  p.items = "tokens";
  p.items_per_second = 12339.6;
  p.forward = 31;
  p.backward = 48;
  p.across = 16;
  p.memory = 69'200'000;
  return p;
}

// In characters, without colours.
size_t width_of(const std::string& line) {
  size_t out = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b')
      i = line.find('m', i);
    else
      out += (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80 ? 1 : 0;
  }
  return out;
}

TEST(Dashboard, ATitleIsCutBetweenWords) {
  Progress p = some_progress();
  p.title = "nanogpt on cpu: 4 layers of width 128, 818.2 thousand parameters";
  EXPECT_EQ(dashboard(p, 64, {})[0], p.title);
  EXPECT_EQ(dashboard(p, 63, {})[0], "nanogpt on cpu: 4 layers of width 128, 818.2 thousand...");
  EXPECT_EQ(dashboard(p, 42, {})[0], "nanogpt on cpu: 4 layers of width 128...");
  EXPECT_EQ(dashboard(p, 3, {})[0], "nan");
}

TEST(Dashboard, MemoryOfTheProcessWhereItIsKnown) {
  Progress p = some_progress();
  p.process_memory = 200'000'000;
  EXPECT_EQ(dashboard(p, 80, {})[5], "memory   69.2 MB of tensors at most, 200.0 MB of the process");
}

TEST(Dashboard, AsPlainText) {
  const std::vector<std::string> lines = dashboard(some_progress(), 60, {});
  const std::vector<std::string> wanted = {
      "nanogpt on cpu",
      "step     340/2,000 ###--------------------   17 %  2:46 left",
      "loss     2.5000  ^~_,  least 2.0000",
      "speed    12,340 tokens/s, 100.0 ms a step",
      "kernels  31 forward, 48 backward, 16 across the seam",
      "memory   69.2 MB",
      "q quits and saves",
  };
  EXPECT_EQ(lines, wanted);
}

TEST(Dashboard, NoLineIsWiderThanTheTerminal) {
  Progress p = some_progress();
  p.losses.assign(100, 1);
  for (int width = 1; width < 200; ++width)
    for (const bool colour : {false, true})
      for (const bool unicode : {false, true})
        for (const std::string& line : dashboard(p, width, {.colour = colour, .unicode = unicode})) {
          EXPECT_LE(width_of(line), static_cast<size_t>(width)) << line;
          EXPECT_EQ(line.find('\x1b') != line.npos && !colour, false) << line;
        }
}

TEST(Dashboard, BeforeTheFirstStepAndAfterTheLast) {
  Progress p = some_progress();
  p.step = 0;
  p.seconds = 0;
  p.losses.clear();
  EXPECT_EQ(dashboard(p, 80, {})[2], "loss     -");
  p.step = p.steps;
  p.seconds = 3723;
  EXPECT_NE(dashboard(p, 80, {})[1].find("100 %  1:02:03 taken"), std::string::npos);
  p.steps = p.step = 0;
  EXPECT_NE(dashboard(p, 80, {})[1].find("0 %"), std::string::npos);
}

TEST(Sparkline, ScalesWhatIsFinite) {
  EXPECT_EQ(sparkline({0, 7}, 10, true), "\u2581\u2588");
  EXPECT_EQ(sparkline({0, NAN, 7, INFINITY}, 10, false), "_?^?");
  EXPECT_EQ(sparkline({9, 1, 1, 1}, 3, false), "___");
  EXPECT_EQ(sparkline({}, 3, false), "");
}

TEST(Numbers, ForPeople) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(time_text(59.6), "1:00");
}

}  // namespace
}  // namespace anneal::terminal
