// SPDX-License-Identifier: MIT
#include "loop/random_kernel.h"

#include <algorithm>
#include <cmath>

#include "interp/arrays.h"
#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/random_program.h"
#include "ir/walk.h"

namespace anneal::loop {

using ir::Dim;
using ir::Node;
using ir::Op;
using ir::ReduceOp;

namespace {

constexpr DType kTypes[] = {f32, f32, f32, f64, i32, i64, u8, i8, u64, f16, bf16, DType::kBool};
constexpr int64_t kFirstReduceId = 50;

struct Axis {
  Node range;
  Dim extent;
};
// Positions in the list of axes: loops and, inside an accumulate, its ranges.
using Axes = std::vector<size_t>;

class Generator {
 public:
  Generator(ir::Graph& graph, uint64_t seed, const RandomKernelOptions& options)
      : graph_(graph), b_{graph}, r_(seed), options_(options) {}

  Node run() {
    if (options_.symbolic) variable_ = b_.var("N", 0, 5);
    for (int64_t i = 0, n = 1 + r_.below(4); i < n; ++i) add_axis(i, ir::AxisKind::kLoop);
    const size_t loops = axes_.size();
    for (int64_t i = 0; i < 2; ++i) add_axis(kFirstReduceId + i, ir::AxisKind::kReduce);
    for (size_t i = loops; i < axes_.size(); ++i) reduces_.push_back(i);
    for (int64_t i = 0, n = 1 + r_.below(3); i < n; ++i) {
      Axes own;
      for (size_t k = 0; k < loops; ++k)
        if (!r_.one_in(4)) own.push_back(k);
      shuffle(own);
      add_statement(own);
    }
    return b_.sink(statements_);
  }

 private:
  struct Value {
    Node node;
    Axes axes;  // sorted
  };

  Dim random_extent() {
    if (options_.symbolic && r_.one_in(4))
      return r_.one_in(2) ? Dim(variable_) : dim_add(graph_, Dim(variable_), Dim(1));
    return r_.one_in(15)   ? Dim(0)
           : r_.one_in(10) ? Dim(16 + r_.below(6))
                           : Dim(1 + r_.below(options_.max_extent));
  }
  void add_axis(int64_t id, ir::AxisKind kind) {
    const Dim extent = random_extent();
    axes_.push_back({b_.range(extent, id, kind), extent});
  }
  void shuffle(Axes& axes) {
    for (size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[below(i)]);
  }
  size_t below(size_t n) { return static_cast<size_t>(r_.below(static_cast<int64_t>(n))); }
  DType random_type() { return kTypes[below(std::size(kTypes))]; }
  Node as_index(Dim d) { return d.is_const() ? b_.index(d.value) : d.expr; }

  // -- Addresses --

  Node new_slot(DType t, Dim extent) { return b_.param(next_slot_++, t, std::span(&extent, 1)); }
  Dim count(const Axes& axes) {
    Dim n(1);
    for (size_t a : axes) n = dim_mul(graph_, n, axes_[a].extent);
    return n;
  }
  // Row-major over the axes, some of them backwards.
  Node address(const Axes& axes) {
    Node at = b_.index(0);
    for (size_t a : axes) {
      Node step = axes_[a].range;
      const Node extent = as_index(axes_[a].extent);
      if (r_.one_in(8)) step = b_.sub(b_.sub(extent, b_.index(1)), step);
      at = b_.add(b_.mul(at, extent), step);
    }
    return at;
  }
  Node inside(Node at, Dim extent) {
    return b_.make(Op::And, {b_.le(b_.index(0), at), b_.lt(at, as_index(extent))});
  }
  Axes some_of(const Axes& axes) {
    Axes out;
    for (size_t a : axes)
      if (!r_.one_in(3)) out.push_back(a);
    shuffle(out);
    return out;
  }

  Node load(DType t, const Axes& axes) {
    const Axes own = some_of(axes);
    const Dim extent = count(own);
    Node at = address(own);
    switch (r_.below(8)) {
      case 0:  // padding
        at = b_.sub(at, b_.index(r_.below(4)));
        return b_.load(new_slot(t, extent), at, inside(at, extent));
      case 1: {  // every third element of a larger slot
        const Dim larger = dim_mul(graph_, extent, Dim(3));
        return b_.load(new_slot(t, larger), b_.add(b_.mul(at, b_.index(3)), b_.index(r_.below(3))));
      }
      case 2: {  // each element twice
        const Dim half = dim_floordiv(graph_, dim_add(graph_, extent, Dim(1)), Dim(2));
        return b_.load(new_slot(t, half), b_.floordiv(at, b_.index(2)));
      }
      case 3: {  // gather
        const Dim rows(1 + r_.below(6));
        const Node position = b_.cast(b_.load(new_slot(i32, extent), at), DType::kIndex);
        return b_.load(new_slot(t, rows), position, inside(position, rows));
      }
      default: return b_.load(new_slot(t, extent), at);
    }
  }

