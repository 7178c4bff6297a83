// SPDX-License-Identifier: MIT
// See bind_dims.h.
#include "tensor/bind_dims.h"

#include <algorithm>

#include "interp/extents.h"
#include "ir/kernel.h"
#include "ir/polynomial.h"
#include "ir/text.h"

namespace anneal {

using ir::Node;
using ir::Op;

void DimBinder::misfit(const Equation& e, ErrorCode code, const std::string& why) const {
  std::vector<ir::Dim> dims;
  for (const Extent& extent : *e.wanted) dims.push_back(to_dim(extent));
  call_.fail(code, "argument " + std::to_string(e.argument) + " is " +
                       ir::type_text(call_.g, node_of(arguments_[e.argument])) + ", its shape must be " +
                       ir::shape_text(call_.g, dims) + why);
}

void DimBinder::add(size_t argument, const Sizes& wanted, std::vector<int64_t>& shape) {
  const Equation whole{argument, &wanted, {}, 0};
  if (wanted.size() != shape.size()) misfit(whole, ErrorCode::kShape, "");
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const ir::Dim d = to_dim(wanted[axis]);
    if (d.is_const()) {
      if (d.value != shape[axis]) misfit(whole, ErrorCode::kShape, "");
      continue;
    }
    const Equation e{argument, &wanted, d.expr, shape[axis]};
    if (call_.g.op(d.expr) == Op::Var)
      set(e, d.expr, e.extent);
    else
      open_.push_back(e);
    shape[axis] = -1;
  }
}

const int64_t* DimBinder::find(Node var) const {
  const std::string& name = call_.g.arg_as<ir::VarArg>(var).name;
  for (const auto& [known, value] : known_.vars)
    if (known == name) return &value;
  return nullptr;
}

void DimBinder::set(const Equation& e, Node var, int64_t value) {
  const auto& arg = call_.g.arg_as<ir::VarArg>(var);
  const std::string which = ": var \"" + arg.name + "\": is bound ";
  if (value < arg.min || value > arg.max || value % arg.multiple_of != 0) {
    std::string allowed = "allowed is " + std::to_string(arg.min) + " to " + std::to_string(arg.max);
    if (arg.multiple_of != 1) allowed += ", multiples of " + std::to_string(arg.multiple_of);
    misfit(e, ErrorCode::kData, which + "to " + std::to_string(value) + ", " + allowed);
  }
  const int64_t* before = find(var);
  if (before == nullptr)
    known_.vars.emplace_back(arg.name, value);
  else if (*before != value)
    misfit(e, ErrorCode::kData,
           which + "twice, to " + std::to_string(*before) + " and to " + std::to_string(value));
}

std::vector<Node> DimBinder::unknowns(Node expression) const {
  std::vector<Node> vars = ir::variables_of(call_.g, expression);
  std::erase_if(vars, [&](Node v) { return find(v) != nullptr; });
  return vars;
}

int64_t DimBinder::evaluate(Node expression) const {
  return interp::Extents(call_.g, known_)(ir::Dim(expression));
}

// extent = slope * var + constant, where all else is known.
bool DimBinder::solve(const Equation& e, Node var) {
  ir::Polynomial sum;
  if (!sum.add_node(call_.g, e.expression)) return false;
  int64_t slope = 0, rest = 0;
  if (__builtin_sub_overflow(e.extent, sum.constant(), &rest)) return false;
  for (const ir::Term& t : sum) {
    int64_t factor = t.coefficient;
    int times = 0;
    for (uint32_t i = 0; i < t.degree; ++i) {
      if (t.factors[i] == var)
        ++times;
      else if (!unknowns(t.factors[i]).empty() ||
               __builtin_mul_overflow(factor, evaluate(t.factors[i]), &factor))
        return false;
    }
    if (times > 1 || (times == 1 && __builtin_add_overflow(slope, factor, &slope)) ||
        (times == 0 && __builtin_sub_overflow(rest, factor, &rest)))
      return false;
  }
  if (slope == 0) return false;
  if (slope == -1 ? rest == INT64_MIN : rest % slope != 0)
    misfit(e, ErrorCode::kShape,
           ": no \"" + call_.g.arg_as<ir::VarArg>(var).name + "\" makes " +
               ir::dim_text(call_.g, ir::Dim(e.expression)) + " " + std::to_string(e.extent));
  set(e, var, rest / slope);
  return true;
}

bool DimBinder::settle(const Equation& e) {
  const std::vector<Node> missing = unknowns(e.expression);
  if (missing.size() == 1) return solve(e, missing[0]);
  if (!missing.empty()) return false;
  if (const int64_t value = evaluate(e.expression); value != e.extent)
    misfit(e, ErrorCode::kShape,
           ": " + ir::dim_text(call_.g, ir::Dim(e.expression)) + " is " + std::to_string(value) + ", not " +
               std::to_string(e.extent));
  return true;
}

std::vector<std::pair<std::string, int64_t>> DimBinder::finish() {
  for (size_t before = 0; !open_.empty() && open_.size() != before;) {
    before = open_.size();
    // One after the other: each may tell what the next one lacks.
    std::vector<Equation> left;
    for (const Equation& e : open_)
      if (!settle(e)) left.push_back(e);
    open_ = std::move(left);
  }
  if (!open_.empty()) {
    const Equation& e = open_.front();
    const Node var = unknowns(e.expression).front();
    const std::string& name = call_.g.arg_as<ir::VarArg>(var).name;
    misfit(e, ErrorCode::kShape,
           ": what \"" + name + "\" is cannot be told from " + ir::dim_text(call_.g, ir::Dim(e.expression)) +
               "; give an argument that has the extent " + name +
               " itself, or one that is linear in it alone");
  }
  return std::move(known_.vars);
}

}  // namespace anneal
