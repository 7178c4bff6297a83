// SPDX-License-Identifier: MIT
#include "schedule/schedule.h"

#include <algorithm>
#include <unordered_set>

#include "rules/simplify.h"
#include "schedule/build.h"
#include "schedule/widen.h"
#include "support/check.h"

namespace anneal::schedule {

namespace {

// All kernels of the scopes. Where a group turns out not to be one kernel, its values are marked `alone`
// instead.
std::vector<Kernel> build_all(const ValueGraph& values, const Scopes& scopes, const device::Caps& caps,
                              std::vector<bool>& alone) {
  std::vector<Kernel> kernels;
  for (uint32_t g = 0; g < scopes.groups.size(); ++g) {
    Built built = build_kernel(values, scopes, g, caps);
    if (built.reason.empty()) {
      kernels.push_back(std::move(built.kernel));
      continue;
    }
    const std::vector<uint32_t>& members = scopes.groups[g].members;
    ANNEAL_CHECK_MSG(members.size() > 1, built.reason.c_str());
    alone.resize(values.values().size(), false);
    for (uint32_t v : members) alone[v] = true;
  }
  return kernels;
}

}  // namespace

Schedule make_schedule(ir::Graph& graph, std::span<const Node> roots, const device::Caps& caps,
                       const ScheduleOptions& options) {
  Schedule out;
  const ValueGraph fine(graph, widen_folds(graph, roots));
  out.values = std::make_unique<ValueGraph>(fine.inlining(choose_inlined(fine, options.fuse)));
  out.roots = out.values->roots();
  std::vector<bool> alone;
  std::vector<Kernel> kernels;
  do {
    out.scopes = choose_scopes(*out.values, options.fuse, alone);
    kernels = build_all(*out.values, out.scopes, caps, alone);
  } while (kernels.size() != out.scopes.groups.size());
  std::unordered_set<uint32_t> unique;
  for (Kernel& kernel : kernels) {
    unique.insert(kernel.sink.id);
    out.total.bytes_read += kernel.cost.bytes_read;
    out.total.bytes_written += kernel.cost.bytes_written;
    out.total.flops += kernel.cost.flops;
    out.total.seconds += kernel.cost.seconds;
    Launch launch;
    launch.name = kernel.name;
    launch.parts.push_back(std::move(kernel));
    out.launches.push_back(std::move(launch));
  }
  out.unique_kernels = unique.size();
  return out;
}

}  // namespace anneal::schedule
