// SPDX-License-Identifier: MIT
// Products of tensors: matmul and einsum, as a sum over broadcast products. The compiler finds contractions
// again by their form, so there is one spelling for all of them.
#include <algorithm>
#include <map>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::ReduceOp;

namespace {

// The sum over `axis` of a * b, which already have one rank; narrow floats multiply and add in f32.
Node sum_of_products(const Call& call, Node a, Node b, ir::AxisMask summed) {
  const DType t = promote(call.g.dtype(a), call.g.dtype(b)), wide = accumulation_dtype(t);
  a = call.b.cast(call.b.cast(a, t), wide);
  b = call.b.cast(call.b.cast(b, t), wide);
  const std::vector<Dim> shape = call.broadcast_shapes({a, b});
  const Node product = call.b.mul(call.broadcast(a, shape), call.broadcast(b, shape));
  return call.b.cast(call.b.reduce(product, ReduceOp::kAdd, summed), t);
}

std::vector<Dim> dims_of(const Call& call, Node n) {
  const ir::Shape s = call.g.shape(n);
  return {s.begin(), s.end()};
}

[[noreturn]] void fail_inner(const Call& call, const std::vector<Dim>& left, const std::vector<Dim>& right) {
  const Dim k = left.back(), rows = right[right.size() - 2], columns = right.back();
  std::string what =
      "inner dimensions differ, " + ir::dim_text(call.g, k) + " and " + ir::dim_text(call.g, rows);
  if (ir::dim_equal(call.g, k, columns) == ir::Tri::kTrue)
    what += "; the second operand fits transposed";
  else if (left.size() > 1 && ir::dim_equal(call.g, left[left.size() - 2], rows) == ir::Tri::kTrue)
    what += "; the first operand fits transposed";
  else
    what += "; the second operand must have " + ir::dim_text(call.g, k) + " rows";
  call.fail(ErrorCode::kShape, what);
}

}  // namespace

Tensor matmul(In x, In y) {
  const Call call("matmul", {&x, &y});
  Node a = call.node(x), b = call.node(y);
  if (is_bool(call.g.dtype(a)) && is_bool(call.g.dtype(b)))
    call.fail(ErrorCode::kDType, "takes numbers, not bool");
  const bool row = call.g.rank(a) == 1, column = call.g.rank(b) == 1;
  if (call.g.rank(a) == 0 || call.g.rank(b) == 0)
    call.fail(ErrorCode::kShape, "an operand is a scalar; use mul");
  std::vector<Dim> left = dims_of(call, a), right = dims_of(call, b);
  if (row) left.insert(left.begin(), Dim(1));
  if (column) right.push_back(Dim(1));
  const Dim inner_a = left.back(), inner_b = right[right.size() - 2];
  if (ir::dim_equal(call.g, inner_a, inner_b) == ir::Tri::kFalse) fail_inner(call, left, right);
  // [..., m, k] x [..., k, n] as [..., m, n, k]: the summed axis last, so that both operands are read along
  // it.
  left.insert(left.end() - 1, Dim(1));
  a = call.b.reshape(a, left);
  b = call.b.reshape(b, right);
  std::vector<uint8_t> perm(right.size());
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<uint8_t>(i);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  b = call.b.permute(b, perm);
  std::vector<Dim> moved = dims_of(call, b);
  moved.insert(moved.end() - 2, Dim(1));
  b = call.b.reshape(b, moved);
  const size_t rank = std::max(left.size(), moved.size());
  const Node sum = sum_of_products(call, a, b, 1u << (rank - 1));
  std::vector<Dim> out = dims_of(call, sum);
  out.pop_back();
  if (column) out.pop_back();
  if (row) out.erase(out.end() - (column ? 1 : 2));
  return wrap(call.b.reshape(sum, out));
}

namespace {
[[noreturn]] void fail_vectors(const Call& call, Node x, Node y) {
  call.fail(ErrorCode::kShape,
            "takes two vectors, not " + ir::type_text(call.g, x) + " and " + ir::type_text(call.g, y));
}
}  // namespace

Tensor dot(In a, In b) {
  const Call call("dot", {&a, &b});
  const Node x = call.node(a), y = call.node(b);
  if (call.g.rank(x) != 1 || call.g.rank(y) != 1) fail_vectors(call, x, y);
  return matmul(a, b);
}

