// SPDX-License-Identifier: MIT
#include "schedule/describe.h"

#include <cstdio>
#include <map>

#include "ir/text.h"

namespace anneal::schedule {
namespace {

std::string value_text(uint32_t v) { return "v" + std::to_string(v); }

std::string axes_text(ir::AxisMask axes) {
  std::string out;
  for (int i = 0; axes >> i != 0; ++i)
    if ((axes >> i & 1) != 0) out += (out.empty() ? "" : ",") + std::to_string(i);
  return out.empty() ? "none" : out;
}

std::string space_text(const ir::Graph& graph, std::span<const Dim> space, ir::AxisMask reduced) {
  std::string out;
  for (const Dim& d : space) out += (out.empty() ? "" : ",") + ir::dim_text(graph, d);
  out = "[" + out + "]";
  return reduced == 0 ? out : out + " over " + axes_text(reduced);
}

template <typename List, typename Text>
std::string join(const List& list, const Text& text, const char* separator = " ") {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : separator) + text(item);
  return out;
}

std::string seconds_text(double seconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%.2f us", seconds * 1e6);
  return text;
}

std::string decisions_text(const std::vector<Decision>& log) {
  std::string out;
  for (const Decision& d : log)
    out += std::string(d.fused ? "fused " : "apart ") + value_text(d.producer) + " " +
           value_text(d.consumer) + ": " + d.reason + (d.gain == 0 ? "" : ", gain " + seconds_text(d.gain)) +
           "\n";
  return out;
}

}  // namespace

std::string describe_values(const ValueGraph& values) {
  const ir::Graph& graph = values.graph();
  std::string out;
  for (uint32_t v = 0; v < values.values().size(); ++v) {
    const Value& value = values[v];
    out += value_text(v) + " " + std::string(kValueKindNames[static_cast<size_t>(value.kind)]) + " " +
           std::string(ir::op_text(graph.op(value.node))) + " " + ir::type_text(graph, value.node);
    if (value.reduced != 0) out += " of " + space_text(graph, value.space, value.reduced);
    if (value.inlined) out += ", inlined";
    if (value.root) out += ", root";
    if (!value.reads.empty())
      out += ": reads " + join(
                              value.reads,
                              [&](const Read& r) {
                                return value_text(r.producer) +
                                       (r.in_step ? " in step" : " by " + axes_text(r.axes));
                              },
                              ", ");
    out += "\n";
  }
  return out;
}

std::string describe_cascades(const Pairs& pairs) {
  std::map<int32_t, std::pair<std::vector<uint32_t>, std::vector<uint32_t>>> parts;
  for (uint32_t v = 0; v < pairs.part.size(); ++v)
    if (const int32_t p = pairs.part[v]; p >= 0)
      (pairs.inlined[v] ? parts[p].first : parts[p].second).push_back(v);
  std::string out;
  for (const auto& [p, part] : parts)
    out += "part " + std::to_string(p) + ": " + join(part.first, value_text) + " made again for " +
           join(part.second, value_text) + "\n";
  out += decisions_text(pairs.log);
  return out.empty() ? "no pairs of rows\n" : out;
}

std::string describe_scopes(const ValueGraph& values, const Scopes& scopes) {
  const ir::Graph& graph = values.graph();
  std::string out;
  for (size_t g = 0; g < scopes.groups.size(); ++g) {
    const Group& group = scopes.groups[g];
    out +=
        "group " + std::to_string(g) + " " + std::string(kGroupKindNames[static_cast<size_t>(group.kind)]) +
        " " + space_text(graph, group.space, group.reduced) + ": " +
        join(group.members, [&](uint32_t v) { return value_text(v) + (scopes.stored[v] ? "*" : ""); }) + "\n";
  }
  out += "(* is stored)\n";
  return out + decisions_text(scopes.log);
}

std::string describe_kernels(const ValueGraph& values, std::span<const Launch> launches) {
  const ir::Graph& graph = values.graph();
  std::vector<Node> sinks;
  std::map<uint32_t, std::vector<std::string>> names;  // by sink
  for (const Launch& launch : launches)
    for (const Kernel& kernel : launch.parts) {
      std::vector<std::string>& known = names[kernel.sink.id];
      if (known.empty()) sinks.push_back(kernel.sink);
      known.push_back(kernel.name);
    }
  std::string out;
  for (const Node& sink : sinks)
    out += "# " +
           join(
               names[sink.id], [](const std::string& n) { return n; }, "\n# ") +
           "\n" + ir::print(graph, std::span(&sink, 1)) + "\n";
  return out;
}

std::string describe_order(std::span<const Launch> launches) {
  std::string out;
  for (size_t i = 0; i < launches.size(); ++i) {
    std::string reads, writes;
    for (const Kernel& kernel : launches[i].parts)
      for (const Slot& slot : kernel.slots) {
        std::string& list = slot.written ? writes : reads;
        list += (list.empty() ? "" : " ") + value_text(slot.value);
      }
    out += std::to_string(i) + " " + launches[i].name + ": " + reads + " -> " + writes + "\n";
  }
  return out;
}

}  // namespace anneal::schedule