  // -- Values --

  Node constant(DType t) {
    if (!is_float(t)) return b_.constant_int(r_.below(is_bool(t) ? 2 : 5), t);
    return b_.constant_float(static_cast<double>(r_.below(13) - 6) / 2, t);
  }
  Node known(DType t, const Axes& axes) {
    for (int tries = 0; tries < 4 && !pool_.empty(); ++tries) {
      const Value& v = pool_[below(pool_.size())];
      if (std::includes(axes.begin(), axes.end(), v.axes.begin(), v.axes.end())) return b_.cast(v.node, t);
    }
    return {};
  }
  Node value(DType t, Axes axes, int depth) {
    std::sort(axes.begin(), axes.end());
    if (const Node n = r_.one_in(5) ? known(t, axes) : Node{}) return n;
    const Node made = new_value(t, axes, depth);
    pool_.push_back({made, axes});
    return made;
  }
  Node new_value(DType t, const Axes& axes, int depth) {
    if (depth == 0 || r_.one_in(6)) {
      if (r_.one_in(6)) return constant(t);
      if (!axes.empty() && r_.one_in(8)) return b_.cast(axes_[axes[below(axes.size())]].range, t);
      return load(t, axes);
    }
    const auto sub = [&](DType of) { return value(of, axes, depth - 1); };
    if (r_.one_in(4)) return accumulate(t, axes, depth);
    switch (r_.below(8)) {
      case 0: return b_.cast(sub(random_type()), t);
      case 1: return b_.make(Op::Where, {sub(DType::kBool), sub(t), sub(t)});  // a list: in this order
      case 2:
        if (is_bool(t)) {
          const DType of = random_type();
          return b_.make(Op::Lt, {sub(of), sub(of)});
        }
        return b_.neg(sub(t));
      case 3: return is_float(t) ? b_.make(Op::Exp2, {b_.make(Op::Min, {sub(t), constant(t)})}) : sub(t);
      case 4: return b_.make(Op::Max, {sub(t), sub(t)});
      case 5: return b_.make(Op::Min, {sub(t), sub(t)});
      case 6: return is_bool(t) ? b_.make(Op::Xor, {sub(t), sub(t)}) : b_.make(Op::Mul, {sub(t), sub(t)});
      default: return is_bool(t) ? b_.make(Op::Or, {sub(t), sub(t)}) : b_.make(Op::Add, {sub(t), sub(t)});
    }
  }
  // Over reduce axes that are not taken further out.
  Node accumulate(DType t, const Axes& axes, int depth) {
    Axes bound;
    for (size_t a : reduces_)
      if (std::find(axes.begin(), axes.end(), a) == axes.end() && !r_.one_in(3)) bound.push_back(a);
    if (bound.empty()) return value(t, axes, depth - 1);
    shuffle(bound);
    const bool is_narrow = is_float(t) && dtype_size(t) < 4;
    const DType of = is_narrow ? f32 : t;
    Axes inner = axes;
    inner.insert(inner.end(), bound.begin(), bound.end());
    std::vector<Node> ranges;
    for (size_t a : bound) ranges.push_back(axes_[a].range);
    const bool has_fixed_order = bound.size() == 1 || !is_float(of);
    const auto op = static_cast<ReduceOp>(is_bool(of) || !has_fixed_order ? 2 + r_.below(2) : r_.below(4));
    const Node body = value(of, inner, depth - 1);
    return b_.cast(b_.accumulate(body, op, ranges), t);
  }

  // -- Statements --

