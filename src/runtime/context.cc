// SPDX-License-Identifier: MIT
#include "runtime/context.h"

#include <cstdio>

#include "anneal/error.h"
#include "device/registry.h"
#include "support/dump.h"
#include "support/flags.h"
#include "support/number_text.h"

namespace anneal::runtime {

using support::Flag;
using support::size_text;

uint64_t parse_bytes(std::string_view text) {
  if (text.empty()) return 0;
  if (const std::optional<uint64_t> bytes = support::parse_size(text)) return *bytes;
  raise(ErrorCode::kArgument,
        "ANNEAL_MEMORY_LIMIT: '" + std::string(text) + "' is no size, such as 800M or 1.5G");
}

std::string device_name(const Settings& settings) {
  if (!settings.device.empty()) return settings.device;
  if (const std::string& name = support::flag_text(Flag::kDevice); !name.empty()) return name;
  return device::device_list().front()->name;
}

Context::Context(const Settings& settings)
    : settings_(settings),
      device_(device::find_device(device_name(settings))),
      pool_(device_, settings.memory_limit >= 0 ? static_cast<uint64_t>(settings.memory_limit)
                                                : parse_bytes(support::flag_text(Flag::kMemoryLimit))),
      poison_(settings.poison >= 0 ? settings.poison != 0 : support::flag_on(Flag::kPoison)) {}

Counters Context::counters() const {
  Counters out = counters_;
  out.device = device_.caps().name;
  out.active_bytes = pool_.active_bytes();
  out.peak_bytes = pool_.peak_bytes();
  return out;
}

std::shared_ptr<Executor> Context::compile(ir::Graph& graph, const plan::Request& request) {
  support::Hasher h;
  h.add(request.inputs);
  for (size_t i = 0; i < request.roots.size(); ++i) {
    h.add(graph.key(request.roots[i]));
    h.add(i < request.updates.size() ? static_cast<uint64_t>(request.updates[i] + 1) : 0);
  }
  const support::Key key = h.finish();
  if (const auto found = plans_.find(key); found != plans_.end()) {
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return found->second.executor;
  }
  std::shared_ptr<Executor> made = make(graph, request);
  uses_.push_front(key);
  plans_[key] = {made, uses_.begin()};
  if (plans_.size() > kMaxPlans) {
    plans_.erase(uses_.back());
    uses_.pop_back();
  }
  return made;
}

std::shared_ptr<Executor> Context::make(ir::Graph& graph, const plan::Request& request) {
  plan::Planned planned = plan::build_plan(graph, request, device_.caps(), settings_.plan);
  uint64_t needed = planned.plan.arena_bytes;
  for (const plan::Input& input : planned.plan.inputs) needed += input.bytes;
  for (uint64_t bytes : planned.plan.result_bytes) needed += bytes;
  if (pool_.limit() != 0 && needed > pool_.limit())
    raise(ErrorCode::kMemory, "the program needs " + size_text(needed) + " on " + device_.caps().name +
                                  ", ANNEAL_MEMORY_LIMIT is " + size_text(pool_.limit()) +
                                  ". The largest tensors:" + largest_blocks(planned.plan));
  support::StageClock clock;
  clock.enter(support::StageId::kRender);
  std::vector<std::shared_ptr<const device::Executable>> code = device_.compile(graph, planned.programs);
  clock.leave();
  clock.show(support::StageId::kRender, std::to_string(code.size()) + " programs for " + device_.caps().name,
             [&] { return device::render_all(device_, graph, planned.programs); });
  if (settings_.made) settings_.made(graph, request, planned);
  ++counters_.plans;
  counters_.kernels += code.size();
  return std::make_shared<Executor>(Executor::Home{device_, pool_, arena_, counters_, poison_},
                                    std::make_shared<const plan::ExecPlan>(std::move(planned.plan)),
                                    std::move(code));
}

}  // namespace anneal::runtime
