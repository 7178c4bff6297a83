// SPDX-License-Identifier: MIT
#include "schedule/updates.h"

#include <algorithm>

#include "ir/op.h"

namespace anneal::schedule {

using ir::Node;
using ir::Op;

namespace {

bool is_elementwise(const ir::Graph& graph, Node n) { return has_flag(graph.op(n), ir::kElementwise); }

// Not more than one source has elements of its own: what scales a gradient, not what adds two of them up.
bool follows_one(const ir::Graph& graph, Node n) {
  Node only;
  for (const Node s : graph.sources(n)) {
    if (graph.shape(s).empty() || s == only) continue;
    if (only) return false;
    only = s;
  }
  return true;
}

}  // namespace

std::vector<bool> update_nodes(const ir::Graph& graph, std::span<const Node> order,
                               std::span<const Node> roots, std::span<const int32_t> replaced) {
  std::vector<bool> marks(graph.id_limit(), false);
  if (std::all_of(replaced.begin(), replaced.end(), [](int32_t input) { return input < 0; })) return marks;
  // What is made of the old value, element by element.
  std::vector<bool> continues(graph.id_limit(), false);
  for (const Node n : order) {
    if (graph.op(n) == Op::Param) {
      const int64_t input = graph.arg_as<ir::ParamArg>(n).index;
      continues[n.id] = std::any_of(replaced.begin(), replaced.end(), [&](int32_t r) { return r == input; });
    } else if (is_elementwise(graph, n)) {
      const std::span<const Node> sources = graph.sources(n);
      continues[n.id] = std::any_of(sources.begin(), sources.end(), [&](Node s) { return continues[s.id]; });
    }
  }
  std::vector<bool> read_elsewhere(graph.id_limit(), false);
  for (size_t i = 0; i < roots.size(); ++i)
    if (i >= replaced.size() || replaced[i] < 0) read_elsewhere[roots[i].id] = true;
  for (size_t i = order.size(); i-- > 0;) {
    const Node n = order[i];
    marks[n.id] =
        !read_elsewhere[n.id] && is_elementwise(graph, n) && (continues[n.id] || follows_one(graph, n));
    if (!marks[n.id])
      for (const Node s : graph.sources(n)) read_elsewhere[s.id] = true;
  }
  return marks;
}

bool scatters_into(const ir::Graph& graph, Node n, int32_t replaced) {
  if (replaced < 0 || graph.op(n) != Op::Scatter) return false;
  const auto* param = std::get_if<ir::ParamArg>(&graph.arg(graph.source(n, 0)));
  return param != nullptr && param->index == replaced;
}

}  // namespace anneal::schedule
