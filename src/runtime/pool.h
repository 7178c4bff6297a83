// SPDX-License-Identifier: MIT
// Memory of a device, handed out and taken back. What is given back is used again before the device is asked:
// launches run in order, so memory may have a new owner while launches of the old one are still under way.
// Tested by runtime_test.cc.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "device/device.h"
#include "support/lock.h"

namespace anneal::runtime {

class Pool;

// Memory that goes back when the last owner lets go of it.
class Allocation {
 public:
  Allocation(Pool& pool, std::shared_ptr<device::Memory> memory) : pool_(pool), memory_(std::move(memory)) {}
  ~Allocation();
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;

  device::Slice slice() const { return {memory_.get(), 0}; }
  size_t bytes() const { return memory_->bytes(); }

 private:
  Pool& pool_;
  std::shared_ptr<device::Memory> memory_;
};

class Pool {
 public:
  // `limit` in bytes; 0: none.
  Pool(device::Device& device, uint64_t limit) : device_(device), limit_(limit) {}

  // Raises kMemory beyond the limit, and when the device has no more.
  std::shared_ptr<Allocation> allocate(size_t bytes);
  // Whether that much more would be within the limit.
  bool has_room(uint64_t bytes) const { return limit_ == 0 || active_ + bytes <= limit_; }
  void trim();  // gives back to the device what no one has; waits for it

  uint64_t limit() const { return limit_; }
  uint64_t active_bytes() const { return active_; }  // that somebody has
  uint64_t peak_bytes() const { return peak_; }
  static size_t rounded(size_t bytes);  // to one of few sizes, by an eighth at most

 private:
  friend class Allocation;
  void take_back(std::shared_ptr<device::Memory> memory);
  void trim_locked();

  device::Device& device_;
  uint64_t limit_;
  support::RecursiveLock lock_;
  std::map<size_t, std::vector<std::shared_ptr<device::Memory>>> free_;
  uint64_t active_ = 0, peak_ = 0, kept_ = 0;
};

}  // namespace anneal::runtime
