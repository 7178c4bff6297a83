// SPDX-License-Identifier: MIT
// Convolution, pooling and interpolation. A window is a view: padding, slices with a step, and one more axis
// for the position inside the window. Convolution is then a sum of products like any other.
#include <algorithm>
#include <cmath>

#include "ir/dims.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::ReduceOp;

namespace {

// One value for every axis, or one for each.
std::vector<int64_t> per_axis(const Call& call, const std::vector<int64_t>& v, size_t axes,
                              std::string_view what, int64_t low) {
  if (v.size() != 1 && v.size() != axes)
    call.fail(ErrorCode::kArgument, std::string(what) + " has " + std::to_string(v.size()) + " values for " +
                                        std::to_string(axes) + " axes");
  std::vector<int64_t> out(axes);
  for (size_t i = 0; i < axes; ++i) {
    out[i] = v[v.size() == 1 ? 0 : i];
    if (out[i] < low)
      call.fail(ErrorCode::kArgument,
                std::string(what) + " is " + std::to_string(out[i]) + ": at least " + std::to_string(low));
  }
  return out;
}

// An extent of a weight: each of its elements has work of its own.
int64_t known(const Call& call, ir::Shape weight, size_t axis) {
  if (!weight[axis].is_const())
    call.fail(ErrorCode::kShape, "axis " + std::to_string(axis) + " of the weight is " +
                                     ir::dim_text(call.g, weight[axis]) +
                                     ": the extents of a weight must be numbers");
  return weight[axis].value;
}

// And one of the kernel, which has an element at least: of none, every sum would be over nothing.
int64_t kernel_extent(const Call& call, ir::Shape weight, size_t axis) {
  const int64_t extent = known(call, weight, axis);
  if (extent == 0)
    call.fail(ErrorCode::kShape,
              "axis " + std::to_string(axis) + " of the weight is 0: a kernel has at least one element");
  return extent;
}

struct Window {
  std::vector<int64_t> kernel, stride, low, high, dilation;
};

// Windows as a view, without a gather. All axes are repeated at once, so that the gradient, which runs the
// view backwards, is one sum over all kernel positions; and it finds them by adding, not by dividing.
class Windows {
 public:
  Windows(const Call& call, const Window& window, Node fill) : call_(call), w_(window), fill_(fill) {}

  // [lead..., s1, s2] as [lead..., o1, o2, k1, k2]: element o * stride + k * dilation of the padded axis.
  Node of(Node x) const {
    const size_t axes = w_.kernel.size(), lead = call_.g.shape(x).size() - axes;
    x = call_.b.pad(x, fill_, pads(x, lead));
    const ir::Shape shape = call_.g.shape(x);
    std::vector<Dim> apart(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(lead)), wide = apart;
    for (size_t i = 0; i < axes; ++i) {
      const Dim n = shape[lead + i];
      check_fit(lead + i, n, i);
      apart.insert(apart.end(), {Dim(1), n});
      wide.insert(wide.end(), {Dim(copies(n, i)), n});
    }
    x = call_.b.expand(call_.b.reshape(x, apart), wide);
    for (size_t i = 0; i < axes; ++i) x = slid(x, lead + 2 * i, i);
    // Kernel positions gather at the end, in order.
    std::vector<uint8_t> perm;
    for (size_t i = 0; i < lead; ++i) perm.push_back(static_cast<uint8_t>(i));
    for (size_t i = 0; i < axes; ++i) perm.push_back(static_cast<uint8_t>(lead + 2 * i + 1));
    for (size_t i = 0; i < axes; ++i) perm.push_back(static_cast<uint8_t>(lead + 2 * i));
    return call_.b.permute(x, perm);
  }

 private:
  int64_t span(size_t i) const { return w_.dilation[i] * (w_.kernel[i] - 1) + 1; }
  // Windows that do not overlap, and the single elements of a kernel of 1, repeat nothing.
  bool is_apart(Dim n, size_t i) const {
    return w_.kernel[i] == 1 || (n.is_const() && w_.kernel[i] <= w_.stride[i] && w_.dilation[i] == 1);
  }
  int64_t copies(Dim n, size_t i) const {
    if (is_apart(n, i)) return 1;
    return n.is_const() ? w_.kernel[i] : w_.kernel[i] * (1 + w_.dilation[i]);
  }

