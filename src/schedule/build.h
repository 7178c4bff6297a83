// SPDX-License-Identifier: MIT
// A group of values as a kernel: statements over scalar expressions. Tested by build_test.cc.
#pragma once

#include "schedule/schedule.h"

namespace anneal::schedule {

// The kernel of a group; empty `reason` when it is sound: every accumulate runs once for each row, or for
// each element where it is a contraction.
struct Built {
  Kernel kernel;
  std::string reason;
};
Built build_kernel(const ValueGraph& values, const Scopes& scopes, uint32_t group, const device::Caps& caps);

}  // namespace anneal::schedule
