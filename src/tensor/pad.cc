// SPDX-License-Identifier: MIT
// Padding with a value, by reflection, by the edge and around. Tested by movement_test.cc and
// symbolic_test.cc.
#include <algorithm>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;

Tensor pad(In x, const Pads& pads, In value) {
  const Call call("pad", {&x, &value});
  const Node n = call.node(x);
  std::vector<Dim> shape = call.shape(n);
  if (pads.size() > shape.size())
    call.fail(ErrorCode::kArgument,
              std::to_string(pads.size()) + " amounts for a tensor of rank " + std::to_string(shape.size()));
  ir::SliceArg cut{std::vector<Dim>(shape.size(), Dim(0)), std::vector<int64_t>(shape.size(), 1)};
  ir::PadArg arg{std::vector<Dim>(shape.size(), Dim(0)), std::vector<Dim>(shape.size(), Dim(0)),
                 std::vector<int64_t>(shape.size(), 0)};
  for (size_t i = 0; i < pads.size(); ++i) {
    const auto [before, after] = pads[i];
    const int64_t lost = std::max<int64_t>(0, -before) + std::max<int64_t>(0, -after);
    if (lost > 0) {
      if (shape[i].is_const() && lost > shape[i].value)
        call.fail(ErrorCode::kArgument, "cuts " + std::to_string(lost) + " elements from axis " +
                                            std::to_string(i) + " of " + std::to_string(shape[i].value));
      cut.start[i] = Dim(std::max<int64_t>(0, -before));
      shape[i] = ir::dim_sub(call.g, shape[i], Dim(lost));
    }
    arg.low[i] = Dim(std::max<int64_t>(0, before));
    arg.high[i] = Dim(std::max<int64_t>(0, after));
  }
  const Node fill = call.node(value, call.g.dtype(n));
  if (call.g.rank(fill) != 0) call.fail(ErrorCode::kShape, "the value must be a scalar");
  return wrap(call.b.pad(call.b.slice(n, cut, shape), fill, arg));
}

namespace {

enum class Beyond { kMirror, kEdge, kOtherEnd };

// The amounts are numbers; the extent may be symbolic. Whether it holds them, the slices check where it is
// not known before values are bound.
Tensor padded_with_itself(const Call& call, Tensor t, const Pads& pads, Beyond beyond) {
  if (pads.size() > static_cast<size_t>(t.rank())) call.fail(ErrorCode::kArgument, "more amounts than axes");
  for (size_t i = 0; i < pads.size(); ++i) {
    const auto [before, after] = pads[i];
    if (before == 0 && after == 0) continue;
    const auto a = static_cast<int>(i);
    const Extent extent = t.size(a);
    const int64_t longest = ir::dim_max(call.g, to_dim(extent));
    const int64_t reach = beyond == Beyond::kMirror ? longest - 1
                          : beyond == Beyond::kEdge ? INT64_MAX
                                                    : longest;
    if (before < 0 || after < 0 || before > reach || after > reach || longest == 0)
      call.fail(ErrorCode::kArgument,
                "amounts " + std::to_string(before) + " and " + std::to_string(after) + " on axis " +
                    std::to_string(i) + " of " + extent.str() + ": " +
                    (before < 0 || after < 0     ? "they must not be negative"
                     : beyond == Beyond::kMirror ? "reflection reaches at most the extent minus 1"
                     : beyond == Beyond::kOtherEnd && longest > 0
                         ? "it goes around once at most"
                         : "an empty axis has no edge to repeat: only 0 and 0 fit"));
    std::vector<Tensor> parts;
    Sizes edge = t.sizes();
    if (before > 0) {
      edge[i] = before;
      parts.push_back(beyond == Beyond::kMirror ? flip(narrow(t, a, 1, before), a)
                      : beyond == Beyond::kEdge ? expand(narrow(t, a, 0, 1), edge)
                                                : narrow(t, a, extent - before, before));
    }
    parts.push_back(t);
    if (after > 0) {
      edge[i] = after;
      parts.push_back(beyond == Beyond::kMirror ? flip(narrow(t, a, extent - 1 - after, after), a)
                      : beyond == Beyond::kEdge ? expand(narrow(t, a, extent - 1, 1), edge)
                                                : narrow(t, a, 0, after));
    }
    t = cat(parts, a);
  }
  return t;
}

}  // namespace

Tensor pad_reflect(In x, const Pads& pads) {
  const Call call("pad_reflect", {&x});
  return padded_with_itself(call, wrap(call.node(x)), pads, Beyond::kMirror);
}

Tensor pad_replicate(In x, const Pads& pads) {
  const Call call("pad_replicate", {&x});
  return padded_with_itself(call, wrap(call.node(x)), pads, Beyond::kEdge);
}

Tensor pad_circular(In x, const Pads& pads) {
  const Call call("pad_circular", {&x});
  return padded_with_itself(call, wrap(call.node(x)), pads, Beyond::kOtherEnd);
}

}  // namespace anneal
