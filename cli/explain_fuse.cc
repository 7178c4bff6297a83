// SPDX-License-Identifier: MIT
// anneal explain fuse: why two parts of a program are one kernel, or not.
#include <fmt/format.h>

#include <algorithm>

#include "cli/json.h"
#include "cli/scheduled.h"
#include "ir/text.h"

namespace anneal::cli {
namespace {

using schedule::Kernel;
using schedule::Schedule;

bool is_below(std::string_view path, std::string_view module) {
  return path == module || (path.starts_with(module) && path[module.size()] == '.');
}

// The values that a kernel's number or name, or a module path, stands for. A number is a kernel's; the module
// that is called 0 is written with a dot: "0.".
std::vector<bool> values_named(const Schedule& s, const std::string& name) {
  const std::string module = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
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
  const bool is_number = found && name.find_first_not_of("0123456789") == name.npos;
  for (uint32_t v = 0; v < out.size() && !is_number; ++v) {
    const std::string& path = graph.module_path(graph.origin(values[v].node).path);
    if (path.empty() || s.scopes.group_of[v] < 0) continue;
    known.push_back(path);
    if (module.empty() || !is_below(path, module)) continue;
    out[v] = true;
    found = true;
  }
  if (found) return out;
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  raise_unknown("kernel or module", name, known);
}

std::string gain_text(double microseconds) {
  return microseconds == 0 ? "" : fmt::format(" (modelled gain {:.1f} us)", microseconds);
}

}  // namespace

int explain_fuse(const ScheduleRequest& request, const std::string& name_a, const std::string& name_b,
                 bool json) {
  const Scheduled s = schedule_program(request);
  const Schedule& plan = s.schedule();
  const std::vector<bool> a = values_named(plan, name_a), b = values_named(plan, name_b);
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
  if (json) {
    fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (out.empty()) {
    fmt::print(
        "nothing was decided between '{}' and '{}': neither reads the other, and they share no large input\n",
        name_a, name_b);
  }
  for (const Json& d : out)
    fmt::print("{}: {}{}\n  {}\n  {}\n", d["fused"].get<bool>() ? "fused" : "not fused",
               d["reason"].get<std::string>(), gain_text(d["gain_us"].get<double>()),
               d["producer"].get<std::string>(), d["consumer"].get<std::string>());
  return 0;
}

}  // namespace anneal::cli
