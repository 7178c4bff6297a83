// SPDX-License-Identifier: MIT
#include "schedule/cost.h"

#include <algorithm>

#include "ir/walk.h"

namespace anneal::schedule {

Cost kernel_cost(const ValueGraph& values, const Kernel& kernel, const device::Caps& caps) {
  const ir::Graph& graph = values.graph();
  Cost cost;
  for (const Slot& slot : kernel.slots) {
    const Value& v = values[slot.value];
    const double bytes = v.elements * static_cast<double>(dtype_size(graph.dtype(v.node)));
    if (slot.written) {
      cost.bytes_written += bytes;
      continue;
    }
    // Of a table that is gathered from, no more is read than the kernel has positions.
    double most = 0;
    for (uint32_t m : kernel.members) most = std::max(most, values[m].positions);
    cost.bytes_read += std::min(bytes, most * static_cast<double>(dtype_size(graph.dtype(v.node))));
  }
  double contract = 0;
  for (uint32_t m : kernel.members) {
    const Value& v = values[m];
    if (v.kind == ValueKind::kContract)
      contract += 2 * v.positions;
    else
      cost.flops += v.positions * std::max(1.0, v.work);
  }
  const double compute = cost.flops / caps.flops + contract / caps.contract_flops;
  const bool cached = cost.bytes() * 2 < static_cast<double>(caps.cache_bytes);
  const double traffic = cost.bytes() / (cached ? caps.cache_bandwidth : caps.memory_bandwidth);
  cost.flops += contract;
  cost.seconds = caps.launch_seconds + std::max(traffic, compute);
  return cost;
}

}  // namespace anneal::schedule
