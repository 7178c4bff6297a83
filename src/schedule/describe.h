// SPDX-License-Identifier: MIT
// The stages of scheduling as text, for dumps and readers. Tested by describe_test.cc.
#pragma once

#include <string>

#include "schedule/pairs.h"
#include "schedule/schedule.h"

namespace anneal::schedule {

// "v7 row sum f32[64] of [64,256] over 1: reads v3 in step, v5 by 1"
std::string describe_values(const ValueGraph& values);
// The parts of pairs: what they are made of and what reads them, and why others stay in memory.
std::string describe_cascades(const Pairs& pairs);
// Groups with their members, what is inlined, and every decision.
std::string describe_scopes(const ValueGraph& values, const Scopes& scopes);
// The kernels of all launches, each as a program of its own; equal ones once.
std::string describe_kernels(const ValueGraph& values, std::span<const Launch> launches);
// One line a launch: what it reads and writes.
std::string describe_order(std::span<const Launch> launches);

}  // namespace anneal::schedule
