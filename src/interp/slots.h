// SPDX-License-Identifier: MIT
// The memory of a kernel while it is interpreted, and what it takes to evaluate one of its nodes: shared by
// the interpreters of the kernel stage and of its structured form. Tested by kernel_test.cc.
#pragma once

#include <vector>

#include "interp/kernel.h"
#include "ir/kernel.h"
#include "ir/side_table.h"

namespace anneal::interp {

struct Slot {
  ir::Node param;
  DType type = DType::kVoid;  // in which its elements are held
  std::shared_ptr<Array> array;
  std::vector<ir::Scalar> elements;
};

// What a kernel runs on: its memory, the extents of its ranges, and words for messages.
class KernelMemory {
 public:
  KernelMemory(const ir::Graph& graph, const ir::Kernel& kernel, const KernelArrays& arrays,
               const Bindings& bindings, Mode mode);

  int64_t extent(uint32_t range) const { return extents_[range]; }
  ir::Scalar var(ir::Node n) const;
  DType held(DType t) const { return mode_ == Mode::kDouble && is_float(t) ? DType::kF64 : t; }

  std::vector<Slot>& slots() { return slots_; }
  size_t slot_of(ir::Node node) const {
    return slot_.get(graph_.source(node, 0)) - 1;
  }  // of a load or statement
  // Raises unless `index` lies inside the slot; `values` are those of the ranges, by position.
  void check_inside(ir::Node node, int64_t index, std::span<const int64_t> values) const;
  [[noreturn]] void fail(ir::Node node, const std::string& what, std::span<const int64_t> values) const;

  // An elementwise node from its sources.
  ir::Scalar compute(ir::Node n, std::span<const ir::Scalar> sources) const;
  ir::Scalar fold(ir::ReduceOp op, DType t, ir::Scalar a, ir::Scalar b) const;
  // All elements to the arrays, in their types.
  void write_back();

 private:
  const ir::Graph& graph_;
  const ir::Kernel& kernel_;
  Mode mode_;
  std::vector<int64_t> extents_;
  std::vector<Slot> slots_;
  ir::SideTable<uint32_t> slot_;  // 1 + number
  std::vector<std::pair<ir::Node, ir::Scalar>> vars_;
};

// Positions that sort the keys; equal ones keep their order.
std::vector<int32_t> sorted_positions(DType t, std::span<const ir::Scalar> keys, bool descending);

// Goes through all values of some ranges, the last one fastest: calls `enter` with each range's new value.
class RangeCounter {
 public:
  RangeCounter(std::vector<uint32_t> ranges, const KernelMemory& memory)
      : ranges_(std::move(ranges)), memory_(memory) {}
  // True when there is a first point.
  template <typename Set>
  bool begin(Set set) {
    for (uint32_t r : ranges_)
      if (memory_.extent(r) == 0) return false;
    values_.assign(ranges_.size(), 0);
    for (uint32_t r : ranges_) set(r, 0);
    return true;
  }
  template <typename Set>
  bool next(Set set) {
    for (size_t i = ranges_.size(); i-- > 0;) {
      if (++values_[i] < memory_.extent(ranges_[i])) {
        set(ranges_[i], values_[i]);
        return true;
      }
      values_[i] = 0;
      set(ranges_[i], 0);
    }
    return false;
  }
  const std::vector<uint32_t>& ranges() const { return ranges_; }

 private:
  std::vector<uint32_t> ranges_;
  std::vector<int64_t> values_;
  const KernelMemory& memory_;
};

}  // namespace anneal::interp
