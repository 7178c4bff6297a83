// SPDX-License-Identifier: MIT
// The register tiles that contractions call: each is compiled once a process, at most, and linked where all
// code finds it by its name. Tested by emit_contraction_test.cc.
#pragma once

#include "cpu/contract_plan.h"
#include "cpu/object_cache.h"
#include "cpu/target.h"

namespace anneal::cpu {

// After this, code that calls tile_kernel_name(plan) can be linked. Any thread. Raises kDevice.
void link_tile_kernel(const Target& target, const ContractPlan& plan, ObjectCache& cache);

}  // namespace anneal::cpu
