// SPDX-License-Identifier: MIT
// Values of pairs: products of all rows of one thing with all rows of another, and what is made of them
// element by element (the scores of attention, their exponentials, the gradients of both). They are much
// larger than what they are made of and than what becomes of them, so they are not stored: every kernel that
// needs them makes them again, a block of rows at a time. Tested by pairs_test.cc.
#pragma once

#include <vector>

#include "device/device.h"
#include "schedule/scope.h"

namespace anneal::schedule {

struct Pairs {
  std::vector<bool> inlined;  // by value: of pairs, or of one element a row and made of their reductions
  std::vector<int32_t> part;  // by value: those that are inlined together and what reads them; -1: none
  std::vector<Decision> log;  // one for each part that could be: its first and its last product of pairs
};

// `refused`, by value: those of these parts stay in memory; empty is none.
Pairs choose_pairs(const ValueGraph& values, const device::Caps& caps, const std::vector<bool>& refused = {});

}  // namespace anneal::schedule
