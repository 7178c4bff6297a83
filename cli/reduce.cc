// SPDX-License-Identifier: MIT
// anneal reduce: makes a failing program small while it fails in the same way. Candidates are tried in
// processes of their own, so that a crash is a failure like any other.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/common.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "interp/arrays.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "pass/pass.h"
#include "pass/shrink.h"

namespace anneal::cli {
namespace {

using Roots = std::span<const ir::Node>;

struct ReduceOptions {
  std::string program, check, out, allow;
  int64_t seed = 1;
  int64_t max_tried = 20000;
  int64_t time_limit = 20;  // seconds a check may take
  bool json = false;
};

// How a program does: an exit code, or kSignal and a signal. Only kGood is no failure.
enum Outcome : int { kGood = 0, kValueChanged = 10, kIllFormed = 11, kError = 12, kSignal = 1000 };

std::string outcome_text(int outcome, bool is_command) {
  if (outcome == kSignal + SIGALRM) return "time limit";
  if (outcome >= kSignal) return "crash";
  if (is_command) return fmt::format("exit code {}", outcome);
  switch (outcome) {
    case kGood: return "good";
    case kValueChanged: return "simplify changes a value";
    case kIllFormed: return "simplify gives an ill-formed program";
    case kError: return "simplify raises an error";
    default: return fmt::format("exit code {}", outcome);
  }
}

// -- The built-in check --

bool same_elements(const interp::Array& a, const interp::Array& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return false;
  if (a.bytes == b.bytes) return true;
  const size_t count = a.bytes.size() / static_cast<size_t>(dtype_size(a.dtype));
  for (size_t i = 0; i < count; ++i)
    if (!(interp::element(a, i) == interp::element(b, i))) return false;  // NaN has one form here
  return true;
}

// The smallest value of each variable.
void bind_variables(const ir::Graph& graph, Roots roots, interp::Bindings& bindings) {
  for (ir::Node n : ir::postorder(graph, roots, true))
    if (const auto* var = std::get_if<ir::VarArg>(&graph.arg(n)))
      bindings.vars.emplace_back(var->name, var->min);
}

int simplify_outcome(ir::Graph& graph, Roots roots, uint64_t seed, const pass::PassContext& context) {
  const pass::Pass* simplify = &pass::find_pass("simplify");
  interp::Bindings bindings;
  std::vector<std::shared_ptr<const interp::Array>> before;
  try {  // what cannot be run as it is shows nothing
    bind_variables(graph, roots, bindings);
    bind_random(graph, params_of(graph, roots), seed, bindings);
    before = interp::evaluate(graph, roots, bindings);
  } catch (const Error&) {
    before.clear();
  }
  try {
    const std::vector<ir::Node> after = pass::run_passes(graph, roots, std::span(&simplify, 1), context);
    if (before.empty()) return kGood;
    const auto values = interp::evaluate(graph, after, bindings);
    for (size_t i = 0; i < values.size(); ++i)
      if (!same_elements(*before[i], *values[i])) return kValueChanged;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kVerify ? kIllFormed : kError;
  }
  return kGood;
}

// Runs fn in a child and gives what it returned; a signal is a crash of its own kind. What the child started
// ends with it.
template <typename Fn>
int in_child(int64_t time_limit, Fn fn) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) raise(ErrorCode::kInternal, "reduce: cannot start a process");
  if (child == 0) {
    setpgid(0, 0);
    const bool silent =
        std::freopen("/dev/null", "r", stdin) != nullptr &&   // a group of its own may not read
        std::freopen("/dev/null", "w", stdout) != nullptr &&  // from the terminal
        std::freopen("/dev/null", "w", stderr) != nullptr;
    if (!silent) std::abort();
    alarm(static_cast<unsigned>(time_limit));  // a rewrite that does not end; it holds beyond an exec
    _exit(fn());
  }
  int status = 0;
  waitpid(child, &status, 0);
  kill(-child, SIGKILL);
  return WIFSIGNALED(status) ? kSignal + WTERMSIG(status) : WEXITSTATUS(status);
}

// -- A command as the check --

