// SPDX-License-Identifier: MIT
// Scheduled and planned programs for the verbs that show kernels: anneal kernels, profile, cache why, and
// explain fuse, kernel and mem. Tested by tests/cli_smoke.py.
#pragma once

#include <string>
#include <vector>

#include "cli/common.h"
#include "device/device.h"
#include "plan/build_plan.h"
#include "runtime/canonical.h"

namespace anneal::cli {

// What these verbs ask for.
struct ScheduleRequest {
  std::string program = "nanogpt", fuse = "model";
  std::string device;  // empty: the one that programs run on
  LoadOptions load;
};
// Empty: what programs run on; where that is the interpreter, a device that has no machine.
device::Device& device_of(std::string name);
class Options;
void add_schedule_options(Options& verb, ScheduleRequest& request);  // all but the program

struct Scheduled {
  Loaded loaded;
  runtime::Canonical canonical;
  std::vector<int32_t> updates;  // as in plan::Request
  plan::PlanOptions options;
  plan::Planned planned;
  device::Device* device = nullptr;

  const schedule::Schedule& schedule() const { return planned.schedule; }
  const plan::ExecPlan& plan() const { return planned.plan; }
  plan::Request request() const {
    return {canonical.roots, static_cast<uint32_t>(canonical.leaves.size()), updates};
  }
};
// Parameters and state of a model that trains are replaced. Raises with the nearest name.
Scheduled schedule_program(const ScheduleRequest& request);

// All parts of a launch as one line.
struct LaunchRow {
  std::string name, place, phases;  // "fb"
  std::vector<std::string> ops, inputs, outputs, sources;
  double bytes = 0, flops = 0, seconds = 0;
  size_t parts = 0;
};
LaunchRow row_of(const schedule::Schedule& s, const schedule::Launch& launch);

std::string value_text(const schedule::Schedule& s, uint32_t v);  // "tokens i32[32,64]"
std::string value_name(const schedule::Schedule& s, uint32_t v);  // with where it is made
std::string shortened(const std::string& text, size_t width);

// What is worked out at a line of the user's program, for a kernel: its own values, and those that it makes
// again where it uses them.
struct SourceLine {
  std::string file, call;
  int line = 0;
  ir::Phase phase = ir::Phase::kForward;
  bool operator==(const SourceLine&) const = default;
};
std::vector<SourceLine> source_lines(const schedule::Schedule& s, const schedule::Kernel& kernel);

// anneal explain fuse A B: what was decided between values of the two, which are names of kernels, their
// numbers, or module paths.
int explain_fuse(const ScheduleRequest& request, const std::string& a, const std::string& b, bool json);
// anneal explain kernel NAME: the launch of this number or name.
struct KernelQuestion {
  std::string name;
  std::vector<std::string> forms;  // of its code; "llvm", "asm"
  bool json = false;
};
int explain_kernel(const ScheduleRequest& request, const KernelQuestion& question);
int explain_mem(const ScheduleRequest& request, bool json);

}  // namespace anneal::cli
