// SPDX-License-Identifier: MIT
// A device with its memory and its plans. Programs are compiled once for their content: the cache goes by
// structural keys, and what open ends stand for is not part of a program. One context is the current one; the
// tensors of the process run there. Tested by runtime_test.cc.
#pragma once

#include <functional>
#include <list>
#include <map>

#include "plan/build_plan.h"
#include "runtime/executor.h"
#include "support/hash.h"

namespace anneal::runtime {

// Told of each program that a context makes, once, inside the Scope that its nodes are good in.
using Observer = std::function<void(ir::Graph&, const plan::Request&, const plan::Planned&)>;

struct Settings {
  std::string device;  // empty: ANNEAL_DEVICE, else the first of this build
  plan::PlanOptions plan = {};
  int64_t memory_limit = -1;  // bytes; -1: ANNEAL_MEMORY_LIMIT; 0: none
  int poison = -1;            // -1: ANNEAL_POISON
  Observer made = {};
};

class Context {
 public:
  explicit Context(const Settings& settings);
  ~Context() { device_.wait(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Raises what planning and the device raise; kMemory when a run could never be within the limit.
  std::shared_ptr<Executor> compile(ir::Graph& graph, const plan::Request& request);

  device::Device& device() { return device_; }
  Pool& pool() { return pool_; }
  Counters counters() const;  // with what the pool has
  const Settings& settings() const { return settings_; }

 private:
  static constexpr size_t kMaxPlans = 512;  // the one used longest ago goes first

  struct Entry {
    std::shared_ptr<Executor> executor;
    std::list<support::Key>::iterator use;
  };
  std::shared_ptr<Executor> make(ir::Graph& graph, const plan::Request& request);

  Settings settings_;
  device::Device& device_;
  Pool pool_;
  Arena arena_;
  Counters counters_;
  bool poison_;
  std::map<support::Key, Entry> plans_;
  std::list<support::Key> uses_;  // last used first
};

// The name that settings come to: of a device, or "interp".
std::string device_name(const Settings& settings);
// "800M" -> bytes; raises kArgument.
uint64_t parse_bytes(std::string_view text);

}  // namespace anneal::runtime
