// SPDX-License-Identifier: MIT
// Tensors built, differentiated and run from several threads at once (also to be run under
// -fsanitize=thread), and for long: nothing that is dropped stays.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "anneal/compile.h"
#include "anneal/random.h"
#include "ir/graph.h"
#include "tensor/test_tensors.h"
#include "tests/support/test_threads.h"

namespace anneal {
namespace {

Doubles work(uint64_t seed, int rounds) {
  Doubles out;
  Tensor w = randn({8, 4}, {.seed = seed});
  const Extent n = dim("N", 1, 16);
  for (int i = 0; i < rounds; ++i) {
    const auto loss = [&](const Tensor& t) {
      return mean(square(matmul(rand({16, 8}, {.seed = seed + 1}), t)));
    };
    const auto [value, slope] = value_and_grad(loss)(w);
    w = (w - 0.1 * slope).realize();
    out.push_back(value.item<double>());
    out.push_back(sum(ones({n}) * static_cast<double>(i)).item<double>({.dims = {{"N", 1 + i % 16}}}));
    out.push_back(static_cast<double>((w + 1).str().size()));
  }
  return out;
}

TEST(Threads, GiveTheResultsOfOne) {
  constexpr int kThreads = 4, kRounds = 40;
  std::vector<Doubles> alone, together(kThreads);
  for (uint64_t t = 0; t < kThreads; ++t) alone.push_back(work(t, kRounds));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { together[t] = work(t, kRounds); });
  for (std::thread& t : threads) t.join();
  for (size_t t = 0; t < kThreads; ++t) EXPECT_EQ(alone[t], together[t]) << t;
}

TEST(Threads, HandlesMoveBetweenThemWhileOthersAreCollected) {
  std::vector<Tensor> shared;
  for (int i = 0; i < 64; ++i) shared.push_back(full({4}, static_cast<double>(i)));
  const uint64_t before = ir::default_graph().collections();
  std::vector<std::thread> threads;
  std::vector<double> sums(4);
  std::atomic<bool> done = false;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      while (!done)
        for (const Tensor& x : shared) {
          const Tensor copy = x, moved = copy;
        }
      for (const Tensor& x : shared) sums[t] += sum(x).item<double>();
    });
  // Nodes that nobody keeps, until they have been collected a few times.
  for (int64_t i = 0; ir::default_graph().collections() < before + 3; ++i) full({}, i, i64) * int64_t{2};
  done = true;
  for (std::thread& t : threads) t.join();
  for (double s : sums) EXPECT_EQ(s, 4 * 63 * 64 / 2);
}

TEST(Threads, ShareACapturedFunction) {
  constexpr size_t kSizes = 50;
  const auto f = jit([](const Tensor& x) { return sum(x * 2); });
  EXPECT_EQ(wrong_calls_of_threads(f, kSizes), 0);
  EXPECT_GE(f.captures(), kSizes);
  EXPECT_LE(f.captures(), kCallingThreads * kSizes);
}

// What was dropped is captured again; what was used since is still there.
TEST(Lifetime, ACapturedFunctionKeepsTheProgramsUsedLast) {
  const auto f = jit([](const Tensor& x) { return sum(x); });
  const auto run = [&](int64_t size) { EXPECT_EQ(f(ones({size})).item<float>(), static_cast<float>(size)); };
  for (int64_t size = 1; size <= 256; ++size) run(size);
  EXPECT_EQ(f.captures(), 256u);
  run(1);
  EXPECT_EQ(f.captures(), 256u);
  run(257);  // for it goes 2
  run(1);
  EXPECT_EQ(f.captures(), 257u);
  run(2);
  EXPECT_EQ(f.captures(), 258u);
}

TEST(Lifetime, AStepRepeatedRunsAtConstantMemory) {
  ir::Graph& g = ir::default_graph();
  Tensor w = randn({16, 16}, {.seed = 1});
  size_t most = 0;
  for (int step = 0; step < 1500; ++step) {
    const auto loss = [&](const Tensor& t) { return mean(square(matmul(t, t) - static_cast<double>(step))); };
    w = (w - 1e-6 * grad(loss)(w)).realize();
    if (step < 700)
      most = std::max(most, g.memory_bytes());
    else
      ASSERT_LE(g.memory_bytes(), most + most / 10) << step;
  }
  EXPECT_EQ(w.shape(), (Ints{16, 16}));
}

}  // namespace
}  // namespace anneal
