// SPDX-License-Identifier: MIT
// Offsets in one arena for memory with known lifetimes. Tested by arena_test.cc.
#pragma once

#include <cstdint>
#include <vector>

namespace anneal::plan {

struct Cell {
  uint64_t bytes = 0;            // a multiple of the alignment
  uint32_t first = 0, last = 0;  // times, inclusive
  uint64_t offset = 0;
};

struct Packed {
  uint64_t bytes = 0;        // of the arena
  uint64_t lower_bound = 0;  // the most that is alive at one time
};

// Best fit: each cell in the smallest gap among those that live at the same time and have a place. Cells are
// placed by size, by size times lifetime and in order of time; the arena that comes out smallest is taken.
Packed pack(std::vector<Cell>& cells);

}  // namespace anneal::plan
