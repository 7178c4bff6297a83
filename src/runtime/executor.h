// SPDX-License-Identifier: MIT
// A plan with its code and memory, ready to run any number of times. A run fills in inputs, variables and new
// memory for results, and submits; it touches no graph and does not wait. Tested by runtime_test.cc.
#pragma once

#include <memory>
#include <vector>

#include "anneal/counters.h"
#include "plan/exec_plan.h"
#include "runtime/pool.h"

namespace anneal::runtime {

// The arena of all plans of a context: they run one after the other, so one is enough.
struct Arena {
  std::shared_ptr<Allocation> memory;
  uint64_t bytes = 0;
};

class Executor {
 public:
  struct Home {
    device::Device& device;
    Pool& pool;
    Arena& arena;
    Counters& counters;
    bool poison = false;
  };
  Executor(Home home, std::shared_ptr<const plan::ExecPlan> plan,
           std::vector<std::shared_ptr<const device::Executable>> code);

  const plan::ExecPlan& plan() const { return *plan_; }

  using Allocations = std::vector<std::shared_ptr<Allocation>>;
  // What a run will take of memory beside what its plan says.
  struct Extra {
    uint64_t inputs = 0;       // bytes of inputs that are not on the device yet
    std::vector<bool> shared;  // by input: others have it too. Empty: none
  };
  // Whether the limit leaves room for a run.
  bool has_room(const Extra& extra) const;
  // Before each run: raises for variables that do not fit and for memory beyond the limit, and takes memory.
  // Nothing is lost when it raises.
  void prepare(std::span<const int64_t> vars, const Extra& extra);
  // Inputs by number; those that are overwritten are used up, and copied first where others have them too.
  // With `times` it waits for the end, and says when each step ran.
  Allocations run(Allocations inputs, std::span<const int64_t> vars,
                  std::vector<device::LaunchTime>* times = nullptr);

 private:
  uint64_t needed(const Extra& extra) const;
  bool is_copied(const Extra& extra, size_t input) const;
  void reserve(const Extra& extra);
  void own_overwritten(Allocations& inputs);
  void bind(const Allocations& inputs, std::span<const int64_t> vars);
  void submit_poisoned();

  Home home_;
  std::shared_ptr<const plan::ExecPlan> plan_;
  std::vector<std::shared_ptr<const device::Executable>> code_;
  std::vector<device::Slice> slots_;      // of all steps
  std::vector<int64_t> vars_;             // of all steps
  std::vector<device::Launch> launches_;  // over these
  struct Patch {
    uint32_t slot, number;  // of slots_; of the input or the result
  };
  std::vector<Patch> inputs_, results_;
  Allocations made_;                 // this run's results
  Allocations copies_;               // by input: where one that others have too is copied to, or null
  device::Memory* arena_ = nullptr;  // that slots_ point into
};

// "blocks.0.attn: matmul f32[8,32,48], 48.0 KB; ...": the largest, for messages about memory.
std::string largest_blocks(const plan::ExecPlan& plan);

}  // namespace anneal::runtime
