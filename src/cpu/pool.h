// SPDX-License-Identifier: MIT
// Threads that wait for work: fork and join in about a microsecond while they are hot (they spin briefly,
// then sleep). The caller takes part. A child of fork() has none of them and makes its own when it first
// needs them. Tested by pool_test.cc, also under the thread sanitizer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "cpu/fork_guard.h"

namespace anneal::cpu {

class Pool {
 public:
  // `threads` with the caller's; fewer where the system gives no more.
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  int threads() const { return threads_; }

  // Calls f(part) for every part below `parts`, which is at most threads(); one on each thread, part 0 on the
  // caller's, which also takes those that there is no thread for: in a child that the system gave fewer.
  // Returns when all have returned. Callers wait for each other; f must not throw or call run.
  template <typename F>
  void run(int parts, const F& f) {
    run_erased(parts, [](const void* context, int part) { (*static_cast<const F*>(context))(part); }, &f);
  }

 private:
  using Function = void (*)(const void*, int);
  bool start(int threads);  // whether the system gave that many
  void stop();
  void lose_workers();  // in a child
  void run_erased(int parts, Function function, const void* context);
  void work(int number);
  uint64_t next_round(uint64_t seen);

  int threads_ = 1;
  std::vector<std::thread> workers_;
  bool is_child_ = false;  // whose workers have still to be made
  std::mutex callers_;
  // Set before a round is announced; workers read them in it.
  Function function_ = nullptr;
  const void* context_ = nullptr;
  alignas(64) std::atomic<uint64_t> round_{0};  // rounds announced: number * kMaxThreads + parts
  alignas(64) std::atomic<int> running_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
  std::atomic<int> sleepers_{0};
  std::unique_ptr<ForkGuard> guard_;
};

inline constexpr int kMaxThreads = 1024;

// The number that ANNEAL_THREADS asks for: `cores` when the text is empty; more than 4 * cores (and at least
// 64) is taken as that many, with a line to stderr. Raises kArgument for what is no number above 0.
int thread_count(std::string_view text, int cores);

// The pool of the process, made at first use.
Pool& process_pool();

}  // namespace anneal::cpu
