// SPDX-License-Identifier: MIT
#include "plan/expression.h"

#include <algorithm>
#include <utility>

#include "anneal/error.h"
#include "support/check.h"

namespace anneal::plan {

using ir::Node;
using ir::Op;

namespace {

int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

}  // namespace

Expression::Code Expression::code_of(const ir::Graph& graph, Node n) {
  constexpr std::pair<Op, Code> kCodes[] = {
      {Op::Add, Code::kAdd},           {Op::Sub, Code::kSub}, {Op::Mul, Code::kMul},
      {Op::FloorDiv, Code::kFloorDiv}, {Op::Min, Code::kMin}, {Op::Max, Code::kMax},
      {Op::FloorMod, Code::kFloorMod}, {Op::Neg, Code::kNeg},
  };
  for (const auto& [op, code] : kCodes)
    if (graph.op(n) == op && graph.dtype(n) == DType::kIndex) return code;
  raise(ErrorCode::kLimit, "an extent is computed by " + std::string(ir::op_text(graph.op(n))) +
                               ", which extents of compiled programs are not");
}

Expression::Expression(const ir::Graph& graph, ir::Dim dim, std::span<const std::string> names) {
  if (dim.is_const()) {
    code_.push_back({Code::kNumber, dim.value});
    return;
  }
  std::vector<std::pair<Node, size_t>> stack{{dim.expr, 0}};
  while (!stack.empty()) {
    auto& [n, next] = stack.back();
    const std::span<const Node> sources = graph.sources(n);
    if (next < sources.size()) {
      stack.emplace_back(sources[next++], 0);
      continue;
    }
    if (graph.op(n) == Op::Const) {
      code_.push_back({Code::kNumber, graph.const_value(n).as_int(graph.dtype(n))});
    } else if (graph.op(n) == Op::Var) {
      const auto at = std::find(names.begin(), names.end(), graph.arg_as<ir::VarArg>(n).name);
      ANNEAL_CHECK(at != names.end());
      code_.push_back({Code::kVar, at - names.begin()});
    } else {
      code_.push_back({code_of(graph, n), 0});
    }
    stack.pop_back();
  }
}

int64_t Expression::operator()(std::span<const int64_t> vars) const {
  std::vector<int64_t> stack;
  for (const Step& step : code_) {
    if (step.code <= Code::kVar) {
      stack.push_back(step.code == Code::kNumber ? step.value : vars[static_cast<size_t>(step.value)]);
      continue;
    }
    const int64_t b = stack.back();
    if (step.code != Code::kNeg) stack.pop_back();
    int64_t& a = stack.back();
    bool overflows = false;
    switch (step.code) {
      case Code::kAdd: overflows = __builtin_add_overflow(a, b, &a); break;
      case Code::kSub: overflows = __builtin_sub_overflow(a, b, &a); break;
      case Code::kMul: overflows = __builtin_mul_overflow(a, b, &a); break;
      case Code::kNeg: overflows = __builtin_sub_overflow(int64_t{0}, b, &a); break;
      case Code::kFloorDiv: a = floor_div(a, b); break;
      case Code::kFloorMod: a = b == 0 ? 0 : a - floor_div(a, b) * b; break;
      case Code::kMin: a = std::min(a, b); break;
      case Code::kMax: a = std::max(a, b); break;
      default: break;
    }
    if (overflows) raise(ErrorCode::kLimit, "extent arithmetic overflows 64 bits");
  }
  return stack.back();
}

}  // namespace anneal::plan
