// SPDX-License-Identifier: MIT
// Whether two groups can be one kernel: the legality of fusing, apart from cycles. Tested by scope_test.cc.
#pragma once

#include <string>

#include "schedule/scope.h"

namespace anneal::schedule {

struct Fit {
  std::string reason;  // why not; empty when they fit
  GroupKind kind = GroupKind::kMap;
  std::vector<Dim> space;
  ir::AxisMask reduced = 0;
};

// `from` may be read by `to`, never the other way round.
Fit fits(const ValueGraph& values, const Group& from, const Group& to);

// The group of one value.
Group single(const ValueGraph& values, uint32_t v);

// Of a value in a group: whether it has an element for each position of the group's space, or one for each
// row, that is for each position of the axes that are not reduced; or is a sum beside a contraction.
enum class Level : uint8_t { kFull, kRow, kBeside, kNeither };
Level level_of(const ValueGraph& values, const Group& group, uint32_t v);

}  // namespace anneal::schedule
