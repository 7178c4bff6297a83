// SPDX-License-Identifier: MIT
#include "ir/infer.h"

#include <string>
#include <vector>

#include "ir/dims.h"
#include "ir/text.h"

namespace anneal::ir {
namespace {

using SourceNodes = std::span<const Node>;

// -- Element types --

bool allowed(DTypeRule rule, DType t) {
  switch (rule) {
    case DTypeRule::Number: return is_float(t) || is_int(t);
    case DTypeRule::NumberOrBool: return t != DType::kVoid;
    case DTypeRule::Int: return is_int(t);
    case DTypeRule::Integral: return is_int(t) || is_bool(t);
    case DTypeRule::Float: return is_float(t);
    default: return true;
  }
}

std::string_view allowed_text(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::Number: return "integers or floats";
    case DTypeRule::Int: return "integers";
    case DTypeRule::Integral: return "integers or bool";
    case DTypeRule::Float: return "floats";
    default: return "values";
  }
}

std::string name(DType t) { return std::string(dtype_name(t)); }

std::string differ(const Graph& g, SourceNodes s, size_t i, size_t j) {
  return "element types differ, " + name(g.dtype(s[i])) + " and " + name(g.dtype(s[j]));
}

std::string given_dtype(const Graph& g, Op op, SourceNodes sources, DType given) {
  if (given == DType::kVoid) return "needs an element type";
  const bool wants_index = op == Op::Var || op == Op::Range;
  if (wants_index && given != DType::kIndex) return "has type " + name(given) + ", it must be index";
  if (op == Op::Iota && !is_int(given)) return "has type " + name(given) + ", it must be an integer";
  if (op == Op::Range && g.dtype(sources[0]) != DType::kIndex) return "its extent must be an index";
  if (op == Op::Bitcast) {
    const DType from = g.dtype(sources[0]);
    if (is_bool(from) != is_bool(given))
      return "from " + name(from) + " to " + name(given) + ": bool is not stored as a number; use cast";
    if (dtype_size(from) != dtype_size(given))
      return "from " + name(from) + " to " + name(given) + ": the sizes must be equal";
  }
  return {};
}

std::string infer_dtype(const Graph& g, Op op, SourceNodes s, DType given, DType* out) {
  const DTypeRule rule = op_info(op).dtype_rule;
  switch (rule) {
    case DTypeRule::Given: *out = given; return given_dtype(g, op, s, given);
    case DTypeRule::Source: *out = g.dtype(s[0]); break;
    case DTypeRule::Void: *out = DType::kVoid; break;
    case DTypeRule::I32: *out = DType::kI32; break;
    case DTypeRule::U32:
      *out = DType::kU32;
      for (Node n : s)
        if (g.dtype(n) != DType::kU32) return "takes u32, not " + name(g.dtype(n));
      return {};
    case DTypeRule::Where:
      if (!is_bool(g.dtype(s[0]))) return "the condition is " + name(g.dtype(s[0])) + ", it must be bool";
      if (g.dtype(s[1]) != g.dtype(s[2])) return differ(g, s, 1, 2);
      *out = g.dtype(s[1]);
      break;
    case DTypeRule::Gather:
    case DTypeRule::Scatter:
      if (!is_int(g.dtype(s[1])))
        return "the positions are " + name(g.dtype(s[1])) + ", they must be integers";
      if (rule == DTypeRule::Scatter && g.dtype(s[0]) != g.dtype(s[2])) return differ(g, s, 0, 2);
      *out = g.dtype(s[0]);
      break;
    case DTypeRule::Load:
    case DTypeRule::Store:
    case DTypeRule::SortStore:
      if (g.dtype(s[1]) != DType::kIndex)
        return "the position is " + name(g.dtype(s[1])) + ", it must be index";
      if (rule == DTypeRule::Load && s.size() == 3 && !is_bool(g.dtype(s[2])))
        return "the condition is " + name(g.dtype(s[2])) + ", it must be bool";
      if (rule == DTypeRule::Store && g.dtype(s[0]) != g.dtype(s[2])) return differ(g, s, 0, 2);
      if (rule == DTypeRule::SortStore && g.dtype(s[0]) != DType::kI32)
        return "the slot is " + name(g.dtype(s[0])) + ", it must be i32";
      *out = rule == DTypeRule::Load ? g.dtype(s[0]) : DType::kVoid;
      break;
    default:
      for (size_t i = 1; i < s.size(); ++i)
        if (g.dtype(s[i]) != g.dtype(s[0])) return differ(g, s, 0, i);
      if (!allowed(rule, g.dtype(s[0])))
        return "takes " + std::string(allowed_text(rule)) + ", not " + name(g.dtype(s[0]));
      *out = rule == DTypeRule::Compare ? DType::kBool : g.dtype(s[0]);
      break;
  }
  const bool takes_statements = rule == DTypeRule::Void;
  for (Node n : s)
    if (g.dtype(n) == DType::kVoid && !(takes_statements && has_flag(g.op(n), kStatement)))
      return "a source has no value";
  return {};
}

// -- Shapes --

std::string bad_axis(int64_t axis, size_t rank) {
  return "axis " + std::to_string(axis) + " is out of range for rank " + std::to_string(rank);
}

std::string bad_mask(AxisMask axes, size_t rank) {
  return rank < 32 && (axes >> rank) != 0 ? bad_axis(31 - __builtin_clz(axes), rank) : std::string();
}

std::string shape_pair(const Graph& g, Shape a, Shape b) {
  return shape_text(g, a) + " and " + shape_text(g, b);
}

std::string elementwise_shape(const Graph& g, SourceNodes s, ShapeId* out) {
  ShapeId shape{};
  for (Node n : s) {
    const ShapeId t = g.shape_id(n);
    if (t == ShapeId{} || t == shape) continue;
    if (shape != ShapeId{}) return "shapes differ, " + shape_pair(g, g.shape(shape), g.shape(t));
    shape = t;
  }
  *out = shape;
  return {};
}

std::string reshape_shape(Graph& g, Node s, ShapeId given) {
  const int64_t from = g.static_size(g.shape_id(s)), to = g.static_size(given);
  Tri same = from == to ? Tri::kTrue : Tri::kFalse;
  if (from < 0 || to < 0) same = dim_equal(g, dim_product(g, g.shape(s)), dim_product(g, g.shape(given)));
  if (same != Tri::kFalse) return {};
  return "from " + shape_text(g, g.shape(s)) + " to " + shape_text(g, g.shape(given)) + ": " +
         dim_text(g, dim_product(g, g.shape(s))) + " and " + dim_text(g, dim_product(g, g.shape(given))) +
         " elements";
}

std::string expand_shape(Graph& g, Node s, ShapeId given) {
  const Shape from = g.shape(s), to = g.shape(given);
  if (from.empty()) return {};
  if (from.size() != to.size())
    return "from " + shape_text(g, from) + " to " + shape_text(g, to) + ": the ranks differ";
  for (size_t i = 0; i < from.size(); ++i)
    if (!from[i].is(1) && !(from[i] == to[i]) && dim_equal(g, from[i], to[i]) == Tri::kFalse)
      return "from " + shape_text(g, from) + " to " + shape_text(g, to) + ": axis " + std::to_string(i) +
             " is neither 1 nor " + dim_text(g, to[i]);
  return {};
}

std::string permute_shape(Graph& g, Node s, const PermArg& arg, ShapeId* out) {
  const Shape from = g.shape(s);
  if (arg.perm.size() != from.size())
    return "has " + std::to_string(arg.perm.size()) + " axes for rank " + std::to_string(from.size());
  uint32_t seen = 0;
  std::vector<Dim> dims;
  for (uint8_t p : arg.perm) {
    if (p >= from.size()) return bad_axis(p, from.size());
    if ((seen >> p & 1) != 0) return "names axis " + std::to_string(p) + " twice";
    seen |= 1u << p;
    dims.push_back(from[p]);
  }
  *out = g.intern_shape(dims);
  return {};
}

std::string pad_shape(Graph& g, SourceNodes s, const PadArg& arg, ShapeId* out) {
  const Shape from = g.shape(s[0]);
  if (arg.low.size() != from.size() || arg.high.size() != from.size() || arg.interior.size() != from.size())
    return "needs low, high and interior for each of " + std::to_string(from.size()) + " axes";
  if (g.rank(s[1]) != 0) return "fills with a scalar, not with " + type_text(g, s[1]);
  if (g.dtype(s[1]) != g.dtype(s[0])) return differ(g, s, 0, 1);
  std::vector<Dim> dims;
  for (size_t i = 0; i < from.size(); ++i) {
    if (arg.interior[i] < 0) return "has a negative interior on axis " + std::to_string(i);
    if (dim_max(g, arg.low[i]) < 0 || dim_max(g, arg.high[i]) < 0)  // one that may be is guarded at run time
      return "has a negative amount on axis " + std::to_string(i);
    Dim spread = from[i];
    if (arg.interior[i] != 0 && !from[i].is(0)) {
      if (!from[i].is_const() && dim_min(g, from[i]) < 1)
        return "cannot spread axis " + std::to_string(i) + ": its extent may be 0";
      spread = dim_sub(g, dim_mul(g, from[i], Dim(arg.interior[i] + 1)), Dim(arg.interior[i]));
    }
    dims.push_back(dim_add(g, dim_add(g, arg.low[i], spread), arg.high[i]));
  }
  *out = g.intern_shape(dims);
  return {};
}

std::string slice_shape(Graph& g, Node s, const SliceArg& arg, ShapeId given) {
  const Shape from = g.shape(s), to = g.shape(given);
  if (arg.start.size() != from.size() || arg.step.size() != from.size() || to.size() != from.size())
    return "needs start, step and extent for each of " + std::to_string(from.size()) + " axes";
  for (size_t i = 0; i < from.size(); ++i) {
    const std::string at = " on axis " + std::to_string(i);
    if (arg.step[i] < 1) return "has step " + std::to_string(arg.step[i]) + at + ": it must be positive";
    if (dim_max(g, arg.start[i]) < 0) return "has a negative start" + at;
    if (to[i].is(0)) continue;
    // last = start + (extent - 1) * step must lie inside
    const Dim last = dim_add(g, arg.start[i], dim_mul(g, dim_sub(g, to[i], Dim(1)), Dim(arg.step[i])));
    if (dim_less_equal(g, dim_add(g, last, Dim(1)), from[i]) == Tri::kFalse)
      return "reaches element " + dim_text(g, last) + " of an axis of " + dim_text(g, from[i]) + at;
  }
  return {};
}

std::string concat_shape(Graph& g, SourceNodes s, int32_t axis, ShapeId* out) {
  const Shape first = g.shape(s[0]);
  if (axis < 0 || static_cast<size_t>(axis) >= first.size()) return bad_axis(axis, first.size());
  std::vector<Dim> dims(first.begin(), first.end());
  for (size_t i = 1; i < s.size(); ++i) {
    const Shape next = g.shape(s[i]);
    bool fits = next.size() == first.size();
    for (size_t d = 0; fits && d < first.size(); ++d)
      fits = d == static_cast<size_t>(axis) || dim_equal(g, next[d], first[d]) != Tri::kFalse;
    if (!fits) return "shapes " + shape_pair(g, first, next) + " differ off axis " + std::to_string(axis);
    dims[static_cast<size_t>(axis)] =
        dim_add(g, dims[static_cast<size_t>(axis)], next[static_cast<size_t>(axis)]);
  }
  *out = g.intern_shape(dims);
  return {};
}

std::string reduced_shape(Graph& g, Node s, AxisMask axes, ShapeId* out) {
  const Shape from = g.shape(s);
  if (std::string bad = bad_mask(axes, from.size()); !bad.empty()) return bad;
  std::vector<Dim> dims(from.begin(), from.end());
  for (size_t i = 0; i < dims.size(); ++i)
    if ((axes >> i & 1) != 0) dims[i] = Dim(1);
  *out = g.intern_shape(dims);
  return {};
}

// Off the axis, positions and elements must agree in extent.
std::string indexed_shape(Graph& g, Node a, Node index, int32_t axis) {
  const Shape from = g.shape(a), at = g.shape(index);
  if (axis < 0 || static_cast<size_t>(axis) >= from.size()) return bad_axis(axis, from.size());
  bool fits = at.size() == from.size();
  for (size_t d = 0; fits && d < from.size(); ++d)
    fits = d == static_cast<size_t>(axis) || dim_equal(g, at[d], from[d]) != Tri::kFalse;
  return fits ? std::string()
              : "shapes " + shape_pair(g, from, at) + " differ off axis " + std::to_string(axis);
}

template <typename T>
const T& as(const Arg& arg) {
  return *std::get_if<T>(&arg);
}

std::string check_axis(const Graph& g, Node s, int64_t axis) {
  return axis < 0 || axis >= g.rank(s) ? bad_axis(axis, static_cast<size_t>(g.rank(s))) : std::string();
}

std::string infer_shape(Graph& g, Op op, SourceNodes s, const Arg& arg, ShapeId given, ShapeId* out) {
  *out = given;
  switch (op_info(op).shape_rule) {
    case ShapeRule::Scalar:
      *out = ShapeId{};
      return op == Op::Range && g.rank(s[0]) != 0 ? "its extent must be a scalar" : "";
    case ShapeRule::Given:
      if (op == Op::Iota &&
          (as<AxisArg>(arg).axis < 0 || as<AxisArg>(arg).axis >= static_cast<int>(g.shape(given).size())))
        return bad_axis(as<AxisArg>(arg).axis, g.shape(given).size());
      return {};
    case ShapeRule::Source:
      *out = g.shape_id(s[0]);
      if (const auto* scan = std::get_if<ScanArg>(&arg)) return check_axis(g, s[0], scan->axis);
      if (const auto* sort = std::get_if<SortArg>(&arg)) return check_axis(g, s[0], sort->axis);
      return {};
    case ShapeRule::Elementwise: return elementwise_shape(g, s, out);
    case ShapeRule::Reshape: return reshape_shape(g, s[0], given);
    case ShapeRule::Expand: return expand_shape(g, s[0], given);
    case ShapeRule::Permute: return permute_shape(g, s[0], as<PermArg>(arg), out);
    case ShapeRule::Pad: return pad_shape(g, s, as<PadArg>(arg), out);
    case ShapeRule::Slice: return slice_shape(g, s[0], as<SliceArg>(arg), given);
    case ShapeRule::Flip:
      *out = g.shape_id(s[0]);
      return bad_mask(as<AxesArg>(arg).axes, g.shape(s[0]).size());
    case ShapeRule::Concat: return concat_shape(g, s, as<AxisArg>(arg).axis, out);
    case ShapeRule::Reduce: return reduced_shape(g, s[0], as<ReduceArg>(arg).axes, out);
    case ShapeRule::ArgReduce: {
      const ScanArg& a = as<ScanArg>(arg);
      if (a.op != ReduceOp::kMax && a.op != ReduceOp::kMin) return "takes op=max or op=min";
      if (std::string bad = check_axis(g, s[0], a.axis); !bad.empty()) return bad;
      if (dim_max(g, g.shape(s[0])[static_cast<size_t>(a.axis)]) == 0)
        return "has no element to choose: the axis is empty";
      return reduced_shape(g, s[0], 1u << a.axis, out);
    }
    case ShapeRule::Gather:
      *out = g.shape_id(s[1]);
      return indexed_shape(g, s[0], s[1], as<AxisArg>(arg).axis);
    case ShapeRule::Scatter:
      *out = g.shape_id(s[0]);
      if (g.shape_id(s[1]) != g.shape_id(s[2]))
        return "positions and values differ in shape, " + shape_pair(g, g.shape(s[1]), g.shape(s[2]));
      return indexed_shape(g, s[0], s[1], as<ScatterArg>(arg).axis);
  }
  return {};
}

// A sum of bools has no type of its own to live in: the maker casts first.
std::string check_fold(const Graph& g, SourceNodes s, const Arg& arg) {
  if (s.empty() || !is_bool(g.dtype(s[0]))) return {};
  const bool sums = [&] {
    if (const auto* reduce = std::get_if<ReduceArg>(&arg))
      return reduce->op == ReduceOp::kAdd || reduce->op == ReduceOp::kMul;
    if (const auto* scan = std::get_if<ScanArg>(&arg))
      return scan->op == ReduceOp::kAdd || scan->op == ReduceOp::kMul;
    const auto* scatter = std::get_if<ScatterArg>(&arg);
    return scatter != nullptr && scatter->mode == ScatterMode::kAdd;
  }();
  return sums ? "adds and multiplies numbers, not bool" : std::string();
}

std::string check_arg(Op op, const Arg& arg) {
  if (arg_kind(arg) != op_info(op).arg) return "has an argument of the wrong kind";
  if (const auto* var = std::get_if<VarArg>(&arg)) {
    if (var->name.empty()) return "needs a name";
    if (var->min > var->max)
      return "has min " + std::to_string(var->min) + " above max " + std::to_string(var->max);
    if (var->multiple_of < 1)
      return "has multiple_of " + std::to_string(var->multiple_of) + ": it must be positive";
  }
  if (const auto* lane = std::get_if<LaneArg>(&arg))
    if (lane->lane != 0 && lane->lane != 1) return "has lane " + std::to_string(lane->lane) + ": 0 or 1";
  if (const auto* param = std::get_if<ParamArg>(&arg))
    if (param->index < 0) return "has a negative number";
  return {};
}

}  // namespace

Inferred infer(Graph& graph, Op op, std::span<const Node> sources, const Arg& arg, Type given) {
  const OpInfo& info = op_info(op);
  Inferred result;
  const auto count = static_cast<int64_t>(sources.size());
  if (count < info.min_sources || (info.max_sources >= 0 && count > info.max_sources)) {
    result.error = "takes " + std::to_string(info.min_sources) + (info.max_sources < 0 ? " or more" : "") +
                   " sources, not " + std::to_string(count);
    return result;
  }
  result.error = check_arg(op, arg);
  if (!result.error.empty()) return result;
  result.code = ErrorCode::kDType;
  result.error = check_fold(graph, sources, arg);
  if (result.error.empty()) result.error = infer_dtype(graph, op, sources, given.dtype, &result.type.dtype);
  if (!result.error.empty()) return result;
  result.code = ErrorCode::kShape;
  result.error = infer_shape(graph, op, sources, arg, given.shape, &result.type.shape);
  return result;
}

}  // namespace anneal::ir