Tensor outer(In a, In b) {
  const Call call("outer", {&a, &b});
  const Node x = call.node(a), y = call.node(b);
  if (call.g.rank(x) != 1 || call.g.rank(y) != 1) fail_vectors(call, x, y);
  return unsqueeze(wrap(x), 1) * unsqueeze(wrap(y), 0);
}

namespace {

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
  bool explicit_output = false;
};

constexpr char kFirstEllipsisAxis = '\x01';  // axes that "..." stands for get letters below any printable one

Equation parse_equation(const Call& call, std::string_view text, size_t operands) {
  Equation eq;
  eq.inputs.emplace_back();
  std::string* part = &eq.inputs.back();
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !eq.explicit_output) {
      eq.explicit_output = true;
      part = &eq.output;
      ++i;
    } else if (c == ',' && !eq.explicit_output) {
      part = &eq.inputs.emplace_back();
    } else if (text.substr(i, 3) == "...") {
      *part += '.';
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      *part += c;
    } else {
      call.fail(ErrorCode::kArgument, "\"" + std::string(text) + "\": unexpected '" + std::string(1, c) +
                                          "' at " + std::to_string(i));
    }
  }
  if (eq.inputs.size() != operands)
    call.fail(ErrorCode::kArgument, "\"" + std::string(text) + "\" names " +
                                        std::to_string(eq.inputs.size()) + " operands, there are " +
                                        std::to_string(operands));
  return eq;
}

// One letter an axis: "..." becomes letters of its own, counted from the right.
size_t spell_out_ellipsis(const Call& call, Equation& eq, const std::vector<Node>& nodes) {
  size_t widest = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::string& s = eq.inputs[i];
    const auto rank = static_cast<size_t>(call.g.rank(nodes[i]));
    const size_t dots = static_cast<size_t>(std::count(s.begin(), s.end(), '.')), named = s.size() - dots;
    if (dots > 1 || (dots == 0 && named != rank) || named > rank)
      call.fail(ErrorCode::kShape, "operand " + std::to_string(i) + " has rank " + std::to_string(rank) +
                                       ", the equation names " + std::to_string(named) + " axes");
    if (dots == 0) continue;
    std::string axes;
    for (size_t d = 0; d < rank - named; ++d)
      axes.insert(axes.begin(), static_cast<char>(kFirstEllipsisAxis + static_cast<char>(d)));
    widest = std::max(widest, axes.size());
    s.replace(s.find('.'), 1, axes);
  }
  std::string all;
  for (size_t d = 0; d < widest; ++d)
    all.insert(all.begin(), static_cast<char>(kFirstEllipsisAxis + static_cast<char>(d)));
  if (!eq.explicit_output) {
    std::map<char, int> uses;
    for (const std::string& s : eq.inputs)
      for (char c : s) ++uses[c];
    eq.output = all;
    for (const auto& [c, n] : uses)
      if (n == 1 && c >= 'A') eq.output += c;
  } else if (const size_t at = eq.output.find('.'); at != std::string::npos) {
    eq.output.replace(at, 1, all);
  }
  return widest;
}

// An operand with a letter twice is its diagonal over those axes.
Node take_diagonals(const Call& call, Node n, std::string& letters) {
  for (size_t i = 0; i < letters.size(); ++i) {
    const size_t j = letters.find(letters[i], i + 1);
    if (j == std::string::npos) continue;
    const std::vector<Dim> shape = dims_of(call, n);
    if (ir::dim_equal(call.g, shape[i], shape[j]) != ir::Tri::kTrue)
      call.fail(ErrorCode::kShape, std::string("letter '") + letters[i] + "' stands for different extents, " +
                                       ir::dim_text(call.g, shape[i]) + " and " +
                                       ir::dim_text(call.g, shape[j]));
    const Node same =
        call.b.eq(call.b.iota(shape, static_cast<int>(i), i64), call.b.iota(shape, static_cast<int>(j), i64));
    const Node only = call.b.where(same, n, call.b.constant_int(0, call.g.dtype(n)));
    std::vector<Dim> kept = shape;
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(j));
    n = call.b.reshape(call.b.reduce(only, ReduceOp::kAdd, 1u << j), kept);
    letters.erase(j, 1);
    --i;
  }
  return n;
}

