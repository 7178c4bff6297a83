// SPDX-License-Identifier: MIT
// Tensors built, differentiated and run from several threads at once. Also run under -fsanitize=thread.
#include <gtest/gtest.h>

#include <thread>

#include "anneal/random.h"
#include "tensor/test_tensors.h"

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

TEST(Threads, HandlesMoveBetweenThem) {
  // Made here, used and dropped there, while others are collected.
  std::vector<Tensor> shared;
  for (int i = 0; i < 64; ++i) shared.push_back(full({4}, static_cast<double>(i)));
  std::vector<std::thread> threads;
  std::vector<double> sums(4);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round)
        for (const Tensor& x : shared) {
          const Tensor copy = x, moved = copy;
          if (round == 19) sums[t] += sum(moved).item<double>();
        }
    });
  for (std::thread& t : threads) t.join();
  for (double s : sums) EXPECT_EQ(s, 4 * 63 * 64 / 2);
}

}  // namespace
}  // namespace anneal
