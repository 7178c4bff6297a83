// SPDX-License-Identifier: MIT
#include "plan/arena.h"

#include <algorithm>
#include <numeric>

namespace anneal::plan {

namespace {

uint64_t most_alive(const std::vector<Cell>& cells) {
  struct Event {
    uint64_t time;  // a cell ends after its last time
    bool begins;
    uint64_t bytes;
  };
  std::vector<Event> events;
  for (const Cell& c : cells) {
    events.push_back({c.first, true, c.bytes});
    events.push_back({uint64_t{c.last} + 1, false, c.bytes});
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.time != b.time ? a.time < b.time : a.begins < b.begins;
  });
  uint64_t alive = 0, most = 0;
  for (const Event& e : events) {
    alive = e.begins ? alive + e.bytes : alive - e.bytes;
    most = std::max(most, alive);
  }
  return most;
}

struct Space {
  uint64_t begin, end;
};

// The offset in the smallest gap between these that holds `bytes`; behind them when there is none.
uint64_t best_fit(std::vector<Space>& taken, uint64_t bytes) {
  std::sort(taken.begin(), taken.end(), [](const Space& a, const Space& b) { return a.begin < b.begin; });
  uint64_t end = 0, best = 0, best_gap = ~uint64_t{0};
  for (const Space& s : taken) {
    if (s.begin > end && s.begin - end >= bytes && s.begin - end < best_gap) {
      best_gap = s.begin - end;
      best = end;
    }
    end = std::max(end, s.end);
  }
  return best_gap != ~uint64_t{0} ? best : end;
}

// Places the cells in this order; gives the size of the arena, and stops once that exceeds `limit`.
uint64_t place(std::vector<Cell>& cells, const std::vector<uint32_t>& order, uint64_t limit) {
  uint64_t size = 0;
  std::vector<uint32_t> placed;
  std::vector<Space> taken;
  for (uint32_t i : order) {
    Cell& cell = cells[i];
    if (cell.bytes == 0) continue;
    taken.clear();
    for (uint32_t j : placed)
      if (cells[j].first <= cell.last && cell.first <= cells[j].last)
        taken.push_back({cells[j].offset, cells[j].offset + cells[j].bytes});
    cell.offset = best_fit(taken, cell.bytes);
    size = std::max(size, cell.offset + cell.bytes);
    if (size >= limit) return size;
    placed.push_back(i);
  }
  return size;
}

}  // namespace

Packed pack(std::vector<Cell>& cells) {
  Packed packed{~uint64_t{0}, most_alive(cells)};
  using Rank = double (*)(const Cell&);
  constexpr Rank kRanks[] = {
      [](const Cell& c) { return static_cast<double>(c.bytes); },
      [](const Cell& c) { return static_cast<double>(c.bytes) * (1.0 + c.last - c.first); },
      [](const Cell& c) { return -static_cast<double>(c.first); },
  };
  std::vector<Cell> trial = cells;
  for (const Rank rank : kRanks) {
    std::vector<uint32_t> order(cells.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const double left = rank(cells[a]), right = rank(cells[b]);
      return left != right ? left > right : a < b;
    });
    const uint64_t size = place(trial, order, packed.bytes);
    if (size >= packed.bytes) continue;
    packed.bytes = size;
    cells = trial;
    if (size == packed.lower_bound) break;
  }
  return packed;
}

}  // namespace anneal::plan
