// SPDX-License-Identifier: MIT
// Movement: other strides over the same array where that is possible, else one copy. Tested by
// movement_test.cc.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "interp/block_reader.h"
#include "interp/evaluation.h"

namespace anneal::interp {

using ir::Node;

namespace {

// Strides with which the view has the shape `to` without a copy; false when there are none. Once coalesced,
// each axis of the view must be a product of neighbouring axes of the new shape.
bool reshaped_strides(const View& view, const Extent& to, Extent* strides) {
  strides->assign(to.size(), 0);
  if (count_of(to) == 0) return true;
  const Walk<1> walk = coalesced(Walk<1>{view.shape, {view.strides}});
  size_t axis = walk.shape.size();
  int64_t left = 1, stride = 0;  // of the current axis of the view
  for (size_t i = to.size(); i-- > 0;) {
    if (to[i] == 1) continue;
    if (left == 1) {
      --axis;
      left = walk.shape[axis];
      stride = walk.strides[0][axis];
    }
    if (left % to[i] != 0) return false;
    (*strides)[i] = stride;
    stride *= to[i];
    left /= to[i];
  }
  return true;
}

// Writes the view into `out` from element `offset` on.
void place(const View& view, Array* out, int64_t offset, const Extent& strides) {
  if (count_of(view.shape) == 0) return;  // offset may lie outside
  copy_elements(view, out->bytes.data() + offset * dtype_size(view.dtype), strides);
}

}  // namespace

View evaluate_iota(Evaluation& e, Node n) {
  const Extent shape = e.shape_of(n);
  const auto axis = static_cast<size_t>(e.graph.arg_as<ir::AxisArg>(n).axis);
  const std::shared_ptr<Array> positions = e.storage.make(n, DType::kI64, {shape[axis]});
  for (int64_t i = 0; i < shape[axis]; ++i) std::memcpy(positions->bytes.data() + i * 8, &i, sizeof i);

  BlockReader reader(whole_view(positions), e.held_dtype(n));
  const std::shared_ptr<Array> out = e.make_array(n, {shape[axis]});
  reader.read_memory(0, shape[axis], out->bytes.data());
  View view = whole_view(out);
  view.shape = shape;
  view.strides.assign(shape.size(), 0);
  view.strides[axis] = 1;
  return view;
}

View evaluate_reshape(Evaluation& e, Node n) {
  View view = e.source_value(n, 0);
  const Extent shape = e.shape_of(n);
  if (count_of(shape) != count_of(view.shape))
    e.fail(n, "from " + extent_text(view.shape) + " to " + extent_text(shape) +
                  ": the numbers of elements differ");
  Extent strides;
  if (!reshaped_strides(view, shape, &strides)) {
    view = whole_view(array_of(e, n, view));
    strides = row_major_strides(shape);
  }
  view.shape = shape;
  view.strides = strides;
  return view;
}

View evaluate_expand(Evaluation& e, Node n) {
  View view = e.source_value(n, 0);
  const Extent shape = e.shape_of(n);
  if (view.shape.empty()) {
    view.shape.assign(shape.size(), 1);
    view.strides.assign(shape.size(), 0);
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    if (view.shape[i] == shape[i]) continue;
    if (view.shape[i] != 1) e.fail(n, "from " + extent_text(view.shape) + " to " + extent_text(shape));
    view.strides[i] = 0;
  }
  view.shape = shape;
  return view;
}

View evaluate_permute(Evaluation& e, Node n) {
  const auto& perm = e.graph.arg_as<ir::PermArg>(n).perm;
  return permuted(e.source_value(n, 0), std::vector<size_t>(perm.begin(), perm.end()));
}

View evaluate_flip(Evaluation& e, Node n) {
  View view = e.source_value(n, 0);
  const ir::AxisMask axes = e.graph.arg_as<ir::AxesArg>(n).axes;
  for (size_t i = 0; i < view.shape.size(); ++i)
    if ((axes >> i & 1) != 0) view = flipped(std::move(view), i);
  return view;
}

View evaluate_slice(Evaluation& e, Node n) {
  View view = e.source_value(n, 0);
  const auto& arg = e.graph.arg_as<ir::SliceArg>(n);
  const Extent shape = e.shape_of(n);
  int64_t offset = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t start = e.extents(arg.start[i]);
    int64_t last = 0;
    const bool overflows = shape[i] > 0 && (__builtin_mul_overflow(shape[i] - 1, arg.step[i], &last) ||
                                            __builtin_add_overflow(last, start, &last));
    if (start < 0 || overflows || (shape[i] > 0 && last >= view.shape[i]))
      e.fail(n, "from " + std::to_string(start) + " takes " + std::to_string(shape[i]) +
                    " elements with step " + std::to_string(arg.step[i]) + " on axis " + std::to_string(i) +
                    " of " + extent_text(view.shape));
    offset += start * view.strides[i];
    if (shape[i] > 1) view.strides[i] *= arg.step[i];
  }
  if (count_of(shape) != 0) view.offset += offset;
  view.shape = shape;
  return view;
}

View evaluate_pad(Evaluation& e, Node n) {
  const View& source = e.source_value(n, 0);
  const auto& arg = e.graph.arg_as<ir::PadArg>(n);
  const Extent shape = e.shape_of(n);
  Extent strides = row_major_strides(shape);
  int64_t offset = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t low = e.extents(arg.low[i]), high = e.extents(arg.high[i]), spread = arg.interior[i] + 1;
    const int64_t extent = source.shape[i];
    if (low < 0 || high < 0 || shape[i] != low + (extent == 0 ? 0 : (extent - 1) * spread + 1) + high)
      e.fail(n, "by " + std::to_string(low) + " and " + std::to_string(high) + " on axis " +
                    std::to_string(i) + ", from " + extent_text(source.shape) + " to " + extent_text(shape));
    offset += low * strides[i];
    if (extent > 1) strides[i] *= spread;
  }
  const std::shared_ptr<Array> out = e.make_array(n, shape);
  View fill = e.source_value(n, 1);
  fill.shape = shape;
  fill.strides.assign(shape.size(), 0);
  place(fill, out.get(), 0, row_major_strides(shape));
  place(source, out.get(), offset, strides);
  return whole_view(out);
}

View evaluate_concat(Evaluation& e, Node n) {
  const auto axis = static_cast<size_t>(e.graph.arg_as<ir::AxisArg>(n).axis);
  const Extent shape = e.shape_of(n);
  const Extent strides = row_major_strides(shape);
  const std::shared_ptr<Array> out = e.make_array(n, shape);
  int64_t position = 0;
  for (size_t i = 0; i < e.graph.sources(n).size(); ++i) {
    const View& part = e.source_value(n, i);
    Extent expected = shape;
    expected[axis] = part.shape[axis];
    if (part.shape != expected || part.shape[axis] > shape[axis] - position)
      e.fail(n, "source " + std::to_string(i) + " of shape " + extent_text(part.shape) + " does not fit at " +
                    std::to_string(position) + " of " + extent_text(shape));
    place(part, out.get(), position * strides[axis], strides);
    position += part.shape[axis];
  }
  if (position != shape[axis])
    e.fail(n, "sources give " + std::to_string(position) + " of " + extent_text(shape));
  return whole_view(out);
}

}  // namespace anneal::interp
