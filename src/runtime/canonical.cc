// SPDX-License-Identifier: MIT
#include "runtime/canonical.h"

#include "ir/builder.h"
#include "ir/walk.h"

namespace anneal::runtime {

using ir::Node;
using ir::Op;

Canonical canonicalize(ir::Graph& graph, std::span<const Node> roots, std::span<const Node> first) {
  const ir::OriginScope origin(graph);
  const ir::Builder b{graph};
  const std::vector<Node> order = ir::postorder(graph, roots);
  Canonical out;
  std::vector<Node> now(graph.id_limit()), sources;
  const auto add_leaf = [&](Node n) {
    const auto* param = std::get_if<ir::ParamArg>(&graph.arg(n));
    const std::string name = param == nullptr ? std::string() : param->name;
    const ir::Shape shape = graph.shape(n);
    now[n.id] = b.param(static_cast<int64_t>(out.leaves.size()), graph.dtype(n),
                        std::vector<ir::Dim>(shape.begin(), shape.end()), name);
    out.leaves.push_back(n);
  };
  for (Node n : first) add_leaf(n);
  for (Node n : order) {
    if (now[n.id]) continue;
    graph.set_origin(graph.origin(n));
    const Op op = graph.op(n);
    if (op == Op::Param || op == Op::Buffer) {
      add_leaf(n);
    } else if (op == Op::Alias || op == Op::StopGradient || op == Op::CustomGradient) {
      now[n.id] = now[graph.source(n, 0).id];
    } else {
      sources.clear();
      bool same = true;
      for (Node s : graph.sources(n)) {
        sources.push_back(now[s.id]);
        same = same && now[s.id] == s;
      }
      now[n.id] = same ? n : graph.intern({op, graph.dtype(n), graph.shape_id(n), sources, &graph.arg(n)});
    }
  }
  for (Node r : roots) out.roots.push_back(now[r.id]);
  return out;
}

}  // namespace anneal::runtime
