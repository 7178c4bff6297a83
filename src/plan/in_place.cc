// SPDX-License-Identifier: MIT
#include "plan/in_place.h"

#include <algorithm>

#include "ir/dims.h"
#include "ir/kernel.h"

namespace anneal::plan {

using ir::Node;
using ir::Op;

namespace {

int64_t slot_of(const ir::Graph& graph, Node access) {
  return graph.arg_as<ir::ParamArg>(graph.source(access, 0)).index;
}

// The statement that writes the whole slot: a plain store at every point, that none but scatters follow. Null
// where it is another.
Node writer_of(const ir::Graph& graph, const ir::Kernel& kernel, int64_t slot) {
  Node found;
  for (Node s : kernel.statements()) {
    if (slot_of(graph, s) != slot || (found && graph.op(s) == Op::ScatterStore)) continue;
    if (found || graph.op(s) != Op::Store || graph.sources(s).size() != 3) return {};
    found = s;
  }
  return found;
}

// Each point of the store has a position of its own: there are as many points as elements, and all elements
// are stored.
bool has_own_positions(ir::Graph& graph, const ir::Kernel& kernel, Node store) {
  std::vector<ir::Dim> extents;
  for (uint32_t r : kernel.free(store)) {
    const Node extent = graph.source(kernel.ranges()[r], 0);
    extents.push_back(graph.is_const(extent) ? ir::Dim(graph.const_value(extent).as_int(DType::kIndex))
                                             : ir::Dim(extent));
  }
  const ir::Dim elements = graph.shape(graph.source(store, 0))[0];
  return ir::dim_equal(graph, ir::dim_product(graph, extents), elements) == ir::Tri::kTrue;
}

bool runs_in_phases(const ir::Graph& graph, const ir::Kernel& kernel) {
  return std::any_of(kernel.order().begin(), kernel.order().end(), [&](Node n) {
    if (graph.op(n) != Op::Accumulate) return false;
    const ir::RangeSet& free = kernel.free(n);
    return std::any_of(free.begin(), free.end(), [&](uint32_t r) {
      return graph.arg_as<ir::RangeArg>(kernel.ranges()[r]).kind == ir::AxisKind::kReduce;
    });
  });
}

}  // namespace

bool maps_one_to_one(ir::Graph& graph, Node sink, int64_t read, int64_t written) {
  const ir::Kernel kernel(graph, std::span(&sink, 1));
  const Node store = writer_of(graph, kernel, written);
  if (!store || !has_own_positions(graph, kernel, store) || runs_in_phases(graph, kernel)) return false;
  const Node position = graph.source(store, 1);
  bool folds = false;
  std::vector<bool> loads(kernel.order().size(),
                          false);  // by position in the order: it, or what it is made of
  for (size_t i = 0; i < loads.size(); ++i) {
    const Node n = kernel.order()[i];
    if (graph.op(n) == Op::Load && slot_of(graph, n) == read) {
      if (graph.source(n, 1) != position) return false;
      if (dtype_size(graph.dtype(n)) != dtype_size(graph.dtype(graph.source(store, 2)))) return false;
      loads[i] = true;
    }
    for (Node s : graph.sources(n))
      if (loads[kernel.position(s)]) loads[i] = true;
    folds = folds || graph.op(n) == Op::Accumulate;
  }
  return std::all_of(kernel.statements().begin(), kernel.statements().end(), [&](Node s) {
    if (!loads[kernel.position(s)] || s == store) return true;
    return !folds && graph.op(s) == Op::Store && kernel.free(s) == kernel.free(store);
  });
}

}  // namespace anneal::plan
