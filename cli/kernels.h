// SPDX-License-Identifier: MIT
// Scheduled programs for the verbs that show kernels, and the decisions between two of their values.
#pragma once

#include <string>

#include "cli/common.h"
#include "plan/exec_plan.h"
#include "schedule/schedule.h"

namespace anneal::cli {

struct Scheduled {
  Loaded loaded;
  schedule::Schedule schedule;
  plan::ExecPlan plan;
  double milliseconds = 0;
};
// `fuse` is none or greedy; `device` is the default one until there are others. Raises with the
// nearest.
Scheduled schedule_program(const std::string& program, const LoadOptions& load, const std::string& fuse,
                           const std::string& device = "default");

// anneal explain fuse A B: what was decided between values of the two, which are names of kernels, their
// numbers, or module paths.
struct FuseQuestion {
  std::string a, b, program = "nanogpt", fuse = "model";
  bool train = false, json = false;
};
int explain_fuse(const FuseQuestion& question);

}  // namespace anneal::cli