  void check_fit(size_t axis, Dim n, size_t i) const {
    if (n.is_const() && n.value < span(i))
      call_.fail(ErrorCode::kShape, "a window of " + std::to_string(span(i)) + " does not fit in axis " +
                                        std::to_string(axis) + ", which has " + std::to_string(n.value) +
                                        " elements with padding");
  }

  // Axes [copies, n] at `at` as [kernel, out].
  Node slid(Node x, size_t at, size_t i) const {
    const Dim n = call_.g.shape(x)[at + 1];
    const int64_t k = w_.kernel[i], s = w_.stride[i];
    const Dim out = ir::dim_add(
        call_.g, ir::dim_floordiv(call_.g, ir::dim_sub(call_.g, n, Dim(span(i))), Dim(s)), Dim(1));
    if (k == 1) return cut(x, at + 1, 0, out, s);
    if (is_apart(n, i)) return side_by_side(x, at, out.value, k, s);
    return n.is_const() ? skewed(x, at, i, out) : skewed_by_repeating(x, at, i, out);
  }

  // Rows of `stride` elements, of which the window is the beginning.
  Node side_by_side(Node x, size_t at, int64_t out, int64_t kernel, int64_t stride) const {
    const int64_t n = call_.g.shape(x)[at + 1].value, whole = out * stride;
    x = whole > n ? padded(x, at + 1, 0, whole - n) : cut(x, at + 1, 0, Dim(whole), 1);
    x = cut(regrouped(x, at, 2, {Dim(out), Dim(stride)}), at + 1, 0, Dim(kernel), 1);
    std::vector<uint8_t> perm(call_.g.shape(x).size());
    for (size_t p = 0; p < perm.size(); ++p) perm[p] = static_cast<uint8_t>(p);
    std::swap(perm[at], perm[at + 1]);
    return call_.b.permute(x, perm);
  }

  // The copies one after the other, cut into rows that are `dilation` longer, so that each row begins that
  // much later in its copy. The padding, which no window reaches, is room for the gradient: there every
  // element of a copy finds its place in the row of the same number.
  Node skewed(Node x, size_t at, size_t i, Dim out) const {
    const int64_t d = w_.dilation[i], later = span(i) - 1, n = call_.g.shape(x)[at + 1].value + later;
    const int64_t k = w_.kernel[i];
    x = regrouped(padded(x, at + 1, 0, later), at, 2, {Dim(k * n)});
    x = regrouped(padded(x, at, later, d), at, 1, {Dim(k), Dim(n + d)});
    return cut(x, at + 1, later, out, w_.stride[i]);
  }

  // The same where the extent is not known, so that nothing has to be proven of paddings: copies of the bare
  // axis, enough to fill the rows.
  Node skewed_by_repeating(Node x, size_t at, size_t i, Dim out) const {
    const ir::Shape shape = call_.g.shape(x);
    const Dim k = Dim(w_.kernel[i]), row = ir::dim_add(call_.g, shape[at + 1], Dim(w_.dilation[i]));
    x = regrouped(x, at, 2, {ir::dim_mul(call_.g, shape[at], shape[at + 1])});
    x = regrouped(cut(x, at, 0, ir::dim_mul(call_.g, k, row), 1), at, 1, {k, row});
    return cut(x, at + 1, 0, out, w_.stride[i]);
  }

  // -- Movement of one axis --

