// SPDX-License-Identifier: MIT
// Positions in row-major arrays as index expressions. A position that was put together from coordinates
// remembers them, so that splitting it over another shape needs a division only where the two shapes really
// cut each other. Tested by digits_test.cc.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "ir/dims.h"
#include "ir/graph.h"

namespace anneal::schedule {

using ir::Dim;
using ir::Node;

class Digits {
 public:
  explicit Digits(ir::Graph& graph) : graph_(graph) {}

  // -- Index arithmetic with constants folded; either side may be a plain number --
  Node add(Node a, Node b);
  Node mul(Node a, Dim b);
  Node floordiv(Node a, Dim b);
  Node floormod(Node a, Dim b);
  Node number(Dim d);  // as an index node

  // The row-major position of `coordinates` in `shape`.
  Node position(std::span<const Node> coordinates, ir::Shape shape);
  // The coordinates in `shape` of that position.
  std::vector<Node> coordinates(Node position, ir::Shape shape);
  // Coordinates in `from` as coordinates in `to`, of as many elements.
  std::vector<Node> regroup(std::span<const Node> coordinates, ir::Shape from, ir::Shape to);

 private:
  struct Digit {
    Node value;
    Dim extent;
  };
  using Number = std::vector<Digit>;  // most significant first
  // One number in two spellings.
  struct Split {
    Number pieces, whole;
  };
  Node value_of(const Number& number);
  void append(Number& number, Node value, Dim extent) const;
  void rejoin(Number& number) const;
  std::vector<Node> split(Number digits, ir::Shape to);

  ir::Graph& graph_;
  std::unordered_map<uint32_t, Number> known_;               // by the id of the position
  std::unordered_map<uint32_t, std::vector<Split>> splits_;  // by the id of the last piece
};

}  // namespace anneal::schedule
