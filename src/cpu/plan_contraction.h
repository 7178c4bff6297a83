// SPDX-License-Identifier: MIT
// The plan (contract_plan.h) for a contraction that was found in a kernel: its extents, and in which
// direction each factor is cheap to make, from the strides of what it loads. Tested by
// plan_contraction_test.cc.
#pragma once

#include <optional>
#include <vector>

#include "cpu/contract_plan.h"
#include "cpu/target.h"
#include "loop/program.h"

namespace anneal::cpu {

// None for a program without a contraction. `threads` enters the plan, and so the code, but not its results.
std::optional<ContractPlan> plan_contraction(const ir::Graph& graph, const loop::Program& program,
                                             const Target& target, int threads);

// The same of a program of phases, of each that has a contraction.
std::vector<ContractPlan> plan_contractions(const ir::Graph& graph, const loop::Program& program,
                                            const Target& target, int threads);

// The difference of an index expression from one value of the range to the next, for most of its values: what
// wraps around (a remainder) or stays for long (a quotient) is taken as if it never did. None when it is not
// seen to have one.
std::optional<int64_t> usual_stride(const ir::Graph& graph, ir::Node index, ir::Node range);

}  // namespace anneal::cpu
