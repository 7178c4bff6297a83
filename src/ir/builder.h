// SPDX-License-Identifier: MIT
// The checked door to the graph: infers types, checks sources, raises an Error that names op and shapes. It
// folds nothing but movement and casts that change nothing. Elementwise sources must have one shape or be
// scalars; the tensor API makes broadcasting explicit above this.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "ir/graph.h"

namespace anneal::ir {

struct Builder {
  Graph& graph;

  // Any node. `dtype` and `shape` are read only where the op table says Given (shape also for Reshape, Expand
  // and Slice, whose result shape is part of what they mean).
  Node make(Op op, std::span<const Node> sources, const Arg& arg, DType dtype = DType::kVoid,
            ShapeId shape = {}) const;
  Node make(Op op, std::initializer_list<Node> sources, const Arg& arg = NoArg{}) const {
    return make(op, std::span<const Node>(sources.begin(), sources.size()), arg);
  }

  // -- Leaves --
  Node constant(Scalar value, DType t) const;
  Node constant_int(int64_t value, DType t) const { return constant(Scalar::from_int(value, t), t); }
  Node constant_float(double value, DType t) const { return constant(Scalar::from_double(value, t), t); }
  Node index(int64_t value) const { return constant_int(value, DType::kIndex); }
  Node var(std::string_view name, int64_t min, int64_t max, int64_t multiple_of = 1) const;
  Node range(Dim extent, int64_t id, AxisKind kind = AxisKind::kLoop) const;
  Node param(int64_t index, DType t, Shape shape, std::string_view name = {}) const;
  Node buffer(std::shared_ptr<const BufferData> data) const;
  Node buffer(std::shared_ptr<Resident> resident, DType t, Shape shape) const;
  Node iota(Shape shape, int axis, DType t) const;
  Node full(Shape shape, Node scalar) const { return expand(scalar, shape); }

  // -- Elementwise --
  Node neg(Node a) const { return make(Op::Neg, {a}); }
  Node add(Node a, Node b) const { return make(Op::Add, {a, b}); }
  Node sub(Node a, Node b) const { return make(Op::Sub, {a, b}); }
  Node mul(Node a, Node b) const { return make(Op::Mul, {a, b}); }
  Node div(Node a, Node b) const { return make(Op::Div, {a, b}); }
  Node floordiv(Node a, Node b) const { return make(Op::FloorDiv, {a, b}); }
  Node floormod(Node a, Node b) const { return make(Op::FloorMod, {a, b}); }
  Node lt(Node a, Node b) const { return make(Op::Lt, {a, b}); }
  Node le(Node a, Node b) const { return make(Op::Le, {a, b}); }
  Node eq(Node a, Node b) const { return make(Op::Eq, {a, b}); }
  Node ne(Node a, Node b) const { return make(Op::Ne, {a, b}); }
  Node where(Node c, Node a, Node b) const { return make(Op::Where, {c, a, b}); }
  Node cast(Node a, DType t) const;  // a itself when it has that type
  Node bitcast(Node a, DType t) const;

  // -- Movement: the source itself when nothing changes --
  Node reshape(Node a, Shape shape) const;
  Node expand(Node a, Shape shape) const;
  Node permute(Node a, std::span<const uint8_t> perm) const;
  Node pad(Node a, Node fill, PadArg arg) const;
  Node slice(Node a, SliceArg arg, Shape shape) const;
  Node flip(Node a, AxisMask axes) const;
  Node concat(std::span<const Node> parts, int axis) const;

  // -- The rest --
  Node reduce(Node a, ReduceOp op, AxisMask axes) const;  // a itself when axes is empty
  Node arg_reduce(Node a, ReduceOp op, int axis) const;
  Node scan(Node a, ReduceOp op, int axis, bool reverse = false) const;
  Node arg_sort(Node a, int axis, bool descending) const;
  Node gather(Node a, Node index, int axis) const;
  Node scatter(Node base, Node index, Node values, int axis, ScatterMode mode) const;
  Node sink(std::span<const Node> results) const;

  // -- Kernels; `slot` is a param of rank 1 --
  Node load(Node slot, Node index, Node valid = {}) const;  // valid: null is always
  Node accumulate(Node body, ReduceOp op, std::span<const Node> ranges) const;
  Node store(Node slot, Node index, Node value, Node valid = {}) const;
  Node scan_store(Node slot, Node index, Node value, Node range, ReduceOp op, bool reverse) const;
  Node scatter_store(Node slot, Node index, Node value, Node valid, std::span<const Node> ranges,
                     ScatterMode mode) const;
  Node sort_store(Node slot, Node index, Node key, Node range, bool descending) const;
};

}  // namespace anneal::ir
