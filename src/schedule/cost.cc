// SPDX-License-Identifier: MIT
#include "schedule/cost.h"

#include <algorithm>

#include "ir/dims.h"

namespace anneal::schedule {

namespace {

bool holds(const Group& group, uint32_t v) {
  return std::binary_search(group.members.begin(), group.members.end(), v);
}

double bytes_of(const ValueGraph& values, uint32_t v) {
  return static_cast<double>(dtype_size(values.graph().dtype(values[v].node)));
}

void add_traffic(const ValueGraph& values, const Group& group, Cost& cost) {
  // Of a table that is gathered from, no more is read than there are positions.
  std::vector<std::pair<uint32_t, double>> read;  // by value: elements
  for (uint32_t m : group.members)
    for (const Read& r : values[m].reads)
      if (!holds(group, r.producer))
        read.emplace_back(r.producer, std::min(values[r.producer].elements, values[m].positions));
  std::sort(read.begin(), read.end());
  for (size_t i = 0; i < read.size(); ++i)
    if (i + 1 == read.size() || read[i].first != read[i + 1].first)
      cost.bytes_read += read[i].second * bytes_of(values, read[i].first);
  for (uint32_t m : group.members) {
    const std::vector<uint32_t>& users = values[m].users;
    if (values[m].root ||
        std::any_of(users.begin(), users.end(), [&](uint32_t u) { return !holds(group, u); }))
      cost.bytes_written += values[m].elements * bytes_of(values, m);
  }
}

// What can go on at the same time. Sums are not split, so rows are all there is to share out.
double parallel_items(const ValueGraph& values, const Group& group) {
  if (group.kind != GroupKind::kRow) return values[group.members.back()].elements;
  double rows = 1;
  for (size_t i = 0; i < group.space.size(); ++i)
    if ((group.reduced >> i & 1) == 0)
      rows *= static_cast<double>(ir::dim_max(values.graph(), group.space[i]));
  return rows;
}

}  // namespace

Cost group_cost(const ValueGraph& values, const Group& group, const device::Caps& caps) {
  Cost cost;
  add_traffic(values, group, cost);
  double contract = 0;
  for (uint32_t m : group.members) {
    const Value& v = values[m];
    if (v.kind == ValueKind::kContract)
      contract += 2 * v.positions;
    else
      cost.flops += v.positions * std::max(1.0, v.work);
  }
  const double compute = cost.flops / caps.flops + contract / caps.contract_flops;
  const bool cached = cost.bytes() * 2 < static_cast<double>(caps.cache_bytes);
  const double traffic = cost.bytes() / (cached ? caps.cache_bandwidth : caps.memory_bandwidth);
  const double threads = std::max(1, caps.threads);
  const double share = std::clamp(parallel_items(values, group), 1.0, threads) / threads;
  cost.flops += contract;
  cost.seconds = caps.launch_seconds + std::max(traffic, compute) / share;
  return cost;
}

}  // namespace anneal::schedule
