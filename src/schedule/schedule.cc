// SPDX-License-Identifier: MIT
#include "schedule/schedule.h"

#include <algorithm>
#include <unordered_set>

#include "ir/text.h"
#include "rules/simplify.h"
#include "schedule/build.h"
#include "schedule/demand.h"
#include "schedule/describe.h"
#include "schedule/join.h"
#include "schedule/order.h"
#include "schedule/pairs.h"
#include "schedule/prepare.h"
#include "support/check.h"
#include "support/dump.h"

namespace anneal::schedule {

namespace {

// All kernels of the scopes. Where a group turns out not to be one kernel, its values are marked `alone`
// instead, or as `refused` when they make pairs again.
std::vector<Kernel> build_all(const ValueGraph& values, const Scopes& scopes, const device::Caps& caps,
                              std::vector<bool>& alone, std::vector<bool>& refused) {
  std::vector<Kernel> kernels;
  for (uint32_t g = 0; g < scopes.groups.size(); ++g) {
    Built built = build_kernel(values, scopes, g, caps);
    if (built.reason.empty()) {
      kernels.push_back(std::move(built.kernel));
      continue;
    }
    const std::vector<uint32_t>& members = scopes.groups[g].members;
    const bool folds = scopes.groups[g].kind == GroupKind::kFold;
    ANNEAL_CHECK_MSG(folds || members.size() > 1, built.reason.c_str());
    std::vector<bool>& marks = folds ? refused : alone;
    marks.resize(values.values().size(), false);
    for (uint32_t v : members) marks[v] = true;
  }
  return kernels;
}

using support::StageId;

// What has no place in a schedule.
struct Steps {
  std::vector<Node> simple, prepared;
  Pairs pairs;
};

void show_stages(const support::StageClock& clock, const Steps& steps, const Schedule& s) {
  const ValueGraph& values = *s.values;
  clock.show(StageId::kSimplify, "", [&] { return ir::print(values.graph(), steps.simple); });
  clock.show(StageId::kPrepare, "", [&] { return ir::print(values.graph(), steps.prepared); });
  clock.show(StageId::kIndexing, std::to_string(values.values().size()) + " values",
             [&] { return describe_values(values); });
  clock.show(StageId::kCascades, std::to_string(steps.pairs.log.size()) + " decisions",
             [&] { return describe_cascades(steps.pairs); });
  clock.show(StageId::kScopes,
             std::to_string(s.scopes.groups.size()) + " groups, " + std::to_string(s.scopes.log.size()) +
                 " decisions",
             [&] { return describe_scopes(values, s.scopes); });
  clock.show(StageId::kKernels, std::to_string(s.unique_kernels) + " different kernels",
             [&] { return describe_kernels(values, s.launches); });
}

std::vector<Node> prepare_simply(ir::Graph& graph, std::span<const Node> simple,
                                 std::span<const int32_t> replaced) {
  const std::vector<Node> out = prepare(graph, narrow_to_demand(graph, simple), replaced);
  return std::equal(out.begin(), out.end(), simple.begin(), simple.end())
             ? out
             : rules::simplify(graph, out, {.pass = "prepare"});
}

}  // namespace

Schedule make_schedule(ir::Graph& graph, std::span<const Node> roots, const device::Caps& caps,
                       const ScheduleOptions& options) {
  Schedule out;
  support::StageClock clock;
  Steps steps;
  clock.enter(StageId::kSimplify);
  steps.simple = rules::simplify(graph, roots, {.pass = "simplify"});
  clock.enter(StageId::kPrepare);
  steps.prepared = prepare_simply(graph, steps.simple, options.replaced);
  clock.enter(StageId::kIndexing);
  const ValueGraph fine(graph, steps.prepared, options.replaced);
  const std::vector<bool> inlined = choose_inlined(fine, options.fuse);
  const ValueGraph stored = fine.inlining(inlined);
  std::vector<Kernel> kernels;
  std::vector<bool> alone, refused;  // by value
  size_t refusals = 0;
  do {
    clock.enter(StageId::kCascades);
    refusals = static_cast<size_t>(std::count(refused.begin(), refused.end(), true));
    Pairs pairs;
    if (options.fuse != Fuse::kNone) pairs = choose_pairs(stored, caps, refused);
    for (size_t v = 0; v < inlined.size() && !pairs.inlined.empty(); ++v)
      pairs.inlined[v] = pairs.inlined[v] || inlined[v];
    clock.enter(StageId::kIndexing);
    out.values = std::make_unique<ValueGraph>(pairs.inlined.empty() ? stored : fine.inlining(pairs.inlined));
    alone.clear();
    do {
      clock.enter(StageId::kScopes);
      out.scopes = choose_scopes(*out.values, options.fuse, caps, alone);
      clock.enter(StageId::kKernels);
      kernels = build_all(*out.values, out.scopes, caps, alone, refused);
    } while (kernels.size() != out.scopes.groups.size() &&
             refusals == static_cast<size_t>(std::count(refused.begin(), refused.end(), true)));
    out.scopes.log.insert(out.scopes.log.begin(), pairs.log.begin(), pairs.log.end());
    steps.pairs = std::move(pairs);
  } while (kernels.size() != out.scopes.groups.size());
  out.roots = out.values->roots();
  clock.leave();
  out.launches = make_launches(*out.values, out.scopes, std::move(kernels));
  order_launches(*out.values, out.launches);
  join_neighbours(*out.values, out.launches);
  std::unordered_set<uint32_t> unique;
  for (const Launch& launch : out.launches)
    for (const Kernel& kernel : launch.parts) {
      unique.insert(kernel.sink.id);
      out.total.bytes_read += kernel.cost.bytes_read;
      out.total.bytes_written += kernel.cost.bytes_written;
      out.total.flops += kernel.cost.flops;
      out.total.seconds += kernel.cost.seconds;
    }
  out.unique_kernels = unique.size();
  show_stages(clock, steps, out);
  return out;
}

}  // namespace anneal::schedule
