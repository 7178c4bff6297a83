// SPDX-License-Identifier: MIT
// The forms of a program that the cpu device shows, and times of launches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anneal/error.h"
#include "cpu/test_cpu.h"

namespace anneal::cpu {
namespace {

struct RenderTest : CpuTest, testing::Test {
  ObjectCache cache{{}, 0};
  CpuDevice device{process_pool(), cache};
};

TEST_F(RenderTest, EveryFormThatIsNamedIsShown) {
  const Node i = range(0, 16);
  const Program program = map(slot(0, f32, 16), i, b.neg(b.load(slot(1, f32, 16), i)), 8);
  EXPECT_THAT(device.render(graph, program, "llvm"), testing::HasSubstr("define "));
  EXPECT_THAT(device.render(graph, program, "asm"), testing::HasSubstr(".text"));
  EXPECT_EQ(device.render(graph, program, "plan"), "");  // no contraction
  EXPECT_EQ(device.forms().size(), 3u);
  const std::string all = device::render_all(device, graph, std::span(&program, 1));
  EXPECT_THAT(all, testing::StartsWith("; program 0\n"));
}

TEST_F(RenderTest, TimedLaunchesRunInOrderAndOnce) {
  const Node i = range(0, 16);
  const Program program =
      map(slot(0, f32, 16), i, b.add(b.load(slot(0, f32, 16), i), b.constant_float(1, f32)), 8);
  const auto code = device.compile(graph, std::span(&program, 1))[0];
  const auto memory = device.allocate(64);
  device.write({memory.get(), 0}, std::vector<std::byte>(64));
  const std::vector<device::Slice> slots{{memory.get(), 0}};
  const std::vector<device::Launch> launches(5, device::Launch{code.get(), slots, {}});
  const std::vector<device::LaunchTime> times = device.submit_timed(launches);
  ASSERT_EQ(times.size(), 5u);
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_LE(times[k].begin, times[k].end);
    if (k > 0) {
      EXPECT_LE(times[k - 1].end, times[k].begin);
    }
  }
  float out[16];
  device.read({memory.get(), 0}, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out[3], 5);
  EXPECT_TRUE(device.submit_timed({}).empty());
}

}  // namespace
}  // namespace anneal::cpu
