// SPDX-License-Identifier: MIT
#include "rules/instance.h"

#include <limits>

#include "ir/dims.h"
#include "support/check.h"
#include "support/random_stream.h"

namespace anneal::rules {

using ir::Dim;
using ir::DTypeRule;
using ir::Node;
using ir::Op;
using rewrite::PatternNode;
using Kind = PatternNode::Kind;

namespace {

constexpr int64_t kMaxSymbolic = 3;
constexpr DType kMachineInts[] = {i8, i16, i32, i64, u8, u16, u32, u64};
constexpr DType kFloats[] = {f32, f64, f32, f16, bf16, f8e4m3, f8e5m2};

bool takes(Op op, DType t) {
  switch (ir::op_info(op).dtype_rule) {
    case DTypeRule::Number: return is_float(t) || is_int(t);
    case DTypeRule::Int: return is_int(t);
    case DTypeRule::Integral: return is_int(t) || is_bool(t);
    case DTypeRule::Float: return is_float(t);
    case DTypeRule::U32: return t == u32;
    default: return t != DType::kVoid;
  }
}

ir::Arg argument_of(Op op, support::RandomStream& random) {
  if (ir::op_info(op).arg == ir::ArgKind::Lane) return ir::LaneArg{static_cast<int32_t>(random.below(2))};
  return ir::NoArg{};
}

}  // namespace

InstanceMaker::InstanceMaker(ir::Graph& graph, const rewrite::Rule& rule, uint64_t seed)
    : graph_(graph),
      build_{graph},
      rule_(rule),
      rules_(std::span(&rule, 1), {.reassociating = true, .approximate = true}),
      random_(seed),
      index_(graph, random_) {}

Instance InstanceMaker::next(int tries) {
  for (int i = 0; i < tries; ++i) {
    const Node before = attempt();
    if (!before) continue;
    if (const Node after = rewrite::rewrite_once(graph_, before, rules_)) return {before, after};
  }
  return {};
}

Node InstanceMaker::attempt() {
  bound_ = {};
  has_any_op_ = false;
  next_param_ = 0;
  symbol_ = random_.chance(25) ? Dim(build_.var("e", 0, kMaxSymbolic)) : Dim(1);
  const DType t = pick_dtype();
  const Dims shape = t == DType::kIndex || random_.chance(50) ? Dims{} : random_shape(1);
  return make(rule_.pattern.root_index(), t, shape, true);
}

DType InstanceMaker::pick_dtype() {
  while (true) {
    const auto type = rewrite::Types{static_cast<uint8_t>(1u << random_.below(4))};
    if (!rule_.types.has(type)) continue;
    if (type.mask == rewrite::of_bool.mask) return boolean;
    if (type.mask == rewrite::of_index.mask) return DType::kIndex;
    return type.mask == rewrite::of_float.mask ? random_.pick(kFloats) : random_.pick(kMachineInts);
  }
}

// `t` is the type of the last source for the root, and of the result below it. Null: no such node exists.
Node InstanceMaker::make(size_t at, DType t, const Dims& shape, bool is_root) {
  const PatternNode& n = rule_.pattern.nodes()[at];
  if (n.kind == Kind::kLiteral)
    return is_float(t) ? build_.constant_float(n.literal, t)
                       : build_.constant_int(static_cast<int64_t>(n.literal), t);
  if (n.kind == Kind::kLetter) {
    Node& bound = bound_[n.letter];
    if (!bound)
      bound =
          n.letter >= rewrite::kFirstConstLetter ? constant(t) : leaf(t, random_.chance(25) ? Dims{} : shape);
    return graph_.dtype(bound) == t ? bound : Node{};
  }
  const Op op = n.kind == Kind::kAnyOp ? any_op(n, t) : n.op;
  if (op == Op::Sink) return {};
  if (ir::has_flag(op, ir::kElementwise)) return make_elementwise(op, n, t, shape, is_root);
  return make_with_sources(op, n, t, shape);
}

// f is chosen once.
Op InstanceMaker::any_op(const PatternNode& n, DType t) {
  for (int tries = 0; !has_any_op_ && tries < 1000; ++tries) {
    any_op_ = static_cast<Op>(random_.below(ir::kNumOps));
    const ir::OpInfo& info = ir::op_info(any_op_);
    has_any_op_ = (info.flags & n.flags) == n.flags && takes(any_op_, t) &&
                  (n.num_children == 0 || info.max_sources == n.num_children);
  }
  return has_any_op_ ? any_op_ : Op::Sink;
}

Node InstanceMaker::make_elementwise(Op op, const PatternNode& n, DType t, const Dims& shape, bool is_root) {
  if (n.num_children == 0) return make_any_elementwise(op, t);
  DType source = t, result = t;
  if (ir::has_flag(op, ir::kComparison)) {
    result = boolean;
    if (!is_root && t != boolean) return {};
    if (!is_root) source = random_.chance(40) ? DType::kIndex : random_.pick(kMachineInts);
  } else if (op == Op::Cast || op == Op::Bitcast) {
    constexpr DType kAll[] = {boolean, i8, i16, i32, i64, u8, u32, f16, bf16, f32, f64, f8e5m2};
    if (is_root) result = random_.pick(kAll);
    if (!is_root) source = random_.pick(kAll);
    if (result == source || (op == Op::Bitcast && (dtype_size(source) != dtype_size(result) ||
                                                   is_bool(source) || is_bool(result))))
      return {};
  }
  if (!takes(op, source)) return {};
  std::array<Node, PatternNode::kMaxChildren> sources;
  for (size_t i = 0; i < n.num_children; ++i) {
    const bool condition = op == Op::Where && i == 0;
    sources[i] = make(n.children[i], condition ? boolean : source, shape, false);
    if (!sources[i]) return {};
  }
  return build_.make(op, std::span<const Node>(sources.data(), n.num_children), argument_of(op, random_),
                     result);
}

// Any sources: repeated scalars, repeated smaller tensors, or what there is.
Node InstanceMaker::make_any_elementwise(Op op, DType t) {
  if (op == Op::Cast || op == Op::Bitcast || !takes(op, t)) return {};
  const Dims small = t == DType::kIndex ? Dims{} : random_shape(1), wide = widened(small);
  const int64_t kind = t == DType::kIndex ? 3 : random_.below(4);
  std::array<Node, PatternNode::kMaxChildren> sources;
  const auto count = static_cast<size_t>(ir::op_info(op).max_sources);
  for (size_t i = 0; i < count; ++i) {
    const DType type = op == Op::Where && i == 0 ? boolean : t;
    if (kind == 0)
      sources[i] = random_.chance(50) ? build_.expand(leaf(type, {}), wide) : leaf(type, wide);
    else if (kind == 1)
      sources[i] = random_.chance(80) ? build_.expand(leaf(type, small), wide) : leaf(type, {});
    else
      sources[i] = t == DType::kIndex ? leaf(type, {}) : random_.chance(50) ? constant(type) : leaf(type, {});
  }
  const DType result = ir::has_flag(op, ir::kComparison) ? boolean : t;
  return build_.make(op, std::span<const Node>(sources.data(), count), argument_of(op, random_), result);
}

Node InstanceMaker::make_with_sources(Op op, const PatternNode& n, DType t, const Dims& shape) {
  if (op == Op::Iota) return is_int(t) ? build_.iota(random_shape(1), 0, t) : Node{};
  if (op == Op::Var) return build_.var("v", 2, 2 + random_.below(2));
  if (op == Op::Range) return build_.range(1 + random_.below(2), 5);
  if (op == Op::Concat) return make_any_concat(t);
  if (op == Op::StopGradient) {
    const Node a = make(n.children[0], t, shape, false);
    return a ? build_.make(op, {a}) : a;
  }
  const bool folds = op == Op::Reduce || op == Op::Scan || op == Op::ArgReduce || op == Op::ArgSort;
  const Node a = make(n.children[0], t, random_shape(folds ? 1 : 0), false);
  if (!a) return a;
  if (folds) return fold(op, a);
  Node fill;
  if (op == Op::Pad) {
    fill = make(n.children[1], t, {}, false);
    if (!fill || graph_.rank(fill) != 0) return {};
  }
  return move(op, a, fill);
}

Node InstanceMaker::make_any_concat(DType t) {
  const int64_t count = 1 + random_.below(3);
  const bool full = random_.chance(30);
  Dims shape = random_shape(1);
  const Node value = leaf(t, {});
  std::vector<Node> parts;
  for (int64_t i = 0; i < count; ++i) {
    shape[0] = Dim(random_.below(4));
    Node part = full ? build_.expand(value, shape) : leaf(t, shape);
    if (!full && random_.chance(25)) part = build_.concat(std::array{part, leaf(t, shape)}, 0);
    parts.push_back(part);
  }
  return build_.make(Op::Concat, parts, ir::AxisArg{0});
}

Node InstanceMaker::move(Op op, Node a, Node fill) {
  const Dims from = shape_of(a);
  switch (op) {
    case Op::Reshape: {
      int64_t size = graph_.static_size(graph_.shape_id(a));
      Dims to;
      if (random_.chance(30))
        return build_.make(op, std::span(&a, 1), ir::NoArg{}, DType::kVoid, graph_.shape_id(a));
      if (size < 0) {  // symbolic: flat, or with an axis more
        to = random_.chance(50) ? Dims{ir::dim_product(graph_, from)} : from;
        to.insert(to.begin() + random_.below(static_cast<int64_t>(to.size()) + 1), Dim(1));
        return build_.make(op, std::span(&a, 1), ir::NoArg{}, DType::kVoid, graph_.intern_shape(to));
      }
      for (int64_t factor : {2, 3})
        while (size % factor == 0 && size > factor && to.size() < 4)
          to.push_back(Dim(factor)), size /= factor;
      to.push_back(Dim(size));
      if (random_.chance(30)) to.push_back(Dim(1));
      return build_.make(op, std::span(&a, 1), ir::NoArg{}, DType::kVoid, graph_.intern_shape(to));
    }
    case Op::Expand: {
      const Dims to = from.empty() ? random_shape(0) : widened(from);
      return build_.make(op, std::span(&a, 1), ir::NoArg{}, DType::kVoid, graph_.intern_shape(to));
    }
    case Op::Permute: {
      ir::PermArg arg;
      for (size_t i = 0; i < from.size(); ++i) arg.perm.push_back(static_cast<uint8_t>(i));
      for (size_t i = from.size(); i > 1; --i)
        std::swap(arg.perm[i - 1], arg.perm[static_cast<size_t>(random_.below(static_cast<int64_t>(i)))]);
      return build_.make(op, {a}, arg);
    }
    case Op::Flip:
      return build_.make(op, {a}, ir::AxesArg{static_cast<ir::AxisMask>(random_.below(1 << from.size()))});
    case Op::Slice: return move_slice(a);
    case Op::Pad: {
      ir::PadArg arg;
      const bool nothing = random_.chance(20);
      for (const Dim& d : from) {
        arg.low.push_back(nothing ? Dim(0) : random_.chance(10) ? symbol_ : Dim(random_.below(3)));
        arg.high.push_back(nothing ? Dim(0) : random_.chance(10) ? symbol_ : Dim(random_.below(3)));
        // What may be empty has no fixed number of gaps.
        const bool gaps = !nothing && ir::dim_min(graph_, d) > 0 && random_.chance(15);
        arg.interior.push_back(gaps ? 1 : 0);
      }
      return build_.make(op, {a, fill}, arg);
    }
    default: return {};
  }
}

Node InstanceMaker::move_slice(Node a) {
  ir::SliceArg arg;
  Dims to;
  const bool whole = random_.chance(15);
  for (const Dim& d : shape_of(a)) {
    if (!d.is_const()) {  // all of it, or what surely is there of its start or its end
      const int64_t most = ir::dim_min(graph_, d), kept = whole ? 0 : random_.below(most + 1);
      const bool all = whole || random_.chance(50);
      arg.start.push_back(all || random_.chance(50) ? Dim(0) : ir::dim_sub(graph_, d, Dim(kept)));
      arg.step.push_back(1);
      to.push_back(all ? d : Dim(kept));
      continue;
    }
    const int64_t start = whole || d.value == 0 ? 0 : random_.below(d.value),
                  step = whole ? 1 : 1 + random_.below(10) / 7;
    const int64_t most = d.value == 0 ? 0 : (d.value - start - 1) / step + 1;
    arg.start.push_back(Dim(start));
    arg.step.push_back(step);
    to.push_back(Dim(whole ? most : random_.below(most + 1)));
  }
  return build_.make(Op::Slice, std::span(&a, 1), arg, DType::kVoid, graph_.intern_shape(to));
}

Node InstanceMaker::fold(Op op, Node a) {
  const auto rank = static_cast<int64_t>(graph_.rank(a));
  if (rank == 0) return {};
  const auto axis = static_cast<int32_t>(random_.below(rank));
  const bool only_extremes = is_bool(graph_.dtype(a)) || op == Op::ArgReduce;
  const auto fold = static_cast<ir::ReduceOp>(only_extremes ? 2 + random_.below(2) : random_.below(4));
  switch (op) {
    case Op::Reduce: {
      // Reductions of one kind in a row have rules of their own.
      const bool again = graph_.op(a) == Op::Reduce && random_.chance(60);
      const ir::ReduceOp same = again ? graph_.arg_as<ir::ReduceArg>(a).op : fold;
      return build_.reduce(a, same, static_cast<ir::AxisMask>(1 + random_.below((1 << rank) - 1)));
    }
    case Op::Scan: return build_.scan(a, fold, axis, random_.chance(50));
    case Op::ArgReduce:
      return ir::dim_min(graph_, shape_of(a)[static_cast<size_t>(axis)]) < 1
                 ? Node{}
                 : build_.arg_reduce(a, fold, axis);
    default: return build_.arg_sort(a, axis, random_.chance(50));
  }
}

// -- Leaves --

Node InstanceMaker::leaf(DType t, const Dims& shape) {
  if (t == DType::kIndex && shape.empty()) return index_.expression(static_cast<int>(random_.below(3)));
  if (t == boolean && shape.empty() && random_.chance(30)) {
    return index_.comparison(0);
  }
  if (shape.empty() && random_.chance(20)) return constant(t);
  return build_.param(next_param_++, t, shape);
}

Node InstanceMaker::constant(DType t) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (t == boolean) return build_.constant_int(random_.below(2), t);
  if (t == DType::kIndex) return index_.constant();
  if (is_float(t)) {
    constexpr double kValues[] = {
        0,    -0.0,  1,     -1,   2,     0.5,  4,   3,
        1.5,  -2.75, 0.125, kInf, -kInf, -448, 448, std::numeric_limits<double>::quiet_NaN(),
        1e-3, 100};
    return build_.constant_float(random_.pick(kValues), t);
  }
  constexpr int64_t kValues[] = {0,  1,   -1,        2,         3,         4,         5,   8,   -2,
                                 -8, 100, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 127, -128};
  const int64_t v = random_.pick(kValues);
  const ir::Bounds type = ir::type_bounds(t);
  return build_.constant_int(v < type.min ? type.min : v > type.max ? type.max : v, t);
}

InstanceMaker::Dims InstanceMaker::random_shape(int min_rank) {
  constexpr int64_t kExtents[] = {1, 1, 2, 2, 3, 4, 1, 3, 2, 0};
  Dims dims(static_cast<size_t>(min_rank + random_.below(4 - min_rank)));
  for (Dim& d : dims) d = !symbol_.is_const() && random_.chance(50) ? symbol_ : Dim(random_.pick(kExtents));
  return dims;
}

InstanceMaker::Dims InstanceMaker::widened(const Dims& shape) {
  Dims wide = shape;
  for (Dim& d : wide)
    if (d.is(1)) d = random_.chance(20) ? symbol_ : Dim(1 + random_.below(3));
  return wide;
}

InstanceMaker::Dims InstanceMaker::shape_of(Node n) const {
  const ir::Shape s = graph_.shape(n);
  return {s.begin(), s.end()};
}

}  // namespace anneal::rules
