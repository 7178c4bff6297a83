// SPDX-License-Identifier: MIT
// anneal explain: everything the tables know of an op, a rule, a pass, or a function of the API.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "anneal/transforms.h"
#include "autodiff/gradient.h"
#include "autodiff/op_docs.h"
#include "cli/common.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/scheduled.h"
#include "cli/verbs.h"
#include "conform/ops.h"
#include "io/message.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "pass/pass.h"
#include "rules/instance.h"
#include "rules/rules.h"
#include "support/dump.h"
#include "support/nearest.h"
#include "tensor/call.h"

namespace anneal::cli {
namespace {

using rewrite::PatternNode;
using rewrite::Rule;

// -- Ops --

bool starts_at(const Rule& rule, ir::Op op) {
  const PatternNode& root = rule.pattern.root();
  if (root.kind == PatternNode::Kind::kOp) return root.op == op;
  const ir::OpInfo& info = ir::op_info(op);
  const int given = root.num_children;  // 0: any number of sources
  const bool has_arity =
      given == 0 || (given >= info.min_sources && (info.max_sources < 0 || given <= info.max_sources));
  return root.kind == PatternNode::Kind::kAnyOp && (info.flags & root.flags) != 0 && has_arity;
}

std::vector<std::string_view> flag_names(const ir::OpInfo& info) {
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
  std::vector<std::string_view> out;
  for (const auto& [flag, name] : kNames)
    if (info.has(flag)) out.push_back(name);
  return out;
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

std::string_view class_text(const Rule& rule) {
  return rewrite::kFloatClassText[static_cast<size_t>(rule.float_class)];
}

void print_rule_line(const Rule& rule) {
  fmt::print("  {:<30} {}{}\n", rule.name, rule.law,
             rule.float_class == rewrite::FloatClass::kExact ? "" : fmt::format("  [{}]", class_text(rule)));
}

Json op_json(const ir::OpInfo& info) {
  const ir::Op op = *ir::op_from_text(info.text);
  Json rules = Json::array();
  for (const Rule& rule : rules::all_rules())
    if (starts_at(rule, op)) rules.push_back(rule.name);
  return {{"kind", "op"},
          {"name", info.text},
          {"meaning", info.meaning},
          {"takes", autodiff::signature_text(info)},
          {"flags", flag_names(info)},
          {"argument", argument_text(info.arg)},
          {"gradient", autodiff::gradient_info(op).text},
          {"rules", std::move(rules)}};
}

void explain_op(ir::Op op) {
  const ir::OpInfo& info = ir::op_info(op);
  fmt::print("{}: {}\n\n", info.text, info.meaning);
  fmt::print("takes      {}\nflags      {}\nargument   {}\n", autodiff::signature_text(info),
             info.flags == 0 ? "none" : fmt::format("{}", fmt::join(flag_names(info), ", ")),
             argument_text(info.arg));
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

// The smallest of a few examples, before and after; empty when none was found.
std::pair<std::string, std::string> instance_of(const Rule& rule) {
  constexpr int kTried = 24, kTriedForOne = 200000;
  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  rules::InstanceMaker maker(graph, rule, 1);
  std::pair<std::string, std::string> out;
  size_t least = SIZE_MAX;
  for (int i = 0; i < kTried; ++i) {
    const rules::Instance instance = maker.next(out.first.empty() ? kTriedForOne : 2000);
    if (!instance.before && out.first.empty()) break;  // more tries would take long
    if (!instance.before) continue;
    const std::span<const ir::Node> before(&instance.before, 1), after(&instance.after, 1);
    const size_t size = ir::postorder(graph, before).size();
    if (size >= least || graph.static_size(graph.shape_id(instance.before)) == 0) continue;
    least = size;
    out = {ir::print(graph, before), ir::print(graph, after)};
  }
  return out;
}

Json rule_json(const Rule& rule) {
  auto [before, after] = instance_of(rule);
  return {{"kind", "rule"},
          {"name", rule.name},
          {"law", rule.law},
          {"topic", rule.topic},
          {"floats", class_text(rule)},
          {"types", rule.types_text()},
          {"pattern", rule.pattern.text()},
          {"replacement", rule.replacement_text()},
          {"when", rule.guard.name},
          {"both_orders", rule.commutes},
          {"place", rule.place()},
          {"before", std::move(before)},
          {"after", std::move(after)}};
}

void explain_rule(const Rule& rule) {
  fmt::print("{}: {}\n\n", rule.name, rule.law);
  fmt::print("topic        {}\nfloats       {}\ntypes        {}\n", rule.topic, class_text(rule),
             rule.types_text());
  fmt::print("pattern      {}\nreplacement  {}\n", rule.pattern.text(), rule.replacement_text());
  if (rule.guard.holds != nullptr) fmt::print("when         {}\n", rule.guard.name);
  if (rule.commutes) fmt::print("also         with the sources of commutative ops the other way round\n");
  fmt::print("written at   {}\n", rule.place());
  const auto [before, after] = instance_of(rule);
  if (before.empty())
    fmt::print("\nno example was found\n");
  else
    fmt::print("\nbefore:\n{}\nafter:\n{}", before, after);
}

bool is_topic(std::string_view name) {
  const auto& all = rules::all_rules();
  return std::any_of(all.begin(), all.end(), [name](const Rule& rule) { return rule.topic == name; });
}

void list_topic(std::string_view name) {
  fmt::print("{}: rules\n", name);
  for (const Rule& rule : rules::all_rules())
    if (rule.topic == name) print_rule_line(rule);
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

struct ApiFunction {
  std::string_view name, header, declarations;  // a line each
};
constexpr ApiFunction kApi[] = {
#define ANNEAL_FUNCTION(name, header, declarations) {name, header, declarations},
#include "cli/functions.def"
#undef ANNEAL_FUNCTION
};

const ApiFunction* api_function(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kApi), std::end(kApi), [name](const ApiFunction& f) { return f.name == name; });
  return found == std::end(kApi) ? nullptr : found;
}

// A function of a few tensors without arguments that it must have; the result is undefined where it takes no
// such call. `slopes` are the gradients of the inputs, none where it has none.
struct Example {
  std::vector<Tensor> inputs;
  Tensor result;
  std::vector<Tensor> slopes = {};
};
std::vector<Tensor> slopes_of(const Example& example) {
  if (!is_float(example.result.dtype())) return {};
  const Tensor upstream = input(9, example.result.sizes(), example.result.dtype(), "upstream");
  return vjp({example.result}, {upstream}, example.inputs);
}
Example example_of(const conform::OpEntry& entry) {
  const nlohmann::json no_arguments = nlohmann::json::object();
  const conform::Args args(no_arguments);
  const Sizes shapes[][3] = {{{2, 3}, {2, 3}, {2, 3}},
                             {{2, 3}, {3, 4}, {4}},
                             {{2, 4, 6, 6}, {3, 4, 3, 3}, {3}},
                             {{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}};
  // As few inputs as it takes: where one is too few, the next is an operand that could have been an argument.
  const size_t most = std::min<size_t>(entry.max_inputs, 3);
  Example first;  // that could be made
  for (size_t count = std::max<size_t>(entry.min_inputs, 1); count <= std::max<size_t>(most, 1); ++count)
    for (const auto& shape : shapes) {
      Example example;
      for (size_t i = 0; i < count; ++i)
        example.inputs.push_back(input(static_cast<int64_t>(i), shape[std::min<size_t>(i, 2)], f32));
      try {
        const conform::Outputs outputs = entry.apply({example.inputs, args});
        if (outputs.values.empty()) continue;
        example.result = outputs.values[0];
        if (!first.result.defined()) first = example;
        example.slopes = slopes_of(example);
        return example;
      } catch (const Error&) {
        continue;  // not of these shapes, not so few, or without gradients
      }
    }
  return first;
}

struct FunctionTexts {
  std::string forward, gradients;
};
FunctionTexts function_texts(const Example& example) {
  FunctionTexts out;
  if (!example.result.defined()) return out;
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  const ir::Node root = node_of(example.result);
  out.forward = ir::print(graph, std::span(&root, 1));
  std::vector<ir::Node> roots;
  for (const Tensor& t : example.slopes) roots.push_back(node_of(t));
  if (!roots.empty()) out.gradients = ir::print(graph, roots);
  return out;
}

// The reference operations have names of their own where the API has none: those are explained too.
bool is_reference_op(std::string_view name) {
  const std::vector<std::string_view> names = conform::op_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_function(std::string_view name) { return api_function(name) != nullptr || is_reference_op(name); }

FunctionTexts function_texts(std::string_view name) {
  return is_reference_op(name) ? function_texts(example_of(conform::find_op(name))) : FunctionTexts{};
}

void explain_function(std::string_view name) {
  const ApiFunction* api = api_function(name);
  fmt::print("{}: {}\n", name, api != nullptr ? "a function of the API" : "a reference operation");
  if (api != nullptr) fmt::print("\nin include/anneal/{}:\n{}", api->header, api->declarations);
  const FunctionTexts texts = function_texts(name);
  if (!texts.forward.empty()) fmt::print("\nforward, for example:\n{}", texts.forward);
  if (!texts.gradients.empty()) fmt::print("\ngradients of its operands:\n{}", texts.gradients);
}

Json function_json(std::string_view name) {
  const ApiFunction* api = api_function(name);
  const FunctionTexts texts = function_texts(name);
  return {{"kind", "function"},
          {"name", name},
          {"header", api == nullptr ? "" : api->header},
          {"declarations", api == nullptr ? "" : api->declarations},
          {"forward", texts.forward},
          {"gradients", texts.gradients}};
}

void list_functions() {
  for (const ApiFunction& f : kApi) fmt::print("{}\n", f.name);
  fmt::print("\n{} functions\n", std::size(kApi));
}

// -- Passes --

const pass::Pass* pass_named(std::string_view name) {
  for (const pass::Pass& p : pass::all_passes())
    if (p.name == name) return &p;
  return nullptr;
}

std::string_view stage_text(std::optional<ir::Stage> stage, std::string_view none) {
  return stage ? ir::kStageText[static_cast<size_t>(*stage)] : none;
}

Json pass_json(const pass::Pass& p) {
  return {{"kind", "pass"},
          {"name", p.name},
          {"meaning", p.description},
          {"needs", stage_text(p.in, "any")},
          {"gives", stage_text(p.out, "the same")}};
}

void explain_pass(const pass::Pass& p) {
  fmt::print(
      "{}: {}\n\nneeds      stage: {}\ngives      stage: {}\nrun        anneal opt --passes={} PROGRAM\n",
      p.name, p.description, stage_text(p.in, "any"), stage_text(p.out, "the same"), p.name);
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
  for (const Rule& rule : rules::all_rules())
    if (all.back() != rule.topic) all.push_back(rule.topic);
  for (const ApiFunction& function : kApi) all.push_back(function.name);
  for (std::string_view function : conform::op_names()) all.push_back(function);
  for (const pass::Pass& p : pass::all_passes()) all.push_back(p.name);
  for (const support::StageInfo& s : support::all_stages()) all.push_back(s.name);
  raise(ErrorCode::kName,
        fmt::format("nothing is called '{}'{}\nops: {}\nmore: ops, rules, passes, "
                    "functions, or the name of one of them",
                    name, support::nearest_hint("; the nearest is '", name.substr(0, 100), all, "'"),
                    fmt::join(ops, ", ")));
}

// Behind the passes over graphs.
const support::StageInfo* stage_named(std::string_view name) {
  for (const support::StageInfo& s : support::all_stages())
    if (s.name == name) return &s;
  return nullptr;
}

Json stage_json(const support::StageInfo& s) {
  return {
      {"kind", "stage"}, {"name", s.name}, {"meaning", s.meaning}, {"needs", s.needs}, {"gives", s.gives}};
}

void explain_stage(const support::StageInfo& s) {
  fmt::print("{}: {}\n\nneeds      {}\ngives      {}\nsee        ANNEAL_DUMP={} anneal kernels PROGRAM\n",
             s.name, s.meaning, s.needs, s.gives, s.name);
}

void list_passes() {
  fmt::print("passes over graphs: anneal opt --passes=NAME,NAME\n");
  for (const pass::Pass& p : pass::all_passes())
    fmt::print("  {:<20} {:>6} -> {:<8} {}\n", p.name, stage_text(p.in, "any"), stage_text(p.out, "the same"),
               p.description);
  fmt::print("\nstages of the compiler, in order: ANNEAL_DUMP=NAME,NAME\n");
  for (const support::StageInfo& s : support::all_stages())
    fmt::print("  {:<20} {:>6} -> {:<8} {}\n", s.name, s.needs, s.gives, s.meaning);
}

int explain_as_text(const std::string& name) {
  if (name == "ops")
    list_ops();
  else if (name == "rules")
    list_rules();
  else if (name == "passes")
    list_passes();
  else if (name == "functions")
    list_functions();
  else if (const std::optional<ir::Op> op = ir::op_from_text(name))
    explain_op(*op);
  else if (const Rule* rule = rules::find_rule(name))
    explain_rule(*rule);
  else if (const pass::Pass* p = pass_named(name))
    explain_pass(*p);
  else if (const support::StageInfo* stage = stage_named(name))
    explain_stage(*stage);
  else if (is_function(name))
    explain_function(name);
  else if (is_topic(name))
    list_topic(name);
  else
    raise_nothing_known(name);
  return 0;
}

int explain_as_json(const std::string& name) {
  Json out = Json::array();
  if (name == "ops") {
    for (const ir::OpInfo& info : ir::kOpTable) out.push_back(op_json(info));
  } else if (name == "rules") {
    for (const Rule& rule : rules::all_rules()) out.push_back(rule_json(rule));
  } else if (name == "passes") {
    for (const pass::Pass& p : pass::all_passes()) out.push_back(pass_json(p));
    for (const support::StageInfo& s : support::all_stages()) out.push_back(stage_json(s));
  } else if (name == "functions") {
    for (const ApiFunction& f : kApi)
      out.push_back(
          {{"kind", "function"}, {"name", f.name}, {"header", f.header}, {"declarations", f.declarations}});
  } else if (const std::optional<ir::Op> op = ir::op_from_text(name)) {
    out = op_json(ir::op_info(*op));
  } else if (const Rule* rule = rules::find_rule(name)) {
    out = rule_json(*rule);
  } else if (const pass::Pass* p = pass_named(name)) {
    out = pass_json(*p);
  } else if (const support::StageInfo* s = stage_named(name)) {
    out = stage_json(*s);
  } else if (is_function(name)) {
    out = function_json(name);
  } else if (is_topic(name)) {
    for (const Rule& each : rules::all_rules())
      if (each.topic == name) out.push_back(rule_json(each));
  } else {
    raise_nothing_known(name);
  }
  fmt::print("{}\n", out.dump(1));
  return 0;
}

}  // namespace

namespace {

struct Question {
  std::string name;
  std::vector<std::string> rest;
  std::string program;  // empty: that of `request`
  ScheduleRequest request;
  KernelQuestion kernel;
  bool llvm = false, assembly = false, json = false;
};

// Those that are about a program.
int explain_fuse(const Question& asked) {
  if (asked.rest.size() != 2)
    raise(ErrorCode::kArgument, "explain fuse takes two kernels or modules\nsee anneal explain --help");
  return explain_fuse(asked.request, asked.rest[0], asked.rest[1], asked.json);
}

int explain_kernel(const Question& asked) {
  if (asked.rest.size() != 1)
    raise(ErrorCode::kArgument,
          "explain kernel takes the name or number of one; anneal kernels PROGRAM lists them\n"
          "see anneal explain --help");
  KernelQuestion question = asked.kernel;
  question.name = asked.rest[0];
  question.json = asked.json;
  if (asked.llvm) question.forms.emplace_back("llvm");
  if (asked.assembly) question.forms.emplace_back("asm");
  return explain_kernel(asked.request, question);
}

int explain_mem(const Question& asked) {
  if (asked.rest.size() > 1) raise(ErrorCode::kArgument, "explain mem takes one program");
  ScheduleRequest request = asked.request;
  if (!asked.rest.empty() && !asked.program.empty())
    raise(ErrorCode::kArgument, "explain mem takes one program, not both " + io::printable(asked.rest[0]) +
                                    " and --program " + io::printable(asked.program));
  if (!asked.rest.empty()) request.program = asked.rest[0];
  return explain_mem(request, asked.json);
}

int explain(Question asked) {
  if (!asked.program.empty()) asked.request.program = asked.program;
  if (asked.name == "fuse") return explain_fuse(asked);
  if (asked.name == "kernel") return explain_kernel(asked);
  if (asked.name == "mem") return explain_mem(asked);
  if (!asked.rest.empty())
    raise(ErrorCode::kArgument, "only explain fuse, kernel and mem take more than one name");
  const std::string lower = lower_case(asked.name);
  return asked.json ? explain_as_json(lower) : explain_as_text(lower);
}

}  // namespace

Action add_explain(Options& verb) {
  const auto asked = std::make_shared<Question>();
  verb.argument(
      "name", asked->name,
      "an op, a rule, a pass, a stage, a function; or ops, rules, passes, functions; or fuse, kernel, "
      "mem");
  verb.rest("of", asked->rest,
            "of fuse: two kernels or modules, by name, number or path (0. is a module, 0 a kernel); of "
            "kernel: its name or number; of mem: "
            "the program");
  verb.option("--program", asked->program, "of fuse, kernel and mem: a text file or a model");
  add_schedule_options(verb, asked->request);
  verb.option("--form", asked->kernel.forms, "of kernel: the device's code instead, in one of its forms");
  verb.flag("--llvm", asked->llvm, "of kernel: the same as --form llvm");
  verb.flag("--asm", asked->assembly, "of kernel: the same as --form asm");
  verb.flag("--json", asked->json, "as JSON");
  return [asked] { return explain(*asked); };
}

}  // namespace anneal::cli
