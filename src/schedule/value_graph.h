// SPDX-License-Identifier: MIT
// A tensor program with its movement looked through: values (what some op computes) and how each one reads
// others. The scope pass decides over this graph. Tested by value_graph_test.cc.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace anneal::schedule {

using ir::Dim;
using ir::Node;

// How a value is computed, as far as kernels care.
enum class ValueKind : uint8_t {
  kLeaf,      // in memory before the program runs
  kMap,       // element by element
  kReduce,    // reduce, argreduce
  kContract,  // a sum of products of two values, neither of which has all the axes
  kOrdered,   // scan, argsort, scatter: statements of their own
};
inline constexpr std::string_view kValueKindNames[] = {"leaf", "map", "reduce", "contract", "ordered"};

// The value `producer` as its consumer reads it, at every position of the consumer's space.
struct Read {
  uint32_t producer;      // a value
  ir::AxisMask axes = 0;  // of the consumer's space, that the position read depends on
  bool in_step = false;   // the position is the row-major position over just these axes: nothing is moved
};

struct Value {
  Node node;
  ValueKind kind = ValueKind::kMap;
  std::vector<Dim> space;            // the axes that are gone through: of the result, or of what is reduced
  ir::AxisMask reduced = 0;          // of the space
  std::vector<Read> reads;           // each (producer, position) once
  std::vector<uint32_t> users;       // values, each once
  double elements = 0;               // of the result, symbolic extents at their maximum
  double positions = 0;              // of the space
  double work = 0;                   // weighted operations a position, without those of what it reads
  ir::AxisMask left = 0, right = 0;  // of a contraction: axes of the space that the factors depend on
  Node product;                      // of a contraction: looked through, also where the product is a value
  // What a sum adds up, or the factors of a contraction, over axes numbered anew: where a sum has a factor of
  // a contraction, the two go through the same elements.
  std::array<Node, 2> terms;
  // Of a reduction that makes others anew at each of its positions, since they are inlined (fold.h): the axes
  // of its rows, and those others at its rows in order, so that equal ones are the same node.
  ir::AxisMask rows = 0;
  std::vector<Node> made_again;
  bool root = false;
  bool next = false;     // takes the place of an input,
  bool stays = false;    // and is that input but for what it scatters into it (updates.h)
  bool update = false;   // of the next value of an input, and nothing else (updates.h)
  bool inlined = false;  // computed wherever it is used; read by nobody
  bool folds() const { return !made_again.empty(); }
};

class ValueGraph {
 public:
  // `replaced`: see update_nodes.
  ValueGraph(ir::Graph& graph, std::span<const Node> roots, std::span<const int32_t> replaced = {});
  // The same values, but these are inlined: whoever read them reads what they read.
  ValueGraph inlining(const std::vector<bool>& inlined) const;

  const std::vector<Value>& values() const { return values_; }  // producers first
  const Value& operator[](uint32_t v) const { return values_[v]; }
  // The value that a node is, or ~0u: movement is none.
  uint32_t value_of(Node n) const { return n.id < of_.size() ? of_[n.id] : ~0u; }
  // The values whose memory the roots are, in order.
  const std::vector<uint32_t>& roots() const { return roots_; }
  ir::Graph& graph() const { return graph_; }

 private:
  void read_all();

  ir::Graph& graph_;
  std::vector<Value> values_;
  std::vector<uint32_t> of_, roots_;
};

// The axes of a space along which there is more than one position.
ir::AxisMask all_axes(std::span<const Dim> space);

// Weighted operations of one element: 1 for an addition, 4 for a division or exp.
double op_work(ir::Op op);

}  // namespace anneal::schedule
