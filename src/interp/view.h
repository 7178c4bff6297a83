// SPDX-License-Identifier: MIT
// Values of the interpreter: a strided view of an array, so that movement costs nothing, and the store of
// arrays that keeps count of the bytes alive. Tested through movement_test.cc.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "interp/interp.h"

namespace anneal::interp {

using Extent = std::vector<int64_t>;  // one number an axis: extents, strides

struct View {
  DType dtype = DType::kVoid;
  Extent shape, strides;  // strides in elements: 0 repeats, negative runs backwards
  std::shared_ptr<const Array> data;
  int64_t offset = 0;  // of the first element

  const std::byte* at(int64_t element) const {
    return data->bytes.data() + (offset + element) * static_cast<int64_t>(dtype_size(dtype));
  }
};

// The product; the shape has been checked by Evaluation::shape_of.
int64_t count_of(std::span<const int64_t> shape);
Extent row_major_strides(std::span<const int64_t> shape);
std::string extent_text(std::span<const int64_t> shape);  // "[2,3]"

View whole_view(std::shared_ptr<const Array> array);
// Axis i of the result is axis order[i] of the view. A scalar stays as it is.
View permuted(View view, std::span<const size_t> order);
View flipped(View view, size_t axis);

// A shape walked with K sets of strides at once, in row-major order.
template <size_t K>
struct Walk {
  Extent shape;
  std::array<Extent, K> strides;
};

// The same walk with the fewest axes: no extent is 1, and no two neighbours could be one axis.
template <size_t K>
Walk<K> coalesced(const Walk<K>& walk);

// Calls fn(offsets, n, steps) for each row of the last axis: element i lies at offsets[k] + i * steps[k].
template <size_t K, typename Fn>
void for_each_row(const Walk<K>& full, Fn fn);

// Writes the view's elements, in memory form, with the given strides from `to` on.
void copy_elements(const View& from, std::byte* to, std::span<const int64_t> to_strides);

// Makes arrays, and raises kLimit, naming the node, before their bytes exceed the limit.
class Storage {
 public:
  Storage(const ir::Graph& graph, uint64_t max_bytes) : graph_(graph), max_bytes_(max_bytes) {}
  std::shared_ptr<Array> make(ir::Node for_node, DType t, Extent shape);

 private:
  const ir::Graph& graph_;
  uint64_t max_bytes_;
  // Shared with the arrays: results outlive the evaluation and may be dropped on any thread.
  std::shared_ptr<std::atomic<uint64_t>> alive_ = std::make_shared<std::atomic<uint64_t>>(0);
};

// For messages: the line of the program that made the node, where it is known, and else the node.
std::string made_text(const ir::Graph& graph, ir::Node n);

// -- Inline parts --

template <size_t K>
Walk<K> coalesced(const Walk<K>& walk) {
  Walk<K> out;
  for (size_t i = 0; i < walk.shape.size(); ++i) {
    if (walk.shape[i] == 1) continue;
    bool joins = !out.shape.empty();
    for (size_t k = 0; joins && k < K; ++k)
      joins = out.strides[k].back() == walk.strides[k][i] * walk.shape[i];
    if (joins) {
      out.shape.back() *= walk.shape[i];
      for (size_t k = 0; k < K; ++k) out.strides[k].back() = walk.strides[k][i];
    } else {
      out.shape.push_back(walk.shape[i]);
      for (size_t k = 0; k < K; ++k) out.strides[k].push_back(walk.strides[k][i]);
    }
  }
  return out;
}

template <size_t K, typename Fn>
void for_each_row(const Walk<K>& full, Fn fn) {
  if (count_of(full.shape) == 0) return;
  Walk<K> walk = coalesced(full);
  if (walk.shape.empty()) {
    walk.shape.push_back(1);
    for (Extent& s : walk.strides) s.push_back(0);
  }
  const size_t last = walk.shape.size() - 1;
  std::array<int64_t, K> offsets{}, steps{};
  for (size_t k = 0; k < K; ++k) steps[k] = walk.strides[k][last];
  Extent at(last, 0);
  for (;;) {
    fn(offsets, walk.shape[last], steps);
    size_t axis = last;
    while (axis > 0) {  // the next row: carry from the innermost outer axis on
      --axis;
      for (size_t k = 0; k < K; ++k) offsets[k] += walk.strides[k][axis];
      if (++at[axis] < walk.shape[axis]) break;
      for (size_t k = 0; k < K; ++k) offsets[k] -= walk.strides[k][axis] * walk.shape[axis];
      at[axis] = 0;
      if (axis == 0) return;
    }
    if (last == 0) return;
  }
}

}  // namespace anneal::interp
