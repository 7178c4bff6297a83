// SPDX-License-Identifier: MIT
// Whether a plan is sound, found by going through its steps and keeping book of who owns each byte: it knows
// nothing of how places were chosen. Tested by plan_test.cc.
#pragma once

#include "plan/exec_plan.h"

namespace anneal::plan {

// Empty, or what is wrong: a step that reads memory which does not hold the value (any more, or yet), two
// steps of one launch in each other's way, a slice outside the arena.
std::string check_plan(const ExecPlan& plan);

}  // namespace anneal::plan
