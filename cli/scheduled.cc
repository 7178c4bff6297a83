// SPDX-License-Identifier: MIT
// See scheduled.h.
#include "cli/scheduled.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cli/options.h"
#include "device/registry.h"
#include "ir/text.h"
#include "runtime/context.h"
#include "support/dump.h"
#include "tensor/call.h"

namespace anneal::cli {

using schedule::Kernel;
using schedule::kFuseNames;
using schedule::Launch;
using schedule::Schedule;

namespace {

template <typename T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

}  // namespace

device::Device& device_of(std::string name) {
  const bool asked = !name.empty();
  if (!asked) name = runtime::device_name({});
  std::vector<std::string_view> known;
  for (const device::Entry* e : device::device_list()) known.push_back(e->name);
  if (name == "interp" && asked)
    raise(ErrorCode::kArgument,
          fmt::format("'interp' interprets tensor programs and has no kernels; devices are: {}",
                      fmt::join(known, ", ")));
  if (name == "interp") name = "null";
  for (const std::string_view one : known)
    if (one == name) return device::find_device(name);
  raise_unknown("device", name, known);
}

void add_schedule_options(Options& verb, ScheduleRequest& request) {
  verb.flag("--train", request.load.train, "with loss, gradients and optimizer");
  verb.option("--batch", request.load.batch, "how many examples", Range::kPositive);
  add_size_options(verb, request.load.sizes);
  verb.option("--fuse", request.fuse, "none, greedy (all that is legal) or model (what gains time)");
  std::string names;
  for (const device::Entry* e : device::device_list()) names += (names.empty() ? "" : ", ") + e->name;
  verb.option("--device", request.device, "whose capabilities are modelled: " + names);
}

Scheduled schedule_program(const ScheduleRequest& request) {
  const auto* const level = std::find(std::begin(kFuseNames), std::end(kFuseNames), request.fuse);
  if (level == std::end(kFuseNames)) raise_unknown("level of fusing", request.fuse, kFuseNames);
  Scheduled out;
  out.options.fuse = static_cast<schedule::Fuse>(level - std::begin(kFuseNames));
  out.device = &device_of(request.device);
  out.loaded = load_program(request.program, request.load);
  const programs::Program& model = out.loaded.model;
  std::vector<ir::Node> replaced;
  for (const programs::Parameter& p : model.parameters) replaced.push_back(node_of(p.value));
  for (const programs::Named& state : model.state) replaced.push_back(node_of(state.value));
  out.updates.assign(out.loaded.roots.size(), -1);
  for (size_t i = 0; i < model.updates.size(); ++i)
    out.updates[model.results.size() + i] = static_cast<int32_t>(i);
  ir::Graph& graph = ir::default_graph();
  out.canonical = runtime::canonicalize(graph, out.loaded.roots, replaced);
  out.planned = plan::build_plan(graph, out.request(), out.device->caps(), out.options);
  if (support::dump_wanted("render")) {
    support::StageClock clock;
    clock.enter(support::StageId::kRender);
    const std::string text = device::render_all(*out.device, graph, out.planned.programs);
    clock.leave();
    clock.show(support::StageId::kRender, "", [&] { return text; });
  }
  return out;
}

std::string value_text(const Schedule& s, uint32_t v) {
  const ir::Graph& graph = s.values->graph();
  const ir::Node n = (*s.values)[v].node;
  const auto* param = std::get_if<ir::ParamArg>(&graph.arg(n));
  const std::string name = param != nullptr && !param->name.empty() ? param->name + " " : "";
  return name + ir::type_text(graph, n);
}

std::string value_name(const Schedule& s, uint32_t v) {
  const ir::Graph& graph = s.values->graph();
  const ir::Origin& origin = graph.origin((*s.values)[v].node);
  const std::string& path = graph.module_path(origin.path);
  const std::string& call = graph.site(origin.site).call;
  return (path.empty() ? "" : path + ": ") + (call.empty() ? "" : call + " ") +
         std::string(ir::op_text(graph.op((*s.values)[v].node))) + " " + value_text(s, v);
}

std::string shortened(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

LaunchRow row_of(const Schedule& s, const Launch& launch) {
  LaunchRow row;
  row.name = launch.name;
  bool phase[3] = {};
  for (const Kernel& k : launch.parts) {
    ++row.parts;
    for (const std::string& op : k.ops) add_once(row.ops, op);
    const bool own[3] = {k.forward, k.backward, k.optimizer};
    for (size_t i = 0; i < 3; ++i) phase[i] = phase[i] || own[i];
    for (const schedule::Slot& slot : k.slots)
      (slot.written ? row.outputs : row.inputs).push_back(value_text(s, slot.value));
    row.bytes += k.cost.bytes();
    row.flops += k.cost.flops;
    row.seconds += k.cost.seconds;
    const ir::Graph& graph = s.values->graph();
    for (size_t i = k.members.size(); i-- > 0;) {
      const ir::Site& site = graph.site(graph.origin((*s.values)[k.members[i]].node).site);
      if (!site.file.empty()) add_once(row.sources, fmt::format("{}:{}", site.file, site.line));
    }
  }
  const size_t colon = launch.name.find(": ");
  row.place = launch.parts.size() > 1      ? launch.name
              : colon == std::string::npos ? ""
                                           : launch.name.substr(0, colon);
  for (size_t i = 0; i < 3; ++i)
    if (phase[i]) row.phases += "fbo"[i];
  return row;
}

std::vector<SourceLine> source_lines(const Schedule& s, const Kernel& kernel) {
  const ir::Graph& graph = s.values->graph();
  std::vector<SourceLine> out;
  std::vector<ir::Node> open;
  std::vector<bool> seen(graph.id_limit(), false);
  for (uint32_t v : kernel.members) open.push_back((*s.values)[v].node);
  for (const ir::Node n : open) seen[n.id] = true;
  while (!open.empty()) {
    const ir::Node n = open.back();
    open.pop_back();
    const ir::Origin& origin = graph.origin(n);
    const ir::Site& site = graph.site(origin.site);
    const bool is_value = s.values->value_of(n) != ~0u;  // movement is nobody's work
    if (is_value && !site.file.empty()) add_once(out, {site.file, site.call, site.line, origin.phase});
    for (const ir::Node source : graph.sources(n)) {
      if (seen[source.id]) continue;
      seen[source.id] = true;
      const uint32_t v = s.values->value_of(source);
      const bool elsewhere =
          v != ~0u && ((*s.values)[v].kind == schedule::ValueKind::kLeaf || s.scopes.group_of[v] >= 0);
      if (!elsewhere) open.push_back(source);
    }
  }
  std::sort(out.begin(), out.end(), [](const SourceLine& a, const SourceLine& b) {
    return std::tie(a.file, a.line, a.phase, a.call) < std::tie(b.file, b.line, b.phase, b.call);
  });
  return out;
}

}  // namespace anneal::cli
