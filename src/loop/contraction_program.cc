// SPDX-License-Identifier: MIT
#include "loop/contraction_program.h"

#include <algorithm>

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/walk.h"

namespace anneal::loop {

using ir::Op;

namespace {

// The slots that these nodes load from, or that these statements write, as params.
std::vector<Node> slots(const ir::Graph& graph, std::span<const Node> roots, bool written) {
  std::vector<Node> found;
  for (Node n : written ? std::vector<Node>(roots.begin(), roots.end()) : ir::postorder(graph, roots))
    if (written || graph.op(n) == Op::Load) found.push_back(graph.source(n, 0));
  return found;
}

bool share(const std::vector<Node>& a, const std::vector<Node>& b) {
  return std::any_of(a.begin(), a.end(), [&](Node n) { return std::find(b.begin(), b.end(), n) != b.end(); });
}

bool can_run_apart(const ir::Graph& graph, const Contraction& c) {
  const Node factors[] = {c.a, c.b};
  const std::vector<Node> written = slots(graph, c.statements, true), others = slots(graph, c.others, true);
  return !share(slots(graph, factors, false), written) && !share(written, others) &&
         !share(slots(graph, c.statements, false), others) && !share(slots(graph, c.others, false), written);
}

// At most; what is not known counts as large.
double multiply_adds(const ir::Graph& graph, const Contraction& c) {
  ir::BoundsOf bounds(graph);
  double all = 1;
  for (Node range : {c.batch, c.m, c.n, c.k})
    if (range) all *= static_cast<double>(bounds(graph.source(range, 0)).max);
  return all;
}

}  // namespace

std::shared_ptr<const ContractionProgram> contraction_program(ir::Graph& graph, Node kernel,
                                                              const LowerOptions& options) {
  const std::optional<Contraction> found = find_contraction(graph, kernel);
  if (!found || multiply_adds(graph, *found) < options.contraction_work || !can_run_apart(graph, *found))
    return nullptr;
  const ir::Builder build{graph};
  auto out = std::make_shared<ContractionProgram>();
  out->parts = *found;
  out->kernel = build.sink(found->statements);
  if (!found->others.empty()) out->others.push_back(lower(graph, build.sink(found->others), options));
  return out;
}

}  // namespace anneal::loop
