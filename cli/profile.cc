// SPDX-License-Identifier: MIT
// anneal profile: runs a program on made-up inputs and shows the time of each kernel beside what was modelled
// and what the device could do at best.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/scheduled.h"
#include "cli/verbs.h"
#include "device/measure.h"
#include "device/registry.h"
#include "interp/arrays.h"
#include "runtime/context.h"
#include "support/random_stream.h"

namespace anneal::cli {
namespace {

using Allocations = runtime::Executor::Allocations;

struct ProfileOptions {
  ScheduleRequest request;
  int64_t steps = 5, seed = 1;
  std::string trace;
  bool json = false, force = false;
};

// One launch, of the parts together.
struct Line {
  LaunchRow row;
  bool contraction = false;
  double seconds = std::numeric_limits<double>::infinity();  // of the fastest step
  double best = 0;                                           // that the device could do
};

struct Profile {
  std::vector<Line> lines;
  device::Measured device;
  Counters counters;                        // of all steps
  std::vector<double> totals;               // of each step, from the first launch to the last
  std::vector<device::LaunchTime> fastest;  // of the plan's steps, in the fastest run
  double total() const { return *std::min_element(totals.begin(), totals.end()); }
};

// Symbolic extents at their greatest.
std::vector<int64_t> variables_of(const plan::ExecPlan& plan) {
  std::vector<int64_t> out;
  for (const plan::Variable& v : plan.vars) out.push_back(v.max / v.multiple_of * v.multiple_of);
  return out;
}

// Between 0 and 1, integers below 10: whatever a program does with them, it stays a number for a while.
std::shared_ptr<runtime::Allocation> made_up(runtime::Context& context, const plan::Input& input,
                                             support::RandomStream& random) {
  std::shared_ptr<runtime::Allocation> out = context.pool().allocate(input.bytes);
  if (input.dtype == DType::kVoid || input.bytes == 0) return out;
  constexpr size_t kPeriod = 4096;
  const size_t size = static_cast<size_t>(dtype_size(input.dtype)), count = input.bytes / size;
  std::vector<double> values(std::min(count, kPeriod));
  for (double& v : values)
    v = is_float(input.dtype) ? random.unit()
                              : static_cast<double>(random.below(is_bool(input.dtype) ? 2 : 10));
  const auto piece = interp::array_from(input.dtype, {static_cast<int64_t>(values.size())}, values);
  std::vector<std::byte> bytes(count * size);
  for (size_t at = 0; at < bytes.size(); at += piece->bytes.size())
    std::memcpy(bytes.data() + at, piece->bytes.data(), std::min(piece->bytes.size(), bytes.size() - at));
  context.device().write(out->slice(), bytes);
  return out;
}

class Runner {
 public:
  Runner(const Scheduled& s, const ProfileOptions& options)
      : context_({.device = s.device->caps().name, .plan = s.options}),
        executor_(context_.compile(ir::default_graph(), s.request())),
        vars_(variables_of(executor_->plan())) {
    support::RandomStream random(static_cast<uint64_t>(options.seed));
    for (const plan::Input& input : executor_->plan().inputs)
      inputs_.push_back(made_up(context_, input, random));
  }

  // What one step made in the memory of its inputs is the input of the next.
  std::vector<device::LaunchTime> step() {
    const plan::ExecPlan& plan = executor_->plan();
    std::vector<device::LaunchTime> times;
    executor_->prepare(vars_, {});
    Allocations given;
    for (size_t i = 0; i < inputs_.size(); ++i)
      given.push_back(plan.inputs[i].overwritten ? std::move(inputs_[i]) : inputs_[i]);
    const Allocations made = executor_->run(std::move(given), vars_, &times);
    for (size_t r = 0; r < plan.results.size(); ++r) {
      const plan::Block& block = plan.blocks[plan.results[r].block];
      if (block.place == plan::Place::kInput && plan.inputs[block.number].overwritten)
        inputs_[block.number] = made[r];
    }
    return times;
  }
  const plan::ExecPlan& plan() const { return executor_->plan(); }
  Counters counters() const { return context_.counters(); }

