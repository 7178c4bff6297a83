// SPDX-License-Identifier: MIT
#include "interp/work.h"

#include <algorithm>
#include <cmath>

#include "interp/extents.h"
#include "ir/walk.h"

namespace anneal::interp {

double estimate_work(const ir::Graph& graph, std::span<const ir::Node> roots, const Bindings& bindings) {
  Extents extents(graph, bindings);
  const auto elements = [&](ir::Node n) {
    double count = 1;
    for (const ir::Dim& d : graph.shape(n)) count *= static_cast<double>(std::max<int64_t>(0, extents(d)));
    return count;
  };
  double work = 0;
  for (ir::Node n : ir::postorder(graph, roots)) {
    const ir::Op op = graph.op(n);
    if (op == ir::Op::Reduce || op == ir::Op::ArgReduce)
      work += elements(graph.source(n, 0));
    else if (op == ir::Op::ArgSort)
      work += elements(n) * std::log2(elements(n) + 2);
    else if (!ir::has_flag(op, ir::kMovement))
      work += elements(n);
  }
  return work;
}

}  // namespace anneal::interp