// A letter stands for one extent, or 1, in all operands.
void check_letters(const Call& call, const Equation& eq, const std::vector<Node>& nodes) {
  std::map<char, std::pair<Dim, size_t>> known;  // the extent, and which operand has it
  for (size_t i = 0; i < nodes.size(); ++i) {
    const std::vector<Dim> shape = dims_of(call, nodes[i]);
    for (size_t d = 0; d < shape.size(); ++d) {
      const char c = eq.inputs[i][d];
      const auto [at, is_new] = known.try_emplace(c, shape[d], i);
      if (is_new || shape[d].is(1)) continue;
      const auto& [extent, owner] = at->second;
      if (!extent.is(1) && ir::dim_equal(call.g, extent, shape[d]) == ir::Tri::kFalse)
        call.fail(ErrorCode::kShape,
                  (c < 'A' ? std::string("an axis of \"...\"") : std::string("letter '") + c + "'") +
                      " stands for different extents, " + ir::dim_text(call.g, extent) + " in operand " +
                      std::to_string(owner) + " and " + ir::dim_text(call.g, shape[d]) + " in operand " +
                      std::to_string(i));
      if (extent.is(1)) at->second = {shape[d], i};
    }
  }
}

// The result names letters of the operands, each once.
void check_output(const Call& call, const Equation& eq) {
  std::string twice, unknown;
  for (size_t i = 0; i < eq.output.size(); ++i) {
    const char c = eq.output[i];
    const auto quoted = [&](std::string& list) { list += std::string(list.empty() ? "'" : ", '") + c + "'"; };
    const bool is_known = std::any_of(eq.inputs.begin(), eq.inputs.end(),
                                      [c](const std::string& s) { return s.find(c) != std::string::npos; });
    const auto before = static_cast<size_t>(
        std::count(eq.output.begin(), eq.output.begin() + static_cast<std::ptrdiff_t>(i), c));
    if (before == 1) quoted(twice);
    if (before == 0 && !is_known) quoted(unknown);
  }
  if (!unknown.empty())
    call.fail(ErrorCode::kArgument, "the result names " + unknown + ", which no operand has");
  if (!twice.empty()) call.fail(ErrorCode::kArgument, "the result names " + twice + " more than once");
}

// `n` with its axes in the order of `order`, extent 1 where it has none.
Node align(const Call& call, Node n, const std::string& letters, const std::string& order) {
  std::vector<uint8_t> perm;
  std::vector<Dim> shape;
  const std::vector<Dim> from = dims_of(call, n);
  for (char c : order) {
    const size_t at = letters.find(c);
    if (at != std::string::npos) perm.push_back(static_cast<uint8_t>(at));
    shape.push_back(at == std::string::npos ? Dim(1) : from[at]);
  }
  return call.b.reshape(call.b.permute(n, perm), shape);
}

}  // namespace

Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, Loc loc) {
  const Call call("einsum", operands, loc);
  if (operands.empty()) call.fail(ErrorCode::kArgument, "needs at least one operand");
  Equation eq = parse_equation(call, equation, operands.size());
  std::vector<Node> nodes;
  for (const Tensor& t : operands) nodes.push_back(node_of(t));
  spell_out_ellipsis(call, eq, nodes);
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i] = take_diagonals(call, nodes[i], eq.inputs[i]);
  check_output(call, eq);
  check_letters(call, eq, nodes);

  // Operands join one by one; a letter is summed as soon as neither the result nor a later operand needs it.
  Node total = nodes[0];
  std::string have = eq.inputs[0];
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::string later = eq.output;
    for (size_t j = i + 1; j < nodes.size(); ++j) later += eq.inputs[j];
    std::string order, summed;
    for (char c : have + (i == 0 ? std::string() : eq.inputs[i])) {
      if (order.find(c) != std::string::npos || summed.find(c) != std::string::npos) continue;
      (later.find(c) != std::string::npos ? order : summed) += c;
    }
    const std::string all = order + summed;
    const auto mask = static_cast<ir::AxisMask>(((uint64_t{1} << summed.size()) - 1) << order.size());
    const Node a = align(call, total, have, all);
    if (i == 0) {
      total = call.b.reduce(a, ReduceOp::kAdd, mask);
    } else {
      total = sum_of_products(call, a, align(call, nodes[i], eq.inputs[i], all), mask);
    }
    std::vector<Dim> kept = dims_of(call, total);
    kept.resize(order.size());
    total = call.b.reshape(total, kept);
    have = order;
  }
  return wrap(align(call, total, have, eq.output));
}

}  // namespace anneal
