// SPDX-License-Identifier: MIT
// What measure() comes to on devices: figures of a machine, so only their sense is checked.
#include "device/measure.h"

#include <gtest/gtest.h>

#include "anneal/error.h"
#include "device/registry.h"

namespace anneal::device {
namespace {

TEST(Measure, FiguresMakeSense) {
  const Measured m = measure(find_device("cpu"));
  EXPECT_GT(m.memory_bandwidth, 1e8);
  EXPECT_GT(m.cache_bandwidth, 1e8);
  EXPECT_GT(m.flops, 1e8);
  EXPECT_GT(m.contract_flops, 1e8);
  EXPECT_LT(m.launch_seconds, 1e-2);
}

TEST(Measure, ADeviceThatInterpretsIsMeasuredWithLessWork) {
  const Measured m = measure(find_device("loops"));
  EXPECT_GT(m.memory_bandwidth, 0);
  EXPECT_GT(m.contract_flops, 0);
}

TEST(Measure, ADeviceThatRunsNothingIsRefused) { EXPECT_THROW(measure(find_device("null")), Error); }

TEST(Measure, CapabilitiesTakeOneOfFewValues) {
  Caps a, b;
  apply({11e9, 80e9, 33e9, 150e9, 1.1e-6}, a);
  apply({11.4e9, 83e9, 34e9, 157e9, 1.15e-6}, b);
  EXPECT_EQ(a.memory_bandwidth, b.memory_bandwidth);
  EXPECT_EQ(a.cache_bandwidth, b.cache_bandwidth);
  EXPECT_EQ(a.flops, b.flops);
  EXPECT_EQ(a.contract_flops, b.contract_flops);
  EXPECT_EQ(a.launch_seconds, b.launch_seconds);
  EXPECT_NEAR(a.memory_bandwidth, 11e9, 3e9);
}

TEST(Measure, TheRooflineIsTheSlowerOfTrafficAndWork) {
  const Measured m{10e9, 100e9, 50e9, 200e9, 1e-6};
  Caps caps;
  caps.cache_bytes = 1 << 20;
  EXPECT_DOUBLE_EQ(least_seconds(m, caps, 1e9, 1e6, false), 0.1);
  EXPECT_DOUBLE_EQ(least_seconds(m, caps, 1e5, 1e3, false), 1e-6);
  EXPECT_DOUBLE_EQ(least_seconds(m, caps, 1e5, 2e9, true), 0.01);
}

}  // namespace
}  // namespace anneal::device