  ir::PadArg no_pads(Node x) const {
    const size_t rank = call_.g.shape(x).size();
    return {std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0)), std::vector<int64_t>(rank, 0)};
  }
  ir::PadArg pads(Node x, size_t lead) const {
    ir::PadArg pad = no_pads(x);
    for (size_t i = 0; i < w_.kernel.size(); ++i) {
      pad.low[lead + i] = Dim(w_.low[i]);
      pad.high[lead + i] = Dim(w_.high[i]);
    }
    return pad;
  }
  Node padded(Node x, size_t axis, int64_t low, int64_t high) const {
    ir::PadArg pad = no_pads(x);
    pad.low[axis] = Dim(low);
    pad.high[axis] = Dim(high);
    return call_.b.pad(x, fill_, pad);
  }
  Node cut(Node x, size_t axis, int64_t start, Dim extent, int64_t step) const {
    const ir::Shape from = call_.g.shape(x);
    std::vector<Dim> to(from.begin(), from.end());
    to[axis] = extent;
    ir::SliceArg arg{std::vector<Dim>(to.size(), Dim(0)), std::vector<int64_t>(to.size(), 1)};
    arg.start[axis] = Dim(start);
    arg.step[axis] = step;
    return call_.b.slice(x, arg, to);
  }
  // `count` axes at `at` as others.
  Node regrouped(Node x, size_t at, size_t count, std::initializer_list<Dim> others) const {
    const ir::Shape shape = call_.g.shape(x);
    std::vector<Dim> dims(shape.begin(), shape.end());
    const auto first = dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(at),
                                  dims.begin() + static_cast<std::ptrdiff_t>(at + count));
    dims.insert(first, others.begin(), others.end());
    return call_.b.reshape(x, dims);
  }

  const Call& call_;
  const Window& w_;
  Node fill_;
};

Node windows(const Call& call, Node x, const Window& w, Node fill) { return Windows(call, w, fill).of(x); }

Window conv_window(const Call& call, ir::Shape ws, size_t axes, const ConvOptions& options) {
  Window window{{},
                per_axis(call, options.stride, axes, "stride", 1),
                per_axis(call, options.padding, axes, "padding", 0),
                {},
                per_axis(call, options.dilation, axes, "dilation", 1)};
  window.high = window.low;
  for (size_t i = 0; i < axes; ++i) window.kernel.push_back(kernel_extent(call, ws, 2 + i));
  for (size_t i = 0; options.same && i < axes; ++i) {
    if (window.stride[i] != 1 || window.low[i] != 0)
      call.fail(ErrorCode::kArgument, "same is a padding of its own, and takes a stride of 1");
    const int64_t total = window.dilation[i] * (window.kernel[i] - 1);
    window.low[i] = total / 2;
    window.high[i] = total - total / 2;
  }
  return window;
}

Tensor convolve(std::string_view name, size_t axes, const In& x, const In& weight,
                const std::optional<Tensor>& bias, const ConvOptions& options) {
  const Call call(name, {&x, &weight}, {&bias});
  Node n = call.float_node(x), w = call.float_node(weight);
  if (call.g.shape(n).size() != axes + 2)
    call.fail(ErrorCode::kShape, "takes [batch, channels, ...] of rank " + std::to_string(axes + 2) +
                                     ", not " + ir::type_text(call.g, n));
  if (call.g.shape(w).size() != axes + 2)
    call.fail(ErrorCode::kShape,
              "takes a weight of rank " + std::to_string(axes + 2) + ", not " + ir::type_text(call.g, w));
  const std::vector<Dim> ws = call.shape(w);
  const int64_t groups = options.groups;
  const int64_t outs = known(call, ws, 0), ins = known(call, ws, 1);
  if (groups < 1 || outs % groups != 0)
    call.fail(ErrorCode::kArgument, std::to_string(outs) + " output channels do not divide into " +
                                        std::to_string(groups) + " groups");
  if (ir::dim_equal(call.g, call.g.shape(n)[1], Dim(ins * groups)) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape, "the weight takes " + std::to_string(ins * groups) + " channels (" +
                                     std::to_string(ins) + " in each of " + std::to_string(groups) +
                                     " groups), x has " + ir::dim_text(call.g, call.g.shape(n)[1]));
  const Window window = conv_window(call, ws, axes, options);

  // x: [b, g, 1, o.., ci, k..] * weight: [1, g, co, 1.., ci, k..], summed over ci and k.
  const Dim batch = call.g.shape(n)[0];
  const Node view = windows(call, n, window, call.b.constant_int(0, call.g.dtype(n)));
  const std::vector<Dim> vs(call.g.shape(view).begin(), call.g.shape(view).end());
  std::vector<Dim> split{batch, Dim(groups), Dim(ins)};
  split.insert(split.end(), vs.begin() + 2, vs.end());
  std::vector<uint8_t> perm{0, 1};
  for (size_t i = 0; i < axes; ++i) perm.push_back(static_cast<uint8_t>(3 + i));
  perm.push_back(2);
  for (size_t i = 0; i < axes; ++i) perm.push_back(static_cast<uint8_t>(3 + axes + i));
  Tensor left = unsqueeze(wrap(call.b.permute(call.b.reshape(view, split), perm)), 2);
  std::vector<Dim> wide{Dim(1), Dim(groups), Dim(outs / groups)};
  wide.insert(wide.end(), axes, Dim(1));
  wide.insert(wide.end(), ws.begin() + 1, ws.end());
  const Tensor right = wrap(call.b.reshape(w, wide));
  std::vector<int> summed;
  for (size_t i = 0; i <= axes; ++i) summed.push_back(-1 - static_cast<int>(i));
  const DType t = promote(call.g.dtype(n), call.g.dtype(w)), acc = accumulation_dtype(t);
  Tensor out = cast(sum(cast(left, acc) * cast(right, acc), Axes(summed)), t);
  std::vector<Dim> shape{batch, Dim(outs)};
  shape.insert(shape.end(), vs.begin() + 2, vs.begin() + 2 + static_cast<std::ptrdiff_t>(axes));
  out = wrap(call.b.reshape(node_of(out), shape));
  if (!bias) return out;
  const Node bn = call.required(*bias, "the bias");
  if (call.g.rank(bn) != 1 || ir::dim_equal(call.g, call.g.shape(bn)[0], Dim(outs)) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape,
              "the bias must be [" + std::to_string(outs) + "], not " + ir::type_text(call.g, bn));
  std::vector<Dim> bs(axes + 1, Dim(1));
  bs[0] = Dim(outs);
  return out + wrap(call.b.reshape(bn, bs));
}

