// SPDX-License-Identifier: MIT
// From a schedule to a plan: the order of launches, where each value lies, what is overwritten, and what must
// be checked. Kernels are lowered here, each once. Tested by plan_test.cc.
#pragma once

#include "loop/program.h"
#include "plan/exec_plan.h"
#include "schedule/schedule.h"

namespace anneal::plan {

// A program whose open ends are the params 0, 1, ...: the inputs.
struct Request {
  std::span<const ir::Node> roots;
  uint32_t inputs = 0;
  // For each root the input that it is the next value of, or -1. Such an input is given away: where hazards
  // allow it, the root is made in its memory.
  std::vector<int32_t> updates;
};

struct PlanOptions {
  schedule::Fuse fuse = schedule::ScheduleOptions{}.fuse;
  bool share = true;  // false: every value has memory of its own, and nothing is overwritten
};

struct Planned {
  ExecPlan plan;
  std::vector<loop::Program> programs;  // by number; their nodes are good within the Scope
  schedule::Schedule schedule;          // in the order of the plan
  double schedule_ms = 0;               // what scheduling took, of all
};

// Raises what scheduling and lowering raise, and kLimit when the memory of a value has no bound.
Planned build_plan(ir::Graph& graph, const Request& request, const device::Caps& caps,
                   const PlanOptions& options = {});

}  // namespace anneal::plan
