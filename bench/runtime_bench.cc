// SPDX-License-Identifier: MIT
// What plans and their replay cost: launches on the device that runs nothing, planning, and training steps.
#include <unistd.h>

#include <cstdio>

#include "bench/bench.h"
#include "programs/session.h"
#include "runtime/backend.h"
#include "runtime/canonical.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

programs::Program training(std::string_view name, int64_t batch = 0) {
  return programs::build_program(programs::find_program(name), {.train = true, .batch = batch});
}

plan::Request request_of(const runtime::Canonical& c) {
  return {c.roots, static_cast<uint32_t>(c.leaves.size()), {}};
}

std::vector<ir::Node> roots_of(const programs::Program& p) {
  std::vector<ir::Node> roots;
  for (const Tensor& t : p.roots()) roots.push_back(node_of(t));
  return roots;
}

Result replay_nanoseconds() {
  ir::Graph& graph = ir::default_graph();
  const programs::Program p = training("nanogpt");
  const ir::Graph::Scope scope(graph);
  runtime::Context context({.device = "null", .memory_limit = 0, .poison = 0});
  const runtime::Canonical c = runtime::canonicalize(graph, roots_of(p));
  const std::shared_ptr<runtime::Executor> executor = context.compile(graph, request_of(c));
  runtime::Executor::Allocations inputs;
  for (const plan::Input& in : executor->plan().inputs) inputs.push_back(context.pool().allocate(in.bytes));
  const double seconds = min_seconds(200, [&] {
    executor->prepare({}, {});
    executor->run(inputs, {});
  });
  return {1e9 * seconds / static_cast<double>(executor->plan().steps.size())};
}

Result plan_milliseconds(std::string_view name) {
  ir::Graph& graph = ir::default_graph();
  const programs::Program p = training(name);
  const ir::Graph::Scope scope(graph);
  const runtime::Canonical c = runtime::canonicalize(graph, roots_of(p));
  const plan::Request request = request_of(c);
  return {1e3 * min_seconds(3, [&] { plan::build_plan(graph, request, {}); })};
}

double resident_megabytes() {
  long pages = 0, ignored = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &ignored, &pages) != 2) pages = 0;
  std::fclose(file);
  return 1e-6 * static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Between the 2,000th step and the last one: by then memory that collections leave behind is as large as it
// gets.
Result growth_in_steps() {
  const runtime::Using device({.device = "cpu"});
  const programs::ProgramInfo& info = programs::find_program("mlp");
  programs::Session session(training("mlp"), 1);
  double before = 0;
  for (int64_t step = 1; step <= 10000; ++step) {
    session.set(info.data(info.batch(), 1, step));
    session.step();
    if (step == 2000) before = resident_megabytes();
  }
  return {resident_megabytes() - before};
}

double step_milliseconds(programs::Session& session, const programs::ProgramInfo& info, int64_t batch,
                         int steps) {
  int64_t step = 0;
  return 1e3 * min_seconds(
                   steps, [&] { session.step()[0].item<float>(); },
                   [&] { session.set(info.data(batch, 1, ++step)); });
}

Result nanogpt_milliseconds() {
  const runtime::Using device({.device = "cpu"});
  const programs::ProgramInfo& info = programs::find_program("nanogpt");
  programs::Session session(training("nanogpt"), 1);
  return {step_milliseconds(session, info, info.batch(), 50)};
}

}  // namespace

std::vector<Row> runtime_rows() {
  return {
      {"replay on the null device, a launch", "ns", Better::kLower, 1000, replay_nanoseconds},
      {"plan and lower the nanogpt training step", "ms", Better::kLower, 100,
       [] { return plan_milliseconds("nanogpt"); }},
      {"plan and lower the gpt2 124M training step", "ms", Better::kLower, 400,
       [] { return plan_milliseconds("gpt2"); }},
      {"10,000 steps of the mlp: growth of memory", "MB", Better::kLower, 2, growth_in_steps},
      {"cpu: a training step of nanogpt", "ms", Better::kLower, 10, nanogpt_milliseconds},
  };
}

}  // namespace anneal::bench
