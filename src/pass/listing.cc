// SPDX-License-Identifier: MIT
#include "pass/listing.h"

#include <algorithm>

#include "ir/text.h"
#include "ir/walk.h"
#include "rules/rules.h"

namespace anneal::pass {
namespace {

// The argument as the text form has it: what stands between the sources and the type.
std::string argument_of(std::string_view line, std::string_view op, const std::vector<size_t>& sources) {
  std::string_view rest = line.substr(0, line.rfind(" : "));
  rest.remove_prefix(std::min(rest.size(), rest.find(" = ") + 3 + op.size()));
  for (size_t i = 0; i < sources.size(); ++i) {
    const size_t comma = rest.find(',');
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return std::string(rest.starts_with(' ') ? rest.substr(1) : rest);
}

}  // namespace

std::vector<ListedNode> list_nodes(const ir::Graph& graph, std::span<const ir::Node> roots) {
  // The printer numbers nodes in this order.
  const std::vector<ir::Node> order = ir::postorder(graph, roots, true);
  std::vector<size_t> index(graph.id_limit());
  for (size_t i = 0; i < order.size(); ++i) index[order[i].id] = i;
  const std::string text = ir::print(graph, roots);
  std::vector<ListedNode> rows;
  rows.reserve(order.size());
  size_t at = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const ir::Node n = order[i];
    const size_t end = text.find('\n', at);
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    const ir::Origin& origin = graph.origin(n);
    ListedNode& row = rows.emplace_back();
    row.node = n;
    row.index = i;
    row.op = ir::op_text(graph.op(n));
    row.dtype = dtype_name(graph.dtype(n));
    row.shape = ir::shape_text(graph, graph.shape(n));
    for (ir::Node s : graph.sources(n)) row.sources.push_back(index[s.id]);
    row.argument = argument_of(line, row.op, row.sources);
    row.phase = ir::kPhaseText[static_cast<size_t>(origin.phase)];
    row.path = graph.module_path(origin.path);
    const ir::Site& site = graph.site(origin.site);
    if (!site.file.empty()) row.site = site.file + ":" + std::to_string(site.line);
    row.rule = rules::rule_name(origin.rule);
  }
  return rows;
}

}  // namespace anneal::pass
