// SPDX-License-Identifier: MIT
// The printer half of text.h. Everything per op comes from the op table; everything per argument is here.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <unordered_map>

#include "ir/text.h"
#include "ir/walk.h"
#include "support/number_text.h"

namespace anneal::ir {
namespace {

// How a node is called in the text.
using Names = std::unordered_map<uint32_t, uint32_t>;

class Printer {
 public:
  Printer(const Graph& graph, const Names* names) : graph_(graph), names_(names) {}

  void line(Node n, std::string& out) {
    out += op_text(graph_.op(n));
    bool first = true;
    for (Node s : graph_.sources(n)) {
      out += first ? " " : ", ";
      first = false;
      out += ref(s);
    }
    argument(n, first, out);
    if (graph_.op(n) != Op::Sink) out += " : " + type(n);
  }

  std::string ref(Node n) const { return fmt::format("%{}", names_ == nullptr ? n.id : names_->at(n.id)); }

  std::string type(Node n) const {
    std::string out(dtype_name(graph_.dtype(n)));
    if (graph_.rank(n) != 0) out += dims(graph_.shape(n));
    return out;
  }

 private:
  // In a program the node of the extent; in a line by itself, where that node is not to be seen, its text.
  std::string dim(const Dim& d) const {
    return d.is_const() ? fmt::format("{}", d.value) : names_ == nullptr ? dim_text(graph_, d) : ref(d.expr);
  }
  std::string dims(Shape shape) const {
    std::string out = "[";
    for (size_t i = 0; i < shape.size(); ++i) out += (i == 0 ? "" : ",") + dim(shape[i]);
    return out + "]";
  }
  static std::string ints(std::span<const int64_t> v) {
    std::string out = "[";
    for (size_t i = 0; i < v.size(); ++i) out += (i == 0 ? "" : ",") + fmt::format("{}", v[i]);
    return out + "]";
  }
  static std::string mask(AxisMask axes) {
    std::vector<int64_t> v;
    for (int i = 0; i < 32; ++i)
      if ((axes >> i & 1) != 0) v.push_back(i);
    return ints(v);
  }
  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
      if (c == '"' || c == '\\')
        out += fmt::format("\\{}", c);
      else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      else
        out += c;
    }
    return out + "\"";
  }

  void argument(Node n, bool first, std::string& out);
  uint64_t serial(uint64_t raw) {
    return names_ == nullptr ? raw : serials_.emplace(raw, serials_.size()).first->second;
  }

  const Graph& graph_;
  const Names* names_;
  std::unordered_map<uint64_t, uint64_t> serials_;  // buffers and functions, in order of first use
};

std::string scalar_text(Scalar value, DType t) {
  if (is_bool(t)) return value.bits != 0 ? "true" : "false";
  if (!is_float(t))
    return t == DType::kU64 ? fmt::format("{}", value.bits) : fmt::format("{}", value.as_int(t));
  const double v = value.as_double(t);
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  if (t != DType::kF64) {
    // Digits that are enough for a float may round to another double: then those of the double are needed.
    const std::string shortest = fmt::format("{}", static_cast<float>(v));
    double read = 0;
    support::parse_double(shortest, &read);
    if (Scalar::from_double(read, t) == value) return shortest;
  }
  return fmt::format("{}", v);
}

void Printer::argument(Node n, bool first, std::string& out) {
  const auto item = [&](std::string text) {
    out += first ? " " : ", ";
    first = false;
    out += text;
  };
  const Arg& arg = graph_.arg(n);
  if (const auto* c = std::get_if<ConstArg>(&arg)) {
    item(scalar_text(c->value, graph_.dtype(n)));
  } else if (const auto* v = std::get_if<VarArg>(&arg)) {
    item(quoted(v->name));
    item(fmt::format("min={}", v->min));
    item(fmt::format("max={}", v->max));
    if (v->multiple_of != 1) item(fmt::format("multiple={}", v->multiple_of));
  } else if (const auto* r = std::get_if<RangeArg>(&arg)) {
    item(fmt::format("id={}", r->id));
    item(fmt::format("kind={}", kAxisKindText[static_cast<size_t>(r->kind)]));
  } else if (const auto* p = std::get_if<ParamArg>(&arg)) {
    item(fmt::format("{}", p->index));
    if (!p->name.empty()) item(quoted(p->name));
  } else if (const auto* b = std::get_if<BufferArg>(&arg)) {
    item(fmt::format("{}", serial(b->serial)));
  } else if (const auto* axis = std::get_if<AxisArg>(&arg)) {
    item(fmt::format("axis={}", axis->axis));
  } else if (const auto* lane = std::get_if<LaneArg>(&arg)) {
    item(fmt::format("lane={}", lane->lane));
  } else if (const auto* perm = std::get_if<PermArg>(&arg)) {
    item("perm=" + ints(std::vector<int64_t>(perm->perm.begin(), perm->perm.end())));
  } else if (const auto* pad = std::get_if<PadArg>(&arg)) {
    item("low=" + dims(pad->low));
    item("high=" + dims(pad->high));
    if (pad->interior != std::vector<int64_t>(pad->interior.size(), 0))
      item("interior=" + ints(pad->interior));
  } else if (const auto* slice = std::get_if<SliceArg>(&arg)) {
    item("start=" + dims(slice->start));
    if (slice->step != std::vector<int64_t>(slice->step.size(), 1)) item("step=" + ints(slice->step));
  } else if (const auto* axes = std::get_if<AxesArg>(&arg)) {
    item("axes=" + mask(axes->axes));
  } else if (const auto* reduce = std::get_if<ReduceArg>(&arg)) {
    item(fmt::format("op={}", kReduceOpText[static_cast<size_t>(reduce->op)]));
    item("axes=" + mask(reduce->axes));
  } else if (const auto* scan = std::get_if<ScanArg>(&arg)) {
    item(fmt::format("op={}", kReduceOpText[static_cast<size_t>(scan->op)]));
    item(fmt::format("axis={}", scan->axis));
    if (scan->reverse) item("reverse=true");
  } else if (const auto* sort = std::get_if<SortArg>(&arg)) {
    item(fmt::format("axis={}", sort->axis));
    if (sort->descending) item("descending=true");
  } else if (const auto* scatter = std::get_if<ScatterArg>(&arg)) {
    item(fmt::format("mode={}", kScatterModeText[static_cast<size_t>(scatter->mode)]));
    item(fmt::format("axis={}", scatter->axis));
  } else if (const auto* custom = std::get_if<CustomArg>(&arg)) {
    item(fmt::format("function={}", serial(custom->serial)));
  }
}

