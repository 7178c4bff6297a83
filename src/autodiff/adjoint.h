// SPDX-License-Identifier: MIT
// What a gradient rule works with: the node, its upstream adjoint, and a builder that promotes mixed types.
#pragma once

#include <cmath>
#include <vector>

#include "ir/builder.h"

namespace anneal::autodiff {

class Adjoint {
 public:
  Adjoint(ir::Graph& graph, uint32_t id_limit)
      : g(graph), build{graph}, adjoints_(id_limit), wanted_(id_limit, 0) {}

  ir::Graph& g;
  const ir::Builder build;
  ir::Node node, up;  // the node being differentiated and its adjoint

  ir::Node source(size_t i) const { return g.source(node, i); }
  bool wants(size_t i) const { return wanted_[source(i).id] != 0; }
  // Adds to the adjoint of source i: summed down to a scalar source, widened to the source's type.
  void add(size_t i, ir::Node contribution) { add_to(source(i), contribution); }
  void add_to(ir::Node target, ir::Node contribution);

  ir::Node adjoint(ir::Node n) const { return n.id < adjoints_.size() ? adjoints_[n.id] : ir::Node{}; }
  void want(ir::Node n) { wanted_[n.id] = 1; }
  bool wanted(ir::Node n) const { return wanted_[n.id] != 0; }

  // -- Arithmetic that promotes both sides to their join --
  ir::Node binary(ir::Op op, ir::Node a, ir::Node b) const;
  ir::Node plus(ir::Node a, ir::Node b) const { return binary(ir::Op::Add, a, b); }
  ir::Node minus(ir::Node a, ir::Node b) const { return binary(ir::Op::Sub, a, b); }
  ir::Node times(ir::Node a, ir::Node b) const { return binary(ir::Op::Mul, a, b); }
  ir::Node over(ir::Node a, ir::Node b) const { return binary(ir::Op::Div, a, b); }
  ir::Node negated(ir::Node a) const { return build.neg(a); }
  ir::Node number(double v, ir::Node like) const { return build.constant_float(v, g.dtype(like)); }
  ir::Node zeros(ir::Shape shape, DType t) const { return build.full(shape, build.constant_int(0, t)); }
  // up where the condition holds, else 0.
  ir::Node sum_to_scalar(ir::Node n) const;

 private:
  std::vector<ir::Node> adjoints_;
  std::vector<uint8_t> wanted_;
};

using GradientRule = void (*)(Adjoint&);

// The rules that need more than a line, by topic.
void reduce_rule(Adjoint& a);
void scan_rule(Adjoint& a);
void gather_rule(Adjoint& a);
void scatter_rule(Adjoint& a);
void pad_rule(Adjoint& a);
void slice_rule(Adjoint& a);
void concat_rule(Adjoint& a);
void expand_rule(Adjoint& a);
void permute_rule(Adjoint& a);
void custom_rule(Adjoint& a);

}  // namespace anneal::autodiff
