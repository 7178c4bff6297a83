// SPDX-License-Identifier: MIT
// Tensors on the devices of the build: values, memory, limits and caches.
#include <gtest/gtest.h>

#include "anneal/anneal.h"
#include "anneal/error.h"
#include "device/registry.h"
#include "programs/session.h"
#include "runtime/backend.h"
#include "tensor/call.h"

namespace anneal::runtime {
namespace {

class OnDevice : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, OnDevice, testing::Values("cpu", "loops"),
                         [](const auto& which) { return which.param; });

TEST_P(OnDevice, ValuesAreThoseOfTheInterpreter) {
  Using device({.device = GetParam(), .poison = 1});
  const Tensor x = arange(24).reshape({4, 6}).to(f32) / 7, w = arange(18).reshape({6, 3}).to(f32) - 4;
  const Tensor y = softmax(matmul(x, w), -1) + cumsum(sum(x, 1, true), 0);
  const std::vector<float> found = y.to_vector<float>(), wanted = y.to_vector<float>({.in_f64 = true});
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-4);
  EXPECT_EQ(sum(x > 1).item<int64_t>(), 16);
  EXPECT_EQ((x > 1).to_bools()[23], true);
  EXPECT_EQ(zeros({0, 3}).to_vector<float>().size(), 0u);
}

TEST_P(OnDevice, RealizedTensorsStayThere) {
  Using device({.device = GetParam()});
  const Tensor x = (ones({1000}) * 3).realize();
  const uint64_t plans = device.context()->counters().plans;
  EXPECT_GE(device.context()->pool().active_bytes(), 4000u);
  EXPECT_EQ(x.realize().node().id(), x.node().id());
  EXPECT_EQ(sum(x).item<float>(), 3000);
  EXPECT_EQ(device.context()->counters().plans, plans + 1);
  EXPECT_EQ(sum((ones({1000}) * 3).realize()).item<float>(), 3000);
  EXPECT_EQ(device.context()->counters().plans, plans + 1) << "the same programs over other data";
}

TEST_P(OnDevice, OnePlanServesAllBindings) {
  Using device({.device = GetParam()});
  const Extent n = dim("n", 1, 40);
  const Tensor t = sum(full({n, 3}, 2.0), 0);
  for (int64_t value : {1, 17, 40})
    EXPECT_EQ(t.to_vector<float>({.dims = {{"n", value}}}),
              std::vector<float>(3, 2.0F * static_cast<float>(value)));
  EXPECT_EQ(device.context()->counters().plans, 1u);
  for (int64_t value : {0, 41}) {
    try {
      t.to_vector<float>({.dims = {{"n", value}}});
      FAIL();
    } catch (const Error& e) {
      EXPECT_NE(e.message().find("var \"n\""), std::string::npos) << e.message();
    }
  }
}

double losses(const std::string& device, std::vector<double>& out, int64_t steps) {
  Using using_device({.device = device, .poison = 1});
  const programs::ProgramInfo& info = programs::find_program("mlp");
  programs::Session session(programs::build_program(info, {.train = true, .batch = 8}), 1);
  for (int64_t step = 1; step <= steps; ++step) {
    session.set(info.data(8, 1, step));
    out.push_back(static_cast<double>(session.step()[0].item<float>()));
  }
  return out.back();
}

TEST(Training, StepsAreThoseOfTheInterpreter) {
  std::vector<double> wanted, cpu, loops;
  losses("interp", wanted, 6);
  losses("cpu", cpu, 6);
  losses("loops", loops, 2);
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(cpu[i], wanted[i], 1e-4);
  for (size_t i = 0; i < loops.size(); ++i) EXPECT_NEAR(loops[i], wanted[i], 1e-4);
}

TEST(Training, StateIsUpdatedInPlace) {
  Using device({.device = "cpu"});
  const programs::ProgramInfo& info = programs::find_program("mlp");
  programs::Session session(programs::build_program(info, {.train = true}), 1);
  uint64_t after_ten = 0;
  for (int64_t step = 1; step <= 200; ++step) {
    session.set(info.data(info.batch, 1, step));
    session.step();
    if (step == 10) after_ten = device.context()->pool().active_bytes();
  }
  EXPECT_LE(device.context()->pool().active_bytes(), after_ten + 1000 * 1000);
  EXPECT_LE(device.context()->counters().plans, 3u);
}

TEST(Training, AProductIsAddedToItsStateInPlace) {
  const auto numbers = [](const Sizes& sizes, int64_t by) {
    return ((arange(sizes[0].value() * sizes[1].value()) * by % 17 - 8).to(f32) / 8).reshape(sizes);
  };
  const Tensor s = numbers({70, 90}, 5), a = numbers({70, 1500}, 7), b = numbers({1500, 90}, 3);
  std::vector<float> wanted, found;
  for (const char* name : {"interp", "cpu"}) {
    Using device({.device = name});
    Tensor state = s.realize();
    const auto step = jit(
        [](const Tensor& t, const Tensor& x, const Tensor& y) { return t * 2 + matmul(x, y); }, {.state = 1});
    for (int i = 0; i < 3; ++i) state = step(state, a, b);
    (wanted.empty() ? wanted : found) = state.to_vector<float>();
  }
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], wanted[i], 1e-3) << i;
}

TEST(MemoryLimit, WhatNeedsMoreIsRefusedAndNamesTheLargest) {
  Using device({.device = "cpu", .memory_limit = 1 << 20});
  const Tensor small = ones({100, 100});
  EXPECT_EQ(sum(small).item<float>(), 10000);
  const Tensor large = cumsum(ones({1000, 1000}) * 2, 0);
  try {
    large.realize();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMemory);
    EXPECT_NE(e.message().find("f32[1000,1000]"), std::string::npos) << e.message();
  }
  EXPECT_EQ(sum(small * 2).item<float>(), 20000) << "nothing is lost";
}

TEST(MemoryLimit, Sizes) {
  EXPECT_EQ(parse_bytes("800M"), uint64_t{800} << 20);
  EXPECT_EQ(parse_bytes("12"), 12u);
  EXPECT_EQ(parse_bytes(""), 0u);
  EXPECT_THROW(parse_bytes("many"), Error);
  EXPECT_THROW(parse_bytes("1T"), Error);
}

TEST(Pool, MemoryIsUsedAgain) {
  device::Device& loops = device::find_device("loops");
  Pool pool(loops, 11000);
  auto a = pool.allocate(1000);
  const device::Memory* first = a->slice().memory;
  a.reset();
  EXPECT_EQ(pool.active_bytes(), 0u);
  auto b = pool.allocate(1000);
  EXPECT_EQ(b->slice().memory, first);
  EXPECT_THROW(pool.allocate(9500), Error);
  b.reset();
  EXPECT_NO_THROW(pool.allocate(9500));
  EXPECT_LE(pool.peak_bytes(), 11000u);
}

}  // namespace
}  // namespace anneal::runtime
