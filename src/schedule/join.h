// SPDX-License-Identifier: MIT
// Horizontal fusion: kernels that need nothing of each other run as one launch, where one waits for no more
// than the other and they do the same to tensors of other sizes. The updates of all parameters are one such
// launch, behind all others. Tested by join_test.cc.
#pragma once

#include <vector>

#include "schedule/schedule.h"

namespace anneal::schedule {

// A launch a kernel, but for the updates.
std::vector<Launch> make_launches(const ValueGraph& values, const Scopes& scopes,
                                  std::vector<Kernel> kernels);

// Of launches in order: those of one form that are ready when the first of them is, and next to it but for
// others that join.
void join_neighbours(const ValueGraph& values, std::vector<Launch>& launches);

}  // namespace anneal::schedule
