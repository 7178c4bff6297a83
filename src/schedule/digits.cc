// SPDX-License-Identifier: MIT
#include "schedule/digits.h"

#include <algorithm>
#include <optional>

#include "ir/builder.h"

namespace anneal::schedule {

using ir::Builder;
using ir::Op;
using ir::Tri;

Node Digits::number(Dim d) { return d.is_const() ? Builder{graph_}.index(d.value) : d.expr; }

namespace {
std::optional<int64_t> constant(const ir::Graph& graph, Node n) {
  if (!graph.is_const(n)) return std::nullopt;
  return graph.const_value(n).as_int(DType::kIndex);
}
}  // namespace

Node Digits::add(Node a, Node b) {
  const Builder build{graph_};
  const auto x = constant(graph_, a), y = constant(graph_, b);
  if (x == 0) return b;
  if (y == 0) return a;
  if (x && y) return build.index(*x + *y);
  return build.add(a, b);
}

Node Digits::mul(Node a, Dim b) {
  const Builder build{graph_};
  if (b.is(1)) return a;
  const auto x = constant(graph_, a);
  if (x == 0 || b.is(0)) return build.index(0);
  if (x == 1) return number(b);
  if (x && b.is_const()) return build.index(*x * b.value);
  return build.mul(a, number(b));
}

Node Digits::floordiv(Node a, Dim b) {
  if (b.is(1)) return a;
  const auto x = constant(graph_, a);
  if (x && *x >= 0 && b.is_const() && b.value > 0) return Builder{graph_}.index(*x / b.value);
  return Builder{graph_}.floordiv(a, number(b));
}

Node Digits::floormod(Node a, Dim b) {
  if (b.is(1)) return Builder{graph_}.index(0);
  const auto x = constant(graph_, a);
  if (x && *x >= 0 && b.is_const() && b.value > 0) return Builder{graph_}.index(*x % b.value);
  return Builder{graph_}.floormod(a, number(b));
}

// An axis of extent 1 says nothing; a digit that was itself put together is taken apart again, unless the
// axis is longer than what was put together: the position in a part of an axis is not one digit less
// significant.
void Digits::append(Number& number, Node value, Dim extent) const {
  if (extent.is(1)) return;
  const auto known = known_.find(value.id);
  if (known != known_.end()) {
    Dim all{1};
    for (const Digit& digit : known->second) all = ir::dim_mul(graph_, all, digit.extent);
    if (ir::dim_equal(graph_, all, extent) == Tri::kTrue) {
      number.insert(number.end(), known->second.begin(), known->second.end());
      return;
    }
  }
  number.push_back({value, extent});
  rejoin(number);
}

// Digits that were divided off one number, all of them and in their order, are that number again.
void Digits::rejoin(Number& number) const {
  const auto found = splits_.find(number.back().value.id);
  if (found == splits_.end()) return;
  for (const Split& split : found->second) {
    if (split.pieces.size() > number.size()) continue;
    const auto tail = number.end() - static_cast<std::ptrdiff_t>(split.pieces.size());
    const bool same =
        std::equal(tail, number.end(), split.pieces.begin(),
                   [](const Digit& a, const Digit& b) { return a.value == b.value && a.extent == b.extent; });
    if (!same) continue;
    number.erase(tail, number.end());
    number.insert(number.end(), split.whole.begin(), split.whole.end());
    return;
  }
}

Node Digits::value_of(const Number& number) {
  Node sum = Builder{graph_}.index(0);
  Dim stride{1};
  for (size_t i = number.size(); i-- > 0;) {
    sum = add(mul(number[i].value, stride), sum);
    stride = ir::dim_mul(graph_, stride, number[i].extent);
  }
  if (number.size() > 1 && !graph_.is_const(sum)) known_.try_emplace(sum.id, number);
  return sum;
}

Node Digits::position(std::span<const Node> coordinates, ir::Shape shape) {
  Number number;
  for (size_t i = 0; i < shape.size(); ++i) append(number, coordinates[i], shape[i]);
  return value_of(number);
}

std::vector<Node> Digits::coordinates(Node position, ir::Shape shape) {
  Number number;
  append(number, position, ir::dim_product(graph_, shape));
  return split(std::move(number), shape);
}

std::vector<Node> Digits::regroup(std::span<const Node> coordinates, ir::Shape from, ir::Shape to) {
  Number number;
  for (size_t i = 0; i < from.size(); ++i) append(number, coordinates[i], from[i]);
  return split(std::move(number), to);
}

// From the least significant side: as many digits and as many axes as give the same product are one group. A
// group of one axis is put together, one of several axes is taken apart with divisions.
std::vector<Node> Digits::split(Number digits, ir::Shape to) {
  const Builder build{graph_};
  std::vector<Node> result(to.size(), build.index(0));
  size_t left = digits.size(), axis = to.size();
  const auto skip_ones = [&] {
    while (axis > 0 && to[axis - 1].is(1)) --axis;
  };
  for (skip_ones(); axis > 0; skip_ones()) {
    const size_t last_axis = axis, last_digit = left;
    Dim of_axes = to[--axis], of_digits{1};
    if (left > 0) of_digits = digits[--left].extent;
    while (ir::dim_equal(graph_, of_axes, of_digits) != Tri::kTrue && (left > 0 || axis > 0)) {
      // The side that is surely smaller grows; where nobody knows, everything that is left becomes one group.
      const bool axes_smaller = ir::dim_less_equal(graph_, of_axes, of_digits) == Tri::kTrue;
      const bool digits_smaller = ir::dim_less_equal(graph_, of_digits, of_axes) == Tri::kTrue;
      const bool grow_axes = axis > 0 && (axes_smaller || !digits_smaller || left == 0);
      const bool grow_digits = left > 0 && (digits_smaller || !axes_smaller || axis == 0);
      if (grow_axes) of_axes = ir::dim_mul(graph_, of_axes, to[--axis]);
      if (grow_digits) of_digits = ir::dim_mul(graph_, of_digits, digits[--left].extent);
    }
    Number whole(digits.begin() + static_cast<std::ptrdiff_t>(left),
                 digits.begin() + static_cast<std::ptrdiff_t>(last_digit));
    Node rest = value_of(whole);
    size_t first = axis;
    while (first < last_axis && to[first].is(1)) ++first;
    for (size_t i = last_axis; i-- > axis;) {
      if (to[i].is(1)) continue;
      result[i] = i == first ? rest : floormod(rest, to[i]);
      if (i != first) rest = floordiv(rest, to[i]);
    }
    Number pieces;
    for (size_t i = axis; i < last_axis; ++i)
      if (!to[i].is(1)) pieces.push_back({result[i], to[i]});
    if (pieces.size() < 2 || graph_.is_const(pieces.back().value)) continue;
    std::vector<Split>& same_end = splits_[pieces.back().value.id];
    const bool known = std::any_of(same_end.begin(), same_end.end(), [&](const Split& s) {
      return s.pieces.size() == pieces.size() && s.pieces[0].value == pieces[0].value;
    });
    if (!known) same_end.push_back({std::move(pieces), std::move(whole)});
  }
  return result;
}

}  // namespace anneal::schedule
