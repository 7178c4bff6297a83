// SPDX-License-Identifier: MIT
#include "loop/print.h"

#include <algorithm>
#include <unordered_map>

#include "ir/side_table.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::loop {

using ir::Op;

namespace {

class Printer {
 public:
  Printer(const ir::Graph& graph, const Program& program, Node kernel) : graph_(graph), program_(program) {
    uint32_t number = 0;
    for (Node n : ir::postorder(graph, std::span(&kernel, 1), true)) numbers_.set(n, ++number);
  }
  Printer(const ir::Graph& graph, const Program& program) : Printer(graph, program, program.kernel) {}
  std::string run();
  std::string contraction(const ContractionProgram& c) const;

 private:
  struct Frame {
    const Body* body;
    size_t next = 0;
    size_t lets = 0;  // made around it
    Node sort = {};   // whose body it is
  };

  std::string name(Node n) const;
  std::string phases() const;
  std::string loop(Node range) const { return name(range) + ":0.." + extent(range); }
  std::string extent(Node range) const { return dim_text(graph_, as_dim(graph_.source(range, 0))); }
  ir::Dim as_dim(Node n) const {
    return graph_.is_const(n) ? ir::Dim(graph_.const_value(n).as_int(graph_.dtype(n))) : ir::Dim(n);
  }
  bool is_let(Node n) const { return std::find(lets_.begin(), lets_.end(), n) != lets_.end(); }
  std::string value(Node root) const;
  std::string text(Node root, bool is_being_made) const;
  std::string expression(Node n, const std::vector<std::string>& parts, bool is_outermost) const;
  std::string store(Node n) const;
  std::string sort(Node n) const;
  std::string line(const Statement& s) const;

