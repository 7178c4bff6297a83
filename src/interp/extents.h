// SPDX-License-Identifier: MIT
// Scalar expressions over variables, ranges and constants: extents, pad amounts, slice starts. Iterative,
// with a memo by node. Tested by interp_test.cc.
#pragma once

#include <unordered_map>

#include "interp/interp.h"

namespace anneal::interp {

class Extents {
 public:
  Extents(const ir::Graph& graph, const Bindings& bindings) : graph_(graph), bindings_(bindings) {}

  int64_t operator()(ir::Dim dim) {
    return dim.is_const() ? dim.value : scalar(dim.expr).as_int(graph_.dtype(dim.expr));
  }
  ir::Scalar scalar(ir::Node n);

 private:
  ir::Scalar compute(ir::Node n) const;  // its sources are known
  int64_t var(ir::Node n) const;
  int64_t range(ir::Node n) const;

  const ir::Graph& graph_;
  const Bindings& bindings_;
  std::unordered_map<uint32_t, ir::Scalar> known_;
};

}  // namespace anneal::interp
