// SPDX-License-Identifier: MIT
#include "ir/verify.h"

#include "ir/infer.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

bool is_index_type(DType t) { return t == DType::kIndex || t == DType::kBool || is_int(t); }

std::string check_stage(const Graph& g, Node n, Stage stage) {
  const Op op = g.op(n);
  if (stage == Stage::kTensor) {
    if (op == Op::Range) return "is a loop index, which does not exist at the tensor stage";
    return {};
  }
  if (op == Op::Sink) return {};
  if (g.rank(n) != 0) return "is not a scalar, as index arithmetic must be";
  if (!is_index_type(g.dtype(n)))
    return "has type " + std::string(dtype_name(g.dtype(n))) + " in index arithmetic";
  if (op != Op::Const && op != Op::Var && op != Op::Range && !has_flag(op, kElementwise))
    return "does not exist at the index stage";
  return {};
}

std::string check_sources(const Graph& g, Node n) {
  for (Node s : g.sources(n))
    if (!s) return "has a source that is missing";
  return {};
}

// The stored type must be what the table infers: catches a pass that interned by hand.
std::string check_type(Graph& g, Node n) {
  const Type stored{g.dtype(n), g.shape_id(n)};
  const Inferred inferred = infer(g, g.op(n), g.sources(n), g.arg(n), stored);
  if (!inferred.error.empty()) return inferred.error;
  return inferred.type == stored ? std::string() : "does not have the type of its op and sources";
}

}  // namespace

bool legal_in_extent(const Graph& g, Node n) {
  const Op op = g.op(n);
  return g.rank(n) == 0 && is_index_type(g.dtype(n)) &&
         (op == Op::Const || op == Op::Var || has_flag(op, kElementwise));
}

std::string verify(const Graph& graph, std::span<const Node> roots, Stage stage, std::string_view pass) {
  // infer() may make extent nodes to compare shapes; it changes nothing that is there.
  auto& mutable_graph = const_cast<Graph&>(graph);
  const std::string after = pass.empty() ? std::string() : "after " + std::string(pass) + ": ";
  const auto report = [&](Node n, const std::string& what) {
    return after + std::string(op_text(graph.op(n))) + " " + what + "\n  " + node_text(graph, n);
  };
  for (Node n : roots)
    if (!n) return after + "a result is missing";
  std::vector<Node> extents;
  for (Node n : postorder(graph, roots)) {
    if (!n) continue;  // its user says so
    std::string bad = check_sources(graph, n);
    if (bad.empty()) bad = check_stage(graph, n, stage);
    if (bad.empty()) bad = check_type(mutable_graph, n);
    if (!bad.empty()) return report(n, bad);
    for (Node e : extent_nodes(graph, n)) extents.push_back(e);
  }
  for (Node e : postorder(graph, extents))
    if (!legal_in_extent(graph, e))
      return report(e, "is part of an extent, which holds index expressions over variables");
  return {};
}

}  // namespace anneal::ir
