// SPDX-License-Identifier: MIT
#include "schedule/join.h"

#include <algorithm>
#include <unordered_map>

#include "ir/walk.h"

namespace anneal::schedule {

namespace {

// Updates that no kernel reads.
bool is_final_update(const ValueGraph& values, const Scopes& scopes, const Kernel& kernel) {
  if (!values[kernel.members.back()].update || kernel.kind != GroupKind::kMap) return false;
  return std::none_of(kernel.members.begin(), kernel.members.end(), [&](uint32_t v) {
    return std::any_of(values[v].users.begin(), values[v].users.end(),
                       [&](uint32_t u) { return scopes.group_of[u] != scopes.group_of[v]; });
  });
}

// The key of a kernel without extents and positions.
support::Key form_of(const ir::Graph& graph, Node sink) {
  support::Hasher form;
  std::unordered_map<uint32_t, uint64_t> number;
  for (const Node n : ir::postorder(graph, std::span(&sink, 1))) {
    if (graph.dtype(n) == DType::kIndex) continue;
    form.add(static_cast<uint64_t>(graph.op(n))).add(static_cast<uint64_t>(graph.dtype(n)));
    if (graph.op(n) == ir::Op::Const) form.add(graph.key(n));
    if (graph.op(n) == ir::Op::Accumulate) form.add(static_cast<uint64_t>(graph.arg_as<ir::ReduceArg>(n).op));
    for (const Node s : graph.sources(n))
      if (const auto it = number.find(s.id); it != number.end()) form.add(it->second);
    number.emplace(n.id, number.size());
  }
  return form.finish();
}

class Joiner {
 public:
  Joiner(const ValueGraph& values, std::vector<Launch>& launches)
      : values_(values), launches_(launches), made_by_(values.values().size(), kNobody) {}

  void run() {
    std::vector<Launch> out;
    for (Launch& launch : launches_) {
      const support::Key form = form_of(values_.graph(), launch.parts[0].sink);
      if (!out.empty() && form == form_ && !makes_next(launch) && !makes_next(out.back()) &&
          !needs(launch, out.size() - 1)) {
        for (Kernel& k : launch.parts) out.back().parts.push_back(std::move(k));
      } else {
        out.push_back(std::move(launch));
        form_ = form;
      }
      for (const Kernel& k : out.back().parts)
        for (const Slot& slot : k.slots)
          if (slot.written) made_by_[slot.value] = out.size() - 1;
    }
    for (Launch& launch : out)
      if (launch.parts.size() > 1 && !makes_next(launch))
        launch.name = launch.parts[0].name + " x " + std::to_string(launch.parts.size());
    launches_ = std::move(out);
  }

 private:
  static constexpr size_t kNobody = ~size_t{0};

  // In the memory of an input, which others read first; and the updates, which are a launch already.
  bool makes_next(const Launch& launch) const {
    return std::any_of(launch.parts.begin(), launch.parts.end(), [&](const Kernel& k) {
      return std::any_of(k.members.begin(), k.members.end(),
                         [&](uint32_t v) { return values_[v].next || values_[v].update; });
    });
  }
  bool needs(const Launch& launch, size_t other) const {
    return std::any_of(launch.parts.begin(), launch.parts.end(), [&](const Kernel& k) {
      return std::any_of(k.slots.begin(), k.slots.end(),
                         [&](const Slot& s) { return !s.written && made_by_[s.value] == other; });
    });
  }

  const ValueGraph& values_;
  std::vector<Launch>& launches_;
  std::vector<size_t> made_by_;  // by value: the launch, of those that are joined so far
  support::Key form_{};          // of the last one
};

}  // namespace

std::vector<Launch> make_launches(const ValueGraph& values, const Scopes& scopes,
                                  std::vector<Kernel> kernels) {
  std::vector<Launch> launches;
  Launch updates;
  for (Kernel& kernel : kernels) {
    if (is_final_update(values, scopes, kernel)) {
      updates.parts.push_back(std::move(kernel));
      continue;
    }
    Launch& launch = launches.emplace_back();
    launch.name = kernel.name;
    launch.parts.push_back(std::move(kernel));
  }
  if (updates.parts.empty()) return launches;
  updates.name = updates.parts.size() == 1
                     ? updates.parts[0].name
                     : "optimizer x " + std::to_string(updates.parts.size()) + " parameters";
  launches.push_back(std::move(updates));
  return launches;
}

void join_neighbours(const ValueGraph& values, std::vector<Launch>& launches) {
  Joiner(values, launches).run();
}

}  // namespace anneal::schedule
