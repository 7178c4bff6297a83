// SPDX-License-Identifier: MIT
#include "schedule/schedule.h"

#include <algorithm>
#include <unordered_set>

#include "rules/simplify.h"
#include "schedule/build.h"
#include "schedule/widen.h"
#include "support/check.h"

namespace anneal::schedule {

Schedule make_schedule(ir::Graph& graph, std::span<const Node> roots, const device::Caps& caps,
                       const ScheduleOptions& options) {
  Schedule out;
  const ValueGraph fine(graph, widen_folds(graph, roots));
  out.values = std::make_unique<ValueGraph>(fine.inlining(choose_inlined(fine, options.fuse)));
  out.scopes = choose_scopes(*out.values, options.fuse);
  out.roots = out.values->roots();
  std::unordered_set<uint32_t> unique;
  for (uint32_t g = 0; g < out.scopes.groups.size(); ++g) {
    Built built = build_kernel(*out.values, out.scopes, g, caps);
    ANNEAL_CHECK_MSG(built.reason.empty(), built.reason.c_str());
    unique.insert(built.kernel.sink.id);
    out.total.bytes_read += built.kernel.cost.bytes_read;
    out.total.bytes_written += built.kernel.cost.bytes_written;
    out.total.flops += built.kernel.cost.flops;
    out.total.seconds += built.kernel.cost.seconds;
    Launch launch;
    launch.name = built.kernel.name;
    launch.parts.push_back(std::move(built.kernel));
    out.launches.push_back(std::move(launch));
  }
  out.unique_kernels = unique.size();
  return out;
}

}  // namespace anneal::schedule
