// SPDX-License-Identifier: MIT
// anneal explain kernel: one launch of a program, from the lines that asked for it to its code.
#include <fmt/format.h>

#include <algorithm>

#include "cli/json.h"
#include "cli/scheduled.h"
#include "ir/text.h"
#include "loop/print.h"
#include "support/nearest.h"
#include "support/number_text.h"

namespace anneal::cli {

using support::size_text;

namespace {

using schedule::Kernel;
using schedule::Launch;
using schedule::Schedule;

// By number, by name, or by the place that a name begins with when only one launch has it.
size_t find_launch(const Schedule& s, const std::string& name) {
  std::vector<size_t> at_place;
  std::vector<std::string> names;
  for (size_t i = 0; i < s.launches.size(); ++i) {
    const Launch& launch = s.launches[i];
    if (std::to_string(i) == name || launch.name == name) return i;
    for (const Kernel& k : launch.parts)
      if (k.name == name) return i;
    if (row_of(s, launch).place == name) at_place.push_back(i);
    names.push_back(launch.name);
  }
  if (at_place.size() == 1) return at_place[0];
  if (!at_place.empty()) {
    std::string list;
    for (size_t i : at_place) list += fmt::format("\n  {}  {}", i, s.launches[i].name);
    raise(ErrorCode::kName, fmt::format("there are several kernels at '{}':{}", name, list));
  }
  const bool is_number =
      !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number)
    raise(ErrorCode::kName,
          fmt::format("there is no kernel {}: the program has {}, from 0 on", name, s.launches.size()));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  raise_unknown("kernel", name, std::vector<std::string_view>(names.begin(), names.end()));
}

std::string extent_text(const ir::Graph& graph, ir::Node range) {
  if (!range) return "1";
  const ir::Node extent = graph.source(range, 0);
  if (const auto* value = std::get_if<ir::ConstArg>(&graph.arg(extent)))
    return std::to_string(static_cast<int64_t>(value->value.bits));
  return ir::dim_text(graph, ir::Dim(extent));
}

std::string contraction_text(const ir::Graph& graph, const loop::Contraction& c) {
  return fmt::format(
      "batch {} x m {} x n {} x k {}, {}; {} statement{} the product, {} sum{} of its factors beside it",
      extent_text(graph, c.batch), extent_text(graph, c.m), extent_text(graph, c.n), extent_text(graph, c.k),
      dtype_name(graph.dtype(c.product)), c.statements.size(), c.statements.size() == 1 ? " uses" : "s use",
      c.sums.size(), c.sums.size() == 1 ? "" : "s");
}

// "contraction ..." and "phases 3: ...".
std::vector<std::string> structure_lines(const ir::Graph& graph, const loop::Program& program) {
  std::vector<std::string> out;
  if (program.contraction != nullptr)
    out.push_back("contraction " + contraction_text(graph, program.contraction->parts));
  if (!program.phases.empty())
    out.push_back(fmt::format("{} phases over {} values in local memory", program.phases.size(),
                              program.locals.size()));
  for (size_t i = 0; i < program.phases.size(); ++i) {
    const loop::Program& phase = program.phases[i];
    out.push_back(fmt::format("phase {}: {}", i,
                              phase.contraction == nullptr
                                  ? "loops"
                                  : "contraction " + contraction_text(graph, phase.contraction->parts)));
  }
  if (out.empty()) out.emplace_back("loops");
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// One program of the launch, and how many of its parts run it.
struct Code {
  uint32_t program = 0;
  size_t parts = 0;
  std::string name;
};

struct Asked {
  const Scheduled& s;
  const KernelQuestion& question;
  size_t number;
  LaunchRow row;
  std::vector<Code> codes;
  std::vector<size_t> same;  // launches that run the same
};

Asked look_up(const Scheduled& s, const KernelQuestion& question) {
  const plan::ExecPlan& plan = s.plan();
  const size_t number = find_launch(s.schedule(), question.name);
  Asked out{s, question, number, row_of(s.schedule(), s.schedule().launches[number]), {}, {}};
  for (const plan::Step& step : plan.steps) {
    if (step.launch != number) continue;
    const auto known = std::find_if(out.codes.begin(), out.codes.end(),
                                    [&](const Code& c) { return c.program == step.program; });
    if (known == out.codes.end())
      out.codes.push_back({step.program, 1, step.name});
    else
      ++known->parts;
  }
  for (const plan::Step& step : plan.steps)
    for (const Code& code : out.codes)
      if (step.launch != number && step.program == code.program &&
          (out.same.empty() || out.same.back() != step.launch))
        out.same.push_back(step.launch);
  return out;
}

void check_forms(const device::Device& device, const KernelQuestion& question) {
  std::vector<std::string_view> known;
  for (const device::Form& f : device.forms()) known.push_back(f.name);
  for (const std::string& form : question.forms) {
    if (std::find(known.begin(), known.end(), form) != known.end()) continue;
    if (known.empty())
      raise(ErrorCode::kName, fmt::format("the device {} has no code to show: {}", device.caps().name,
                                          device.caps().description));
    raise_unknown("form of code", form, known);
  }
}

std::string plan_text(const Asked& asked, const loop::Program& program) {
  device::Device& device = *asked.s.device;
  const auto has = std::any_of(device.forms().begin(), device.forms().end(),
                               [](const device::Form& f) { return f.name == "plan"; });
  return has ? device.render(ir::default_graph(), program, "plan") : "";
}

// The slots of all steps of the launch, each memory once.
void print_slots(const Asked& asked) {
  const plan::ExecPlan& plan = asked.s.plan();
  constexpr size_t kShown = 12;
  for (const bool written : {false, true}) {
    std::vector<uint32_t> blocks;
    for (const plan::Step& step : plan.steps)
      for (uint32_t i = 0; step.launch == asked.number && i < step.uses; ++i) {
        const plan::Use& use = plan.uses[step.first_use + i];
        if (use.written == written && std::find(blocks.begin(), blocks.end(), use.block) == blocks.end())
          blocks.push_back(use.block);
      }
    for (size_t i = 0; i < std::min(kShown, blocks.size()); ++i) {
      const plan::Block& b = plan.blocks[blocks[i]];
      fmt::print("  {:<10}{:>10}  {}{}\n", i == 0 ? (written ? "writes" : "reads") : "", size_text(b.bytes),
                 b.name, b.place == plan::Place::kInput && written ? ", in the memory of an input" : "");
    }
    if (blocks.size() > kShown) fmt::print("  {:<10}{:>10}  and {} more\n", "", "", blocks.size() - kShown);
  }
}

void print_sources(const Asked& asked) {
  std::vector<SourceLine> lines;
  for (const Kernel& k : asked.s.schedule().launches[asked.number].parts)
    for (const SourceLine& line : source_lines(asked.s.schedule(), k))
      if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  for (size_t i = 0; i < lines.size(); ++i)
    fmt::print("  {:<10}{} {}:{} {}\n", i == 0 ? "source" : "", "fbo"[static_cast<size_t>(lines[i].phase)],
               lines[i].file, lines[i].line, lines[i].call);
}

void print_text(const Asked& asked) {
  const Scheduled& s = asked.s;
  ir::Graph& graph = ir::default_graph();
  const LaunchRow& row = asked.row;
  fmt::print("kernel {} of {}: {}\n\n", asked.number, s.loaded.name, row.name);
  fmt::print("  {:<10}{}\n  {:<10}{} (f forward, b backward, o optimizer)\n", "fused",
             fmt::join(row.ops, ", "), "seam", row.phases);
  print_sources(asked);
  fmt::print("  {:<10}{} moved, {:.3g} flops, {:.2f} us on {}\n", "model", size_text(row.bytes), row.flops,
             row.seconds * 1e6, s.device->caps().name);
  print_slots(asked);
  if (!asked.same.empty()) fmt::print("  {:<10}launches {}\n", "same code", fmt::join(asked.same, ", "));
  for (const Code& code : asked.codes) {
    const loop::Program& program = s.planned.programs[code.program];
    fmt::print("\n");
    if (asked.codes.size() > 1)
      fmt::print("-- {} part{}, such as {} --\n\n", code.parts, code.parts == 1 ? "" : "s", code.name);
    for (const std::string& line : structure_lines(graph, program))
      fmt::print("  {:<10}{}\n", "runs as", line);
    for (const std::string& line : lines_of(plan_text(asked, program)))
      fmt::print("  {:<10}{}\n", "plan", line);
    if (asked.question.forms.empty()) {
      fmt::print("\nkernel IR:\n{}", ir::print(graph, std::span(&program.kernel, 1)));
      fmt::print("\nloops:\n{}", loop::print(graph, program));
    }
    for (const std::string& form : asked.question.forms)
      fmt::print("\n{}:\n{}", form, s.device->render(graph, program, form));
  }
}

void print_json(const Asked& asked) {
  const Scheduled& s = asked.s;
  ir::Graph& graph = ir::default_graph();
  Json codes = Json::array();
  for (const Code& code : asked.codes) {
    const loop::Program& program = s.planned.programs[code.program];
    Json one{{"parts", code.parts},
             {"structure", structure_lines(graph, program)},
             {"plan", lines_of(plan_text(asked, program))},
             {"ir", ir::print(graph, std::span(&program.kernel, 1))},
             {"loops", loop::print(graph, program)}};
    for (const std::string& form : asked.question.forms) one[form] = s.device->render(graph, program, form);
    codes.push_back(std::move(one));
  }
  Json sources = Json::array();
  for (const Kernel& k : s.schedule().launches[asked.number].parts)
    for (const SourceLine& line : source_lines(s.schedule(), k)) {
      const Json one{{"file", line.file},
                     {"line", line.line},
                     {"call", line.call},
                     {"phase", ir::kPhaseText[static_cast<size_t>(line.phase)]}};
      if (std::find(sources.begin(), sources.end(), one) == sources.end()) sources.push_back(one);
    }
  const LaunchRow& row = asked.row;
  const Json out{{"number", asked.number},
                 {"name", row.name},
                 {"ops", row.ops},
                 {"phases", row.phases},
                 {"sources", sources},
                 {"inputs", row.inputs},
                 {"outputs", row.outputs},
                 {"bytes", row.bytes},
                 {"flops", row.flops},
                 {"seconds", row.seconds},
                 {"device", s.device->caps().name},
                 {"same_code", asked.same},
                 {"programs", codes}};
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int explain_kernel(const ScheduleRequest& request, const KernelQuestion& question) {
  const Scheduled s = schedule_program(request);
  check_forms(*s.device, question);
  const Asked asked = look_up(s, question);
  if (question.json)
    print_json(asked);
  else
    print_text(asked);
  return 0;
}

}  // namespace anneal::cli
