// SPDX-License-Identifier: MIT
#include "ir/verify.h"

#include <map>
#include <string>

#include "ir/infer.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

bool is_index_type(DType t) { return t == DType::kIndex || t == DType::kBool || is_int(t); }

bool is_slot(const Graph& g, Node n) { return g.op(n) == Op::Param && g.rank(n) == 1; }

// What an accumulate or a statement binds: its sources from `first` on.
std::string check_ranges(const Graph& g, Node n, size_t first, AxisKind kind) {
  const std::span<const Node> sources = g.sources(n);
  for (size_t i = first; i < sources.size(); ++i)
    if (g.op(sources[i]) != Op::Range || g.arg_as<RangeArg>(sources[i]).kind != kind)
      return "source " + std::to_string(i) + " must be a range of kind " +
             std::string(kAxisKindText[static_cast<size_t>(kind)]);
  return {};
}

std::string check_kernel_node(const Graph& g, Node n) {
  const Op op = g.op(n);
  if (op == Op::Sink) {
    for (Node s : g.sources(n))
      if (!has_flag(g.op(s), kStatement)) return "has a source that is no statement";
    return {};
  }
  const std::span<const Node> sources = g.sources(n);
  const bool takes_slot = op == Op::Load || has_flag(op, kStatement);
  if (takes_slot && !is_slot(g, sources[0])) return "must have a param of rank 1 as its slot";
  for (size_t i = takes_slot ? 1 : 0; i < sources.size(); ++i)
    if (g.op(sources[i]) == Op::Param) return "reads a slot without a load";
  switch (op) {
    case Op::Const:
    case Op::Var:
    case Op::Range:
    case Op::Load:
    case Op::Store: return {};
    case Op::Param: return is_slot(g, n) ? "" : "must have rank 1, as the memory that it is";
    case Op::Accumulate: return check_ranges(g, n, 1, AxisKind::kReduce);
    case Op::ScanStore:
    case Op::SortStore: return check_ranges(g, n, 3, AxisKind::kLoop);
    case Op::ScatterStore: return check_ranges(g, n, 4, AxisKind::kLoop);
    default: break;
  }
  if (!has_flag(op, kElementwise)) return "does not exist at the kernel stage";
  return g.rank(n) == 0 ? "" : "is not a scalar, as all values of a kernel are";
}

std::string check_stage(const Graph& g, Node n, Stage stage) {
  const Op op = g.op(n);
  if (stage == Stage::kTensor) {
    if (op == Op::Range) return "is a loop index, which does not exist at the tensor stage";
    if (has_flag(op, kKernelOp)) return "does not exist at the tensor stage";
    return {};
  }
  if (stage == Stage::kKernel) return check_kernel_node(g, n);
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

// Who runs a program gives one value to the number of an input and to the name of a variable.
class OneMeaning {
 public:
  explicit OneMeaning(const Graph& g) : g_(g) {}

  std::string check(Node n) {
    if (const auto* param = std::get_if<ParamArg>(&g_.arg(n))) {
      const Node first = params_.emplace(param->index, n).first->second;
      if (g_.dtype(first) != g_.dtype(n) || g_.shape_id(first) != g_.shape_id(n))
        return "has the number of another input, of another type: " + node_text(g_, first);
    }
    if (const auto* var = std::get_if<VarArg>(&g_.arg(n)))
      if (const Node first = vars_.emplace(var->name, n).first->second; first != n)
        return "has the name of another variable, of other bounds: " + node_text(g_, first);
    return {};
  }

 private:
  const Graph& g_;
  std::map<int64_t, Node> params_;
  std::map<std::string, Node> vars_;
};

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
  OneMeaning meaning(graph);
  for (Node n : postorder(graph, roots)) {
    if (!n) continue;  // its user says so
    std::string bad = check_sources(graph, n);
    if (bad.empty()) bad = check_stage(graph, n, stage);
    if (bad.empty()) bad = check_type(mutable_graph, n);
    if (bad.empty()) bad = meaning.check(n);
    if (!bad.empty()) return report(n, bad);
    for (Node e : extent_nodes(graph, n)) extents.push_back(e);
  }
  for (Node e : postorder(graph, extents)) {
    if (!legal_in_extent(graph, e))
      return report(e, "is part of an extent, which holds index expressions over variables");
    if (const std::string bad = meaning.check(e); !bad.empty()) return report(e, bad);
  }
  if (stage == Stage::kKernel)
    if (const Kernel kernel(graph, roots); !kernel.error().empty()) return after + kernel.error();
  return {};
}

}  // namespace anneal::ir
