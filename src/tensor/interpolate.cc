// SPDX-License-Identifier: MIT
// Interpolation of the axes behind batch and channels. Extents may be symbolic where the result's are known:
// of a given size, or of a whole scale. Tested by conv_test.cc and symbolic_test.cc.
#include <cmath>

#include "ir/dims.h"
#include "tensor/call.h"
#include "tensor/extents.h"
#include "tensor/shared.h"

namespace anneal {

namespace {

struct Resize {
  int axis;
  Extent from, to;
  std::optional<double> scale;  // as it was given: positions follow it, and not the rounded extent
};

// A scale may keep the extent and still move the positions: 1.2 of 4 elements.
bool is_unchanged(const Resize& r) { return r.from == r.to && r.scale.value_or(1) == 1; }

Tensor resize_nearest(const Call& call, const Tensor& t, const Resize& r) {
  if (is_unchanged(r)) return t;
  const bool whole = !r.scale || !r.from.is_const() ||
                     1 / *r.scale * static_cast<double>(r.to.value()) == static_cast<double>(r.from.value());
  if (!whole) {
    const Tensor at = floor(cast(arange(r.to, i64), f64) * (1 / *r.scale));
    return index_select(t, r.axis, cast(clamp(at, 0, static_cast<double>(r.from.value() - 1)), i32));
  }
  if (const auto times = ir::dim_exact_div(call.g, to_dim(r.to), to_dim(r.from)); times && times->is_const())
    return repeat_interleave(t, times->value, r.axis);
  const Tensor from = number_of(call, to_dim(r.from), i64), to = number_of(call, to_dim(r.to), i64);
  return index_select(t, r.axis, floordiv(arange(r.to, i64) * from, to));  // exactly
}

Tensor resize_linear(const Call& call, const Tensor& t, const Resize& r, bool align_corners) {
  if (is_unchanged(r) && !align_corners) return t;
  const Tensor from = number_of(call, to_dim(r.from), f64), to = number_of(call, to_dim(r.to), f64);
  const Tensor position = cast(arange(r.to, i64), f64);
  const Tensor scale = r.scale ? wrap(call.b.constant_float(1 / *r.scale, f64)) : from / to;
  const Tensor centre = align_corners ? position * ((from - 1) / maximum(to - 1, 1))
                                      : maximum((position + 0.5) * scale - 0.5, 0);
  const auto pick = [&](const Tensor& at) {
    return index_select(t, r.axis, cast(maximum(minimum(at, from - 1), 0), i32));
  };
  const Tensor low = floor(centre);
  Sizes shape(static_cast<size_t>(t.rank()), Extent(1));
  shape[static_cast<size_t>(r.axis)] = r.to;
  const Tensor weight = reshape(cast(centre - low, t.dtype()), shape);
  return pick(low) * (1 - weight) + pick(low + 1) * weight;
}

Extent scaled_extent(const Call& call, int axis, const Extent& from, double scale) {
  constexpr double kExact = 9e15;  // beyond it no extent is exact
  const std::string text = "a scale of " + number_text(scale) + " on an axis of " + from.str();
  if (!from.is_const()) {
    if (scale != std::floor(scale) || scale > 1e6)
      call.fail(ErrorCode::kArgument, "axis " + std::to_string(axis) + " is " + from.str() +
                                          ": it takes a size or a whole scale, not " + number_text(scale));
    return from * static_cast<int64_t>(scale);
  }
  const auto extent = static_cast<double>(from.value());
  if (!(extent * scale < kExact)) call.fail(ErrorCode::kLimit, text + ": too many elements");
  return static_cast<int64_t>(std::floor(extent * scale));
}

}  // namespace

Tensor interpolate(In x, const InterpolateOptions& options) {
  const Call call("interpolate", {&x});
  // Values between elements are no integers.
  const bool nearest = options.mode == Interpolation::kNearest;
  Tensor t = wrap(nearest ? call.node(x) : call.float_node(x));
  const int axes = t.rank() - 2;
  if (axes < 1) call.fail(ErrorCode::kShape, "takes [batch, channels, ...], not " + t.type());
  if (options.size.empty() == options.scale.empty())
    call.fail(ErrorCode::kArgument, "needs either size or scale");
  const size_t given = std::max(options.size.size(), options.scale.size());
  if (given != 1 && given != static_cast<size_t>(axes))
    call.fail(ErrorCode::kArgument, std::to_string(given) + " values for " + std::to_string(axes) + " axes");
  for (double scale : options.scale)
    if (!(scale > 0) || std::isinf(scale))
      call.fail(ErrorCode::kArgument,
                "a scale of " + number_text(scale) + ": it must be positive and finite");
  for (int i = 0; i < axes; ++i) {
    const size_t which = given == 1 ? 0 : static_cast<size_t>(i);
    Resize r{.axis = 2 + i, .from = t.size(2 + i), .to = 0, .scale = std::nullopt};
    if (!options.scale.empty()) r.scale = options.scale[which];
    r.to = r.scale ? scaled_extent(call, r.axis, r.from, *r.scale) : Extent(options.size[which]);
    if (ir::dim_min(call.g, to_dim(r.to)) < 1 || ir::dim_min(call.g, to_dim(r.from)) < 1)
      call.fail(ErrorCode::kArgument,
                "an extent of " + r.to.str() + " from an axis of " + r.from.str() +
                    (r.from.is_const() ? "" : ", which may be empty: its dimension needs a minimum of 1"));
    t = nearest ? resize_nearest(call, t, r) : resize_linear(call, t, r, options.align_corners);
  }
  return t;
}

}  // namespace anneal
