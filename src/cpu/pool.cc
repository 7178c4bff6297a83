// SPDX-License-Identifier: MIT
// See pool.h.
#include "cpu/pool.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "anneal/error.h"
#include "support/check.h"
#include "support/flags.h"

namespace anneal::cpu {
namespace {

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Long enough to bridge the gap between two launches of a step, short enough not to be noticed as load.
constexpr std::chrono::microseconds kSpin{50};
constexpr int kRelaxesPerLook = 32;  // at the clock

template <typename Done>
bool spin_until(Done done) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kRelaxesPerLook; ++i) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

constexpr uint64_t kStop = 0;  // parts of the last round

}  // namespace

// Where the system gives fewer threads, half of what it gave: others need some too, and memory for their
// stacks. Results do not depend on how many there are.
Pool::Pool(int threads) {
  ANNEAL_CHECK(threads >= 1 && threads <= kMaxThreads);
  for (int wanted = threads; !start(wanted); wanted = std::max(1, wanted / 2)) {
    const int got = static_cast<int>(workers_.size()) + 1;
    stop();
    wanted = std::min(wanted, got);
  }
  threads_ = static_cast<int>(workers_.size()) + 1;
  if (threads_ != threads)
    std::fprintf(stderr, "anneal: the system does not give %d threads, using %d\n", threads, threads_);
  const auto lock = [this] {
    callers_.lock();
    sleep_.lock();
  };
  const auto unlock = [this] {
    sleep_.unlock();
    callers_.unlock();
  };
  guard_ = std::make_unique<ForkGuard>(ForkGuard::Level::kPool,
                                       ForkGuard::Hooks{lock, unlock, [this] { lose_workers(); }});
}

Pool::~Pool() {
  guard_.reset();
  stop();
}

// Threads that are not there can be neither joined nor detached, and a condition that they wait for is
// neither destroyed nor notified: their remains are kept, and the condition is made anew in its place.
void Pool::lose_workers() {
  if (workers_.empty()) return;
  static std::vector<std::vector<std::thread>>& lost = *new std::vector<std::vector<std::thread>>;
  lost.push_back(std::move(workers_));
  workers_.clear();
  new (&wake_) std::condition_variable;
  sleepers_.store(0);
  is_child_ = true;
}

bool Pool::start(int threads) {
  round_.store(0);
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

void Pool::stop() {
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    round_.store((round_.load() / kMaxThreads + 1) * kMaxThreads + kStop);
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
  workers_.clear();
}

void Pool::run_erased(int parts, Function function, const void* context) {
  ANNEAL_CHECK(parts >= 1 && parts <= threads());
  if (parts == 1) return function(context, 0);
  const std::lock_guard<std::mutex> one_caller(callers_);
  if (is_child_) {
    start(threads_);
    is_child_ = false;
  }
  const int at_once = std::min(parts, static_cast<int>(workers_.size()) + 1);
  if (at_once == 1) {
    for (int part = 0; part < parts; ++part) function(context, part);
    return;
  }
  function_ = function;
  context_ = context;
  running_.store(at_once - 1, std::memory_order_relaxed);
  const uint64_t next = round_.load(std::memory_order_relaxed) / kMaxThreads + 1;
  // A worker counts itself as asleep before it looks at the round for the last time: one of the two sees the
  // other.
  round_.store(next * kMaxThreads + static_cast<uint64_t>(at_once - 1), std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) {
    {
      const std::lock_guard<std::mutex> lock(sleep_);
    }
    wake_.notify_all();
  }
  function(context, 0);
  for (int part = at_once; part < parts; ++part) function(context, part);
  const auto finished = [&] { return running_.load(std::memory_order_acquire) == 0; };
  while (!spin_until(finished)) std::this_thread::yield();
}

uint64_t Pool::next_round(uint64_t seen) {
  uint64_t round = seen;
  const auto announced = [&] {
    round = round_.load(std::memory_order_acquire);
    return round != seen;
  };
  if (spin_until(announced)) return round;
  std::unique_lock<std::mutex> lock(sleep_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(lock, [&] {
    round = round_.load(std::memory_order_seq_cst);
    return round != seen;
  });
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
  return round;
}

// A worker that has no part in a round may miss it: the caller does not wait for it. It touches nothing of
// such a round.
void Pool::work(int number) {
  uint64_t seen = 0;
  for (;;) {
    seen = next_round(seen);
    const uint64_t parts = seen % kMaxThreads;
    if (parts == kStop) return;
    if (static_cast<uint64_t>(number) > parts) continue;
    function_(context_, number);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

int thread_count(std::string_view text, int cores) {
  if (text.empty()) return std::clamp(cores, 1, kMaxThreads - 1);
  long long wanted = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wanted);
  const bool too_large = error == std::errc::result_out_of_range && text[0] != '-';
  if (!too_large && (error != std::errc() || end != text.data() + text.size() || wanted < 1))
    raise(ErrorCode::kArgument, "ANNEAL_THREADS=" + std::string(text) + " must be a number from 1 up");
  const int limit = std::min(std::max(4 * cores, 64), kMaxThreads - 1);
  if (!too_large && wanted <= limit) return static_cast<int>(wanted);
  std::fprintf(stderr, "anneal: ANNEAL_THREADS=%.*s is more than makes sense on %d cores, using %d\n",
               static_cast<int>(text.size()), text.data(), cores, limit);
  return limit;
}

Pool& process_pool() {
  // Never destroyed: launches may be under way when the process ends.
  static Pool& pool = *new Pool(thread_count(support::flag_text(support::Flag::kThreads),
                                             static_cast<int>(std::thread::hardware_concurrency())));
  return pool;
}

}  // namespace anneal::cpu
