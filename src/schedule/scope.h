// SPDX-License-Identifier: MIT
// Where each value lives, and in which kernel it is made. A value is inlined (computed wherever it is used),
// or belongs to one group; of a group's values those that other groups or the caller need are stored. Fusing
// is merging groups. Every merge and every veto is logged with its reason. Tested by scope_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "device/device.h"
#include "schedule/value_graph.h"

namespace anneal::schedule {

enum class Fuse : uint8_t {
  kNone,    // every value its own kernel, except the product under a contraction
  kGreedy,  // all that is legal, in the order of the program
  kModel,   // what gains time by the cost model, in one of two orders: the better one
};

inline constexpr std::string_view kFuseNames[] = {"none", "greedy", "model"};  // of Fuse

enum class GroupKind : uint8_t {
  kMap,       // every value at every position of one space
  kRow,       // reductions over some axes of one space, and values at its positions or its rows
  kContract,  // a contraction, values at the positions of its result, and sums over its factors
  kOrdered,   // one scan, argsort or scatter
  kFold,      // reductions and contractions over the same rows, of values of pairs that they make (pairs.h)
};
inline constexpr std::string_view kGroupKindNames[] = {"map", "row", "contract", "ordered", "fold"};

struct Group {
  GroupKind kind = GroupKind::kMap;
  std::vector<uint32_t> members;  // values, producers first
  std::vector<Dim> space;  // that the kernel goes through; of a contraction, its result; of a fold, its rows
  ir::AxisMask reduced = 0;  // of the space
};

// One decision, for people and tests.
struct Decision {
  uint32_t producer, consumer;  // values
  bool fused = false;
  std::string reason;  // "same positions", "would make a cycle", ...
  double gain = 0;     // modelled seconds, where it is legal
};

struct Scopes {
  std::vector<Group> groups;      // in the order of their last members
  std::vector<int32_t> group_of;  // by value; -1: inlined or a leaf
  std::vector<bool> stored;       // by value: leaves are not
  std::vector<Decision> log;
};

// Which values are computed wherever they are used: by value, for ValueGraph::inlining.
std::vector<bool> choose_inlined(const ValueGraph& values, Fuse fuse);
// Over a graph with these inlined. Values that are `alone`, by value, are not fused with others; empty is
// none.
Scopes choose_scopes(const ValueGraph& values, Fuse fuse, const device::Caps& caps,
                     const std::vector<bool>& alone = {});

}  // namespace anneal::schedule
