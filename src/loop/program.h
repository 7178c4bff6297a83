// SPDX-License-Identifier: MIT
// The structured form of a kernel: loops and statements over the scalar nodes of the kernel stage. What a
// device renders; no device's own. The nodes stay an expression graph: a statement says where a value is
// made, and what is made nowhere is computed where it is used.
//
// A program computes its kernel for the work items [begin, end) of its grid; items are independent of each
// other and may run in any order and on any thread. Made by lower.h, run by run.h, printed by print.h. Tested
// by lower_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "loop/contraction.h"

namespace anneal::loop {

using ir::Node;

enum class LoopKind : uint8_t {
  kSerial,
  kVector,  // `lanes` values of the range at a time; the last step is partly masked off. No vector loop
            // stands inside another, and the loop of a scan, and those that a scatter binds, are serial.
};

struct Statement;
using Body = std::vector<Statement>;

enum class StatementKind : uint8_t {
  kLoop,  // node: a range; runs `body` for its values: all of them, or those of the item when the grid splits
          // it
  kLet,   // node: a value, made here once and valid to the end of the enclosing body. Every load has one, in
          // front of all stores of that body
  kBegin,  // node: an accumulate or scan_store; its fold starts with no element
  kFold,   // node: an accumulate; its body at the present values of the ranges joins the fold. Its result may
           // be used after the loops over its ranges, to the end of the body that has its kBegin
  kStore,  // node: a store, scan_store (joins its fold and writes it) or scatter_store
  kSort,   // node: a sort_store, whole: it goes over its range itself. `body` makes what its key, or its
           // index, needs for one value of that range
};

struct Statement {
  StatementKind kind;
  Node node;
  LoopKind loop = LoopKind::kSerial;
  int32_t lanes = 1;
  bool reverse = false;  // of a serial loop: from the last value down
  Body body = {};        // of a loop or sort
};

// An axis of the grid: item g of `range` stands for its values from g * chunk to (g + 1) * chunk, those below
// its extent. With chunk 1 the range has one value throughout the item; else a loop over it must stand in the
// body.
struct GridAxis {
  Node range;
  int64_t chunk = 1;
};

struct ContractionProgram;

// A variable of an item: `value`, an expression over the others; `whole` where what was looked at in advance
// forbids it.
struct ItemLimit {
  Node var, value, whole;
};

// Phases from `first` to before `last` that are run again and again, for one block of columns after the
// other: of the `count` from `from` on, `block` at a time, fewer in the last one. `at` is the first of a
// block, and `size` their number; `from` and `count` are expressions over the variables of the item.
struct Sweep {
  size_t first = 0, last = 0;
  Node from, count;
  Node at, size;
  int64_t block = 1;
};

// A program may have phases instead of a body (fold.h). An item then sets `item_vars`, of each axis of the
// grid the first value that the item has of it, and runs the phases one after the other, each whole. They
// share the slots of the kernel and `locals`: memory of the item, with numbers behind those slots, that holds
// nothing at its beginning.
struct Program {
  Node kernel;                 // the sink it was made from, simplified
  std::vector<GridAxis> grid;  // outermost first; the number of items is the product
  Body body;                   // of one item
  // An annotation, or null: the same kernel around its sum of products. A device that has a skeleton for it
  // may run this instead of the grid and the body.
  std::shared_ptr<const ContractionProgram> contraction = nullptr;
  std::vector<Program> phases = {};
  std::vector<Node> item_vars = {};  // by axis of the grid: a variable of the phases
  std::vector<Node> locals = {};     // params of known extent
  // Variables of the phases that are set when the item begins, or, where there is a `probe`, after the first
  // phase: a local slot, of which that has made the first element, which is 0 or forbids the limits.
  std::vector<ItemLimit> limits = {};
  Node probe = {};
  std::vector<Sweep> sweeps = {};  // in order; not of the first phase where there is a `probe`
};

// No load of the factors, nor of what the other statements need, is of a slot that the statements of the
// contraction write, or the other way round: the two parts may run in any order, and item by item.
struct ContractionProgram {
  Contraction parts;
  Node kernel;                  // a sink of the statements and sums of `parts`
  std::vector<Program> others;  // one of parts.others; none where there are none
};

// All nodes that the program names, those of its phases and of its contraction too; some more than once. Who
// keeps a program beyond the Scope that it was made in retains these: its kernel alone does not reach them.
std::vector<Node> nodes_of(const Program& program);

}  // namespace anneal::loop
