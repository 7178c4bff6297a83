// SPDX-License-Identifier: MIT
// Argsort, gather and scatter: positions that are data. Tested by index_test.cc.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "interp/block_reader.h"
#include "ir/scalar_ops.h"

namespace anneal::interp {

using ir::Node;

namespace {

// The walk of gather and scatter: over the positions' shape, the positions themselves, a view in step with
// them, and, in the array that they index, the element at position 0 of the axis.
Walk<3> indexed_walk(Evaluation& e, Node n, const View& positions, const View& in_step, const View& indexed,
                     size_t axis) {
  bool fits = positions.shape == in_step.shape;
  for (size_t i = 0; i < positions.shape.size(); ++i)
    fits = fits && (i == axis || positions.shape[i] == indexed.shape[i]);
  if (!fits)
    e.fail(n, "positions " + extent_text(positions.shape) + " do not fit " + extent_text(indexed.shape) +
                  " on axis " + std::to_string(axis));
  Walk<3> walk = {positions.shape, {positions.strides, in_step.strides, indexed.strides}};
  walk.strides[2][axis] = 0;
  return walk;
}

// Up to kBlock positions, whose every integer type becomes int64_t; u64 beyond it becomes negative: out of
// range.
class Positions {
 public:
  explicit Positions(const View& view) : view_(view) {}
  const int64_t* read(int64_t element, int64_t stride, size_t n) {
    ir::load_elements(view_.dtype, view_.at(element), stride, n, raw_);
    const void* sources[] = {raw_};
    ir::run_elementwise({ir::Op::Cast, DType::kI64, view_.dtype}, sources, positions_, n);
    return positions_;
  }

