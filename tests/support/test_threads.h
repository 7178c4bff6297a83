// SPDX-License-Identifier: MIT
// Several threads that call one captured function at once, with arguments of many sizes.
#pragma once

#include <numeric>
#include <thread>
#include <vector>

#include "anneal/anneal.h"

namespace anneal {

inline constexpr size_t kCallingThreads = 4;

// How many calls gave a wrong result. `f` gives twice the sum of what it takes; it meets each size, up to
// `sizes`, and all threads meet some for the first time together.
template <typename F>
int wrong_calls_of_threads(const F& f, size_t sizes) {
  std::vector<int> wrong(kCallingThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kCallingThreads; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < sizes + 40; ++i) {
        const auto size = static_cast<int64_t>(1 + (i + t) % sizes);
        wrong[t] += f(ones({size})).template item<float>() != 2.0F * static_cast<float>(size) ? 1 : 0;
      }
    });
  for (std::thread& t : threads) t.join();
  return std::accumulate(wrong.begin(), wrong.end(), 0);
}

}  // namespace anneal
