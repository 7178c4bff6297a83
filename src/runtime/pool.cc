// SPDX-License-Identifier: MIT
#include "runtime/pool.h"

#include <algorithm>
#include <bit>

#include "anneal/error.h"
#include "support/number_text.h"

namespace anneal::runtime {

using support::Locked;
using support::size_text;

namespace {

constexpr uint64_t kKept = uint64_t{64} << 20;  // or as much as is in use, if that is more

}  // namespace

Allocation::~Allocation() { pool_.take_back(std::move(memory_)); }

size_t Pool::rounded(size_t bytes) {
  const size_t step = std::max<size_t>(64, std::bit_floor(std::max<size_t>(bytes, 1)) / 8);
  return std::max(step, (bytes + step - 1) / step * step);
}

std::shared_ptr<Allocation> Pool::allocate(size_t bytes) {
  const Locked locked(lock_);
  const size_t size = rounded(bytes);
  if (!has_room(size))
    raise(ErrorCode::kMemory, size_text(uint64_t{size}) + " more on " + device_.caps().name +
                                  " would exceed ANNEAL_MEMORY_LIMIT of " + size_text(limit_) +
                                  "; in use are " + size_text(active_));
  std::shared_ptr<device::Memory> memory;
  std::vector<std::shared_ptr<device::Memory>>& known = free_[size];
  if (!known.empty()) {
    memory = std::move(known.back());
    known.pop_back();
    kept_ -= size;
  } else {
    if (limit_ != 0 && active_ + kept_ + size > limit_) trim_locked();
    memory = device_.allocate(size);
    if (memory == nullptr && kept_ != 0) {
      trim_locked();
      memory = device_.allocate(size);
    }
    if (memory == nullptr)
      raise(ErrorCode::kMemory, "there is no memory left on " + device_.caps().name + " for " +
                                    size_text(uint64_t{size}) + " more; in use are " + size_text(active_));
  }
  active_ += size;
  peak_ = std::max(peak_, active_);
  return std::make_shared<Allocation>(*this, std::move(memory));
}

void Pool::take_back(std::shared_ptr<device::Memory> memory) {
  const Locked locked(lock_);
  const size_t size = memory->bytes();
  active_ -= size;
  kept_ += size;
  free_[size].push_back(std::move(memory));
  if (kept_ > std::max(kKept, active_)) trim_locked();
}

void Pool::trim() {
  const Locked locked(lock_);
  trim_locked();
}

void Pool::trim_locked() {
  if (kept_ == 0) return;
  device_.wait();
  free_.clear();
  kept_ = 0;
}

}  // namespace anneal::runtime