class CommandCheck {
 public:
  CommandCheck(std::string command, int64_t time_limit)
      : command_(std::move(command)),
        time_limit_(time_limit),
        file_(std::filesystem::temp_directory_path() /
              fmt::format("anneal-reduce-{}.ir", static_cast<int64_t>(getpid()))) {
    if (command_.find("{}") == std::string::npos)
      raise(ErrorCode::kArgument, "--check: simplify, or a command with {} for the file");
  }
  ~CommandCheck() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  CommandCheck(const CommandCheck&) = delete;
  CommandCheck& operator=(const CommandCheck&) = delete;

  int operator()(const ir::Graph& graph, Roots roots) const {
    write_file(file_.string(), ir::print(graph, roots));
    std::string text = command_;
    const std::string path = "'" + file_.string() + "'";
    for (size_t at = text.find("{}"); at != std::string::npos; at = text.find("{}", at + path.size()))
      text.replace(at, 2, path);
    const int outcome = in_child(time_limit_, [&] {
      execl("/bin/sh", "sh", "-c", text.c_str(), static_cast<char*>(nullptr));
      return kNotFound;
    });
    // The shell's words for a command that did not run; a check that never ran must not pass for a failure.
    if (outcome == kNotFound || outcome == kNotExecutable)
      raise(ErrorCode::kArgument,
            fmt::format("--check: the shell {} (exit code {}): {}",
                        outcome == kNotFound ? "does not find the command" : "cannot execute the command",
                        outcome, text));
    return outcome;
  }

 private:
  static constexpr int kNotExecutable = 126, kNotFound = 127;
  std::string command_;
  int64_t time_limit_;
  std::filesystem::path file_;
};

int run_reduce(const ReduceOptions& options) {
  const Loaded loaded = load_program(options.program);
  ir::Graph& graph = ir::default_graph();
  pass::PassContext context;
  context.floats = allowed_classes(split_list(options.allow));
  std::unique_ptr<CommandCheck> command;
  if (options.check != "simplify")
    command = std::make_unique<CommandCheck>(options.check, options.time_limit);
  const auto outcome = [&](Roots roots) {
    if (command != nullptr) return (*command)(graph, roots);
    return in_child(options.time_limit, [&] {
      return simplify_outcome(graph, roots, static_cast<uint64_t>(options.seed), context);
    });
  };
  if (!options.out.empty()) check_writable(options.out);
  const int first = outcome(loaded.roots);
  if (first == kGood)
    raise(ErrorCode::kArgument, "reduce: the check finds nothing wrong with " + options.program);

  const auto fails = [&](Roots roots) { return outcome(roots) == first; };
  const pass::ShrinkResult result = pass::shrink(graph, loaded.roots, fails, options.max_tried);
  const size_t before = ir::postorder(graph, loaded.roots).size(),
               after = ir::postorder(graph, result.roots).size();
  const std::string text = ir::print(graph, result.roots);
  if (!options.out.empty()) write_file(options.out, text);
  const std::string failure = outcome_text(first, command != nullptr);
  if (options.json) {
    const Json all{{"failure", failure},    {"nodes_before", before}, {"nodes_after", after},
                   {"tried", result.tried}, {"taken", result.taken},  {"program", text}};
    fmt::print("{}\n", all.dump(-1, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  fmt::print(stderr, "{}: {} -> {} nodes, {} of {} candidates taken\n", failure, before, after, result.taken,
             result.tried);
  if (options.out.empty()) fmt::print("{}", text);
  return 0;
}

}  // namespace

Action add_reduce(Options& verb) {
  const auto options = std::make_shared<ReduceOptions>();
  verb.argument("program", options->program, "a text file that fails");
  verb.option("--check", options->check,
              "simplify: simplifying changes a value, gives an ill-formed program, raises or crashes; "
              "or a command with {} for the file, whose exit code is that of the program when it fails");
  verb.required("--check");
  verb.option("--out", options->out, "write the result here instead of printing it");
  verb.option("--seed", options->seed, "of the inputs that simplify is checked with", Range::kNotNegative);
  verb.option("--allow", options->allow, "float rewrites that simplify may use: reassociating, approximate");
  verb.flag(
      "--json", options->json,
      "one object: failure, nodes_before, nodes_after, tried, taken, and program, the text of the result");
  verb.option("--time-limit", options->time_limit, "seconds that a check may take; longer is a failure",
              Range::kPositive);
  verb.option("--max-tried", options->max_tried, "candidates, at most", Range::kPositive);
  return [options] { return run_reduce(*options); };
}

}  // namespace anneal::cli
