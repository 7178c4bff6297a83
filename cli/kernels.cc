// SPDX-License-Identifier: MIT
// anneal kernels: what a program is run as, with modelled traffic and time.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/scheduled.h"
#include "cli/verbs.h"
#include "plan/print.h"

namespace anneal::cli {
namespace {

using schedule::Kernel;
using schedule::Launch;
using schedule::Schedule;

struct KernelOptions {
  ScheduleRequest request;
  bool json = false, plan = false, by_source = false;
};

std::string note(const Scheduled& s) {
  return "bytes and times are modelled for the device " + s.device->caps().name + ", not measured";
}

void print_head(const Scheduled& s) {
  fmt::print("kernels: {}{}; {}\n", s.loaded.name, s.loaded.summary.empty() ? "" : ": " + s.loaded.summary,
             note(s));
}

void print_totals(const Scheduled& s) {
  const Schedule& plan = s.schedule();
  size_t parts = 0, across = 0;
  for (const Launch& launch : plan.launches) {
    parts += launch.parts.size();
    across += row_of(plan, launch).phases.size() > 1;
  }
  fmt::print(
      "{} launches of {} kernels, {} unique; {} across the seam; {:.1f} MB moved, {:.3g} flops, {:.1f} us "
      "modelled; peak {:.1f} MB (bound {:.1f}); scheduled in {:.1f} ms\n",
      plan.launches.size(), parts, plan.unique_kernels, across, plan.total.bytes() / 1e6, plan.total.flops,
      plan.total.seconds * 1e6, static_cast<double>(s.plan().arena_bytes) / 1e6,
      static_cast<double>(s.plan().lower_bound) / 1e6, s.planned.schedule_ms);
}

void print_table(const Scheduled& s) {
  print_head(s);
  fmt::print("{:>4}  {:<32}  {:<48}  {:<4}  {:>12}  {:>10}  {}\n", "#", "kernel", "fused", "seam", "KB moved",
             "model us", "source");
  size_t number = 0;
  for (const Launch& launch : s.schedule().launches) {
    const LaunchRow row = row_of(s.schedule(), launch);
    fmt::print("{:>4}  {:<32}  {:<48}  {:<4}  {:>12.1f}  {:>10.1f}  {}\n", number++, shortened(row.place, 32),
               shortened(fmt::format("{}", fmt::join(row.ops, "+")), 48), row.phases, row.bytes / 1e3,
               row.seconds * 1e6, row.sources.empty() ? "" : row.sources[0]);
  }
  print_totals(s);
}

// -- By line of source --

struct LineKernels {
  std::string call;
  std::vector<size_t> launches[3];  // by phase
  size_t with = 0;                  // other lines in the same kernels, at most
};
using SourceTable = std::map<std::pair<std::string, int>, LineKernels>;

SourceTable source_table(const Schedule& s) {
  SourceTable table;
  for (size_t i = 0; i < s.launches.size(); ++i)
    for (const Kernel& kernel : s.launches[i].parts) {
      const std::vector<SourceLine> lines = source_lines(s, kernel);
      std::vector<std::pair<std::string, int>> places;
      for (const SourceLine& line : lines)
        if (places.empty() || places.back() != std::pair(line.file, line.line))
          places.emplace_back(line.file, line.line);
      for (const SourceLine& line : lines) {
        LineKernels& entry = table[{line.file, line.line}];
        if (entry.call.empty()) entry.call = line.call;
        std::vector<size_t>& list = entry.launches[static_cast<size_t>(line.phase)];
        if (list.empty() || list.back() != i) list.push_back(i);
        entry.with = std::max(entry.with, places.size() - 1);
      }
    }
  return table;
}

// "0-3 7 9", the first ones of many.
std::string numbers_text(const std::vector<size_t>& numbers) {
  constexpr size_t kShown = 12;
  std::string out;
  size_t shown = 0;
  for (size_t i = 0; i < numbers.size(); ++shown) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (shown == kShown) return out + fmt::format(" and {} more", numbers.size() - i);
    out += fmt::format("{}{}{}", out.empty() ? "" : " ", numbers[i],
                       end - i > 1 ? fmt::format("-{}", numbers[end - 1]) : "");
    i = end;
  }
  return out;
}

void print_by_source(const Scheduled& s) {
  print_head(s);
  fmt::print(
      "f forward, b backward, o optimizer: the kernels (anneal kernels) that work for a line; + with other "
      "lines\n");
  std::string file;
  for (const auto& [place, line] : source_table(s.schedule())) {
    if (place.first != file) fmt::print("{}\n", place.first);
    file = place.first;
    std::string marks, kernels;
    for (size_t p = 0; p < 3; ++p) {
      marks += line.launches[p].empty() ? ' ' : "fbo"[p];
      if (!line.launches[p].empty())
        kernels +=
            fmt::format("{}{}: {}", kernels.empty() ? "" : "   ", "fbo"[p], numbers_text(line.launches[p]));
    }
    fmt::print("{:>6}  {}{}  {:<24}  {}\n", place.second, marks, line.with > 0 ? "+" : " ",
               shortened(line.call, 24), kernels);
  }
  print_totals(s);
}

Json source_json(const Schedule& s) {
  Json out = Json::array();
  for (const auto& [place, line] : source_table(s))
    out.push_back({{"file", place.first},
                   {"line", place.second},
                   {"call", line.call},
                   {"forward", line.launches[0]},
                   {"backward", line.launches[1]},
                   {"optimizer", line.launches[2]},
                   {"fused", line.with > 0}});
  return out;
}

void print_json(const Scheduled& s, bool by_source) {
  const Schedule& plan = s.schedule();
  Json kernels = Json::array();
  for (const Launch& launch : plan.launches) {
    const LaunchRow row = row_of(plan, launch);
    std::vector<std::string> phases;
    for (char c : row.phases) phases.emplace_back(c == 'f' ? "forward" : c == 'b' ? "backward" : "optimizer");
    kernels.push_back({{"name", row.name},
                       {"ops", row.ops},
                       {"parts", row.parts},
                       {"inputs", row.inputs},
                       {"outputs", row.outputs},
                       {"bytes", row.bytes},
                       {"flops", row.flops},
                       {"seconds", row.seconds},
                       {"phases", phases},
                       {"source", row.sources.empty() ? "" : row.sources[0]},
                       {"sources", row.sources}});
  }
  Json out{{"kernels", std::move(kernels)},
           {"launches", plan.launches.size()},
           {"unique", plan.unique_kernels},
           {"bytes", plan.total.bytes()},
           {"flops", plan.total.flops},
           {"seconds", plan.total.seconds},
           {"peak", s.plan().arena_bytes},
           {"lower_bound", s.plan().lower_bound},
           {"device", s.device->caps().name},
           {"schedule_ms", s.planned.schedule_ms},
           {"note", note(s)}};
  if (by_source) out["by_source"] = source_json(plan);
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

int run_kernels(const KernelOptions& options) {
  if (options.plan && (options.json || options.by_source))
    raise(ErrorCode::kArgument,
          fmt::format("kernels: the plan is text, {} is another answer; ask for one of them",
                      options.json ? "--json" : "--by-source"));
  const Scheduled s = schedule_program(options.request);
  if (options.plan)
    fmt::print("{}", plan::print(s.plan()));
  else if (options.json)
    print_json(s, options.by_source);
  else if (options.by_source)
    print_by_source(s);
  else
    print_table(s);
  return 0;
}

}  // namespace

Action add_kernels(Options& verb) {
  const auto options = std::make_shared<KernelOptions>();
  verb.argument("program", options->request.program,
                "a text file, or a model: mlp, dynmlp, conv, nanogpt, gpt2");
  verb.when_missing(model_table());
  add_schedule_options(verb, options->request);
  verb.flag("--by-source", options->by_source, "which kernels each line of the program became");
  verb.flag("--plan", options->plan,
            "the plan instead: where in memory each value lies, and what is checked");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_kernels(*options); };
}

}  // namespace anneal::cli