// The adjoint of a convolution with respect to its input: x spread by the stride, the weight flipped.
Tensor convolve_transposed(std::string_view name, size_t axes, const In& x, const In& weight,
                           const std::optional<Tensor>& bias, const ConvTransposeOptions& options) {
  const Call call(name, {&x, &weight}, {&bias});
  const Node n = call.float_node(x), w = call.float_node(weight);
  if (call.g.shape(n).size() != axes + 2 || call.g.shape(w).size() != axes + 2)
    call.fail(ErrorCode::kShape, "takes x and weight of rank " + std::to_string(axes + 2));
  const std::vector<int64_t> stride = per_axis(call, options.stride, axes, "stride", 1),
                             padding = per_axis(call, options.padding, axes, "padding", 0),
                             extra = per_axis(call, options.output_padding, axes, "output_padding", 0),
                             dilation = per_axis(call, options.dilation, axes, "dilation", 1);
  const std::vector<Dim> ws(call.g.shape(w).begin(), call.g.shape(w).end());
  const int64_t groups = options.groups, ins = known(call, ws, 0), outs = known(call, ws, 1);
  if (groups < 1 || ins % groups != 0)
    call.fail(ErrorCode::kArgument, std::to_string(ins) + " input channels do not divide into " +
                                        std::to_string(groups) + " groups");
  if (ir::dim_equal(call.g, call.g.shape(n)[1], ws[0]) == ir::Tri::kFalse)
    call.fail(ErrorCode::kShape, "the weight takes " + std::to_string(ins) + " channels, x has " +
                                     ir::dim_text(call.g, call.g.shape(n)[1]));
  ir::PadArg spread{std::vector<Dim>(axes + 2, Dim(0)), std::vector<Dim>(axes + 2, Dim(0)),
                    std::vector<int64_t>(axes + 2, 0)};
  Pads trim(axes + 2, {0, 0});
  for (size_t i = 0; i < axes; ++i) {
    if (extra[i] >= std::max(stride[i], dilation[i]))
      call.fail(ErrorCode::kArgument, "output_padding must be smaller than the stride or the dilation");
    const int64_t border = dilation[i] * (kernel_extent(call, ws, 2 + i) - 1) - padding[i];
    spread.interior[2 + i] = stride[i] - 1;
    trim[2 + i] = {border, border + extra[i]};
  }
  const Tensor wide = pad(wrap(call.b.pad(n, call.b.constant_int(0, call.g.dtype(n)), spread)), trim);
  // weight [g * ci, co, k..] -> [g * co, ci, k..], flipped
  std::vector<Dim> split{Dim(groups), Dim(ins / groups)};
  split.insert(split.end(), ws.begin() + 1, ws.end());
  std::vector<Dim> joined{Dim(groups * outs), Dim(ins / groups)};
  joined.insert(joined.end(), ws.begin() + 2, ws.end());
  std::vector<uint8_t> perm{0, 2, 1};
  ir::AxisMask kernel_axes = 0;
  for (size_t i = 0; i < axes; ++i) {
    perm.push_back(static_cast<uint8_t>(3 + i));
    kernel_axes |= 4u << i;
  }
  const Node turned =
      call.b.flip(call.b.reshape(call.b.permute(call.b.reshape(w, split), perm), joined), kernel_axes);
  return convolve(name, axes, wide, wrap(turned), bias, {{1}, {0}, options.dilation, groups, false});
}

}  // namespace

