// SPDX-License-Identifier: MIT
#include "bundles/program_log.h"

#include <nlohmann/json.hpp>

#include "assets/sha256.h"
#include "ir/text.h"
#include "loop/print.h"
#include "pass/listing.h"

namespace anneal::bundles {
namespace {

using Ordered = nlohmann::ordered_json;

std::string one_line(const Ordered& value) {
  return value.dump(-1, ' ', false, Ordered::error_handler_t::replace);
}

std::string in_remarks(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out += "# " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string kernel_text(const ir::Graph& graph, const loop::Program& program) {
  return ir::print(graph, std::span(&program.kernel, 1)) + "\n# loops:\n" +
         in_remarks(loop::print(graph, program));
}

Ordered graph_of(const ir::Graph& graph, std::span<const ir::Node> roots) {
  const std::vector<pass::ListedNode> rows = pass::list_nodes(graph, roots);
  std::map<uint32_t, size_t> index;
  Ordered nodes = Ordered::array(), results = Ordered::array();
  for (const pass::ListedNode& row : rows) {
    index[row.node.id] = row.index;
    nodes.push_back({{"index", row.index},
                     {"op", row.op},
                     {"dtype", row.dtype},
                     {"shape", row.shape},
                     {"sources", row.sources},
                     {"arg", row.argument},
                     {"phase", row.phase},
                     {"path", row.path}});
  }
  for (const ir::Node root : roots) results.push_back(index[root.id]);
  return {{"results", results}, {"nodes", nodes}};
}

Ordered launch_of(const schedule::Launch& launch) {
  double bytes = 0, flops = 0, seconds = 0;
  bool phase[3] = {};
  for (const schedule::Kernel& k : launch.parts) {
    bytes += k.cost.bytes(), flops += k.cost.flops, seconds += k.cost.seconds;
    const bool own[3] = {k.forward, k.backward, k.optimizer};
    for (size_t i = 0; i < 3; ++i) phase[i] = phase[i] || own[i];
  }
  std::string phases;
  for (size_t i = 0; i < 3; ++i)
    if (phase[i]) phases += "fbo"[i];
  return {{"name", launch.name}, {"phases", phases}, {"kernels", Ordered::array()},
          {"bytes", bytes},      {"flops", flops},   {"seconds", seconds}};
}

// [one, two], each on a line of its own.
std::string joined(const std::vector<std::string>& parts) {
  std::string out = "{\"bundle_version\":" + std::to_string(kBundleVersion) + ",\"programs\":[";
  for (size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "\n" : ",\n") + parts[i];
  return out + "\n]}\n";
}

}  // namespace

runtime::Observer ProgramLog::observer() {
  return [this](ir::Graph& graph, const plan::Request& request, const plan::Planned& planned) {
    add(graph, request, planned);
  };
}

void ProgramLog::add(ir::Graph& graph, const plan::Request& request, const plan::Planned& planned) {
  std::vector<std::string> files;
  for (const loop::Program& program : planned.programs) {
    std::string text = kernel_text(graph, program);
    const auto [found, is_new] = numbers_.emplace(std::move(text), kernels_.size());
    if (is_new) {
      char file[32];
      std::snprintf(file, sizeof file, "K%04zu.ir", kernels_.size());
      kernels_.push_back({file, found->first});
    }
    files.push_back(kernels_[found->second].file);
  }
  Ordered launches = Ordered::array();
  for (const schedule::Launch& launch : planned.schedule.launches) launches.push_back(launch_of(launch));
  for (const plan::Step& step : planned.plan.steps) {
    Ordered& list = launches[step.launch]["kernels"];
    if (list.empty() || list.back() != files[step.program]) list.push_back(files[step.program]);
  }
  Ordered dims = Ordered::object();
  for (const plan::Variable& v : planned.plan.vars) {
    dims_[v.name] = {v.min, v.max};
    dims[v.name] = {{"min", v.min}, {"max", v.max}};
  }
  const Ordered schedule{{"number", graphs_.size()},
                         {"dims", dims},
                         {"arena_bytes", planned.plan.arena_bytes},
                         {"lower_bound", planned.plan.lower_bound},
                         {"bytes", planned.plan.bytes},
                         {"flops", planned.plan.flops},
                         {"seconds", planned.schedule.total.seconds},
                         {"launches", launches}};
  schedules_.push_back(one_line(schedule));
  graphs_.push_back(one_line(graph_of(graph, request.roots)));
}

std::string ProgramLog::graphs_text() const { return joined(graphs_); }
std::string ProgramLog::schedules_text() const { return joined(schedules_); }

std::string ProgramLog::hash() const {
  assets::Sha256 sum;
  for (const Kernel& k : kernels_) sum.add(std::as_bytes(std::span(k.text)));
  return sum.finish();
}

std::string hash_of(const std::string& text) {
  assets::Sha256 sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.finish();
}

}  // namespace anneal::bundles
