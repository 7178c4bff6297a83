// SPDX-License-Identifier: MIT
#include "schedule/cost.h"

#include <algorithm>
#include <bit>

#include "ir/bounds.h"
#include "ir/dims.h"
#include "ir/kernel.h"

namespace anneal::schedule {

namespace {

bool holds(const Group& group, uint32_t v) {
  return std::binary_search(group.members.begin(), group.members.end(), v);
}

double bytes_of(const ValueGraph& values, uint32_t v) {
  return static_cast<double>(dtype_size(values.graph().dtype(values[v].node)));
}

double elements_written(const ValueGraph& values, uint32_t v) {
  if (!values[v].stays) return values[v].elements;
  ir::Graph& graph = values.graph();
  const Node update = graph.source(values[v].node, 2);
  return static_cast<double>(ir::dim_max(graph, ir::dim_product(graph, graph.shape(update))));
}

bool reads(const ValueGraph& values, uint32_t v, uint32_t producer) {
  return !values[v].stays || values.value_of(values.graph().source(values[v].node, 0)) != producer;
}

void add_traffic(const ValueGraph& values, const Group& group, Cost& cost) {
  // Of a table that is gathered from, no more is read than there are positions.
  std::vector<std::pair<uint32_t, double>> read;  // by value: elements
  for (uint32_t m : group.members)
    for (const Read& r : values[m].reads)
      if (!holds(group, r.producer) && reads(values, m, r.producer))
        read.emplace_back(r.producer, std::min(values[r.producer].elements, values[m].positions));
  std::sort(read.begin(), read.end());
  for (size_t i = 0; i < read.size(); ++i)
    if (i + 1 == read.size() || read[i].first != read[i + 1].first)
      cost.bytes_read += read[i].second * bytes_of(values, read[i].first);
  for (uint32_t m : group.members) {
    const std::vector<uint32_t>& users = values[m].users;
    if (values[m].root ||
        std::any_of(users.begin(), users.end(), [&](uint32_t u) { return !holds(group, u); }))
      cost.bytes_written += elements_written(values, m) * bytes_of(values, m);
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

// Whether rows lie across memory: what one loop went through is gone from the nearest cache when the next
// wants it, and its elements are made again.
bool sums_columns(const Group& group) {
  if (group.kind != GroupKind::kRow) return false;
  size_t last = group.space.size();
  while (last > 0 && group.space[last - 1].is(1)) --last;
  return last > 0 && (group.reduced >> (last - 1) & 1) == 0;
}

// By member, in how many loops of a row's kernel it is made: those of reductions that do not need each other
// are one, and so are those of all that is stored. What has one element a row is made once.
std::vector<int> loops_of(const ValueGraph& values, const Group& group) {
  const size_t count = group.members.size();
  std::vector<int> waves(count, 0);       // how many reductions, one in need of the other, lie below
  std::vector<uint64_t> loops(count, 0);  // by wave; bit 0: where values are stored
  const auto each_read = [&](size_t i, const auto& visit) {
    for (const Read& r : values[group.members[i]].reads) {
      const auto at = std::lower_bound(group.members.begin(), group.members.end(), r.producer);
      if (at != group.members.end() && *at == r.producer)
        visit(static_cast<size_t>(at - group.members.begin()));
    }
  };
  const auto is_sum = [&](size_t i) { return values[group.members[i]].reduced != 0; };
  for (size_t i = 0; i < count; ++i) {
    each_read(i, [&](size_t from) { waves[i] = std::max(waves[i], waves[from]); });
    if (is_sum(i)) waves[i] = std::min(63, waves[i] + 1);
  }
  for (size_t i = count; i-- > 0;) {
    const bool inside =
        std::all_of(values[group.members[i]].users.begin(), values[group.members[i]].users.end(),
                    [&](uint32_t u) { return holds(group, u); });
    if (values[group.members[i]].root || !inside) loops[i] |= 1;
    const uint64_t needed = is_sum(i) ? uint64_t{1} << waves[i] : loops[i];
    each_read(i, [&](size_t from) {
      if (!is_sum(from)) loops[from] |= needed;
    });
  }
  std::vector<int> out;
  for (size_t i = 0; i < count; ++i) out.push_back(is_sum(i) ? 1 : std::max(1, std::popcount(loops[i])));
  return out;
}

// What the members of a fold make again, each node once for each value of the ranges that it depends on: so
// do the phases of a fold.
void count_made_again(const ValueGraph& values, const Group& group, double& flops, double& contract) {
  std::vector<Node> made;
  for (uint32_t m : group.members)
    for (Node n : values[m].made_again)
      if (std::find(made.begin(), made.end(), n) == made.end()) made.push_back(n);
  if (made.empty()) return;
  const ir::Graph& graph = values.graph();
  const ir::Kernel kernel(graph, made);
  ir::BoundsOf bounds(graph);
  const auto times = [&](const ir::RangeSet& ranges) {
    double out = 1;
    for (uint32_t r : ranges)
      out *= static_cast<double>(std::max<int64_t>(0, bounds(graph.source(kernel.ranges()[r], 0)).max));
    return out;
  };
  for (Node n : kernel.order()) {
    const ir::Op op = graph.op(n);
    if (!is_float(graph.dtype(n))) continue;
    if (op != ir::Op::Accumulate) {
      if (has_flag(op, ir::kElementwise)) flops += times(kernel.free(n)) * op_work(op);
      continue;
    }
    const double positions = times(ir::united(kernel.free(n), kernel.bound(n)));
    // Both factors of a contraction are there for fewer positions than it goes through.
    Node body = graph.source(n, 0);
    while (graph.op(body) == ir::Op::Cast) body = graph.source(body, 0);
    const bool is_product =
        graph.op(body) == ir::Op::Mul && graph.arg_as<ir::ReduceArg>(n).op == ir::ReduceOp::kAdd &&
        std::all_of(graph.sources(body).begin(), graph.sources(body).end(),
                    [&](Node s) { return !ir::includes(kernel.free(s), kernel.free(n)); });
    if (is_product) {
      contract += 2 * positions;
      flops -= positions;  // its multiplication
    } else {
      flops += positions;
    }
  }
}

}  // namespace

Cost group_cost(const ValueGraph& values, const Group& group, const device::Caps& caps) {
  Cost cost;
  add_traffic(values, group, cost);
  double contract = 0;
  if (group.kind == GroupKind::kFold) count_made_again(values, group, cost.flops, contract);
  std::vector<int> loops;
  if (sums_columns(group)) loops = loops_of(values, group);
  for (size_t i = 0; i < group.members.size(); ++i) {
    const Value& v = values[group.members[i]];
    if (v.kind == ValueKind::kContract)
      contract += 2 * v.positions;
    else if (group.kind == GroupKind::kFold)
      cost.flops += v.positions;
    else
      cost.flops += v.positions * std::max(1.0, v.work) * (loops.empty() ? 1 : loops[i]);
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