Tensor conv1d(In x, In w, const std::optional<Tensor>& bias, const ConvOptions& o) {
  return convolve("conv1d", 1, x, w, bias, o);
}
Tensor conv2d(In x, In w, const std::optional<Tensor>& bias, const ConvOptions& o) {
  return convolve("conv2d", 2, x, w, bias, o);
}
Tensor conv3d(In x, In w, const std::optional<Tensor>& bias, const ConvOptions& o) {
  return convolve("conv3d", 3, x, w, bias, o);
}
Tensor conv_transpose1d(In x, In w, const std::optional<Tensor>& bias, const ConvTransposeOptions& o) {
  return convolve_transposed("conv_transpose1d", 1, x, w, bias, o);
}
Tensor conv_transpose2d(In x, In w, const std::optional<Tensor>& bias, const ConvTransposeOptions& o) {
  return convolve_transposed("conv_transpose2d", 2, x, w, bias, o);
}
Tensor conv_transpose3d(In x, In w, const std::optional<Tensor>& bias, const ConvTransposeOptions& o) {
  return convolve_transposed("conv_transpose3d", 3, x, w, bias, o);
}

// -- Pooling --

namespace {

Window pool_window(const Call& call, Node n, size_t axes, const PoolOptions& o) {
  if (call.g.shape(n).size() < axes)
    call.fail(ErrorCode::kShape,
              "takes at least " + std::to_string(axes) + " axes, not " + ir::type_text(call.g, n));
  Window w{per_axis(call, o.kernel, axes, "kernel", 1),
           {},
           per_axis(call, o.padding, axes, "padding", 0),
           {},
           per_axis(call, o.dilation, axes, "dilation", 1)};
  w.stride = o.stride.empty() ? w.kernel : per_axis(call, o.stride, axes, "stride", 1);
  w.high = w.low;
  const ir::Shape shape = call.g.shape(n);
  for (size_t i = 0; i < axes; ++i) {
    if (w.low[i] * 2 > w.kernel[i])
      call.fail(ErrorCode::kArgument, "padding " + std::to_string(w.low[i]) +
                                          " is more than half of the kernel " + std::to_string(w.kernel[i]));
    if (!o.ceil_mode) continue;
    // One more window when it starts inside the axis or its left padding.
    const size_t at = shape.size() - axes + i;
    if (!shape[at].is_const())
      call.fail(ErrorCode::kShape, "axis " + std::to_string(at) + " is " + ir::dim_text(call.g, shape[at]) +
                                       ": with ceil_mode it must be a number, since the padding depends "
                                       "on what the last window leaves");
    const int64_t extent = shape[at].value, span = w.dilation[i] * (w.kernel[i] - 1) + 1;
    const int64_t rest = extent + 2 * w.low[i] - span;
    int64_t outs = rest < 0 ? 1 : (rest + w.stride[i] - 1) / w.stride[i] + 1;
    if ((outs - 1) * w.stride[i] >= extent + w.low[i]) --outs;
    w.high[i] = std::max(w.low[i], (outs - 1) * w.stride[i] + span - extent - w.low[i]);
  }
  return w;
}

Axes last_axes(size_t axes) {
  Axes out;
  for (size_t i = 0; i < axes; ++i) out.push_back(-1 - static_cast<int>(i));
  return out;
}

}  // namespace

