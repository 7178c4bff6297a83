// SPDX-License-Identifier: MIT
// The cost model: bytes that must move, operations that must run, and the time that follows on a device.
// Tested by cost_test.cc.
#pragma once

#include "schedule/scope.h"

namespace anneal::schedule {

struct Cost {
  double bytes_read = 0, bytes_written = 0;
  double flops = 0;
  double seconds = 0;  // modelled
  double bytes() const { return bytes_read + bytes_written; }
};

// Of a group as one kernel, of which what others need is written.
Cost group_cost(const ValueGraph& values, const Group& group, const device::Caps& caps);

}  // namespace anneal::schedule
