// SPDX-License-Identifier: MIT
#include "interp/view.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "anneal/error.h"
#include "ir/text.h"
#include "support/check.h"

namespace anneal::interp {

int64_t count_of(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent == 0) return 0;
    count *= extent;
  }
  return count;
}

Extent row_major_strides(std::span<const int64_t> shape) {
  Extent strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

std::string extent_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(shape[i]);
  return text + "]";
}

View whole_view(std::shared_ptr<const Array> array) {
  View view;
  view.dtype = array->dtype;
  view.shape = array->shape;
  view.strides = row_major_strides(view.shape);
  view.data = std::move(array);
  return view;
}

View permuted(View view, std::span<const size_t> order) {
  if (view.shape.empty()) return view;
  const Extent shape = view.shape, strides = view.strides;
  for (size_t i = 0; i < order.size(); ++i) {
    view.shape[i] = shape[order[i]];
    view.strides[i] = strides[order[i]];
  }
  return view;
}

View flipped(View view, size_t axis) {
  if (view.shape[axis] > 0) view.offset += (view.shape[axis] - 1) * view.strides[axis];
  view.strides[axis] = -view.strides[axis];
  return view;
}

namespace {

template <typename Bits>
void copy_walk(const Walk<2>& walk, const std::byte* from, std::byte* to) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(Bits));
  for_each_row(walk,
               [&](const std::array<int64_t, 2>& offsets, int64_t n, const std::array<int64_t, 2>& steps) {
                 const std::byte* source = from + offsets[0] * kSize;
                 std::byte* target = to + offsets[1] * kSize;
                 if (steps[0] == 1 && steps[1] == 1) {
                   std::memcpy(target, source, static_cast<size_t>(n * kSize));
                   return;
                 }
                 for (int64_t i = 0; i < n; ++i)
                   std::memcpy(target + i * steps[1] * kSize, source + i * steps[0] * kSize, sizeof(Bits));
               });
}

}  // namespace

void copy_elements(const View& from, std::byte* to, std::span<const int64_t> to_strides) {
  if (count_of(from.shape) == 0) return;
  const Walk<2> walk = {from.shape, {from.strides, Extent(to_strides.begin(), to_strides.end())}};
  switch (dtype_size(from.dtype)) {
    case 1: return copy_walk<uint8_t>(walk, from.at(0), to);
    case 2: return copy_walk<uint16_t>(walk, from.at(0), to);
    case 4: return copy_walk<uint32_t>(walk, from.at(0), to);
    case 8: return copy_walk<uint64_t>(walk, from.at(0), to);
    default: ANNEAL_UNREACHABLE("element size");
  }
}

std::shared_ptr<Array> Storage::make(ir::Node for_node, DType t, Extent shape) {
  constexpr uint64_t kAddressable = std::numeric_limits<ptrdiff_t>::max();
  uint64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(static_cast<uint64_t>(count_of(shape)),
                                            static_cast<uint64_t>(dtype_size(t)), &bytes);
  const uint64_t alive = alive_->load();
  if (!fits || bytes > kAddressable || bytes > max_bytes_ || alive > max_bytes_ - bytes)
    raise(ErrorCode::kLimit, std::string(op_text(graph_.op(for_node))) + ": an array " +
                                 std::string(dtype_name(t)) + extent_text(shape) + " beside " +
                                 std::to_string(alive) + " bytes in use exceeds the limit of " +
                                 std::to_string(max_bytes_) + " bytes\n  " + made_text(graph_, for_node));
  *alive_ += bytes;
  auto array = std::make_unique<Array>();
  array->dtype = t;
  array->shape = std::move(shape);
  array->bytes.resize(static_cast<size_t>(bytes));
  return {array.release(), [alive = alive_, bytes](Array* a) {
            delete a;
            *alive -= bytes;
          }};
}

}  // namespace anneal::interp
