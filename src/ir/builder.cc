// SPDX-License-Identifier: MIT
#include "ir/builder.h"

#include <cmath>

#include "anneal/error.h"
#include "ir/infer.h"
#include "ir/text.h"

namespace anneal::ir {
namespace {

[[noreturn]] void raise_ill_typed(const Graph& graph, Op op, std::span<const Node> sources,
                                  const Inferred& wrong) {
  std::string text = std::string(op_text(op)) + ": " + wrong.error;
  if (sources.size() <= 8)
    for (Node s : sources)
      text += "\n  " + type_text(graph, s) + "  from " + std::string(op_text(graph.op(s)));
  raise(wrong.code, std::move(text));
}

// Elementwise ops over sources that already agree are most of what is built: their type needs no inference.
bool agree(const Graph& graph, const OpInfo& info, std::span<const Node> sources, Type* type) {
  if (!info.has(kElementwise) || info.max_sources != static_cast<int>(sources.size())) return false;
  const DType t = graph.dtype(sources[0]);
  if (info.dtype_rule == DTypeRule::Number) {
    if (t == DType::kVoid || t == DType::kBool) return false;
  } else if (info.dtype_rule == DTypeRule::Float) {
    if (!is_float(t)) return false;
  } else {
    return false;
  }
  const ShapeId shape = graph.shape_id(sources[0]);
  for (size_t i = 1; i < sources.size(); ++i)
    if (graph.dtype(sources[i]) != t || graph.shape_id(sources[i]) != shape) return false;
  *type = {t, shape};
  return true;
}

}  // namespace

Node Builder::make(Op op, std::span<const Node> sources, const Arg& arg, DType dtype, ShapeId shape) const {
  Type type;
  if (!agree(graph, op_info(op), sources, &type)) {
    Inferred inferred = infer(graph, op, sources, arg, {dtype, shape});
    if (!inferred.error.empty()) raise_ill_typed(graph, op, sources, inferred);
    type = inferred.type;
  }
  return graph.intern({op, type.dtype, type.shape, sources, &arg});
}

Node Builder::constant(Scalar value, DType t) const { return make(Op::Const, {}, ConstArg{value}, t); }

Node Builder::var(std::string_view name, int64_t min, int64_t max, int64_t multiple_of) const {
  return make(Op::Var, {}, VarArg{std::string(name), min, max, multiple_of}, DType::kIndex);
}

Node Builder::range(Dim extent, int64_t id, AxisKind kind) const {
  const Node sources[] = {extent.is_const() ? index(extent.value) : extent.expr};
  return make(Op::Range, sources, RangeArg{id, kind}, DType::kIndex);
}

Node Builder::param(int64_t number, DType t, Shape shape, std::string_view name) const {
  return make(Op::Param, {}, ParamArg{number, std::string(name)}, t, graph.intern_shape(shape));
}

Node Builder::buffer(std::shared_ptr<const BufferData> data) const {
  const DType t = data->dtype;
  const std::vector<Dim> dims(data->shape.begin(), data->shape.end());
  return make(Op::Buffer, {}, BufferArg{graph.add_buffer(std::move(data))}, t, graph.intern_shape(dims));
}

Node Builder::buffer(std::shared_ptr<Resident> resident, DType t, Shape shape) const {
  return make(Op::Buffer, {}, BufferArg{graph.add_resident(std::move(resident))}, t,
              graph.intern_shape(shape));
}

Node Builder::iota(Shape shape, int axis, DType t) const {
  return make(Op::Iota, {}, AxisArg{axis}, t, graph.intern_shape(shape));
}

Node Builder::cast(Node a, DType t) const {
  return graph.dtype(a) == t ? a : make(Op::Cast, std::span(&a, 1), NoArg{}, t);
}

Node Builder::bitcast(Node a, DType t) const {
  return graph.dtype(a) == t ? a : make(Op::Bitcast, std::span(&a, 1), NoArg{}, t);
}

Node Builder::reshape(Node a, Shape shape) const {
  const ShapeId to = graph.intern_shape(shape);
  return graph.shape_id(a) == to ? a : make(Op::Reshape, std::span(&a, 1), NoArg{}, DType::kVoid, to);
}

Node Builder::expand(Node a, Shape shape) const {
  const ShapeId to = graph.intern_shape(shape);
  return graph.shape_id(a) == to ? a : make(Op::Expand, std::span(&a, 1), NoArg{}, DType::kVoid, to);
}

Node Builder::permute(Node a, std::span<const uint8_t> perm) const {
  bool identity = perm.size() == static_cast<size_t>(graph.rank(a));
  for (size_t i = 0; i < perm.size(); ++i) identity = identity && perm[i] == i;
  return identity ? a : make(Op::Permute, {a}, PermArg{{perm.begin(), perm.end()}});
}

Node Builder::pad(Node a, Node fill, PadArg arg) const {
  bool nothing = arg.low.size() == static_cast<size_t>(graph.rank(a));
  for (size_t i = 0; nothing && i < arg.low.size(); ++i)
    nothing = arg.low[i].is(0) && arg.high[i].is(0) && arg.interior[i] == 0;
  return nothing ? a : make(Op::Pad, {a, fill}, std::move(arg));
}

Node Builder::slice(Node a, SliceArg arg, Shape shape) const {
  const ShapeId to = graph.intern_shape(shape);
  bool whole = to == graph.shape_id(a) && arg.start.size() == shape.size();
  for (const Dim& start : arg.start) whole = whole && start.is(0);
  for (int64_t step : arg.step) whole = whole && step > 0;
  return whole ? a : make(Op::Slice, std::span(&a, 1), std::move(arg), DType::kVoid, to);
}

Node Builder::flip(Node a, AxisMask axes) const { return axes == 0 ? a : make(Op::Flip, {a}, AxesArg{axes}); }

Node Builder::concat(std::span<const Node> parts, int axis) const {
  return parts.size() == 1 ? parts[0] : make(Op::Concat, parts, AxisArg{axis});
}

Node Builder::reduce(Node a, ReduceOp op, AxisMask axes) const {
  return axes == 0 ? a : make(Op::Reduce, {a}, ReduceArg{op, axes});
}

Node Builder::arg_reduce(Node a, ReduceOp op, int axis) const {
  return make(Op::ArgReduce, {a}, ScanArg{op, axis, false});
}

Node Builder::scan(Node a, ReduceOp op, int axis, bool reverse) const {
  return make(Op::Scan, {a}, ScanArg{op, axis, reverse});
}

Node Builder::arg_sort(Node a, int axis, bool descending) const {
  return make(Op::ArgSort, {a}, SortArg{axis, descending});
}

Node Builder::gather(Node a, Node index, int axis) const {
  return make(Op::Gather, {a, index}, AxisArg{axis});
}

Node Builder::scatter(Node base, Node index, Node values, int axis, ScatterMode mode) const {
  return make(Op::Scatter, {base, index, values}, ScatterArg{mode, axis});
}

Node Builder::sink(std::span<const Node> results) const { return make(Op::Sink, results, NoArg{}); }

// -- Kernels --

Node Builder::load(Node slot, Node index, Node valid) const {
  return valid ? make(Op::Load, {slot, index, valid}) : make(Op::Load, {slot, index});
}

Node Builder::accumulate(Node body, ReduceOp op, std::span<const Node> ranges) const {
  if (ranges.empty()) return body;
  std::vector<Node> sources{body};
  sources.insert(sources.end(), ranges.begin(), ranges.end());
  return make(Op::Accumulate, sources, ReduceArg{op, 0});
}

Node Builder::store(Node slot, Node index, Node value, Node valid) const {
  return valid ? make(Op::Store, {slot, index, value, valid}) : make(Op::Store, {slot, index, value});
}

Node Builder::scan_store(Node slot, Node index, Node value, Node range, ReduceOp op, bool reverse) const {
  return make(Op::ScanStore, {slot, index, value, range}, ScanArg{op, 0, reverse});
}

Node Builder::scatter_store(Node slot, Node index, Node value, Node valid, std::span<const Node> ranges,
                            ScatterMode mode) const {
  std::vector<Node> sources{slot, index, value, valid};
  sources.insert(sources.end(), ranges.begin(), ranges.end());
  return make(Op::ScatterStore, sources, ScatterArg{mode, 0});
}

Node Builder::sort_store(Node slot, Node index, Node key, Node range, bool descending) const {
  return make(Op::SortStore, {slot, index, key, range}, SortArg{0, descending});
}

}  // namespace anneal::ir
