// SPDX-License-Identifier: MIT
#include "interp/extents.h"

#include "anneal/error.h"
#include "ir/eval.h"
#include "ir/text.h"

namespace anneal::interp {
namespace {

// Index arithmetic is assumed not to overflow; here, where values are known, that is checked.
void check_overflow(const ir::Graph& graph, ir::Node n, std::span<const ir::Scalar> sources) {
  if (graph.dtype(n) != DType::kIndex || sources.size() != 2) return;
  const int64_t a = sources[0].as_int(DType::kIndex), b = sources[1].as_int(DType::kIndex);
  int64_t ignored = 0;
  const ir::Op op = graph.op(n);
  const bool overflows = (op == ir::Op::Add && __builtin_add_overflow(a, b, &ignored)) ||
                         (op == ir::Op::Sub && __builtin_sub_overflow(a, b, &ignored)) ||
                         (op == ir::Op::Mul && __builtin_mul_overflow(a, b, &ignored));
  if (overflows)
    raise(ErrorCode::kLimit, std::string(ir::op_text(op)) + " of " + std::to_string(a) + " and " +
                                 std::to_string(b) + ": extent arithmetic overflows 64 bits");
}

}  // namespace

using ir::Node;
using ir::Op;
using ir::Scalar;

Scalar Extents::scalar(Node root) {
  std::vector<Node> stack = {root};
  while (!stack.empty()) {
    const Node n = stack.back();
    if (known_.contains(n.id)) {
      stack.pop_back();
      continue;
    }
    const size_t before = stack.size();
    for (Node s : graph_.sources(n))
      if (!known_.contains(s.id)) stack.push_back(s);
    if (stack.size() == before) known_[n.id] = compute(n);
  }
  return known_[root.id];
}

Scalar Extents::compute(Node n) const {
  switch (graph_.op(n)) {
    case Op::Const: return graph_.const_value(n);
    case Op::Var: return Scalar::from_int(var(n), DType::kIndex);
    case Op::Range: return Scalar::from_int(range(n), DType::kIndex);
    default: break;
  }
  if (!has_flag(graph_.op(n), ir::kElementwise) || graph_.rank(n) != 0)
    raise(ErrorCode::kVerify, "extent: is not a scalar expression over variables\n  " + node_text(graph_, n));
  std::vector<Scalar> sources;
  for (Node s : graph_.sources(n)) sources.push_back(known_.at(s.id));
  check_overflow(graph_, n, sources);
  const DType source = graph_.dtype(graph_.sources(n).back());
  return eval_elementwise(graph_.op(n), graph_.dtype(n), source, sources, graph_.arg(n));
}

int64_t Extents::var(Node n) const {
  const auto& arg = graph_.arg_as<ir::VarArg>(n);
  std::string allowed = "allowed is " + std::to_string(arg.min) + " to " + std::to_string(arg.max);
  if (arg.multiple_of != 1) allowed += ", multiples of " + std::to_string(arg.multiple_of);
  // One name is one variable: two with other bounds would be bound together by accident.
  for (const auto& [id, value] : known_) {
    const auto* other = std::get_if<ir::VarArg>(&graph_.arg(Node{id}));
    if (other != nullptr && other->name == arg.name)
      raise(ErrorCode::kName, "var \"" + arg.name + "\": two variables have this name, one from " +
                                  std::to_string(other->min) + " to " + std::to_string(other->max) +
                                  ", one from " + std::to_string(arg.min) + " to " + std::to_string(arg.max));
  }
  const int64_t* found = nullptr;
  for (const auto& [name, value] : bindings_.vars) {
    if (name != arg.name) continue;
    if (found != nullptr && *found != value)
      raise(ErrorCode::kData, "var \"" + name + "\": is bound twice, to " + std::to_string(*found) +
                                  " and to " + std::to_string(value));
    found = &value;
  }
  if (found == nullptr) raise(ErrorCode::kData, "var \"" + arg.name + "\": has no value, " + allowed);
  if (*found < arg.min || *found > arg.max || *found % arg.multiple_of != 0)
    raise(ErrorCode::kData,
          "var \"" + arg.name + "\": is bound to " + std::to_string(*found) + ", " + allowed);
  return *found;
}

int64_t Extents::range(Node n) const {
  const int64_t id = graph_.arg_as<ir::RangeArg>(n).id;
  const int64_t extent = known_.at(graph_.source(n, 0).id).as_int(DType::kIndex);
  const std::string name = "range " + std::to_string(id);
  for (const auto& [bound, value] : bindings_.ranges) {
    if (bound != id) continue;
    if (value >= 0 && value < extent) return value;
    raise(ErrorCode::kData,
          name + ": is bound to " + std::to_string(value) + " of " + std::to_string(extent));
  }
  raise(ErrorCode::kData, name + ": has no value");
}

}  // namespace anneal::interp
