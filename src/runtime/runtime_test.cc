// SPDX-License-Identifier: MIT
// Tensors on the devices of the build: values, memory, limits and caches.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

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

TEST_P(OnDevice, QuotientsByInfinityAreThoseOfTheInterpreter) {
  Using device({.device = GetParam()});
  const float inf = HUGE_VALF;
  const Tensor a = from_data(std::vector<float>{-5, 5, 0, -5, 5}, {5}),
               b = from_data(std::vector<float>{inf, inf, inf, -inf, -inf}, {5});
  for (DType t : {f16, f32, f64}) {
    EXPECT_EQ(floordiv(a.to(t), b.to(t)).to_vector<float>(), (std::vector<float>{-1, 0, 0, 0, -1}));
    EXPECT_EQ((a.to(t) % b.to(t)).to_vector<float>(), (std::vector<float>{inf, 5, 0, -5, -inf}));
    EXPECT_EQ(truncdiv(a.to(t), b.to(t)).to_vector<float>(), (std::vector<float>{0, 0, 0, 0, 0}));
  }
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

TEST_P(OnDevice, AReplayTakesOnlyWhatItWasMadeFor) {
  Using device({.device = GetParam(), .poison = 1});
  const Extent n = dim("n", 2, 8, 2);
  const Tensor open = input(0, {n, 3}), y = open * 2 + 1;
  std::shared_ptr<Compiled> program;
  const auto run = [&](const Tensor& x, int64_t value) -> std::string {
    ir::Graph& graph = ir::default_graph();
    const ir::Graph::Scope scope(graph);
    if (program == nullptr) program = backend().compile(graph, {{node_of(y)}, {node_of(open)}, {}});
    const ir::Node argument = node_of(x);
    try {
      const ir::Node made = program->run(graph, std::span(&argument, 1), {.dims = {{"n", value}}})[0];
      EXPECT_EQ(wrap(made).to_vector<float>(), std::vector<float>(static_cast<size_t>(3 * value), 3));
    } catch (const Error& e) {
      return e.message();
    }
    return "ran";
  };
  EXPECT_EQ(run(ones({4, 3}).realize(), 4), "ran");
  const Tensor wrong[] = {ones({3, 4}),      ones({6, 3}),      ones({12}),  ones({4, 3, 1}),
                          ones({4, 3}, i32), ones({4, 3}, f64), ones({0, 3})};
  for (const Tensor& t : wrong)
    EXPECT_NE(run(t.realize(), 4).find("needs input 0 f32[n,3]"), std::string::npos) << run(t.realize(), 4);
  for (const int64_t value : {-2, 0, 3, 10})
    EXPECT_NE(run(ones({4, 3}).realize(), value), "ran") << "n = " << value;
  EXPECT_NE(run(ones({10, 3}).realize(), 10).find("is bound to 10, allowed is 2 to 8, multiples of 2"),
            std::string::npos);
  EXPECT_EQ(run(ones({8, 3}).realize(), 8), "ran");
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

TEST(Training, AnySizeOfBatchIsOnePlan) {
  std::vector<double> losses_of[2];
  for (const char* name : {"interp", "cpu"}) {
    Using device({.device = name});
    const programs::ProgramInfo& info = programs::find_program("dynmlp");
    programs::Session session(programs::build_program(info, {.train = true}), 1);
    uint64_t before = 0;
    std::set<int64_t> sizes;
    for (int64_t step = 1; step <= 8; ++step) {
      session.set(info.data(info.batch(), 1, step));
      if (step == 1 && device.context() != nullptr) before = device.context()->counters().plans;
      sizes.insert(session.value("y")->shape[0]);
      losses_of[device.context() != nullptr].push_back(session.step()[0].item<double>());
    }
    EXPECT_EQ(sizes, (std::set<int64_t>{1, 7, 32, 129}));
    if (device.context() != nullptr) {
      EXPECT_EQ(device.context()->counters().plans - before, 1u);
    }
  }
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(losses_of[0][i], losses_of[1][i], 1e-4) << i;
}

TEST(Training, StateIsUpdatedInPlace) {
  Using device({.device = "cpu"});
  const programs::ProgramInfo& info = programs::find_program("mlp");
  programs::Session session(programs::build_program(info, {.train = true}), 1);
  uint64_t after_ten = 0;
  for (int64_t step = 1; step <= 200; ++step) {
    session.set(info.data(info.batch(), 1, step));
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

TEST_P(OnDevice, CountersSayWhatWasDone) {
  Using device({.device = GetParam()});
  EXPECT_EQ(counters().device, GetParam());
  EXPECT_EQ(counters().launches, 0u);
  EXPECT_EQ(counters().active_bytes, 0u);
  const Tensor x = (ones({1000}) * 3).realize();
  const Counters first = counters();
  EXPECT_EQ(first.plans, 1u);
  EXPECT_EQ(first.runs, 1u);
  EXPECT_EQ(first.kernels, 1u);
  EXPECT_EQ(first.launches, 1u);
  EXPECT_GE(first.bytes, 4000);
  EXPECT_GE(first.active_bytes, 4000u);
  for (int i = 0; i < 3; ++i) cumsum(x * 2 + static_cast<float>(i), 0).realize();
  (ones({100'000}) * 2).realize();
  ir::default_graph().collect();
  const Counters then = counters();
  EXPECT_EQ(then.runs, 5u);
  EXPECT_GT(then.launches, first.launches + 3);
  EXPECT_GT(then.flops, first.flops);
  EXPECT_GE(then.peak_bytes, then.active_bytes + 400'000) << "what nobody kept is no longer in use";
}

TEST(CountersOfTheInterpreter, AreEmpty) {
  Using device({.device = "interp"});
  sum(ones({3})).item<float>();
  EXPECT_EQ(counters().device, "interp");
  EXPECT_EQ(counters().runs, 0u);
}

// A hundred thousand bytes are held, and a quarter of that is made and dropped again and again.
TEST(MemoryLimit, WhatWasDroppedMakesRoom) {
  Using device({.device = "cpu", .memory_limit = 160'000});
  const Tensor held = (ones({25'000}) * 2).realize();
  const auto twice = jit([](const Tensor& x) { return x * 2; });
  for (int i = 0; i < 50; ++i) {
    const Tensor made = (full({6'250}, static_cast<float>(i)) + 1).realize();
    EXPECT_EQ(sum(twice(made)).item<float>(), 12'500.0F * static_cast<float>(i + 1));
  }
  EXPECT_EQ(sum(held).item<float>(), 50'000);
  EXPECT_THROW((ones({25'000}) * 3).realize(), Error) << "what is held is not dropped";
}

// Of a program whose data is not on the device yet, and of a step that has to copy its state first.
TEST(MemoryLimit, NothingIsLostByARefusal) {
  Using device({.device = "cpu", .memory_limit = 100'000});
  const auto refusal = [](const auto& f) {
    try {
      f();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kMemory);
      return e.message();
    }
    return std::string("none");
  };
  const Tensor data = from_data(std::vector<float>(10'000, 1.0F), {10'000});
  const Tensor kept = (ones({13'000}) * 2).realize();
  EXPECT_NE(refusal([&] { cumsum(data, 0).realize(); }).find("f32[10000]"), std::string::npos);
  EXPECT_EQ(sum(kept).item<float>(), 26'000);

  const auto same = jit([](const Tensor& w) { return std::pair(sum(w), w); });
  const auto step = jit([](const Tensor& w) { return w + 1; }, {.state = 1});
  const Tensor own = (ones({6'000}) * 3).realize(), shared = same(own).second;
  EXPECT_NE(refusal([&] { step(shared); }).find("f32[6000]"), std::string::npos) << "it needs a copy";
  EXPECT_EQ(sum(shared).item<float>(), 18'000);
}

TEST(ExitDeathTest, WorkUnderWayDoesNotHoldTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto leave_early = [] {
    const auto step = jit([](const Tensor& w) { return w * 0.5 + 1; }, {.state = 1});
    Tensor w = ones({1 << 18}).realize();
    for (int i = 0; i < 500; ++i) w = step(w);
    std::exit(0);
  };
  for (int i = 0; i < 3; ++i) {
    Using device({.device = "cpu"});
    EXPECT_EXIT(leave_early(), testing::ExitedWithCode(0), "");
  }
}

TEST(MemoryLimit, Sizes) {
  EXPECT_EQ(parse_bytes("800M"), uint64_t{800'000'000});
  EXPECT_EQ(parse_bytes("800MiB"), uint64_t{800} << 20);
  EXPECT_EQ(parse_bytes("1.5T"), uint64_t{1'500'000'000'000});
  EXPECT_EQ(parse_bytes("12"), 12u);
  EXPECT_EQ(parse_bytes(""), 0u);
  EXPECT_THROW(parse_bytes("many"), Error);
  EXPECT_THROW(parse_bytes("1X"), Error);
}

// A device that has 4 KB.
class SmallDevice final : public device::Device {
 public:
  SmallDevice() { caps_.name = "small"; }
  const device::Caps& caps() const override { return caps_; }
  std::vector<std::shared_ptr<const device::Executable>> compile(ir::Graph&,
                                                                 std::span<const loop::Program>) override {
    return {};
  }
  std::shared_ptr<device::Memory> allocate(size_t bytes) override {
    class Counted final : public device::Memory {
     public:
      Counted(size_t size, size_t& left) : Memory(size), left_(left) { left_ -= size; }
      ~Counted() override { left_ += bytes(); }
      Counted(const Counted&) = delete;
      Counted& operator=(const Counted&) = delete;
      std::byte* host() override { return nullptr; }

     private:
      size_t& left_;
    };
    return bytes > left_ ? nullptr : std::make_shared<Counted>(bytes, left_);
  }
  void write(const device::Slice&, std::span<const std::byte>) override {}
  void read(const device::Slice&, std::span<std::byte>) override {}
  void submit(std::span<const device::Launch>) override {}
  void wait() override {}

 private:
  device::Caps caps_;
  size_t left_ = 4096;
};

TEST(Pool, WhatIsKeptGoesBackBeforeADeviceIsOutOfMemory) {
  SmallDevice small;
  Pool pool(small, 0);
  pool.allocate(1024).reset();  // kept
  auto most = pool.allocate(3584);
  EXPECT_EQ(pool.active_bytes(), 3584u);
  try {
    pool.allocate(1024);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMemory);
    EXPECT_NE(e.message().find("no memory left on small for 1.0 KB more; in use are 3.6 KB"),
              std::string::npos)
        << e.message();
  }
  most.reset();
  EXPECT_NO_THROW(pool.allocate(4096));
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
