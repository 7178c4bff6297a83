// SPDX-License-Identifier: MIT
#include "ir/points.h"

#include <utility>

#include "ir/eval.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

bool is_unknown(Op op) { return op == Op::Var || op == Op::Range || op == Op::Param; }

int64_t round_up_to(int64_t v, int64_t multiple) {
  const int64_t r = v % multiple;
  return r == 0 ? v : v - r + (r > 0 ? multiple : 0);
}

}  // namespace

Points::Points(const Graph& graph, std::span<const Node> roots)
    : graph_(graph), order_(postorder(graph, roots)), values_(order_.size()) {
  for (size_t i = 0; i < order_.size(); ++i) {
    const Node n = order_[i];
    const Op op = graph.op(n);
    position_[n] = static_cast<uint32_t>(i);
    if (op == Op::Const) values_[i] = graph.const_value(n);
    if (is_unknown(op)) {
      unknowns_.push_back(n);
      steps_.push_back(i);
    }
    if (graph.rank(n) != 0 || (op != Op::Const && !is_unknown(op) && !has_flag(op, kElementwise)))
      ok_ = false;
  }
}

void Points::evaluate_step(size_t step) {
  const Node n = order_[step];
  const Op op = graph_.op(n);
  if (op == Op::Const || is_unknown(op)) return;
  Scalar in[4];
  const std::span<const Node> sources = graph_.sources(n);
  for (size_t i = 0; i < sources.size(); ++i) in[i] = value(sources[i]);
  values_[step] = eval_elementwise(op, graph_.dtype(n), graph_.dtype(sources.back()), {in, sources.size()},
                                   graph_.arg(n));
}

void Points::evaluate_from(size_t step) {
  for (; step < order_.size(); ++step) evaluate_step(step);
}

void Points::set(Node unknown, Scalar v) { values_[position_.get(unknown)] = v; }

void Points::evaluate() { evaluate_from(0); }

bool Points::enter(size_t i) {
  const Node n = unknowns_[i];
  int64_t first = 0;
  if (graph_.op(n) == Op::Param) return true;
  if (graph_.op(n) == Op::Var) {
    const auto& var = graph_.arg_as<VarArg>(n);
    first = round_up_to(var.min, var.multiple_of);
    if (first > var.max) return false;
  } else if (value_int(graph_.source(n, 0)) <= 0) {
    return false;
  }
  values_[steps_[i]] = Scalar::from_int(first, DType::kIndex);
  return true;
}

bool Points::advance(size_t i) {
  const Node n = unknowns_[i];
  if (graph_.op(n) == Op::Param) return false;
  const bool is_var = graph_.op(n) == Op::Var;
  const int64_t step = is_var ? graph_.arg_as<VarArg>(n).multiple_of : 1;
  const int64_t last = is_var ? graph_.arg_as<VarArg>(n).max : value_int(graph_.source(n, 0)) - 1;
  const int64_t v = value_int(n);
  if (v > last - step) return false;
  values_[steps_[i]] = Scalar::from_int(v + step, DType::kIndex);
  return true;
}

bool Points::next() {
  if (unknowns_.empty()) {
    if (!started_) evaluate();
    return !std::exchange(started_, true);
  }
  // Up from the last unknown to one that can advance, then down again; extents between two unknowns are
  // brought up to date on the way.
  size_t i = unknowns_.size();
  bool entering = !started_;
  if (entering) {
    for (size_t s = 0; s < steps_[0]; ++s) evaluate_step(s);
    i = 0;
  }
  started_ = true;
  while (true) {
    if (entering ? enter(i) : i > 0 && advance(--i)) {
      const size_t end = i + 1 < steps_.size() ? steps_[i + 1] : order_.size();
      for (size_t s = steps_[i] + 1; s < end; ++s) evaluate_step(s);
      if (++i == unknowns_.size()) return true;
      entering = true;
    } else {
      if (i == 0) return false;
      entering = false;
    }
  }
}

int64_t count_points(const Graph& graph, std::span<const Node> roots, int64_t limit) {
  Points points(graph, roots);
  int64_t count = 0;
  while (count <= limit && points.next()) ++count;
  return count;
}

}  // namespace anneal::ir