  void add_statement(const Axes& own) {
    const DType t = random_type();
    const int64_t kind = own.empty() ? 9 : r_.below(12);
    if (kind == 0) return add_scan(t, own);
    if (kind == 1) return add_sort(own);
    if (kind == 2) return add_scatter(is_bool(t) ? i32 : t, own);
    const Dim extent = count(own);
    const Node slot = new_slot(t, extent), at = address(own);
    Node v = value(t, own, options_.max_depth);
    if (kind == 3) v = b_.make(is_bool(t) ? Op::Xor : Op::Add, {v, b_.load(slot, at)});  // in place
    statements_.push_back(b_.store(slot, at, v, r_.one_in(6) ? value(DType::kBool, own, 1) : Node{}));
  }
  void add_scan(DType t, const Axes& own) {
    const bool is_max = is_bool(t) || r_.one_in(2), reverse = r_.one_in(2);
    const Node at = address(own), v = value(t, own, options_.max_depth),
               range = axes_[own[below(own.size())]].range;
    statements_.push_back(b_.scan_store(new_slot(t, count(own)), at, v, range,
                                        is_max ? ReduceOp::kMax : ReduceOp::kAdd, reverse));
  }
  void add_sort(const Axes& own) {
    const Node at = address(own), key = value(random_type(), own, options_.max_depth);
    const Node range = axes_[own[below(own.size())]].range;
    const bool descending = r_.one_in(2);
    statements_.push_back(b_.sort_store(new_slot(i32, count(own)), at, key, range, descending));
  }
  // Rows of 1 to 4 elements for all but one or two axes, which go to random elements of their row.
  void add_scatter(DType t, const Axes& own) {
    const size_t bound_count = std::min(own.size(), 1 + below(2));
    const Axes bound(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(bound_count));
    const Axes rows(own.begin() + static_cast<std::ptrdiff_t>(bound_count), own.end());
    const Dim width(1 + r_.below(4));
    const Dim extent = dim_mul(graph_, count(rows), width);
    const Node slot = new_slot(t, extent);
    const Node position = b_.cast(load(i32, own), DType::kIndex);
    const bool is_inner = r_.one_in(2);  // the rows' axes run fastest
    const Node row = address(rows);
    const Node at = is_inner ? b_.add(b_.mul(position, as_index(count(rows))), row)
                             : b_.add(b_.mul(row, as_index(width)), position);
    if (r_.one_in(2)) {
      // What is there first.
      const Node fill = b_.range(width, 20 + next_slot_);
      const Node to = is_inner ? b_.add(b_.mul(fill, as_index(count(rows))), row)
                               : b_.add(b_.mul(row, as_index(width)), fill);
      statements_.push_back(b_.store(slot, to, value(t, rows, 2)));
    }
    std::vector<Node> ranges;
    for (size_t a : bound) ranges.push_back(axes_[a].range);
    const Node v = value(t, own, options_.max_depth);
    const ir::ScatterMode mode = r_.one_in(2) ? ir::ScatterMode::kAdd : ir::ScatterMode::kSet;
    statements_.push_back(b_.scatter_store(slot, at, v, inside(position, width), ranges, mode));
  }

  ir::Graph& graph_;
  ir::Builder b_;
  ir::RandomStream r_;
  const RandomKernelOptions& options_;
  Node variable_;
  std::vector<Axis> axes_;
  Axes reduces_;
  std::vector<Value> pool_;
  std::vector<Node> statements_;
  int64_t next_slot_ = 0;
};

double random_element(ir::RandomStream& r, DType t) {
  constexpr double kAwkward[] = {-0.0, INFINITY, -INFINITY, NAN};
  if (is_float(t) && r.one_in(40)) return kAwkward[r.below(4)];
  return static_cast<double>(is_signed(t) || is_float(t) ? r.below(11) - 3 : r.below(5)) /
         (is_float(t) ? 2 : 1);
}

}  // namespace

Node random_kernel(ir::Graph& graph, uint64_t seed, const RandomKernelOptions& options) {
  return Generator(graph, seed, options).run();
}

interp::KernelArrays random_arrays(const ir::Graph& graph, Node kernel, const interp::Bindings& bindings,
                                   uint64_t seed) {
  interp::KernelArrays out;
  for (Node n : ir::postorder(graph, std::span(&kernel, 1))) {
    if (graph.op(n) != Op::Param) continue;
    const int64_t number = graph.arg_as<ir::ParamArg>(n).index;
    const int64_t count = interp::evaluate_dim(graph, graph.shape(n)[0], bindings);
    ir::RandomStream r(seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(number));
    std::vector<double> values(static_cast<size_t>(std::max<int64_t>(0, count)));
    for (double& v : values) v = random_element(r, graph.dtype(n));
    out.emplace_back(number,
                     std::make_shared<interp::Array>(*interp::array_from(graph.dtype(n), {count}, values)));
  }
  return out;
}

interp::KernelArrays copies(const interp::KernelArrays& arrays) {
  interp::KernelArrays out;
  for (const auto& [number, array] : arrays)
    out.emplace_back(number, std::make_shared<interp::Array>(*array));
  return out;
}

}  // namespace anneal::loop
