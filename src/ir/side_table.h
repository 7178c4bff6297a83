// SPDX-License-Identifier: MIT
// A dense table beside a graph, by node id. Pages are made when first written, so a table over a few nodes of
// a large graph costs little, and nothing moves as the graph grows. A zero value means "no entry".
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "ir/node.h"

namespace anneal::ir {

template <typename T>
class SideTable {
 public:
  T get(Node n) const {
    const size_t page = n.id / kPageSize;
    return page < pages_.size() && pages_[page] != nullptr ? pages_[page][n.id % kPageSize] : T{};
  }
  // Good until the table goes, whatever else is written.
  T& operator[](Node n) {
    const size_t page = n.id / kPageSize;
    if (page >= pages_.size()) pages_.resize(page + page / 2 + 1);
    if (pages_[page] == nullptr) pages_[page] = std::make_unique<T[]>(kPageSize);
    return pages_[page][n.id % kPageSize];
  }
  void set(Node n, T value) { (*this)[n] = std::move(value); }

 private:
  static constexpr size_t kPageSize = 1024;
  std::vector<std::unique_ptr<T[]>> pages_;
};

}  // namespace anneal::ir
