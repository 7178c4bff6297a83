// SPDX-License-Identifier: MIT
// anneal graph: the nodes of a program in the order of its text, with where each comes from.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "ir/text.h"
#include "pass/listing.h"

namespace anneal::cli {
namespace {

using Row = pass::ListedNode;

struct GraphOptions {
  std::string program;
  LoadOptions load;
  bool json = false, dot = false;
};

void print_listing(const Loaded& loaded, const std::vector<Row>& rows) {
  std::array<size_t, ir::kPhaseText.size()> counts{};
  for (const Row& row : rows)
    for (size_t p = 0; p < counts.size(); ++p) counts[p] += ir::kPhaseText[p] == row.phase;
  fmt::print("graph: {}{}\n", loaded.name, loaded.summary.empty() ? "" : ": " + loaded.summary);
  fmt::print("nodes: {} (", rows.size());
  for (size_t p = 0; p < counts.size(); ++p)
    fmt::print("{}{} {}", p == 0 ? "" : ", ", ir::kPhaseText[p], counts[p]);
  fmt::print("), results: {}\n", loaded.roots.size());
  for (const Row& row : rows) {
    std::string line = fmt::format("{:4} | {:<13} | {:<6} | {:<16} | [{}]", row.index, row.op, row.dtype,
                                   row.shape, fmt::join(row.sources, ","));
    if (!row.argument.empty()) line += " " + row.argument;
    line += fmt::format(" | {}", row.phase);
    if (!row.path.empty()) line += " | " + row.path;
    if (!row.site.empty()) line += " | " + row.site;
    if (!row.rule.empty()) line += fmt::format(" | rule {}", row.rule);
    fmt::print("{}\n", line);
  }
}

Json extents_of(const ir::Graph& graph, ir::Node n) {
  Json out = Json::array();
  for (const ir::Dim& d : graph.shape(n)) {
    if (d.is_const())
      out.push_back(d.value);
    else
      out.push_back(ir::dim_text(graph, d));
  }
  return out;
}

void print_json(const ir::Graph& graph, const Loaded& loaded, const std::vector<Row>& rows) {
  const auto text = [](const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  std::vector<size_t> index(graph.id_limit());
  for (const Row& row : rows) index[row.node.id] = row.index;
  Json results = Json::array();
  for (ir::Node root : loaded.roots) results.push_back(index[root.id]);
  fmt::print("{{\"name\":{},\"summary\":{},\"results\":{},\"nodes\":[", text(loaded.name),
             text(loaded.summary), text(results));
  for (const Row& row : rows) {
    const Json node{{"index", row.index},     {"op", row.op},
                    {"dtype", row.dtype},     {"shape", extents_of(graph, row.node)},
                    {"sources", row.sources}, {"arg", row.argument},
                    {"phase", row.phase},     {"path", row.path},
                    {"site", row.site},       {"rule", row.rule}};
    fmt::print("{}{}", row.index == 0 ? "\n" : ",\n", text(node));
  }
  fmt::print("\n]}}\n");
}

std::string dot_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Shapes, not colours, tell the phases apart.
void print_dot(const Loaded& loaded, const std::vector<Row>& rows) {
  fmt::print("digraph {} {{\n  node [shape=box, fontname=monospace];\n", dot_quoted(loaded.name));
  for (const Row& row : rows) {
    const std::string label = fmt::format("{} {}\n{}{}", row.op, row.argument, row.dtype, row.shape);
    std::string escaped;
    for (char c : dot_quoted(label)) escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
    const std::string_view shape = row.phase == "backward"    ? "ellipse"
                                   : row.phase == "optimizer" ? "hexagon"
                                                              : "box";
    fmt::print("  n{} [label={}, shape={}];\n", row.index, escaped, shape);
    for (size_t s : row.sources) fmt::print("  n{} -> n{};\n", s, row.index);
  }
  fmt::print("}}\n");
}

int run_graph(const GraphOptions& options) {
  ir::Graph& graph = ir::default_graph();
  const Loaded loaded = load_program(options.program, options.load);
  const std::vector<Row> rows = pass::list_nodes(graph, loaded.roots);
  if (options.json)
    print_json(graph, loaded, rows);
  else if (options.dot)
    print_dot(loaded, rows);
  else
    print_listing(loaded, rows);
  return 0;
}

}  // namespace

Action add_graph(Options& verb) {
  const auto options = std::make_shared<GraphOptions>();
  verb.argument("program", options->program, "a text file, or a model: mlp, dynmlp, conv, nanogpt, gpt2");
  verb.when_missing(model_table());
  verb.flag("--train", options->load.train, "with loss, gradients and optimizer");
  verb.option("--batch", options->load.batch, "how many examples", Range::kPositive);
  add_size_options(verb, options->load.sizes);
  verb.flag("--json", options->json, "as JSON");
  verb.flag("--dot", options->dot, "as a graph for Graphviz");
  verb.exclusive("--dot", "--json");
  return [options] { return run_graph(*options); };
}

}  // namespace anneal::cli
