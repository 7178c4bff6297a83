// SPDX-License-Identifier: MIT
// A recursive lock, and nothing at all where there are no threads. Tested by its users' thread tests.
#pragma once

#if defined(__wasm__) && !defined(__wasm_atomics__)

namespace anneal::support {
struct RecursiveLock {
  void lock() {}
  void unlock() {}
};
}  // namespace anneal::support

#else

#include <mutex>

namespace anneal::support {
using RecursiveLock = std::recursive_mutex;
}  // namespace anneal::support

#endif

namespace anneal::support {

// Holds the lock while it lives.
class Locked {
 public:
  explicit Locked(RecursiveLock& lock) : lock_(lock) { lock_.lock(); }
  ~Locked() { lock_.unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  RecursiveLock& lock_;
};

}  // namespace anneal::support
