// SPDX-License-Identifier: MIT
// A plan as text, for dumps, goldens and readers: inputs, memory, the steps with what they read and write and
// where it lies, results, and the conditions at launch. Tested by tests/plan_golden_test.cc.
#pragma once

#include <string>

#include "plan/exec_plan.h"

namespace anneal::plan {

std::string print(const ExecPlan& plan);
// A line for each launch and one for all of them: what it does, and the bytes that it is modelled to move.
std::string summary(const ExecPlan& plan);

}  // namespace anneal::plan