 private:
  const View& view_;
  int64_t raw_[BlockReader::kBlock], positions_[BlockReader::kBlock];
};

bool is_inside(int64_t position, int64_t extent) { return position >= 0 && position < extent; }

// Cuts a row into parts of at most a block: calls fn(first, n).
template <typename Fn>
void for_each_block(int64_t n, Fn fn) {
  constexpr auto kBlock = static_cast<int64_t>(BlockReader::kBlock);
  for (int64_t done = 0; done < n; done += kBlock) fn(done, std::min(n - done, kBlock));
}

// Combines values into `into`, in computed form, in the order of their positions.
template <typename T>
void scatter_values(const Walk<3>& walk, const View& positions, const View& values, const View& into,
                    size_t axis, bool adds) {
  Positions reader(positions);
  T* target = reinterpret_cast<T*>(const_cast<std::byte*>(into.data->bytes.data()));
  T block[BlockReader::kBlock];
  for_each_row(walk, [&](const auto& offsets, int64_t n, const auto& steps) {
    for_each_block(n, [&](int64_t first, int64_t count) {
      const auto part = static_cast<size_t>(count);
      const int64_t* at = reader.read(offsets[0] + first * steps[0], steps[0], part);
      ir::load_elements(values.dtype, values.at(offsets[1] + first * steps[1]), steps[1], part, block);
      for (size_t i = 0; i < part; ++i) {
        if (!is_inside(at[i], into.shape[axis])) continue;
        T& element =
            target[offsets[2] + (first + static_cast<int64_t>(i)) * steps[2] + at[i] * into.strides[axis]];
        if constexpr (!std::same_as<T, bool>) {
          element = adds ? ir::binary_op<ir::Op::Add>(element, block[i]) : block[i];
        } else {
          element = block[i];
        }
      }
    });
  });
}

}  // namespace

View evaluate_arg_sort(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::SortArg>(n);
  const auto axis = static_cast<size_t>(arg.axis);
  std::vector<size_t> order(e.source_value(n, 0).shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::swap(order[axis], order.back());  // its own inverse
  const View source = permuted(e.source_value(n, 0), order);
  const int64_t length = source.shape.back();
  if (length > INT32_MAX)
    e.fail(n, "positions on an axis of " + std::to_string(length) + " do not fit i32", ErrorCode::kLimit);

  const std::shared_ptr<Array> out = e.make_array(n, source.shape);
  const std::shared_ptr<Array> row = e.storage.make(n, ir::compute_dtype(source.dtype), {length});
  std::vector<int32_t> positions(static_cast<size_t>(length));
  BlockReader reader(source);
  ir::visit_compute(source.dtype, [&]<typename T>() {
    const T* v = reinterpret_cast<const T*>(row->bytes.data());
    const auto precedes = [&](int32_t a, int32_t b) {  // equal elements keep their order
      if (ir::sorts_before(v[a], v[b])) return !arg.descending;
      if (ir::sorts_before(v[b], v[a])) return arg.descending;
      return a < b;
    };
    for (int64_t begin = 0; begin < reader.count(); begin += length) {
      reader.read_computed(begin, length, row->bytes.data());
      std::iota(positions.begin(), positions.end(), 0);
      std::sort(positions.begin(), positions.end(), precedes);
      std::memcpy(out->bytes.data() + begin * 4, positions.data(), positions.size() * 4);
    }
  });
  return permuted(whole_view(out), order);
}

View evaluate_gather(Evaluation& e, Node n) {
  const auto axis = static_cast<size_t>(e.graph.arg_as<ir::AxisArg>(n).axis);
  const View& source = e.source_value(n, 0);
  const View& positions = e.source_value(n, 1);
  const std::shared_ptr<Array> out = e.make_array(n, positions.shape);  // zeros
  const View result = whole_view(out);
  const Walk<3> walk = indexed_walk(e, n, positions, result, source, axis);
  const auto size = static_cast<size_t>(dtype_size(source.dtype));
  Positions reader(positions);
  for_each_row(walk, [&](const auto& offsets, int64_t row, const auto& steps) {
    for_each_block(row, [&](int64_t first, int64_t count) {
      const int64_t* at = reader.read(offsets[0] + first * steps[0], steps[0], static_cast<size_t>(count));
      for (int64_t i = 0; i < count; ++i) {
        if (!is_inside(at[i], source.shape[axis])) continue;
        const std::byte* from = source.at(offsets[2] + (first + i) * steps[2] + at[i] * source.strides[axis]);
        const int64_t to = offsets[1] + (first + i) * steps[1];
        std::memcpy(out->bytes.data() + to * static_cast<int64_t>(size), from, size);
      }
    });
  });
  return result;
}

// Narrow floats are combined in f32 and rounded once, at the end, like those of a reduction.
View evaluate_scatter(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::ScatterArg>(n);
  const auto axis = static_cast<size_t>(arg.axis);
  const View& base = e.source_value(n, 0);
  const View& positions = e.source_value(n, 1);
  const View& values = e.source_value(n, 2);
  const bool adds = arg.mode == ir::ScatterMode::kAdd;
  if (adds && is_bool(base.dtype)) e.fail(n, "bool has no sum", ErrorCode::kDType);

  const std::shared_ptr<Array> sums = e.storage.make(n, ir::compute_dtype(base.dtype), base.shape);
  BlockReader(base).read_computed(0, count_of(base.shape), sums->bytes.data());
  const View into = whole_view(sums);
  const Walk<3> walk = indexed_walk(e, n, positions, values, into, axis);
  ir::visit_compute(base.dtype,
                    [&]<typename T>() { scatter_values<T>(walk, positions, values, into, axis, adds); });

  if (dtype_size(sums->dtype) == dtype_size(base.dtype)) {
    sums->dtype = base.dtype;
    return whole_view(sums);
  }
  const std::shared_ptr<Array> out = e.make_array(n, base.shape);
  ir::store_elements(out->dtype, sums->bytes.data(), static_cast<size_t>(count_of(base.shape)),
                     out->bytes.data());
  return whole_view(out);
}

}  // namespace anneal::interp
