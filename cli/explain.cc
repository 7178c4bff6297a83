// SPDX-License-Identifier: MIT
// anneal explain: everything the tables know of an op, a rule, or a function of the API.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "anneal/transforms.h"
#include "autodiff/gradient.h"
#include "autodiff/op_docs.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "conform/ops.h"
#include "ir/text.h"
#include "pass/pass.h"
#include "rules/instance.h"
#include "rules/rules.h"
#include "support/nearest.h"
#include "tensor/call.h"

#include <nlohmann/json.hpp>

namespace anneal::cli {
namespace {

using rewrite::PatternNode;
using rewrite::Rule;

// -- Ops --

bool starts_at(const Rule& rule, ir::Op op) {
  const PatternNode& root = rule.pattern.root();
  if (root.kind == PatternNode::Kind::kOp) return root.op == op;
  return root.kind == PatternNode::Kind::kAnyOp && (ir::op_info(op).flags & root.flags) != 0;
}

std::string flags_text(const ir::OpInfo& info) {
  constexpr std::pair<ir::OpFlag, std::string_view> kNames[] = {
      {ir::kLeaf, "leaf"},
      {ir::kElementwise, "elementwise"},
      {ir::kMovement, "movement"},
      {ir::kCommutative, "commutative"},
      {ir::kAssociative, "associative"},
      {ir::kIdempotent, "idempotent"},
      {ir::kIdempotentUnary, "idempotent"},
      {ir::kComparison, "comparison"},
      {ir::kTranscendental, "transcendental"},
      {ir::kIndexOp, "index arithmetic"},
      {ir::kUnique, "each node its own value"},
  };
  std::string out;
  for (const auto& [flag, name] : kNames)
    if (info.has(flag)) out += (out.empty() ? "" : ", ") + std::string(name);
  return out.empty() ? "none" : out;
}

std::string argument_text(ir::ArgKind kind) {
  switch (kind) {
    case ir::ArgKind::None: return "none";
    case ir::ArgKind::Const: return "a value";
    case ir::ArgKind::Var: return "a name, min, max, and what it is a multiple of";
    case ir::ArgKind::Range: return "a number, and loop or reduce";
    case ir::ArgKind::Param: return "a number and a name";
    case ir::ArgKind::Buffer: return "the number of the buffer";
    case ir::ArgKind::Axis: return "an axis";
    case ir::ArgKind::Lane: return "which of two words, 0 or 1";
    case ir::ArgKind::Perm: return "the source axis of each axis";
    case ir::ArgKind::Pad: return "low, high and interior of each axis";
    case ir::ArgKind::Slice: return "start and step of each axis";
    case ir::ArgKind::Axes: return "a set of axes";
    case ir::ArgKind::Reduce: return "add, mul, max or min, and a set of axes";
    case ir::ArgKind::Scan: return "add, mul, max or min, an axis, and whether from the end";
    case ir::ArgKind::Sort: return "an axis, and whether descending";
    case ir::ArgKind::Scatter: return "add or set, and an axis";
    case ir::ArgKind::Custom: return "the number of the gradient function";
  }
  return "";
}

void print_rule_line(const Rule& rule) {
  fmt::print("  {:<30} {}{}\n", rule.name, rule.law,
             rule.float_class == rewrite::FloatClass::kExact
                 ? ""
                 : fmt::format("  [{}]", rewrite::kFloatClassText[static_cast<size_t>(rule.float_class)]));
}

void explain_op(ir::Op op) {
  const ir::OpInfo& info = ir::op_info(op);
  fmt::print("{}: {}\n\n", info.text, info.meaning);
  fmt::print("takes      {}\nflags      {}\nargument   {}\n", autodiff::signature_text(info),
             flags_text(info), argument_text(info.arg));
  const autodiff::GradientInfo gradient = autodiff::gradient_info(op);
  fmt::print("gradient   {}{}\n", gradient.kind == autodiff::GradientKind::kNone ? "none: " : "",
             gradient.text);
  fmt::print("\nrules that start at it:\n");
  size_t count = 0;
  for (const Rule& rule : rules::all_rules())
    if (starts_at(rule, op)) {
      print_rule_line(rule);
      ++count;
    }
  if (count == 0) fmt::print("  none\n");
}

void list_ops() {
  for (const ir::OpInfo& info : ir::kOpTable) fmt::print("{:<16} {}\n", info.text, info.meaning);
}

// -- Rules --

void explain_rule(const Rule& rule) {
  fmt::print("{}: {}\n\n", rule.name, rule.law);
  fmt::print("topic        {}\nfloats       {}\ntypes        {}\n", rule.topic,
             rewrite::kFloatClassText[static_cast<size_t>(rule.float_class)], rule.types_text());
  fmt::print("pattern      {}\nreplacement  {}\n", rule.pattern.text(), rule.replacement_text());
  if (rule.guard.holds != nullptr) fmt::print("when         {}\n", rule.guard.name);
  if (rule.commutes) fmt::print("also         with the sources of commutative ops the other way round\n");
  fmt::print("written at   {}\n", rule.place());

  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  rules::InstanceMaker maker(graph, rule, 1);
  const rules::Instance instance = maker.next();
  if (!instance.before) {
    fmt::print("\nno example was found\n");
    return;
  }
  fmt::print("\nbefore:\n{}\nafter:\n{}", ir::print(graph, std::span(&instance.before, 1)),
             ir::print(graph, std::span(&instance.after, 1)));
}

void list_rules() {
  std::string_view topic;
  for (const Rule& rule : rules::all_rules()) {
    if (rule.topic != topic) {
      fmt::print("{}{}:\n", topic.empty() ? "" : "\n", rule.topic);
      topic = rule.topic;
    }
    print_rule_line(rule);
  }
  fmt::print("\n{} rules\n", rules::all_rules().size());
}

// -- Functions of the API --

// A function of a few tensors without arguments that it must have; the result is undefined where it takes no
// such call.
struct Example {
  std::vector<Tensor> inputs;
  Tensor result;
};
Example example_of(const conform::OpEntry& entry) {
  const nlohmann::json no_arguments = nlohmann::json::object();
  const conform::Args args(no_arguments);
  const Sizes shapes[][3] = {{{2, 3}, {2, 3}, {2, 3}},
                             {{2, 3}, {3, 4}, {4}},
                             {{2, 4, 6, 6}, {3, 4, 3, 3}, {3}},
                             {{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}};
  for (const auto& shape : shapes) {
    Example example;
    for (size_t i = 0; i < std::max<size_t>(entry.min_inputs, 1); ++i)
      example.inputs.push_back(input(static_cast<int64_t>(i), shape[std::min<size_t>(i, 2)], f32));
    try {
      example.result = entry.apply({example.inputs, args}).values[0];
      return example;
    } catch (const Error&) {
      continue;  // not of these shapes
    }
  }
  return {};
}

bool explain_function(std::string_view name) {
  const std::vector<std::string_view> names = conform::op_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) return false;
  const Example example = example_of(conform::find_op(name));
  fmt::print("{}: a function over ops\n", name);
  if (!example.result.defined()) {
    fmt::print("\nit needs arguments; see include/anneal/functions.h\n");
    return true;
  }
  std::vector<Tensor> slopes;
  if (is_float(example.result.dtype())) {
    const Tensor upstream = input(9, example.result.sizes(), example.result.dtype(), "upstream");
    slopes = vjp({example.result}, {upstream}, example.inputs);
  }
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  const ir::Node root = node_of(example.result);
  fmt::print("\nforward, for example:\n{}", ir::print(graph, std::span(&root, 1)));
  std::vector<ir::Node> roots;
  for (const Tensor& t : slopes) roots.push_back(node_of(t));
  if (!roots.empty()) fmt::print("\ngradients of its operands:\n{}", ir::print(graph, roots));
  return true;
}

// -- Which of them --

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

[[noreturn]] void raise_nothing_known(std::string_view name) {
  std::vector<std::string_view> ops, all;
  for (const ir::OpInfo& info : ir::kOpTable) ops.push_back(info.text);
  all = ops;
  for (const Rule& rule : rules::all_rules()) all.push_back(rule.name);
  for (std::string_view function : conform::op_names()) all.push_back(function);
  raise(ErrorCode::kName,
        fmt::format("nothing is called '{}'; the nearest is '{}'\nops: {}\nmore: ops, rules, passes, the "
                    "name of a rule or a "
                    "function of the API",
                    name, support::nearest_name(name.substr(0, 100), all), fmt::join(ops, ", ")));
}

int run_explain(const std::string& given) {
  const std::string name = lower_case(given);
  if (name == "ops") {
    list_ops();
  } else if (name == "rules") {
    list_rules();
  } else if (name == "passes") {
    for (const pass::Pass& p : pass::all_passes()) fmt::print("{:<20} {}\n", p.name, p.description);
  } else if (const std::optional<ir::Op> op = ir::op_from_text(name)) {
    explain_op(*op);
  } else if (const Rule* rule = rules::find_rule(name)) {
    explain_rule(*rule);
  } else if (!explain_function(name)) {
    raise_nothing_known(given);
  }
  return 0;
}

}  // namespace

Action add_explain(CLI::App& verb) {
  const auto name = std::make_shared<std::string>();
  verb.add_option("name", *name, "an op, a rule, a function; or ops, rules, passes")->required();
  return [name] { return run_explain(*name); };
}

}  // namespace anneal::cli
