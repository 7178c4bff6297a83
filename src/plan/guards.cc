// SPDX-License-Identifier: MIT
#include "plan/guards.h"

#include <algorithm>

#include "anneal/error.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "support/check.h"

namespace anneal::plan {

using ir::Dim;
using ir::Node;
using ir::Op;
using ir::Tri;

namespace {

class GuardFinder {
 public:
  GuardFinder(ir::Graph& graph, const std::vector<Variable>& vars) : graph_(graph) {
    for (const Variable& v : vars) names_.push_back(v.name);
  }

  std::vector<Guard> run(std::span<const Node> roots) {
    for (Node n : ir::postorder(graph_, roots)) {
      op_ = graph_.op(n);
      const std::vector<Dim> own = shape(n);
      for (const Dim& d : own) not_less(d, Dim(0));
      check(n, own);
    }
    return std::move(guards_);
  }

 private:
  // Copies: extent arithmetic makes nodes.
  std::vector<Dim> shape(Node n) const {
    const ir::Shape s = graph_.shape(n);
    return {s.begin(), s.end()};
  }

  void check(Node n, const std::vector<Dim>& own) {
    const ir::Arg arg = graph_.arg(n);
    std::vector<std::vector<Dim>> from;
    for (Node s : graph_.sources(n)) from.push_back(shape(s));
    if (op_ == Op::Reshape) {
      equal(ir::dim_product(graph_, from[0]), ir::dim_product(graph_, own));
    } else if (op_ == Op::Expand) {
      for (size_t i = 0; i < from[0].size(); ++i)
        if (!from[0][i].is(1)) equal(from[0][i], own[i]);
    } else if (const auto* pad = std::get_if<ir::PadArg>(&arg)) {
      for (size_t i = 0; i < own.size(); ++i) not_less(pad->low[i], Dim(0)), not_less(pad->high[i], Dim(0));
    } else if (const auto* slice = std::get_if<ir::SliceArg>(&arg)) {
      for (size_t i = 0; i < own.size(); ++i) inside(*slice, i, own[i], from[0][i]);
    } else if (op_ == Op::Concat) {
      for (const std::vector<Dim>& part : from)
        equal_off(static_cast<size_t>(std::get<ir::AxisArg>(arg).axis), part, from[0]);
    } else if (op_ == Op::Gather) {
      equal_off(static_cast<size_t>(std::get<ir::AxisArg>(arg).axis), from[1], from[0]);
    } else if (op_ == Op::Scatter) {
      equal_off(static_cast<size_t>(std::get<ir::ScatterArg>(arg).axis), from[1], from[0]);
    } else if (op_ == Op::ArgReduce) {
      not_less(from[0][static_cast<size_t>(std::get<ir::ScanArg>(arg).axis)], Dim(1));
    }
  }

  void inside(const ir::SliceArg& slice, size_t i, Dim extent, Dim from) {
    not_less(slice.start[i], Dim(0));
    if (extent.is(0)) return;
    const Dim last = ir::dim_mul(graph_, ir::dim_sub(graph_, extent, Dim(1)), Dim(slice.step[i]));
    not_less(from, ir::dim_add(graph_, ir::dim_add(graph_, slice.start[i], last), Dim(1)));
  }

  void equal_off(size_t axis, const std::vector<Dim>& a, const std::vector<Dim>& b) {
    for (size_t i = 0; i < a.size(); ++i)
      if (i != axis) equal(a[i], b[i]);
  }

  void equal(Dim a, Dim b) {
    if (ir::dim_equal(graph_, a, b) != Tri::kTrue) add(a, b, Relation::kEqual, " == ");
  }
  void not_less(Dim a, Dim b) {
    if (ir::dim_less_equal(graph_, b, a) != Tri::kTrue) add(b, a, Relation::kLessEqual, " <= ");
  }

  void add(Dim a, Dim b, Relation relation, const char* sign) {
    Guard guard{Expression(graph_, a, names_), Expression(graph_, b, names_), relation, {}};
    for (const Guard& g : guards_)
      if (g.relation == relation && g.left == guard.left && g.right == guard.right) return;
    guard.text =
        std::string(ir::op_text(op_)) + ": " + ir::dim_text(graph_, a) + sign + ir::dim_text(graph_, b);
    guards_.push_back(std::move(guard));
  }

  ir::Graph& graph_;
  std::vector<std::string> names_;
  std::vector<Guard> guards_;
  Op op_ = Op::Sink;
};

}  // namespace

std::vector<Variable> find_variables(const ir::Graph& graph, std::span<const Node> roots) {
  std::vector<Variable> vars;
  for (Node n : ir::postorder(graph, roots, true)) {
    const auto* arg = std::get_if<ir::VarArg>(&graph.arg(n));
    if (arg == nullptr) continue;
    for (const Variable& v : vars)
      if (v.name == arg->name)
        raise(ErrorCode::kName, "var \"" + v.name + "\": two variables have this name, one from " +
                                    std::to_string(v.min) + " to " + std::to_string(v.max) + ", one from " +
                                    std::to_string(arg->min) + " to " + std::to_string(arg->max));
    vars.push_back({arg->name, arg->min, arg->max, arg->multiple_of});
  }
  std::sort(vars.begin(), vars.end(), [](const Variable& a, const Variable& b) { return a.name < b.name; });
  return vars;
}

std::vector<Guard> find_guards(ir::Graph& graph, std::span<const Node> roots,
                               const std::vector<Variable>& vars) {
  return vars.empty() ? std::vector<Guard>{} : GuardFinder(graph, vars).run(roots);
}

void check_variables(const ExecPlan& plan, std::span<const int64_t> vars) {
  ANNEAL_CHECK(vars.size() == plan.vars.size());
  std::string bindings;
  for (size_t i = 0; i < vars.size(); ++i) {
    const Variable& v = plan.vars[i];
    if (vars[i] < v.min || vars[i] > v.max || vars[i] % v.multiple_of != 0) {
      std::string text = "var \"" + v.name + "\": is bound to " + std::to_string(vars[i]) + ", allowed is " +
                         std::to_string(v.min) + " to " + std::to_string(v.max);
      if (v.multiple_of != 1) text += ", multiples of " + std::to_string(v.multiple_of);
      raise(ErrorCode::kData, std::move(text));
    }
    bindings += (i == 0 ? "" : ", ") + v.name + " = " + std::to_string(vars[i]);
  }
  for (const Guard& g : plan.guards) {
    const int64_t a = g.left(vars), b = g.right(vars);
    if (g.relation == Relation::kEqual ? a == b : a <= b) continue;
    raise(ErrorCode::kShape,
          g.text + " does not hold for " + bindings + ": " + std::to_string(a) + " and " + std::to_string(b));
  }
}

}  // namespace anneal::plan
