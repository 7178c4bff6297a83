// SPDX-License-Identifier: MIT
// The cost model: bytes that must move, operations that must run, and the time that follows on a device.
// Tested by cost_test.cc.
#pragma once

#include "schedule/schedule.h"

namespace anneal::schedule {

Cost kernel_cost(const ValueGraph& values, const Kernel& kernel, const device::Caps& caps);

}  // namespace anneal::schedule
