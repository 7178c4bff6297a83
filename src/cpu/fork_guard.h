// SPDX-License-Identifier: MIT
// What has threads of its own says here what becomes of it in a child of fork(), which has the forking thread
// alone. All guards that live are asked, in one order, so that none is forgotten and none waits for another.
// A fork waits for what is being launched or shared out; it must not come from a part of that. What the child
// may use besides is as everywhere: locks that other threads held when the process was forked stay held.
// Tested by pool_test.cc and cpu_device_test.cc.
#pragma once

#include <cstdint>
#include <functional>

namespace anneal::cpu {

class ForkGuard {
 public:
  enum class Level : uint8_t { kDevice, kPool };  // the order in which they are locked: a device uses a pool
  struct Hooks {
    std::function<void()> lock, unlock;  // before and after, in both processes: nothing is under way between
    std::function<void()> threads_lost;  // in the child, before unlock
  };
  ForkGuard(Level level, Hooks hooks);
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

 private:
  friend struct ForkGuards;
  Level level_;
  Hooks hooks_;
};

}  // namespace anneal::cpu
