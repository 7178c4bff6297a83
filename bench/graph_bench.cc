// SPDX-License-Identifier: MIT
// What it costs to build, differentiate, simplify and drop graphs.
#include <algorithm>
#include <fstream>
#include <vector>

#include "bench/bench.h"
#include "ir/builder.h"
#include "programs/programs.h"
#include "rules/bench_graphs.h"
#include "rules/simplify.h"
#include "tensor/call.h"

namespace anneal::bench {
namespace {

using ir::Node;

constexpr int kNodes = 500'000;

// Distinct nodes of the kinds programs are made of: elementwise chains with constants, movement, reductions.
void construct_nodes(ir::Graph& g) {
  const ir::Graph::Scope scope(g);
  const ir::Builder b{g};
  const std::vector<ir::Dim> shape{ir::Dim(8), ir::Dim(64)};
  Node x = b.param(0, f32, shape);
  const Node y = b.param(1, f32, shape);
  const uint8_t swap[] = {1, 0};
  for (int i = 0; i < kNodes / 10; ++i) {
    const Node c = b.constant_int(i, f32);
    Node t = b.mul(x, c);
    t = b.add(t, y);
    t = b.make(ir::Op::Exp, {t});
    t = b.sub(t, x);
    t = b.make(ir::Op::Max, {t, y});
    t = b.permute(t, swap);
    t = b.permute(t, swap);
    t = b.mul(t, t);
    x = b.expand(b.reduce(t, ir::ReduceOp::kMax, 2), shape);
  }
}

Result nodes_per_second() {
  double least = 1e300;
  for (int i = 0; i < 12; ++i) {  // short ones: on a busy machine a long one is never undisturbed
    ir::Graph g;
    const double t = min_seconds(1, [&] { construct_nodes(g); });
    least = std::min(least, t / static_cast<double>(g.live_nodes()));
  }
  return {1e-6 / least};
}

Result simplify_milliseconds() {
  double least = 1e300;
  for (int i = 0; i < 7; ++i) {
    ir::Graph g;
    const ir::Graph::Scope scope(g);
    const std::vector<Node> roots = rules::build_index_heavy_graph(g, 100'000);
    least = std::min(least, min_seconds(1, [&] { rules::simplify(g, roots, {}); }));
  }
  return {least * 1e3};
}

programs::Program build_gpt2(int64_t batch) {
  return programs::build_program(programs::find_program("gpt2"), {.train = true, .batch = batch});
}

// Every node anew: what an earlier repetition made is collected first.
Result build_milliseconds() {
  return {min_seconds(
              10,
              [] {
                const programs::Program p = build_gpt2(4);
                keep(&p);
              },
              [] { ir::default_graph().collect(); }) *
          1e3};
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * 4096;
}

// How much higher the peak over graphs 501 to 1,000 is than that over the first 500, in per cent; each graph
// has another batch, so no node is shared.
Result growth_percent(double (*measure)()) {
  double first = 0, second = 0;
  for (int64_t i = 1; i <= 1000; ++i) {
    build_gpt2(i);
    double& peak = i <= 500 ? first : second;
    peak = std::max(peak, measure());
  }
  return {100 * (second / first - 1)};
}

Result graph_growth() {
  return growth_percent([] { return static_cast<double>(ir::default_graph().memory_bytes()); });
}
Result resident_growth() { return growth_percent(resident_bytes); }

}  // namespace

std::vector<Row> graph_rows() {
  return {
      {"construct nodes", "M nodes/s", Better::kHigher, 5, nodes_per_second},
      {"simplify 100k index nodes", "ms", Better::kLower, 100, simplify_milliseconds},
      {"build and differentiate gpt2 124M train", "ms", Better::kLower, 20, build_milliseconds},
      {"graph memory, growth over 1,000 gpt2 graphs", "per cent", Better::kLower, 0, graph_growth},
      {"resident memory, growth over 1,000 gpt2 graphs", "per cent", Better::kLower, 2, resident_growth},
  };
}

}  // namespace anneal::bench