  const ir::Graph& graph_;
  const Program& program_;
  ir::SideTable<uint32_t> numbers_;  // from 1
  std::vector<Node> lets_;           // made so far
};

std::string Printer::name(Node n) const {
  switch (graph_.op(n)) {
    case Op::Range: return "r" + std::to_string(graph_.arg_as<ir::RangeArg>(n).id);
    case Op::Var: return graph_.arg_as<ir::VarArg>(n).name;
    case Op::Const: {
      std::string text = node_text(graph_, n);  // "%3 = const 0.5 : f32"
      const size_t from = text.find("const ") + 6;
      return text.substr(from, text.find(" :", from) - from);
    }
    case Op::Param: return "slot " + std::to_string(graph_.arg_as<ir::ParamArg>(n).index);
    default: return "%" + std::to_string(numbers_.get(n) - 1);
  }
}

// The value as it is written where it is used: a name, or an expression over names.
std::string Printer::value(Node root) const { return text(root, false); }

std::string Printer::text(Node root, bool is_being_made) const {
  std::unordered_map<uint32_t, std::string> known;
  std::vector<Node> stack = {root};
  while (!stack.empty()) {
    const Node n = stack.back();
    const bool has_name =
        ir::has_flag(graph_.op(n), ir::kLeaf) || graph_.op(n) == Op::Accumulate || is_let(n);
    const size_t before = stack.size();
    if (!has_name || (n == root && is_being_made))
      for (Node s : graph_.sources(n))
        if (!known.contains(s.id)) stack.push_back(s);
    if (stack.size() != before) continue;
    stack.pop_back();
    if (has_name && !(n == root && is_being_made)) {
      known[n.id] = name(n);
      continue;
    }
    std::vector<std::string> parts;
    for (Node s : graph_.sources(n)) parts.push_back(known.at(s.id));
    known[n.id] = expression(n, parts, n == root && is_being_made);
  }
  return known.at(root.id);
}

std::string Printer::expression(Node n, const std::vector<std::string>& parts, bool is_outermost) const {
  const Op op = graph_.op(n);
  if (op == Op::Load)
    return "load " + parts[0] + " [" + parts[1] + "]" + (parts.size() == 3 ? " if " + parts[2] : "");
  const char* sign = op == Op::Add ? " + " : op == Op::Sub ? " - " : op == Op::Mul ? " * " : nullptr;
  if (sign != nullptr)
    return is_outermost ? parts[0] + sign + parts[1] : "(" + parts[0] + sign + parts[1] + ")";
  std::string out(op_text(op));
  if (op == Op::Cast || op == Op::Bitcast) out += "<" + std::string(dtype_name(graph_.dtype(n))) + ">";
  for (size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "(" : ", ") + parts[i];
  return out + ")";
}

std::string Printer::store(Node n) const {
  std::string out = name(graph_.source(n, 0)) + " [" + value(graph_.source(n, 1)) + "]";
  const auto* scatter = std::get_if<ir::ScatterArg>(&graph_.arg(n));
  out += scatter != nullptr && scatter->mode == ir::ScatterMode::kAdd ? " += " : " = ";
  if (graph_.op(n) == Op::ScanStore) out += "next " + name(n) + " with ";
  out += value(graph_.source(n, 2));
  const bool has_condition =
      graph_.op(n) == Op::ScatterStore || (graph_.op(n) == Op::Store && graph_.sources(n).size() == 4);
  return has_condition ? out + " if " + value(graph_.source(n, 3)) : out;
}

// Its key and index stand at the end of its body.
std::string Printer::sort(Node n) const {
  const Node range = graph_.source(n, 3);
  return std::string("sort ") + (graph_.arg_as<ir::SortArg>(n).descending ? "descending " : "") + "into " +
         name(graph_.source(n, 0)) + " for " + loop(range);
}

std::string Printer::line(const Statement& s) const {
  const auto fold_op = [&](Node n) -> ir::ReduceOp {
    const auto* scan = std::get_if<ir::ScanArg>(&graph_.arg(n));
    return scan != nullptr ? scan->op : graph_.arg_as<ir::ReduceArg>(n).op;
  };
  switch (s.kind) {
    case StatementKind::kLoop: {
      std::string text = "for " + loop(s.node);
      if (s.loop == LoopKind::kVector) text += " vector " + std::to_string(s.lanes);
      return text + (s.reverse ? " reverse" : "");
    }
    case StatementKind::kLet:
      return "let " + name(s.node) + " = " + text(s.node, true) + " : " + type_text(graph_, s.node);
    case StatementKind::kBegin:
      return "begin " + name(s.node) + " " +
             std::string(ir::kReduceOpText[static_cast<size_t>(fold_op(s.node))]);
    case StatementKind::kFold: return "fold " + name(s.node) + " with " + value(graph_.source(s.node, 0));
    case StatementKind::kStore: return "store " + store(s.node);
    case StatementKind::kSort: return sort(s.node);
  }
  return "?";
}

std::string Printer::phases() const {
  std::string out;
  for (Node local : program_.locals) out += "local " + name(local) + " " + type_text(graph_, local) + "\n";
  for (const ItemLimit& l : program_.limits)
    out += "limit " + name(l.var) + " = " + value(l.value) +
           (program_.probe ? ", or " + value(l.whole) + " by " + name(program_.probe) : "") + "\n";
  for (size_t p = 0; p < program_.phases.size(); ++p) {
    for (const Sweep& s : program_.sweeps)
      if (s.first == p)
        out += "sweep phases " + std::to_string(s.first) + ".." + std::to_string(s.last) + " over " +
               value(s.count) + " from " + value(s.from) + " by " + std::to_string(s.block) + ": " +
               name(s.size) + " from " + name(s.at) + "\n";
    out += "phase " + std::to_string(p) + " at";
    for (size_t i = 0; i < program_.grid.size(); ++i)
      out += (i == 0 ? " " : ", ") + name(program_.grid[i].range) + " = " + name(program_.item_vars[i]);
    out += "\n" + print(graph_, program_.phases[p]);
  }
  return out;
}

std::string Printer::contraction(const ContractionProgram& c) const {
  const Contraction& parts = c.parts;
  std::string out = "# contraction " + name(parts.product) + " = sum over " + loop(parts.k) + " of " +
                    name(parts.a) + " * " + name(parts.b);
  const std::pair<const char*, Node> axes[] = {{"batch", parts.batch}, {"m", parts.m}, {"n", parts.n}};
  for (const auto& [axis, range] : axes)
    if (range) out += std::string(", ") + axis + " " + loop(range);
  out += "\n";
  for (const FactorSum& sum : parts.sums)
    out += "# beside it " + name(sum.sum) + ", of the factor " + name(sum.of_b ? parts.b : parts.a) + "\n";
  if (!c.others.empty())
    out += "# " + std::to_string(parts.others.size()) + " more statements, in loops of their own\n";
  return out;
}

std::string Printer::run() {
  std::string out = "grid";
  for (const GridAxis& axis : program_.grid) {
    out += " " + loop(axis.range);
    if (axis.chunk != 1) out += " by " + std::to_string(axis.chunk);
  }
  out += "\n";
  if (!program_.phases.empty()) return out + phases();
  std::vector<Frame> frames = {{&program_.body}};
  while (!frames.empty()) {
    Frame& frame = frames.back();
    const std::string indent(2 * frames.size(), ' ');
    if (frame.next == frame.body->size()) {
      if (frame.sort)
        out += indent + "key " + value(graph_.source(frame.sort, 2)) + " to [" +
               value(graph_.source(frame.sort, 1)) + "]\n";
      lets_.resize(frame.lets);
      frames.pop_back();
      continue;
    }
    const Statement& s = (*frame.body)[frame.next++];
    out += indent + line(s) + "\n";
    if (s.kind == StatementKind::kLet) lets_.push_back(s.node);
    const bool is_sort = s.kind == StatementKind::kSort;
    if (is_sort || s.kind == StatementKind::kLoop)
      frames.push_back({&s.body, 0, lets_.size(), is_sort ? s.node : Node{}});
  }
  return out;
}

}  // namespace

std::string print(const ir::Graph& graph, const Program& program) { return Printer(graph, program).run(); }

std::string print_contractions(const ir::Graph& graph, const Program& program) {
  std::string out;
  if (const auto& c = program.contraction)
    out += Printer(graph, program, c->kernel).contraction(*c) + ir::print(graph, std::span(&c->kernel, 1));
  for (const Program& phase : program.phases) out += print_contractions(graph, phase);
  return out;
}

}  // namespace anneal::loop
