// SPDX-License-Identifier: MIT
// anneal kernels: what a program is run as, with modelled traffic and time; and why two parts are one kernel
// or not.
#define FMT_HEADER_ONLY
#include "cli/kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "cli/verbs.h"
#include "ir/text.h"
#include "plan/build_plan.h"
#include "plan/print.h"
#include "runtime/canonical.h"
#include "tensor/call.h"

namespace anneal::cli {
namespace {

using Json = nlohmann::ordered_json;
using schedule::Kernel;
using schedule::kFuseNames;
using schedule::Launch;
using schedule::Schedule;

constexpr std::string_view kModelled = "bytes and times are modelled for the default device, not measured";

struct KernelOptions {
  std::string program, fuse = "model", device = "default";
  LoadOptions load;
  bool json = false, plan = false;
};

// All parts of a launch as one line.
struct Row {
  std::string name, ops, phases, source;
  std::vector<std::string> inputs, outputs;
  double bytes = 0, flops = 0, seconds = 0;
  size_t parts = 0;
};

std::string value_text(const Schedule& s, uint32_t v) {
  const ir::Graph& graph = s.values->graph();
  const ir::Node n = (*s.values)[v].node;
  std::string text = std::string(dtype_name(graph.dtype(n))) + ir::shape_text(graph, graph.shape(n));
  const auto* param = std::get_if<ir::ParamArg>(&graph.arg(n));
  return param != nullptr && !param->name.empty() ? param->name + " " + text : text;
}

// Where the user asked for the last of its values of which that is known.
std::string source_of(const Schedule& s, const Kernel& kernel) {
  const ir::Graph& graph = s.values->graph();
  for (size_t i = kernel.members.size(); i-- > 0;) {
    const ir::Site& site = graph.site(graph.origin((*s.values)[kernel.members[i]].node).site);
    if (!site.file.empty()) return fmt::format("{}:{}", site.file, site.line);
  }
  return {};
}

Row row_of(const Schedule& s, const Launch& launch) {
  Row row;
  row.name = launch.name;
  std::vector<std::string> ops;
  bool phase[3] = {};
  for (const Kernel& k : launch.parts) {
    ++row.parts;
    for (const std::string& op : k.ops)
      if (std::find(ops.begin(), ops.end(), op) == ops.end()) ops.push_back(op);
    const bool own[3] = {k.forward, k.backward, k.optimizer};
    for (size_t i = 0; i < 3; ++i) phase[i] = phase[i] || own[i];
    for (const schedule::Slot& slot : k.slots)
      (slot.written ? row.outputs : row.inputs).push_back(value_text(s, slot.value));
    row.bytes += k.cost.bytes();
    row.flops += k.cost.flops;
    row.seconds += k.cost.seconds;
    if (row.source.empty()) row.source = source_of(s, k);
  }
  row.ops = fmt::format("{}", fmt::join(ops, "+"));
  for (size_t i = 0; i < 3; ++i)
    if (phase[i]) row.phases += "fbo"[i];
  return row;
}

// The place in the program: what its name says before the ops.
std::string place_of(const Launch& launch) {
  if (launch.parts.size() > 1) return launch.name;
  const size_t colon = launch.name.find(": ");
  return colon == std::string::npos ? "" : launch.name.substr(0, colon);
}

std::string shortened(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

void print_table(const Scheduled& s) {
  const Schedule& plan = s.schedule;
  fmt::print("kernels: {}{}; {}\n", s.loaded.name, s.loaded.summary.empty() ? "" : ": " + s.loaded.summary,
             kModelled);
  fmt::print("{:>4}  {:<32}  {:<48}  {:<4}  {:>12}  {:>10}\n", "#", "kernel", "fused", "seam", "KB moved",
             "model us");
  size_t parts = 0, across = 0, number = 0;
  for (const Launch& launch : plan.launches) {
    const Row row = row_of(plan, launch);
    fmt::print("{:>4}  {:<32}  {:<48}  {:<4}  {:>12.1f}  {:>10.1f}\n", number++,
               shortened(place_of(launch), 32), shortened(row.ops, 48), row.phases, row.bytes / 1e3,
               row.seconds * 1e6);
    parts += row.parts;
    across += row.phases.size() > 1;
  }
  fmt::print(
      "{} launches of {} kernels, {} unique; {} across the seam; {:.1f} MB moved, {:.3g} flops, {:.1f} us "
      "modelled; peak {:.1f} MB (bound {:.1f}); scheduled in {:.1f} ms\n",
      plan.launches.size(), parts, plan.unique_kernels, across, plan.total.bytes() / 1e6, plan.total.flops,
      plan.total.seconds * 1e6, static_cast<double>(s.plan.arena_bytes) / 1e6,
      static_cast<double>(s.plan.lower_bound) / 1e6, s.milliseconds);
}

void print_json(const Scheduled& s) {
  Json kernels = Json::array();
  for (const Launch& launch : s.schedule.launches) {
    const Row row = row_of(s.schedule, launch);
    std::vector<std::string> phases;
    for (char c : row.phases) phases.push_back(c == 'f' ? "forward" : c == 'b' ? "backward" : "optimizer");
    std::vector<std::string> ops;
    for (const Kernel& k : launch.parts)
      for (const std::string& op : k.ops)
        if (std::find(ops.begin(), ops.end(), op) == ops.end()) ops.push_back(op);
    kernels.push_back({{"name", row.name},
                       {"ops", ops},
                       {"parts", row.parts},
                       {"inputs", row.inputs},
                       {"outputs", row.outputs},
                       {"bytes", row.bytes},
                       {"flops", row.flops},
                       {"seconds", row.seconds},
                       {"phases", phases},
                       {"source", row.source}});
  }
  const Json out{{"kernels", std::move(kernels)},       {"launches", s.schedule.launches.size()},
                 {"unique", s.schedule.unique_kernels}, {"bytes", s.schedule.total.bytes()},
                 {"flops", s.schedule.total.flops},     {"seconds", s.schedule.total.seconds},
                 {"peak_bytes", s.plan.arena_bytes},    {"bound_bytes", s.plan.lower_bound},
                 {"schedule_ms", s.milliseconds},       {"note", kModelled}};
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

int run_kernels(const KernelOptions& options) {
  const Scheduled s = schedule_program(options.program, options.load, options.fuse, options.device);
  if (options.plan)
    fmt::print("{}", plan::print(s.plan));
  else if (options.json)
    print_json(s);
  else
    print_table(s);
  return 0;
}

// -- explain fuse --

bool is_below(std::string_view path, std::string_view module) {
  return path == module || (path.starts_with(module) && path[module.size()] == '.');
}

// The values that a kernel's number or name, or a module path, stands for.
std::vector<bool> values_named(const Schedule& s, const std::string& name) {
  const schedule::ValueGraph& values = *s.values;
  const ir::Graph& graph = values.graph();
  std::vector<bool> out(values.values().size(), false);
  std::vector<std::string_view> known;
  bool found = false;
  const auto add = [&](const Kernel& k) {
    for (uint32_t v : k.members) out[v] = true;
    found = true;
  };
  for (size_t i = 0; i < s.launches.size(); ++i)
    for (const Kernel& k : s.launches[i].parts) {
      known.push_back(k.name);
      if (k.name == name || std::to_string(i) == name) add(k);
    }
  for (uint32_t v = 0; v < out.size(); ++v) {
    const std::string& path = graph.module_path(graph.origin(values[v].node).path);
    if (path.empty() || s.scopes.group_of[v] < 0) continue;
    known.push_back(path);
    if (name.empty() || !is_below(path, name)) continue;
    out[v] = true;
    found = true;
  }
  if (found) return out;
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  raise_unknown("kernel or module", name, known);
}

std::string value_name(const Schedule& s, uint32_t v) {
  const ir::Graph& graph = s.values->graph();
  const ir::Origin& origin = graph.origin((*s.values)[v].node);
  const std::string& path = graph.module_path(origin.path);
  const std::string& call = graph.site(origin.site).call;
  return (path.empty() ? "" : path + ": ") + (call.empty() ? "" : call + " ") +
         std::string(ir::op_text(graph.op((*s.values)[v].node))) + " " + value_text(s, v);
}

// Parameters and state of a model that trains are replaced.
plan::ExecPlan plan_of(const Loaded& loaded, schedule::Fuse fuse) {
  const programs::Program& model = loaded.model;
  std::vector<ir::Node> old;
  for (const programs::Parameter& p : model.parameters) old.push_back(node_of(p.value));
  for (const programs::Named& state : model.state) old.push_back(node_of(state.value));
  std::vector<int32_t> updates(loaded.roots.size(), -1);
  for (size_t i = 0; i < model.updates.size(); ++i)
    updates[model.results.size() + i] = static_cast<int32_t>(i);
  const runtime::Canonical c = runtime::canonicalize(ir::default_graph(), loaded.roots, old);
  const plan::Request request{c.roots, static_cast<uint32_t>(c.leaves.size()), std::move(updates)};
  return plan::build_plan(ir::default_graph(), request, {}, {.fuse = fuse}).plan;
}

std::string gain_text(double microseconds) {
  return microseconds == 0 ? "" : fmt::format(" (modelled gain {:.1f} us)", microseconds);
}

}  // namespace

Scheduled schedule_program(const std::string& program, const LoadOptions& load, const std::string& fuse,
                           const std::string& device) {
  const auto* const level = std::find(std::begin(kFuseNames), std::end(kFuseNames), fuse);
  if (level == std::end(kFuseNames)) raise_unknown("level of fusing", fuse, kFuseNames);
  constexpr std::string_view kDevices[] = {"default"};
  if (device != kDevices[0]) raise_unknown("device", device, kDevices);
  Scheduled out;
  out.loaded = load_program(program, load);
  const auto begin = std::chrono::steady_clock::now();
  out.schedule =
      schedule::make_schedule(ir::default_graph(), out.loaded.roots, {},
                              {.fuse = static_cast<schedule::Fuse>(level - std::begin(kFuseNames))});
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  out.milliseconds = taken.count();
  out.plan = plan_of(out.loaded, static_cast<schedule::Fuse>(level - std::begin(kFuseNames)));
  return out;
}

int explain_fuse(const FuseQuestion& question) {
  const Scheduled s = schedule_program(question.program, {.train = question.train}, question.fuse);
  const Schedule& plan = s.schedule;
  const std::vector<bool> a = values_named(plan, question.a), b = values_named(plan, question.b);
  Json out = Json::array();
  for (const schedule::Decision& d : plan.scopes.log) {
    const bool between = (a[d.producer] && b[d.consumer]) || (b[d.producer] && a[d.consumer]);
    if (!between) continue;
    Json line{{"producer", value_name(plan, d.producer)},
              {"consumer", value_name(plan, d.consumer)},
              {"fused", d.fused},
              {"reason", d.reason},
              {"gain_us", d.gain * 1e6}};
    // Asked again after other merges, or between values that look the same.
    if (std::find(out.begin(), out.end(), line) == out.end()) out.push_back(std::move(line));
  }
  if (question.json) {
    fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (out.empty()) {
    fmt::print(
        "nothing was decided between '{}' and '{}': neither reads the other, and they share no large input\n",
        question.a, question.b);
  }
  for (const Json& d : out)
    fmt::print("{}: {}{}\n  {}\n  {}\n", d["fused"].get<bool>() ? "fused" : "not fused",
               d["reason"].get<std::string>(), gain_text(d["gain_us"].get<double>()),
               d["producer"].get<std::string>(), d["consumer"].get<std::string>());
  return 0;
}

Action add_kernels(Options& verb) {
  const auto options = std::make_shared<KernelOptions>();
  verb.argument("program", options->program, "a text file, or a model: mlp, conv, nanogpt, gpt2");
  verb.flag("--train", options->load.train, "with loss, gradients and optimizer");
  verb.option("--batch", options->load.batch, "how many examples");
  verb.option("--fuse", options->fuse, "none, greedy (all that is legal) or model (what gains time)");
  verb.option("--device", options->device, "whose capabilities are modelled: default");
  verb.flag("--plan", options->plan,
            "the plan instead: where in memory each value lies, and what is checked");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_kernels(*options); };
}

}  // namespace anneal::cli
