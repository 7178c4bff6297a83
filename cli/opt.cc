// SPDX-License-Identifier: MIT
// anneal opt: passes over a program; prints the text afterwards. Traces and statistics are comments of that
// text.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "pass/pass.h"

namespace anneal::cli {
namespace {

struct OptOptions {
  std::string program;
  LoadOptions load;
  std::string passes = "simplify", allow;  // with commas
  bool trace = false, stats = false, list = false, json = false;
};

// Comments stay comments when a node's text has several lines.
void print_comment(const std::string& text) {
  std::string out = "# ";
  for (char c : text) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  fmt::print("{}\n", out);
}

void print_trace(const ir::Graph& graph, const rewrite::Trace& trace) {
  for (const rewrite::TraceEntry& entry : trace)
    print_comment(fmt::format("{} {}: {}  ->  {}", entry.pass, entry.rule->name,
                              ir::node_text(graph, entry.before), ir::node_text(graph, entry.after)));
}

void print_stats(const pass::PassTiming& timing, const rewrite::RewriteStats& stats, size_t before,
                 size_t after) {
  print_comment(fmt::format("{}: {} -> {} nodes, {:.2f} ms, {} looked at, {} rewritten", timing.pass, before,
                            after, timing.milliseconds, stats.visited, stats.steps));
  std::vector<rewrite::RewriteStats::Fired> fired = stats.fired;
  std::sort(fired.begin(), fired.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.rule->id < b.rule->id;
  });
  for (const auto& f : fired)
    if (f.count != 0) print_comment(fmt::format("  {:<32} {}", f.rule->name, f.count));
}

Json trace_json(const ir::Graph& graph, const rewrite::Trace& trace) {
  Json out = Json::array();
  for (const rewrite::TraceEntry& entry : trace)
    out.push_back({{"rule", entry.rule->name},
                   {"before", ir::node_text(graph, entry.before)},
                   {"after", ir::node_text(graph, entry.after)}});
  return out;
}

Json pass_json(const pass::PassTiming& timing, const rewrite::RewriteStats& stats, size_t before,
               size_t after) {
  Json fired = Json::object();
  for (const auto& f : stats.fired)
    if (f.count != 0) fired[std::string(f.rule->name)] = f.count;
  return {{"name", timing.pass},
          {"nodes_before", before},
          {"nodes_after", after},
          {"changed", timing.changed},
          {"milliseconds", timing.milliseconds},
          {"looked_at", stats.visited},
          {"rewritten", stats.steps},
          {"fired", std::move(fired)}};
}

void print_passes() {
  for (const pass::Pass& p : pass::all_passes()) fmt::print("{:<20} {}\n", p.name, p.description);
}

int run_opt(const OptOptions& options) {
  if (options.list) {
    print_passes();
    return 0;
  }
  if (options.program.empty()) raise(ErrorCode::kArgument, "opt: a program is needed\nsee anneal opt --help");
  std::vector<const pass::Pass*> passes;
  const std::vector<std::string> names =
      options.passes == "none" ? std::vector<std::string>() : split_list(options.passes);
  const auto commas = std::count(options.passes.begin(), options.passes.end(), ',');
  if (!options.passes.empty() && options.passes != "none" && names.size() != static_cast<size_t>(commas) + 1)
    raise(ErrorCode::kArgument,
          fmt::format("--passes: names with a comma between are needed, not '{}'", options.passes));
  for (const std::string& name : names) passes.push_back(&pass::find_pass(name));
  pass::PassContext context;
  context.floats = allowed_classes(split_list(options.allow));

  const Loaded loaded = load_program(options.program, options.load);
  ir::Graph& graph = ir::default_graph();
  std::vector<ir::Node> roots = loaded.roots;
  Json done = Json::array();
  for (const pass::Pass* p : passes) {
    rewrite::Trace trace;
    rewrite::RewriteStats stats;
    std::vector<pass::PassTiming> timings;
    context.trace = options.trace ? &trace : nullptr;
    context.stats = &stats;
    const size_t before = ir::postorder(graph, roots).size();
    roots = pass::run_passes(graph, roots, std::span(&p, 1), context, &timings);
    const size_t after = ir::postorder(graph, roots).size();
    if (options.json) {
      done.push_back(pass_json(timings.back(), stats, before, after));
      if (options.trace) done.back()["trace"] = trace_json(graph, trace);
      continue;
    }
    if (options.trace) print_trace(graph, trace);
    if (options.stats) print_stats(timings.back(), stats, before, after);
  }
  const std::string text = ir::print(graph, roots);
  if (options.json)
    fmt::print("{}\n", Json{{"passes", std::move(done)}, {"program", text}}.dump(
                           -1, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}", text);
  return 0;
}

}  // namespace

Action add_opt(Options& verb) {
  const auto options = std::make_shared<OptOptions>();
  verb.option("program", options->program, "a text file, or a model");
  verb.option("--passes", options->passes,
              "their names, with commas; simplify if not given; none prints the program as it is");
  verb.option("--allow", options->allow, "float rewrites that are not exact: reassociating, approximate");
  verb.flag("--trace", options->trace, "each rule that fired, with the node before and after");
  verb.flag("--stats", options->stats, "times, and how often each rule fired");
  verb.flag("--list", options->list, "the passes there are");
  verb.flag(
      "--json", options->json,
      "one object: passes, a list of {name, nodes_before, nodes_after, changed, milliseconds, looked_at, "
      "rewritten, fired, and trace with --trace}; program, the text afterwards");
  verb.when_missing(model_table());
  verb.flag("--train", options->load.train, "a model with loss, gradients and optimizer");
  verb.option("--batch", options->load.batch, "how many examples a model takes", Range::kPositive);
  add_size_options(verb, options->load.sizes);
  return [options] { return run_opt(*options); };
}

}  // namespace anneal::cli
