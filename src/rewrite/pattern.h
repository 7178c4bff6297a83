// SPDX-License-Identifier: MIT
// Patterns: small trees over wildcards, written with operators in C++ and kept as flat data, so that one
// definition is matched, built, printed, counted and turned into test instances.
//   const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
//   (x + c0) + c1        where(x < y, y, x)        f(kIdempotentUnary, f(kIdempotentUnary, x))
// x y z w match any node, c0..c3 a constant; the same letter twice means the same node. A number is that
// constant in the type at hand. Tested by pattern_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "ir/op.h"

namespace anneal::rewrite {

using ir::Op;

inline constexpr int kMaxLetters = 8;  // x y z w c0 c1 c2 c3
inline constexpr int kFirstConstLetter = 4;
std::string_view letter_text(int letter);

struct PatternNode {
  enum class Kind : uint8_t {
    kLetter,   // any node; from kFirstConstLetter on, a constant
    kLiteral,  // a number
    kOp,       // an op; `children` 0 means any sources
    kAnyOp,    // f: one op out of those with `flags`, the same wherever f stands
    kFold,     // in replacements: the constant that its child, an expression of constants, evaluates to
  };
  static constexpr size_t kMaxChildren = 4;
  Kind kind;
  Op op = Op::Const;
  uint8_t letter = 0;
  uint8_t num_children = 0;
  std::array<uint8_t, kMaxChildren> children{};  // places in Pattern::nodes(), each before its parent
  uint32_t flags = 0;
  double literal = 0;
};

class Pattern {
 public:
  static constexpr size_t kMaxNodes = 12;
  Pattern() = default;    // no pattern
  Pattern(int value);     // NOLINT: numbers are patterns
  Pattern(double value);  // NOLINT
  Pattern(PatternNode head, std::initializer_list<const Pattern*> children);

  bool empty() const { return nodes_.empty(); }
  const std::vector<PatternNode>& nodes() const { return nodes_; }
  const PatternNode& root() const { return nodes_.back(); }
  size_t root_index() const { return nodes_.size() - 1; }
  uint32_t letters() const;  // bit i: letter i occurs
  // "(x + c0) + c1"
  std::string text() const;

 private:
  std::vector<PatternNode> nodes_;  // children before parents, the root last
};

struct Letters {
  Pattern x, y, z, w, c0, c1, c2, c3;
};
const Letters& letters();

// -- Building --

Pattern op_pattern(Op op, std::initializer_list<const Pattern*> children);
Pattern any_op(uint32_t flags, std::initializer_list<const Pattern*> children);
inline Pattern unary(Op op, const Pattern& a) { return op_pattern(op, {&a}); }
inline Pattern binary(Op op, const Pattern& a, const Pattern& b) { return op_pattern(op, {&a, &b}); }
inline Pattern any_sources(Op op) { return op_pattern(op, {}); }

inline Pattern operator+(const Pattern& a, const Pattern& b) { return binary(Op::Add, a, b); }
inline Pattern operator-(const Pattern& a, const Pattern& b) { return binary(Op::Sub, a, b); }
inline Pattern operator*(const Pattern& a, const Pattern& b) { return binary(Op::Mul, a, b); }
inline Pattern operator/(const Pattern& a, const Pattern& b) { return binary(Op::Div, a, b); }
inline Pattern operator-(const Pattern& a) { return unary(Op::Neg, a); }
inline Pattern operator~(const Pattern& a) { return unary(Op::Not, a); }
inline Pattern operator&(const Pattern& a, const Pattern& b) { return binary(Op::And, a, b); }
inline Pattern operator|(const Pattern& a, const Pattern& b) { return binary(Op::Or, a, b); }
inline Pattern operator^(const Pattern& a, const Pattern& b) { return binary(Op::Xor, a, b); }
inline Pattern operator<(const Pattern& a, const Pattern& b) { return binary(Op::Lt, a, b); }
inline Pattern operator<=(const Pattern& a, const Pattern& b) { return binary(Op::Le, a, b); }
inline Pattern operator==(const Pattern& a, const Pattern& b) { return binary(Op::Eq, a, b); }
inline Pattern operator!=(const Pattern& a, const Pattern& b) { return binary(Op::Ne, a, b); }
inline Pattern floordiv(const Pattern& a, const Pattern& b) { return binary(Op::FloorDiv, a, b); }
inline Pattern floormod(const Pattern& a, const Pattern& b) { return binary(Op::FloorMod, a, b); }
inline Pattern truncdiv(const Pattern& a, const Pattern& b) { return binary(Op::TruncDiv, a, b); }
inline Pattern truncmod(const Pattern& a, const Pattern& b) { return binary(Op::TruncMod, a, b); }
inline Pattern max(const Pattern& a, const Pattern& b) { return binary(Op::Max, a, b); }
inline Pattern min(const Pattern& a, const Pattern& b) { return binary(Op::Min, a, b); }
inline Pattern where(const Pattern& c, const Pattern& a, const Pattern& b) {
  return op_pattern(Op::Where, {&c, &a, &b});
}
inline Pattern f(uint32_t flags, const Pattern& a) { return any_op(flags, {&a}); }
inline Pattern f(uint32_t flags, const Pattern& a, const Pattern& b) { return any_op(flags, {&a, &b}); }
inline Pattern f(uint32_t flags, const Pattern& a, const Pattern& b, const Pattern& c) {
  return any_op(flags, {&a, &b, &c});
}
Pattern fold(const Pattern& constants);

}  // namespace anneal::rewrite
