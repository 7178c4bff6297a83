// SPDX-License-Identifier: MIT
#include "rewrite/pattern.h"

#include "support/check.h"

namespace anneal::rewrite {
namespace {

using Kind = PatternNode::Kind;

std::string_view infix_text(Op op) {
  switch (op) {
    case Op::Add: return " + ";
    case Op::Sub: return " - ";
    case Op::Mul: return " * ";
    case Op::Div: return " / ";
    case Op::FloorDiv: return " // ";
    case Op::FloorMod: return " % ";
    case Op::And: return " & ";
    case Op::Or: return " | ";
    case Op::Xor: return " ^ ";
    case Op::Lt: return " < ";
    case Op::Le: return " <= ";
    case Op::Eq: return " == ";
    case Op::Ne: return " != ";
    default: return {};
  }
}

std::string number_text(double v) {
  if (v == 0 && __builtin_signbit(v)) return "-0.0";
  std::string text = std::to_string(v);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

bool is_infix(const PatternNode& n) {
  return n.kind == Kind::kOp && n.num_children == 2 && !infix_text(n.op).empty();
}

// `parts`: the texts of the nodes before n.
std::string node_text(const PatternNode& n, const std::vector<PatternNode>& nodes,
                      const std::vector<std::string>& parts) {
  const auto list = [&](std::string_view name) {
    std::string out(name);
    out += '(';
    for (size_t i = 0; i < n.num_children; ++i) out += (i > 0 ? ", " : "") + parts[n.children[i]];
    return out + (n.num_children == 0 ? "...)" : ")");
  };
  const auto operand = [&](size_t i) {
    const uint8_t child = n.children[i];
    return is_infix(nodes[child]) ? '(' + parts[child] + ')' : parts[child];
  };
  switch (n.kind) {
    case Kind::kLetter: return std::string(letter_text(n.letter));
    case Kind::kLiteral: return number_text(n.literal);
    case Kind::kFold: return list("fold");
    case Kind::kAnyOp: return list("f");
    case Kind::kOp: break;
  }
  if (is_infix(n)) return operand(0) + std::string(infix_text(n.op)) + operand(1);
  if (n.op == Op::Neg && n.num_children == 1) return '-' + operand(0);
  if (n.op == Op::Not && n.num_children == 1) return '~' + operand(0);
  return list(ir::op_text(n.op));
}

}  // namespace

std::string_view letter_text(int letter) {
  static constexpr std::array<std::string_view, kMaxLetters> kText = {"x",  "y",  "z",  "w",
                                                                      "c0", "c1", "c2", "c3"};
  return kText[static_cast<size_t>(letter)];
}

Pattern::Pattern(int value) : Pattern(static_cast<double>(value)) {}

Pattern::Pattern(double value) {
  PatternNode n{.kind = Kind::kLiteral};
  n.literal = value;
  nodes_.push_back(n);
}

Pattern::Pattern(PatternNode head, std::initializer_list<const Pattern*> children) {
  ANNEAL_CHECK(children.size() <= PatternNode::kMaxChildren);
  for (const Pattern* child : children) {
    ANNEAL_CHECK_MSG(!child->empty(), "a pattern is made of one that is not there");
    const size_t offset = nodes_.size();
    for (PatternNode n : child->nodes_) {
      for (size_t i = 0; i < n.num_children; ++i)
        n.children[i] = static_cast<uint8_t>(n.children[i] + offset);
      nodes_.push_back(n);
    }
    head.children[head.num_children++] = static_cast<uint8_t>(nodes_.size() - 1);
  }
  nodes_.push_back(head);
  ANNEAL_CHECK_MSG(nodes_.size() <= kMaxNodes, "a pattern has too many nodes");
}

uint32_t Pattern::letters() const {
  uint32_t mask = 0;
  for (const PatternNode& n : nodes_)
    if (n.kind == Kind::kLetter) mask |= 1u << n.letter;
  return mask;
}

std::string Pattern::text() const {
  std::vector<std::string> parts;
  for (const PatternNode& n : nodes_) parts.push_back(node_text(n, nodes_, parts));
  return parts.empty() ? std::string() : parts.back();
}

const Letters& letters() {
  static const auto letter = [](int i) {
    PatternNode n{.kind = Kind::kLetter};
    n.letter = static_cast<uint8_t>(i);
    return Pattern(n, {});
  };
  static const Letters all{letter(0), letter(1), letter(2), letter(3),
                           letter(4), letter(5), letter(6), letter(7)};
  return all;
}

Pattern op_pattern(Op op, std::initializer_list<const Pattern*> children) {
  PatternNode n{.kind = Kind::kOp};
  n.op = op;
  return {n, children};
}

Pattern any_op(uint32_t flags, std::initializer_list<const Pattern*> children) {
  PatternNode n{.kind = Kind::kAnyOp};
  n.flags = flags;
  return {n, children};
}

Pattern fold(const Pattern& constants) { return {PatternNode{.kind = Kind::kFold}, {&constants}}; }

}  // namespace anneal::rewrite
