// SPDX-License-Identifier: MIT
// From a tensor program to kernels in the order in which they run: what is stored, what is fused, and why. A
// pure function of the program, the options and the device's capabilities. Tested by schedule_test.cc and the
// goldens in tests/golden/schedule.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schedule/cost.h"

namespace anneal::schedule {

// Memory that a kernel reads or writes: the whole of a value, row-major.
struct Slot {
  uint32_t value = 0;  // of the value graph
  bool written = false;
};

struct Kernel {
  Node sink;  // kernel stage; slots and ranges numbered by first use, so that equal work is one node
  GroupKind kind = GroupKind::kMap;
  std::vector<Slot> slots;        // by number
  std::vector<uint32_t> members;  // values made here
  std::string name;               // "h.3.attn.qkv: matmul+add"
  std::vector<std::string> ops;   // API calls that it does work for, in order
  bool forward = false, backward = false, optimizer = false;
  Cost cost;
};

// Kernels that run as one launch: independent of each other.
struct Launch {
  std::vector<Kernel> parts;
  std::string name;
};

struct Schedule {
  std::unique_ptr<ValueGraph> values;
  Scopes scopes;
  std::vector<Launch> launches;  // in order
  std::vector<uint32_t> roots;   // the value of each root of the program
  Cost total;
  size_t unique_kernels = 0;
};

struct ScheduleOptions {
  Fuse fuse = Fuse::kModel;
  std::span<const int32_t> replaced = {};  // by root: the input whose place it takes, or -1; may be shorter
};

// `roots` at the tensor stage. Raises what the passes raise.
Schedule make_schedule(ir::Graph& graph, std::span<const Node> roots, const device::Caps& caps,
                       const ScheduleOptions& options = {});

}  // namespace anneal::schedule