 private:
  runtime::Context context_;
  std::shared_ptr<runtime::Executor> executor_;
  std::vector<int64_t> vars_;
  Allocations inputs_;
};

Profile measure_program(const Scheduled& s, const ProfileOptions& options) {
  Profile out;
  out.device = device::measure(*s.device);
  Runner runner(s, options);
  const plan::ExecPlan& plan = runner.plan();
  for (const schedule::Launch& launch : s.schedule().launches)
    out.lines.push_back({row_of(s.schedule(), launch)});
  std::vector<double> least(plan.steps.size(), std::numeric_limits<double>::infinity());
  runner.step();  // memory that was never touched, code that was never run
  for (int64_t i = 0; i < options.steps; ++i) {
    std::vector<device::LaunchTime> times = runner.step();
    for (size_t k = 0; k < times.size(); ++k) least[k] = std::min(least[k], times[k].end - times[k].begin);
    out.totals.push_back(times.empty() ? 0 : times.back().end - times.front().begin);
    if (out.totals.back() <= out.total()) out.fastest = std::move(times);
  }
  out.counters = runner.counters();
  for (Line& line : out.lines) line.seconds = 0;
  for (size_t k = 0; k < plan.steps.size(); ++k) {
    Line& line = out.lines[plan.steps[k].launch];
    const bool contraction = s.planned.programs[plan.steps[k].program].contraction != nullptr ||
                             !s.planned.programs[plan.steps[k].program].phases.empty();
    line.seconds += least[k];
    line.contraction = line.contraction || contraction;
    line.best += device::least_seconds(out.device, s.device->caps(), plan.steps[k].bytes, plan.steps[k].flops,
                                       contraction);
  }
  return out;
}

double rate(double amount, double seconds) { return seconds > 0 ? amount / seconds / 1e9 : 0; }
double percent(double best, double seconds) { return seconds > 0 ? 100 * best / seconds : 0; }

void print_table(const Scheduled& s, const Profile& p) {
  const device::Caps& caps = s.device->caps();
  fmt::print("profile: {} on {}: {}; the least of {} steps on made-up inputs\n", s.loaded.name, caps.name,
             caps.description, p.totals.size());
  fmt::print(
      "measured: memory {:.1f} GB/s, cache {:.1f} GB/s, arithmetic {:.1f} GFLOP/s, contractions {:.1f} "
      "GFLOP/s, a launch {:.2f} us\n",
      p.device.memory_bandwidth / 1e9, p.device.cache_bandwidth / 1e9, p.device.flops / 1e9,
      p.device.contract_flops / 1e9, p.device.launch_seconds * 1e6);
  fmt::print("{:>4}  {:<32}  {:<40}  {:>10}  {:>10}  {:>8}  {:>8}  {:>7}\n", "#", "kernel", "fused", "us",
             "model us", "GB/s", "GFLOP/s", "% roof");
  double best = 0, kernels = 0;
  for (size_t i = 0; i < p.lines.size(); ++i) {
    const Line& l = p.lines[i];
    fmt::print("{:>4}  {:<32}  {:<40}  {:>10.1f}  {:>10.1f}  {:>8.2f}  {:>8.2f}  {:>7.1f}\n", i,
               shortened(l.row.place, 32), shortened(fmt::format("{}", fmt::join(l.row.ops, "+")), 40),
               l.seconds * 1e6, l.row.seconds * 1e6, rate(l.row.bytes, l.seconds),
               rate(l.row.flops, l.seconds), percent(l.best, l.seconds));
    best += l.best;
    kernels += l.seconds;
  }
  const schedule::Cost& all = s.schedule().total;
  fmt::print(
      "{} launches: {:.1f} us a step, {:.1f} us of it kernels, modelled {:.1f} us; {:.2f} GB/s, {:.2f} "
      "GFLOP/s, "
      "{:.1f} % of the roofline\n",
      p.lines.size(), p.total() * 1e6, kernels * 1e6, all.seconds * 1e6, rate(all.bytes(), p.total()),
      rate(all.flops, p.total()), percent(best, p.total()));
  fmt::print("all steps: {}\n", counters_text(p.counters));
}

void print_json(const Scheduled& s, const Profile& p) {
  Json kernels = Json::array();
  for (const Line& l : p.lines)
    kernels.push_back({{"name", l.row.name},
                       {"seconds", l.seconds},
                       {"model_seconds", l.row.seconds},
                       {"bytes", l.row.bytes},
                       {"flops", l.row.flops},
                       {"gb_per_s", rate(l.row.bytes, l.seconds)},
                       {"gflop_per_s", rate(l.row.flops, l.seconds)},
                       {"roofline_percent", percent(l.best, l.seconds)}});
  const Json out{{"device", s.device->caps().name},
                 {"description", s.device->caps().description},
                 {"measured",
                  {{"memory_bandwidth", p.device.memory_bandwidth},
                   {"cache_bandwidth", p.device.cache_bandwidth},
                   {"flops", p.device.flops},
                   {"contract_flops", p.device.contract_flops},
                   {"launch_seconds", p.device.launch_seconds}}},
                 {"kernels", std::move(kernels)},
                 {"seconds", p.total()},
                 {"steps", p.totals},
                 {"model_seconds", s.schedule().total.seconds},
                 {"counters", counters_json(p.counters)}};
  fmt::print("{}\n", out.dump(1, ' ', false, Json::error_handler_t::replace));
}

// Trace events, as browsers' trace viewers read them: times in microseconds.
std::string trace_text(const Scheduled& s, const Profile& p) {
  Json events = Json::array();
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"name", "anneal " + s.loaded.name + " on " + s.device->caps().name}}}});
  const plan::ExecPlan& plan = s.plan();
  for (size_t k = 0; k < p.fastest.size(); ++k) {
    const plan::Step& step = plan.steps[k];
    const device::LaunchTime& t = p.fastest[k];
    events.push_back({{"name", step.name},
                      {"cat", p.lines[step.launch].row.phases},
                      {"ph", "X"},
                      {"ts", t.begin * 1e6},
                      {"dur", (t.end - t.begin) * 1e6},
                      {"pid", 1},
                      {"tid", 1},
                      {"args",
                       {{"launch", step.launch},
                        {"bytes", step.bytes},
                        {"flops", step.flops},
                        {"gb_per_s", rate(step.bytes, t.end - t.begin)},
                        {"gflop_per_s", rate(step.flops, t.end - t.begin)}}}});
  }
  return Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump(
             1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

// What runs no kernels has no times to show.
void check_runs_kernels(const std::string& chosen) {
  const std::string name = chosen.empty() ? runtime::device_name({}) : chosen;
  if (name != "interp" && name != "null") return;
  std::vector<std::string> others;
  for (const device::Entry* e : device::device_list())
    if (e->name != "null") others.push_back(e->name);
  raise(ErrorCode::kArgument,
        fmt::format("profile: {}; devices to time are: {}",
                    name == "null" ? "the device 'null' runs nothing"
                                   : "the interpreter runs a program op by op, there are no kernels to time",
                    fmt::join(others, ", ")));
}

int run_profile(const ProfileOptions& options) {
  check_runs_kernels(options.request.device);
  if (!options.trace.empty()) check_writable(options.trace);
  const Scheduled s = schedule_program(options.request);
  interp::Bindings greatest;
  const std::vector<int64_t> vars = variables_of(s.plan());
  for (size_t i = 0; i < vars.size(); ++i) greatest.vars.emplace_back(s.plan().vars[i].name, vars[i]);
  const bool has_code = !s.device->forms().empty();  // else it interprets
  DeviceTime time;
  if (has_code) time = {s.device->caps().name, [&] { return s.schedule().total.seconds; }};
  check_work(ir::default_graph(), s.loaded.roots, s.loaded.name, options.force, greatest, time);
  const Profile p = measure_program(s, options);
  if (!options.trace.empty()) write_file(options.trace, trace_text(s, p));
  if (options.json)
    print_json(s, p);
  else
    print_table(s, p);
  return 0;
}

}  // namespace

Action add_profile(Options& verb) {
  const auto options = std::make_shared<ProfileOptions>();
  verb.argument("program", options->request.program,
                "a text file, or a model: mlp, dynmlp, conv, nanogpt, gpt2");
  verb.when_missing(model_table());
  add_schedule_options(verb, options->request);
  verb.option("--steps", options->steps, "how many runs, of which the least time counts", Range::kPositive);
  verb.option("--seed", options->seed, "of the made-up inputs", Range::kNotNegative);
  verb.option("--trace", options->trace, "a file for trace viewers, of the fastest run");
  verb.flag("--force", options->force, "also when it takes many minutes");
  verb.flag("--json", options->json, "as JSON");
  return [options] { return run_profile(*options); };
}

}  // namespace anneal::cli
