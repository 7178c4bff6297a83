// SPDX-License-Identifier: MIT
// See fork_guard.h.
#include "cpu/fork_guard.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace anneal::cpu {

struct ForkGuards {
  std::mutex lock;  // held from before a fork to after it
  std::vector<ForkGuard*> list;

  static ForkGuards& all() {  // never destroyed: processes are forked until they end
    static ForkGuards& guards = *new ForkGuards;
    return guards;
  }
  ForkGuards() { ::pthread_atfork(before, after<false>, after<true>); }

  static void before() {
    ForkGuards& guards = all();
    guards.lock.lock();
    for (const ForkGuard::Level level : {ForkGuard::Level::kDevice, ForkGuard::Level::kPool})
      for (const ForkGuard* g : guards.list)
        if (g->level_ == level) g->hooks_.lock();
  }
  template <bool kInChild>
  static void after() {
    ForkGuards& guards = all();
    for (const ForkGuard* g : guards.list) {
      if (kInChild) g->hooks_.threads_lost();
      g->hooks_.unlock();
    }
    guards.lock.unlock();
  }
};

ForkGuard::ForkGuard(Level level, Hooks hooks) : level_(level), hooks_(std::move(hooks)) {
  ForkGuards& guards = ForkGuards::all();
  const std::lock_guard<std::mutex> held(guards.lock);
  guards.list.push_back(this);
}

ForkGuard::~ForkGuard() {
  ForkGuards& guards = ForkGuards::all();
  const std::lock_guard<std::mutex> held(guards.lock);
  std::erase(guards.list, this);
}

}  // namespace anneal::cpu
