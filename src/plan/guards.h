// SPDX-License-Identifier: MIT
// The conditions on extents that construction could neither prove nor refute: what the interpreter checks
// when it runs. Tested by plan_test.cc.
#pragma once

#include "plan/exec_plan.h"

namespace anneal::plan {

// The variables that the program depends on, by name; raises kName when two share one.
std::vector<Variable> find_variables(const ir::Graph& graph, std::span<const ir::Node> roots);

// Each condition once, in the order of the program.
std::vector<Guard> find_guards(ir::Graph& graph, std::span<const ir::Node> roots,
                               const std::vector<Variable>& vars);

// Raises kData for a variable out of its bounds and kShape for a guard that does not hold; both name the
// variables.
void check_variables(const ExecPlan& plan, std::span<const int64_t> vars);

}  // namespace anneal::plan