Tensor max_pool(In x, int axes, const PoolOptions& options) {
  const Call call("max_pool", {&x});
  const Node n = call.node(x);
  const DType t = call.g.dtype(n);
  const auto count = static_cast<size_t>(axes);
  const Node lowest = call.b.constant(ir::fold_identity(ReduceOp::kMax, t), t);
  return max(wrap(windows(call, n, pool_window(call, n, count, options), lowest)), last_axes(count));
}

Tensor avg_pool(In x, int axes, const PoolOptions& options) {
  const Call call("avg_pool", {&x});
  const Node n = call.float_node(x);
  const auto count = static_cast<size_t>(axes);
  const DType t = call.g.dtype(n);
  const Node zero = call.b.constant_int(0, t);
  Window w = pool_window(call, n, count, options);
  const Tensor total = sum(wrap(windows(call, n, w, zero)), last_axes(count));
  if (options.count_padding && !options.ceil_mode) {
    double size = 1;
    for (int64_t k : w.kernel) size *= static_cast<double>(k);
    return total / size;
  }
  // Windows at the edges hold fewer elements. The declared padding counts when it is asked to; what ceil_mode
  // adds beyond it never does.
  std::vector<Dim> counted(call.g.shape(n).begin(), call.g.shape(n).end());
  for (size_t i = 0; i + count < counted.size(); ++i) counted[i] = Dim(1);
  if (options.count_padding) {
    for (size_t i = 0; i < count; ++i) {
      Dim& d = counted[counted.size() - count + i];
      d = ir::dim_add(call.g, d, Dim(2 * w.low[i]));
      w.high[i] -= w.low[i];
      w.low[i] = 0;
    }
  }
  const Node ones = call.b.full(counted, call.b.constant_int(1, t));
  return total / sum(wrap(windows(call, ones, w, zero)), last_axes(count));
}

Tensor max_pool2d(In x, const PoolOptions& options) {
  Call call("max_pool2d", {&x});
  call.stands_for("max_pool");
  return max_pool(x, 2, options);
}

Tensor avg_pool2d(In x, const PoolOptions& options) {
  Call call("avg_pool2d", {&x});
  call.stands_for("avg_pool");
  return avg_pool(x, 2, options);
}

namespace {

// The mean or the greatest element of each window [floor(i n / m), ceil((i + 1) n / m)) of an axis, whose
// extent n may be symbolic.
Tensor adaptive(std::string_view name, const In& x, const std::vector<int64_t>& output, bool average) {
  const Call call(name, {&x});
  Tensor t = wrap(call.float_node(x));
  const size_t axes = output.size(), rank = static_cast<size_t>(t.rank());
  if (axes > rank) call.fail(ErrorCode::kShape, "more output extents than axes");
  for (size_t i = 0; i < axes; ++i) {
    const int a = static_cast<int>(rank - axes + i);
    const Extent n = t.size(a);
    const int64_t m = output[i];
    if (m < 1 || ir::dim_min(call.g, to_dim(n)) < 1)
      call.fail(ErrorCode::kArgument,
                "an output extent of " + std::to_string(m) + " from an axis of " + n.str() +
                    (n.is_const() ? "" : ", which may be empty: its dimension needs a minimum of 1"));
    std::vector<Tensor> parts;
    for (int64_t o = 0; o < m; ++o) {
      const Extent first = n * o / m, last = (n * (o + 1) + (m - 1)) / m;
      const Tensor part = narrow(t, a, first, last - first);
      parts.push_back(average ? mean(part, a, true) : max(part, a, true));
    }
    t = cat(parts, a);
  }
  return t;
}

}  // namespace

Tensor adaptive_avg_pool(In x, const std::vector<int64_t>& output) {
  return adaptive("adaptive_avg_pool", x, output, true);
}
Tensor adaptive_max_pool(In x, const std::vector<int64_t>& output) {
  return adaptive("adaptive_max_pool", x, output, false);
}

}  // namespace anneal
