// SPDX-License-Identifier: MIT
#include "schedule/cost.h"

#include <algorithm>

#include "ir/bounds.h"
#include "ir/kernel.h"

namespace anneal::schedule {

namespace {

// Each operation once for each value of the ranges that it depends on, as the phases of a fold do it.
void count_fold(const ir::Graph& graph, Node sink, double& flops, double& contract) {
  const ir::Kernel kernel(graph, std::span(&sink, 1));
  ir::BoundsOf bounds(graph);
  std::vector<double> extents;
  for (Node r : kernel.ranges())
    extents.push_back(static_cast<double>(std::max<int64_t>(0, bounds(graph.source(r, 0)).max)));
  for (Node n : kernel.order()) {
    const ir::Op op = graph.op(n);
    const bool sums = op == ir::Op::Accumulate;
    if (!is_float(graph.dtype(n)) || !(sums || has_flag(op, ir::kElementwise))) continue;
    double times = 1;
    for (uint32_t r : sums ? ir::united(kernel.free(n), kernel.bound(n)) : kernel.free(n))
      times *= extents[r];
    if (!sums) {
      flops += times * op_work(op);
      continue;
    }
    const ir::RangeSet& loops = kernel.free(n);
    // Both factors of a contraction are there for fewer positions than it goes through.
    Node body = graph.source(n, 0);
    while (graph.op(body) == ir::Op::Cast) body = graph.source(body, 0);
    const bool is_product = graph.op(body) == ir::Op::Mul &&
                            graph.arg_as<ir::ReduceArg>(n).op == ir::ReduceOp::kAdd &&
                            std::all_of(graph.sources(body).begin(), graph.sources(body).end(),
                                        [&](Node s) { return !ir::includes(kernel.free(s), loops); });
    if (is_product) {
      contract += 2 * times;
      flops -= times;  // its multiplication
    } else {
      flops += times;
    }
  }
}

}  // namespace

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
  if (kernel.kind == GroupKind::kFold) count_fold(values.graph(), kernel.sink, cost.flops, contract);
  for (uint32_t m : kernel.members) {
    if (kernel.kind == GroupKind::kFold) break;
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
