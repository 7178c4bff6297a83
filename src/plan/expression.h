// SPDX-License-Identifier: MIT
// An integer expression over a plan's variables, without a graph: extents of results and conditions at
// launch. Tested by expression_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace anneal::plan {

class Expression {
 public:
  Expression() = default;
  explicit Expression(int64_t value) : code_{{Code::kNumber, value}} {}
  // `names`: the variables by number. Raises kLimit, naming the op, where the extent is not arithmetic.
  Expression(const ir::Graph& graph, ir::Dim dim, std::span<const std::string> names);

  // Raises kLimit when it overflows.
  int64_t operator()(std::span<const int64_t> vars) const;
  bool is_number() const { return code_.size() == 1 && code_[0].code == Code::kNumber; }
  bool operator==(const Expression&) const = default;

 private:
  enum class Code : uint8_t { kNumber, kVar, kAdd, kSub, kMul, kFloorDiv, kFloorMod, kMin, kMax, kNeg };
  struct Step {
    Code code;
    int64_t value;  // a number, or the number of a variable
    bool operator==(const Step&) const = default;
  };
  static Code code_of(const ir::Graph& graph, ir::Node n);
  std::vector<Step> code_;  // postfix
};

}  // namespace anneal::plan
