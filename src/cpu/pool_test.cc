// SPDX-License-Identifier: MIT
#include "cpu/pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <numeric>

#include "anneal/error.h"

namespace anneal::cpu {
namespace {

TEST(Pool, EveryPartRunsOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    Pool pool(threads);
    for (int round = 0; round < 2000; ++round) {
      const int parts = 1 + round % threads;
      std::vector<int> runs(static_cast<size_t>(threads));
      pool.run(parts, [&](int part) { ++runs[static_cast<size_t>(part)]; });
      ASSERT_EQ(std::accumulate(runs.begin(), runs.end(), 0), parts);
      for (int p = 0; p < parts; ++p) ASSERT_EQ(runs[static_cast<size_t>(p)], 1);
    }
  }
}

TEST(Pool, WorkersThatSleepWakeUp) {
  Pool pool(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> sum{0};
    pool.run(3, [&](int part) { sum += part + 1; });
    ASSERT_EQ(sum, 6);
  }
}

TEST(Pool, CallersTakeTurns) {
  Pool pool(2);
  std::atomic<int> inside{0}, runs{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i)
        pool.run(2, [&](int) {
          EXPECT_LE(++inside, 2);
          ++runs;
          --inside;
        });
    });
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(runs, 3 * 300 * 2);
}

// Sanitizers need more addresses than the test leaves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kTakesManyAddresses = true;
#elif defined(__has_feature)
constexpr bool kTakesManyAddresses = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kTakesManyAddresses = false;
#endif

TEST(Pool, TakesFewerThreadsWhereThereAreFewer) {
  if (kTakesManyAddresses) GTEST_SKIP() << "a sanitizer takes more addresses than this leaves";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // with room for the stacks of a few dozen
    const rlimit stack{1 << 20, 1 << 20}, all{uint64_t{1} << 30, uint64_t{1} << 30};
    ::setrlimit(RLIMIT_STACK, &stack);
    ::setrlimit(RLIMIT_AS, &all);
    Pool pool(1000);
    std::atomic<int> runs{0};
    for (int round = 0; round < 10; ++round) pool.run(pool.threads(), [&](int) { ++runs; });
    ::_exit(pool.threads() >= 1 && pool.threads() < 1000 && runs == 10 * pool.threads() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

#if defined(__SANITIZE_THREAD__)
constexpr bool kForbidsThreadsInChildren = true;
#elif defined(__has_feature)
constexpr bool kForbidsThreadsInChildren = __has_feature(thread_sanitizer);
#else
constexpr bool kForbidsThreadsInChildren = false;
#endif

// Rounds of a pool, each part once. In a child.
bool rounds_are_whole(Pool& pool, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<int> runs(static_cast<size_t>(pool.threads()));
    pool.run(pool.threads(), [&](int part) { ++runs[static_cast<size_t>(part)]; });
    for (const int r : runs)
      if (r != 1) return false;
    if (round % 10 == 9) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // workers fall asleep
  }
  return true;
}

int status_of_child(const std::function<bool()>& good) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(good() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(Pool, AChildOfForkHasWorkersOfItsOwn) {
  if (kForbidsThreadsInChildren) GTEST_SKIP() << "the thread sanitizer allows no threads in a child";
  for (const int threads : {2, 3, 7}) {
    Pool pool(threads);
    for (const bool asleep : {false, true}) {
      EXPECT_TRUE(rounds_are_whole(pool, 50));
      if (asleep) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const int status = status_of_child([&] {
        const bool good = pool.threads() == threads && rounds_are_whole(pool, 200);
        return good && status_of_child([&] { return rounds_are_whole(pool, 50); }) == 0;  // and its child
      });
      EXPECT_EQ(status, 0) << threads << " threads, asleep: " << asleep;
    }
    EXPECT_TRUE(rounds_are_whole(pool, 50)) << "the parent's go on";
  }
}

// The fork waits for the round that another thread runs; the pool of a child may also just end.
TEST(Pool, ForksBesideRounds) {
  if (kForbidsThreadsInChildren) GTEST_SKIP() << "the thread sanitizer allows no threads in a child";
  auto pool = std::make_unique<Pool>(3);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop)
      if (!rounds_are_whole(*pool, 20)) ADD_FAILURE();
  });
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(status_of_child([&] {
                const bool good = i % 2 == 0 || rounds_are_whole(*pool, 20);
                pool.reset();
                return good;
              }),
              0);
  stop = true;
  other.join();
}

TEST(Pool, AChildWithoutThreadsDoesAllPartsItself) {
  if (kTakesManyAddresses) GTEST_SKIP() << "a sanitizer takes more addresses than this leaves";
  Pool pool(3);
  EXPECT_TRUE(rounds_are_whole(pool, 1));
  EXPECT_EQ(status_of_child([&] {
              const rlimit none{1 << 20, 1 << 20};
              ::setrlimit(RLIMIT_AS, &none);  // less than there is: no stack more
              return rounds_are_whole(pool, 20);
            }),
            0);
}

TEST(Pool, ThreadCountsAreChecked) {
  EXPECT_EQ(thread_count("", 6), 6);
  EXPECT_EQ(thread_count("", 0), 1);
  EXPECT_EQ(thread_count("3", 6), 3);
  EXPECT_EQ(thread_count("10000", 6), 64);
  EXPECT_EQ(thread_count("99999999999999999999999", 6), 64);
  for (const char* bad : {"0", "-1", "two", "2x", " 2", "1.5", "-99999999999999999999999"})
    EXPECT_THROW(thread_count(bad, 6), Error) << bad;
}

}  // namespace
}  // namespace anneal::cpu
