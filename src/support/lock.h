// SPDX-License-Identifier: MIT
// A recursive lock, and nothing at all where there are no threads.
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
