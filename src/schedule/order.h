// SPDX-License-Identifier: MIT
// The order of launches. Of those that are ready: first what leaves no more memory in use than before, the
// most freed first; else the longest path to the end, then the most freed. Ties go by content. A device runs
// launches one after the other, so the path matters less than when memory is given back: the gradient of a
// weight comes as soon as it is the last to need its inputs. Tested by order_test.cc.
#pragma once

#include <span>

#include "schedule/schedule.h"

namespace anneal::schedule {

// A result that shall be made in the memory of a leaf: whoever else reads the leaf must come before. Not
// granted where no order allows that.
struct Overwrite {
  uint32_t root = 0, leaf = 0;  // values
  bool granted = true;
};

// Linear in the reads of all launches for each choice among the ready ones. Depends on content alone.
void order_launches(const ValueGraph& values, std::vector<Launch>& launches,
                    std::span<Overwrite> overwrites = {});

}  // namespace anneal::schedule
