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
  std::vector<Node> written = slots(graph, c.statements, true);
  for (const FactorSum& sum : c.sums) written.push_back(graph.source(sum.statement, 0));
  const std::vector<Node> others = slots(graph, c.others, true);
  return !share(slots(graph, factors, false), written) && !share(written, others) &&
         !share(slots(graph, c.statements, false), others) && !share(slots(graph, c.others, false), written);
}

// Packing and the loops around a register tile cost more than they save where one of a batch is small, and
// where sums are short and the product has few rows, or columns, to share a factor's elements.
bool is_worth_it(const ir::Graph& graph, const Contraction& c, double least_work) {
  constexpr int64_t kThin = 8, kShortSum = 16;
  ir::BoundsOf bounds(graph);  // an extent that is not known counts as its greatest
  const auto extent = [&](Node range) { return range ? bounds(graph.source(range, 0)).max : 1; };
  const int64_t m = extent(c.m), n = extent(c.n), k = extent(c.k);
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  return work >= least_work && (least_work == 0 || k >= kShortSum || std::min(m, n) > kThin);
}

}  // namespace

std::shared_ptr<const ContractionProgram> contraction_program(ir::Graph& graph, Node kernel,
                                                              const LowerOptions& options) {
  const std::optional<Contraction> found = find_contraction(graph, kernel);
  if (!found || !is_worth_it(graph, *found, options.contraction_work) || !can_run_apart(graph, *found))
    return nullptr;
  const ir::Builder build{graph};
  auto out = std::make_shared<ContractionProgram>();
  out->parts = *found;
  std::vector<Node> statements = found->statements;
  for (const FactorSum& sum : found->sums) statements.push_back(sum.statement);
  out->kernel = build.sink(statements);
  if (!found->others.empty()) out->others.push_back(lower(graph, build.sink(found->others), options));
  return out;
}

}  // namespace anneal::loop
