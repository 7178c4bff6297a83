// SPDX-License-Identifier: MIT
#include "pass/pass.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "anneal/error.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "rules/rules.h"
#include "rules/simplify.h"
#include "support/check.h"
#include "support/dump.h"
#include "support/flags.h"
#include "support/nearest.h"

namespace anneal::pass {

using ir::Node;
using ir::Stage;

namespace {

std::vector<Node> simplify(ir::Graph& graph, std::span<const Node> roots, const PassContext& context) {
  return rules::simplify(graph, roots,
                         {.floats = context.floats, .trace = context.trace, .stats = context.stats});
}

// One topic of the rules alone: to look at what it does.
struct Topic {
  char name[16];  // a literal, as a template argument
};
template <Topic kTopic>
std::vector<Node> apply_topic(ir::Graph& graph, std::span<const Node> roots, const PassContext& context) {
  std::vector<rewrite::Rule> own;
  for (const rewrite::Rule& rule : rules::all_rules())
    if (rule.topic == kTopic.name) own.push_back(rule);
  ANNEAL_CHECK_MSG(!own.empty(), kTopic.name);
  const rewrite::RuleSet set(own, context.floats);
  return rewrite::rewrite(graph, roots, set,
                          {.pass = "topic", .trace = context.trace, .stats = context.stats});
}

// What only derivatives look at gives way to its value, at any depth. Types stay, so nothing is inferred
// anew.
std::vector<Node> drop_marks(ir::Graph& graph, std::span<const Node> roots, const PassContext&) {
  std::vector<Node> now(graph.id_limit()), out, sources;
  const ir::OriginScope origin(graph);
  for (Node n : ir::postorder(graph, roots)) {
    const ir::Op op = graph.op(n);
    sources.clear();
    bool same = true;
    for (Node s : graph.sources(n)) {
      sources.push_back(now[s.id]);
      same = same && now[s.id] == s;
    }
    graph.set_origin(graph.origin(n));
    if (op == ir::Op::StopGradient || op == ir::Op::Alias || op == ir::Op::CustomGradient)
      now[n.id] = sources[0];
    else
      now[n.id] = same ? n : graph.intern({op, graph.dtype(n), graph.shape_id(n), sources, &graph.arg(n)});
  }
  for (Node r : roots) out.push_back(now[r.id]);
  return out;
}

constexpr Pass kPasses[] = {
    {"simplify", "every rule that the allowed float classes admit, to a fixpoint", {}, {}, simplify},
    {"drop_marks",
     "stop_gradient, alias and custom_gradient give way to their values: after the last derivative",
     Stage::kTensor, Stage::kTensor, drop_marks},
    {"fold_constants", "the rules on constants alone", {}, {}, apply_topic<Topic{"constant"}>},
    {"simplify_arithmetic", "the rules of arithmetic alone", {}, {}, apply_topic<Topic{"arithmetic"}>},
    {"simplify_divmod", "the rules of division and remainder alone", {}, {}, apply_topic<Topic{"divmod"}>},
    {"simplify_movement", "the rules of movement alone", Stage::kTensor, Stage::kTensor,
     apply_topic<Topic{"movement"}>},
    {"simplify_reduce", "the rules of reductions alone", Stage::kTensor, Stage::kTensor,
     apply_topic<Topic{"reduce"}>},
};

void check(const ir::Graph& graph, std::span<const Node> roots, Stage stage, std::string_view pass) {
  if (!support::flag_on(support::Flag::kVerify)) return;
  const std::string bad = ir::verify(graph, roots, stage, pass);
  if (!bad.empty()) raise(ErrorCode::kVerify, bad);
}

void dump(const ir::Graph& graph, std::span<const Node> roots, const Pass& pass, size_t number) {
  if (!support::dump_wanted(pass.name)) return;
  support::write_dump(number, pass.name, "ir",
                      fmt::format("# after {}\n{}", pass.name, ir::print(graph, roots)));
}

// One line a pass for ANNEAL_DEBUG=1, and what fired for 2.
void report(const ir::Graph& graph, std::span<const Node> before, std::span<const Node> after,
            const PassTiming& timing, const rewrite::RewriteStats& stats) {
  const int level = support::flag_level(support::Flag::kDebug);
  if (level < 1) return;
  support::report_step(timing.pass, timing.milliseconds,
                       fmt::format("{} -> {} nodes{}", ir::postorder(graph, before).size(),
                                   ir::postorder(graph, after).size(), timing.changed ? "" : " (unchanged)"));
  if (level < 2) return;
  for (const auto& fired : stats.fired)
    if (fired.count != 0) fmt::print(stderr, "  {:<32} {}\n", fired.rule->name, fired.count);
}

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

void check_flags() {
  if (const std::string problem = support::flag_problem(); !problem.empty())
    raise(ErrorCode::kArgument, problem);
  std::vector<std::string_view> names{"all"};
  for (const Pass& p : kPasses) names.push_back(p.name);
  for (const support::StageInfo& stage : support::all_stages())
    if (std::find(names.begin(), names.end(), stage.name) == names.end()) names.push_back(stage.name);
  std::string_view text = support::flag_text(support::Flag::kDump);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty() || std::find(names.begin(), names.end(), word) != names.end()) continue;
    raise(ErrorCode::kArgument,
          fmt::format("ANNEAL_DUMP: there is no pass and no stage '{}'{}. There are {}", word.substr(0, 100),
                      support::nearest_hint("; did you mean '", word, names, "'"), fmt::join(names, ", ")));
  }
}

const Pass& find_pass(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Pass& p : kPasses) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  raise(ErrorCode::kName,
        fmt::format("unknown pass '{}'{}. There are {}", name,
                    support::nearest_hint("; did you mean '", name, names, "'"), fmt::join(names, ", ")));
}

Stage stage_of(const ir::Graph& graph, std::span<const Node> roots) {
  Stage stage = Stage::kTensor;
  for (Node n : ir::postorder(graph, roots)) {
    if (has_flag(graph.op(n), ir::kKernelOp)) return Stage::kKernel;
    if (graph.op(n) == ir::Op::Range) stage = Stage::kIndex;
  }
  return stage;
}

std::vector<Node> run_passes(ir::Graph& graph, std::span<const Node> roots,
                             std::span<const Pass* const> passes, const PassContext& context,
                             std::vector<PassTiming>* timings) {
  std::vector<Node> now(roots.begin(), roots.end());
  Stage stage = stage_of(graph, roots);
  check(graph, now, stage, {});
  for (size_t i = 0; i < passes.size(); ++i) {
    const Pass& pass = *passes[i];
    if (pass.in && *pass.in != stage)
      raise(ErrorCode::kVerify, fmt::format("{}: needs a program at the {} stage, not {}", pass.name,
                                            ir::kStageText[static_cast<size_t>(*pass.in)],
                                            ir::kStageText[static_cast<size_t>(stage)]));
    rewrite::RewriteStats stats;
    PassContext own = context;
    own.stats = &stats;
    const auto begin = std::chrono::steady_clock::now();
    std::vector<Node> next = pass.run(graph, now, own);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
    const PassTiming timing{pass.name, taken.count(), next != now};
    report(graph, now, next, timing, stats);
    now = std::move(next);
    stage = pass.out.value_or(stage);
    check(graph, now, stage, pass.name);
    if (timing.changed) dump(graph, now, pass, i + 1);
    if (context.stats != nullptr) *context.stats = std::move(stats);
    if (timings != nullptr) timings->push_back(timing);
  }
  return now;
}

}  // namespace anneal::pass
