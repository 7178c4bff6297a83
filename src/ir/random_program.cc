// SPDX-License-Identifier: MIT
#include "ir/random_program.h"

#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/infer.h"
#include "support/random_stream.h"

namespace anneal::ir {
namespace {

constexpr DType kTypes[] = {DType::kBool, i8,     i16,    i32, i64,  u8,  u16, u32,
                            u64,          f8e4m3, f8e5m2, f16, bf16, f32, f64};
constexpr double kFloats[] = {0, -0.0, 1, -1, 0.5, 2, -3, 1e30, -1e-30, 65504, 0x1p-149};
constexpr int64_t kInts[] = {0,   1,    -1,    2,         3,         7,         -8,       31,
                             127, -128, 65535, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
constexpr int64_t kMaxElements = 4096;  // of any value: programs must stay cheap to run

class Generator {
 public:
  Generator(Graph& graph, uint64_t seed, const RandomProgramOptions& options)
      : g_(graph), b_{graph}, r_(seed), options_(options) {}

  std::vector<Node> run() {
    for (int64_t& e : extents_) e = r_.one_in(12) ? 0 : 1 + r_.below(options_.max_extent);
    if (options_.symbolic) symbol_ = Dim(b_.var("N", options_.min_symbol, kMaxSymbol));
    for (int i = 0; i < options_.inputs; ++i) pool_.push_back(b_.param(i, random_dtype(), random_shape()));
    for (int i = 0, tries = 0; i < options_.nodes && tries < options_.nodes * 20; ++tries)
      if (const Node n = random_node()) {
        pool_.push_back(n);
        ++i;
      }
    const size_t results = std::min<size_t>(pool_.size(), 1 + static_cast<size_t>(r_.below(3)));
    return {pool_.end() - static_cast<std::ptrdiff_t>(results), pool_.end()};
  }

 private:
  DType random_dtype() {
    if (options_.floats_only) return r_.one_in(2) ? f32 : f64;
    return r_.one_in(2) ? f32 : r_.pick(kTypes);
  }
  Dim random_extent() { return options_.symbolic && r_.one_in(3) ? symbol_ : Dim(extents_[r_.below(3)]); }
  std::vector<Dim> random_shape() {
    std::vector<Dim> dims(static_cast<size_t>(r_.below(options_.max_rank + 1)));
    for (Dim& d : dims) d = random_extent();
    return dims;
  }
  Node any() { return pool_[static_cast<size_t>(r_.below(static_cast<int64_t>(pool_.size())))]; }
  Scalar random_scalar(DType t) {
    return is_float(t) ? Scalar::from_double(r_.pick(kFloats), t) : Scalar::from_int(r_.pick(kInts), t);
  }

  // A source of type t that an elementwise op can combine with `shape`: of that shape, or a scalar.
  Node mate(DType t, ShapeId shape) {
    for (int i = 0; i < 6; ++i)
      if (const Node n = any(); g_.shape_id(n) == shape && (g_.dtype(n) == t || r_.one_in(2)))
        return b_.cast(n, t);
    return b_.constant(random_scalar(t), t);
  }

  // A first source that the op's dtype rule accepts, cast if none is at hand.
  Node first_source(DTypeRule rule) {
    Node n = any();
    const DType t = g_.dtype(n);
    switch (rule) {
      case DTypeRule::Float: return is_float(t) ? n : b_.cast(n, f32);
      case DTypeRule::Number: return is_bool(t) ? b_.cast(n, options_.floats_only ? f32 : i32) : n;
      case DTypeRule::Int: return is_int(t) ? n : b_.cast(n, i32);
      case DTypeRule::Integral: return is_float(t) ? b_.cast(n, i32) : n;
      case DTypeRule::Where: return b_.cast(n, DType::kBool);
      case DTypeRule::U32: return b_.cast(n, u32);
      default: return n;
    }
  }

  AxisMask random_axes(Node n) { return static_cast<AxisMask>(r_.below(int64_t{1} << g_.rank(n))); }
  int random_axis(Node n) { return g_.rank(n) == 0 ? 0 : static_cast<int>(r_.below(g_.rank(n))); }

  Arg random_arg(const OpInfo& info, Node source) {
    const auto rank = source ? static_cast<size_t>(g_.rank(source)) : 0;
    switch (info.arg) {
      case ArgKind::Const: return ConstArg{};
      case ArgKind::Axis: return AxisArg{random_axis(source)};
      case ArgKind::Lane: return LaneArg{static_cast<int32_t>(r_.below(2))};
      case ArgKind::Perm: {
        PermArg perm;
        for (size_t i = 0; i < rank; ++i)
          perm.perm.insert(perm.perm.begin() + r_.below(static_cast<int64_t>(i) + 1),
                           static_cast<uint8_t>(i));
        return perm;
      }
      case ArgKind::Pad: {
        PadArg pad;
        for (size_t i = 0; i < rank; ++i) {
          pad.low.push_back(Dim(r_.below(3)));
          pad.high.push_back(Dim(r_.below(3)));
          pad.interior.push_back(r_.one_in(4) ? 1 : 0);
        }
        return pad;
      }
      case ArgKind::Axes: return AxesArg{random_axes(source)};
      case ArgKind::Reduce: return ReduceArg{static_cast<ReduceOp>(r_.below(4)), random_axes(source)};
      case ArgKind::Scan:
        return ScanArg{static_cast<ReduceOp>(r_.below(4)), random_axis(source), r_.one_in(2)};
      case ArgKind::Sort: return SortArg{random_axis(source), r_.one_in(2)};
      case ArgKind::Scatter: return ScatterArg{static_cast<ScatterMode>(r_.below(2)), random_axis(source)};
      default: return NoArg{};
    }
  }

  // Another shape with as many elements: two neighbours joined, an axis of 1 put in or taken out.
  std::vector<Dim> reshaped(Node n) {
    const Shape shape = g_.shape(n);
    std::vector<Dim> dims(shape.begin(), shape.end());
    const auto at = static_cast<std::ptrdiff_t>(r_.below(static_cast<int64_t>(dims.size()) + 1));
    if (r_.one_in(2) && dims.size() >= 2 && at + 1 < static_cast<std::ptrdiff_t>(dims.size())) {
      dims[static_cast<size_t>(at)] =
          dim_mul(g_, dims[static_cast<size_t>(at)], dims[static_cast<size_t>(at) + 1]);
      dims.erase(dims.begin() + at + 1);
    } else if (dims.size() < 5) {
      dims.insert(dims.begin() + at, Dim(1));
    }
    return dims;
  }

  std::vector<Dim> expanded(Node n) {
    const Shape shape = g_.shape(n);
    if (shape.empty()) return random_shape();
    std::vector<Dim> dims(shape.begin(), shape.end());
    for (Dim& d : dims)
      if (d.is(1)) d = random_extent();
    return dims;
  }

  Node random_slice(Node n) {
    SliceArg arg;
    std::vector<Dim> dims;
    for (const Dim& d : g_.shape(n)) {
      if (!d.is_const()) {
        arg.start.push_back(Dim(0));
        arg.step.push_back(1);
        dims.push_back(d);
        continue;
      }
      const int64_t step = 1 + r_.below(2), start = r_.below(d.value + 1);
      const int64_t most = (d.value - start + step - 1) / step;
      arg.start.push_back(Dim(start));
      arg.step.push_back(step);
      dims.push_back(Dim(most - (most > 0 ? r_.below(most) : 0)));
    }
    return b_.slice(n, arg, dims);
  }

  // Positions along an axis of `like`, some of them outside.
  Node positions(Node like, int axis) {
    const Node n = b_.iota(g_.shape(like), axis, i32);
    return b_.make(Op::Add, {b_.make(Op::FloorMod, {b_.mul(n, b_.constant_int(1 + r_.below(4), i32)),
                                                    b_.constant_int(1 + r_.below(6), i32)}),
                             b_.constant_int(r_.below(3) - 1, i32)});
  }

  // Null when the dice made something ill-typed or too large.
  Node random_node() {
    const auto op = static_cast<Op>(r_.below(kNumOps));
    const OpInfo& info = op_info(op);
    if (op == Op::Sink || op == Op::Var || op == Op::Range || op == Op::Param || info.has(kUnique) ||
        info.has(kKernelOp))
      return {};
    if (op == Op::Const) {
      const DType t = random_dtype();
      return b_.constant(random_scalar(t), t);
    }
    if (op == Op::Iota) {
      const std::vector<Dim> shape = random_shape();
      return shape.empty()
                 ? Node{}
                 : fits(b_.iota(shape, static_cast<int>(r_.below(static_cast<int64_t>(shape.size()))), i32));
    }
    // The bits of a NaN are nobody's promise: bitcast starts from integers.
    std::vector<Node> sources{first_source(op == Op::Bitcast ? DTypeRule::Int : info.dtype_rule)};
    const Node first = sources[0];
    const bool needs_axis = info.arg == ArgKind::Axis || info.arg == ArgKind::Scan ||
                            info.arg == ArgKind::Sort || info.arg == ArgKind::Scatter;
    if (needs_axis && g_.rank(first) == 0) return {};
    const Arg arg = random_arg(info, first);
    Type given{random_dtype(), {}};
    if (op == Op::Bitcast) given.dtype = dtype_size(g_.dtype(first)) == 4 ? f32 : g_.dtype(first);
    if (options_.floats_only && op == Op::Bitcast) return {};
    if (op == Op::Reshape) given.shape = g_.intern_shape(reshaped(first));
    if (op == Op::Expand) given.shape = g_.intern_shape(expanded(first));
    if (op == Op::Slice) return fits(random_slice(first));
    if (op == Op::Pad) sources.push_back(b_.constant(random_scalar(g_.dtype(first)), g_.dtype(first)));
    if (op == Op::Gather) sources.push_back(positions(first, std::get_if<AxisArg>(&arg)->axis));
    if (op == Op::Scatter)
      sources.insert(sources.end(), {positions(first, std::get_if<ScatterArg>(&arg)->axis), first});
    if (op == Op::Concat && r_.one_in(2)) sources.push_back(first);
    if (info.has(kElementwise)) {
      DType t = g_.dtype(first);
      if (op == Op::Where) t = g_.dtype(any());
      while (sources.size() < static_cast<size_t>(info.min_sources))
        sources.push_back(mate(t, g_.shape_id(first)));
    }
    const Inferred inferred = infer(g_, op, sources, arg, given);
    if (!inferred.error.empty()) return {};
    return fits(g_.intern({op, inferred.type.dtype, inferred.type.shape, sources, &arg}));
  }

  Node fits(Node n) {
    int64_t most = 1;
    for (const Dim& d : g_.shape(n)) most *= std::max<int64_t>(1, dim_max(g_, d));
    return most <= kMaxElements ? n : Node{};
  }

  Graph& g_;
  const Builder b_;
  support::RandomStream r_;
  const RandomProgramOptions& options_;
  int64_t extents_[3] = {};
  Dim symbol_;
  std::vector<Node> pool_;
};

}  // namespace

std::vector<Node> random_program(Graph& graph, uint64_t seed, const RandomProgramOptions& options) {
  return Generator(graph, seed, options).run();
}

}  // namespace anneal::ir
