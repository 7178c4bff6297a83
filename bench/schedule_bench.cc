// SPDX-License-Identifier: MIT
// What scheduling costs, and how many kernels come out.
#include <algorithm>

#include "bench/bench.h"
#include "ir/graph.h"
#include "programs/programs.h"
#include "schedule/schedule.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

using ir::Node;

// A training step, scheduled; what an earlier repetition made is collected first.
struct Scheduled {
  double seconds = 0;
  size_t launches = 0;
};
Scheduled schedule_step(const std::function<programs::Program()>& build) {
  ir::Graph& graph = ir::default_graph();
  graph.collect();
  const programs::Program program = build();
  const ir::Graph::Scope scope(graph);
  std::vector<Node> roots;
  for (const Tensor& t : program.roots()) roots.push_back(node_of(t));
  const std::vector<int32_t> replaced = program.replaced();
  Scheduled out;
  out.seconds = min_seconds(1, [&] {
    out.launches = schedule::make_schedule(graph, roots, {}, {.replaced = replaced}).launches.size();
  });
  return out;
}

programs::Program gpt2() {
  return programs::build_program(programs::find_program("gpt2"), {.train = true, .batch = 4});
}
// The character model that others are measured with: 4 layers of width 128, 64 positions.
programs::Program char_gpt() {
  return programs::build_language_model(
      {.train = true, .batch = 32, .optimizer = programs::parse_optimizer("adamw lr=1e-3")},
      {.vocabulary = 65, .context = 64, .width = 128, .heads = 4, .layers = 4});
}

Result gpt2_milliseconds() {
  double least = 1e300;
  for (int i = 0; i < 10; ++i) least = std::min(least, schedule_step(gpt2).seconds);
  return {least * 1e3};
}
Result kernels_of(programs::Program (*build)()) {
  return {static_cast<double>(schedule_step(build).launches)};
}

}  // namespace

std::vector<Row> schedule_rows() {
  return {
      {"schedule gpt2 124M train", "ms", Better::kLower, 150, gpt2_milliseconds},
      {"kernels of the gpt2 124M training step", "launches", Better::kLower, 300,
       [] { return kernels_of(gpt2); }},
      {"kernels of the char nanogpt training step", "launches", Better::kLower, 100,
       [] { return kernels_of(char_gpt); }},
  };
}

}  // namespace anneal::bench