constexpr size_t kMaxInfixNodes = 64, kMaxInfixText = 400;
constexpr std::string_view kLongInfix = "(a long expression)";

// a + b, and a - c for a + -c; `sign` is '+' or '-'.
std::string joined(const std::string& a, char sign, std::string_view b) {
  if (b.starts_with('-')) {
    sign = sign == '+' ? '-' : '+';
    b.remove_prefix(b.starts_with("-1*") ? 3 : 1);
  }
  return a + " " + sign + " " + std::string(b);
}

// Infix text of an index expression, for people. Sources are small, so texts are joined bottom-up.
std::string infix(const Graph& graph, Node root) {
  const std::vector<Node> order = postorder(graph, std::span(&root, 1));
  if (order.size() > kMaxInfixNodes) return std::string(kLongInfix);
  std::unordered_map<uint32_t, std::string> text;
  const auto of = [&](Node n, bool in_product) {
    const Op op = graph.op(n);
    return in_product && (op == Op::Add || op == Op::Sub) ? "(" + text[n.id] + ")" : text[n.id];
  };
  for (Node n : order) {
    const std::span<const Node> s = graph.sources(n);
    std::string& t = text[n.id];
    switch (graph.op(n)) {
      case Op::Const: t = scalar_text(graph.const_value(n), graph.dtype(n)); break;
      case Op::Var: t = graph.arg_as<VarArg>(n).name; break;
      case Op::Range: t = fmt::format("r{}", graph.arg_as<RangeArg>(n).id); break;
      case Op::Add: t = joined(of(s[0], false), '+', of(s[1], false)); break;
      case Op::Sub: t = joined(of(s[0], false), '-', of(s[1], true)); break;
      case Op::Mul: t = of(s[1], true) + "*" + of(s[0], true); break;
      default: {
        t = std::string(op_text(graph.op(n))) + "(";
        for (size_t i = 0; i < s.size(); ++i) t += (i == 0 ? "" : ", ") + text[s[i].id];
        t += ")";
      }
    }
    if (t.size() > kMaxInfixText) return std::string(kLongInfix);
  }
  return text[root.id];
}

}  // namespace

std::string print(const Graph& graph, std::span<const Node> given) {
  std::vector<Node> roots;  // a sink stands for its sources
  for (Node n : given) {
    const std::span<const Node> results = graph.op(n) == Op::Sink ? graph.sources(n) : std::span(&n, 1);
    roots.insert(roots.end(), results.begin(), results.end());
  }
  const std::vector<Node> order = postorder(graph, roots, true);
  Names names;
  names.reserve(order.size());
  for (Node n : order) names.emplace(n.id, static_cast<uint32_t>(names.size()));
  Printer printer(graph, &names);
  std::string out;
  for (Node n : order) {
    out += fmt::format("%{} = ", names.at(n.id));
    printer.line(n, out);
    out += '\n';
  }
  out += "sink";
  for (size_t i = 0; i < roots.size(); ++i) out += (i == 0 ? " " : ", ") + printer.ref(roots[i]);
  out += '\n';
  return out;
}

std::string node_text(const Graph& graph, Node n) {
  std::string out = fmt::format("%{} = ", n.id);
  Printer(graph, nullptr).line(n, out);
  return out;
}

std::string type_text(const Graph& graph, Node n) {
  std::string out(dtype_name(graph.dtype(n)));
  if (graph.rank(n) != 0) out += shape_text(graph, graph.shape(n));
  return out;
}

std::string shape_text(const Graph& graph, Shape shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i == 0 ? "" : ",") + dim_text(graph, shape[i]);
  return out + "]";
}

std::string dim_text(const Graph& graph, Dim d) {
  return d.is_const() ? fmt::format("{}", d.value) : infix(graph, d.expr);
}

}  // namespace anneal::ir
