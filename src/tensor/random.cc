// SPDX-License-Identifier: MIT
// Random numbers from the threefry op: word `lane` of block (position, stream) under a key.
#include "anneal/random.h"

#include <cmath>
#include <numbers>

#include "ir/dims.h"
#include "ir/text.h"
#include "tensor/call.h"

namespace anneal {

using ir::Dim;
using ir::Node;
using ir::Op;

namespace {

// Streams of one key: each kind of use has its own, so that keys made by split share nothing with draws.
constexpr uint32_t kDrawStream = 0, kSplitStream = 1, kFoldStream = 2, kAngleStream = 3;

// The position of each element in row-major order, as two u32 words.
struct Positions {
  Node low, high;
};
Positions row_major(const Call& call, const std::vector<Dim>& shape) {
  const std::vector<Dim> flat{ir::dim_product(call.g, shape)};
  const Node at = call.b.reshape(call.b.iota(flat, 0, u64), shape);
  const Node high = call.b.make(Op::Shr, {at, call.b.constant_int(32, u64)});
  return {call.b.cast(at, u32), call.b.cast(high, u32)};
}

Node threefry(const Call& call, Node k0, Node k1, Node c0, Node c1, int lane) {
  const Node sources[] = {k0, k1, c0, c1};
  return call.b.make(Op::Threefry, sources, ir::LaneArg{lane});
}

// 24 (or 53) random bits as a float in [0, 1): every value is a multiple of 2^-24 (2^-53), exact in its type.
Tensor unit_interval(const Tensor& low, const Tensor& high, DType wide) {
  if (wide == f64) {
    const Tensor bits = (cast(high, u64) << 21) ^ (cast(low, u64) >> 11);
    return cast(bits, f64) * 0x1p-53;
  }
  return cast(low >> 8, f32) * 0x1p-24;
}

// -- Functions that give the same bits everywhere: only +, -, *, / and bit operations, each rounded once --

// c0 + z * (c1 + z * (c2 + ...)).
Tensor polynomial(const Tensor& z, const std::vector<double>& c) {
  Tensor sum = full_like(z, c.back());
  for (size_t i = c.size() - 1; i-- > 0;) sum = sum * z + c[i];
  return sum;
}

// The natural logarithm of a positive normal number: x = 2^e * m with m in [sqrt(1/2), sqrt(2)), and
// log m = 2 (t + t^3/3 + t^5/5 + ...) with t = (m - 1) / (m + 1). Within 2 ulp.
Tensor portable_log(const Tensor& x) {
  const bool wide = x.dtype() == f64;
  const DType word = wide ? i64 : i32;
  const int mantissa = wide ? 52 : 23, bias = wide ? 1023 : 127;
  const Tensor bits = bitcast(x, word);
  const int64_t one = static_cast<int64_t>(bias) << mantissa, mask = (int64_t{1} << mantissa) - 1;
  const Tensor m = bitcast((bits & mask) | one, x.dtype());
  const Tensor high = m > std::numbers::sqrt2;
  const Tensor e = cast((bits >> mantissa) - bias + cast(high, word), x.dtype());
  const Tensor reduced = where(high, m * 0.5, m);
  const Tensor t = (reduced - 1) / (reduced + 1);
  std::vector<double> c;
  for (int k = 0; k < (wide ? 12 : 6); ++k) c.push_back(2.0 / (2 * k + 1));
  return e * std::numbers::ln2 + t * polynomial(t * t, c);
}

// cos(2 pi v) for v in [0, 1): the quarter turn is exact, the rest a Taylor series on [-pi/4, pi/4].
Tensor cos_of_turns(const Tensor& v) {
  const Tensor quarter = floor(v * 4 + 0.5);
  const Tensor a = (v - quarter * 0.25) * (2 * std::numbers::pi);
  const int terms = v.dtype() == f64 ? 10 : 6;
  std::vector<double> cosine{1}, sine{1};
  for (int k = 1; k < terms; ++k) {
    cosine.push_back(-cosine.back() / ((2 * k - 1) * (2 * k)));
    sine.push_back(-sine.back() / ((2 * k) * (2 * k + 1)));
  }
  const Tensor square_ = a * a;
  const Tensor c = polynomial(square_, cosine), s = a * polynomial(square_, sine);
  const Tensor odd = (quarter == 1) | (quarter == 3), negative = (quarter == 1) | (quarter == 2);
  const Tensor value = where(odd, s, c);
  return where(negative, -value, value);
}

}  // namespace

Rng::Rng(uint64_t seed, Loc loc) {
  const Call call("Rng", loc);
  word0_ = wrap(call.b.constant_int(static_cast<int64_t>(seed & 0xffffffffu), u32));
  word1_ = wrap(call.b.constant_int(static_cast<int64_t>(seed >> 32), u32));
}

Rng Rng::split(uint64_t which, Loc loc) const {
  const Call call("split", loc);
  // Two blocks for a 64-bit `which`: the high word goes into the key first.
  const Node low = call.b.constant_int(static_cast<int64_t>(which & 0xffffffffu), u32);
  const Node high = call.b.constant_int(static_cast<int64_t>(which >> 32), u32);
  const Node stream = call.b.constant_int(kSplitStream, u32);
  const Node k0 = node_of(word0_), k1 = node_of(word1_);
  const Node m0 = threefry(call, k0, k1, high, stream, 0), m1 = threefry(call, k0, k1, high, stream, 1);
  return {wrap(threefry(call, m0, m1, low, stream, 0)), wrap(threefry(call, m0, m1, low, stream, 1))};
}

Rng Rng::fold_in(const Tensor& data, Loc loc) const {
  const Call call("fold_in", data, loc);
  const Node n = node_of(data);
  if (call.g.rank(n) != 0 || !is_int(call.g.dtype(n)))
    call.fail(ErrorCode::kArgument, "takes an integer scalar, not " + data.type());
  const Node value = call.b.cast(n, u32), stream = call.b.constant_int(kFoldStream, u32);
  const Node k0 = node_of(word0_), k1 = node_of(word1_);
  return {wrap(threefry(call, k0, k1, value, stream, 0)), wrap(threefry(call, k0, k1, value, stream, 1))};
}

Tensor Rng::words(const Sizes& sizes, int lane, uint32_t stream) const {
  const Call call("bits", Loc::current());
  const std::vector<Dim> shape = call.dims(sizes);
  const auto [low, high] = row_major(call, shape);
  // The stream fills the top byte of the second counter word: positions use at most 2^56.
  const Node c1 = call.b.make(Op::Xor, {high, call.b.constant_int(static_cast<int64_t>(stream) << 24, u32)});
  return wrap(threefry(call, node_of(word0_), node_of(word1_), low, c1, lane));
}

Tensor Rng::bits(const Sizes& sizes, Loc loc) const {
  const Call call("bits", loc);
  return words(sizes, 0, kDrawStream);
}

Tensor Rng::rand(const Sizes& sizes, DType dtype, Loc loc) const {
  const Call call("rand", loc);
  if (!is_float(dtype)) call.fail(ErrorCode::kDType, "gives floats, not " + std::string(dtype_name(dtype)));
  const Tensor low = words(sizes, 0, kDrawStream);
  if (dtype == f64) return unit_interval(low, words(sizes, 1, kDrawStream), f64);
  if (dtype == f32) return unit_interval(low, low, f32);
  // Truncated to the type's own precision: rounding could reach 1.
  const int precision = dtype == f16 ? 11 : dtype == bf16 ? 8 : dtype == f8e4m3 ? 4 : 3;
  const Tensor few = cast(low >> (32 - precision), f32) * std::ldexp(1.0, -precision);
  return cast(few, dtype);
}

Tensor Rng::randn(const Sizes& sizes, DType dtype, Loc loc) const {
  const Call call("randn", loc);
  if (!is_float(dtype)) call.fail(ErrorCode::kDType, "gives floats, not " + std::string(dtype_name(dtype)));
  // Box and Muller: a radius from (0, 1], an angle from [0, 1) of a turn.
  const Tensor low = words(sizes, 0, kDrawStream), high = words(sizes, 1, kDrawStream);
  if (dtype == f64) {
    // The angle takes a block of its own, so that radius and angle have 53 bits each.
    const Tensor a = unit_interval(low, high, f64);
    const Tensor b = unit_interval(words(sizes, 0, kAngleStream), words(sizes, 1, kAngleStream), f64);
    return sqrt(-2 * portable_log(1 - a)) * cos_of_turns(b);
  }
  const Tensor radius = sqrt(-2 * portable_log(1 - unit_interval(low, low, f32)));
  return cast(radius * cos_of_turns(unit_interval(high, high, f32)), dtype);
}

Tensor Rng::randint(int64_t low, int64_t high, const Sizes& sizes, DType dtype, Loc loc) const {
  const Call call("randint", loc);
  if (low >= high)
    call.fail(ErrorCode::kArgument,
              "needs low < high, not " + std::to_string(low) + " and " + std::to_string(high));
  if (!is_int(dtype)) call.fail(ErrorCode::kDType, "gives integers, not " + std::string(dtype_name(dtype)));
  for (int64_t end : {low, high - 1})
    if (ir::Scalar::from_int(end, dtype).as_int(dtype) != end || (dtype == u64 && end < 0))
      call.fail(ErrorCode::kArgument,
                std::to_string(end) + " does not fit " + std::string(dtype_name(dtype)));
  // 64 random bits modulo the span: the bias is below 2^-32 for spans that fit 32 bits.
  const Tensor bits =
      (cast(words(sizes, 1, kDrawStream), u64) << 32) ^ cast(words(sizes, 0, kDrawStream), u64);
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const Tensor offset = remainder(bits, wrap(call.b.constant(ir::Scalar{span}, u64)));
  return cast(cast(offset, i64) + wrap(call.b.constant_int(low, i64)), dtype);
}

Tensor Rng::bernoulli(In p, const Sizes& sizes) const {
  const Call call("bernoulli", {&p});
  if (p.kind() != In::Kind::kTensor && !(p.float_value() >= 0 && p.float_value() <= 1))
    call.fail(ErrorCode::kArgument, "a probability must lie in [0, 1]");
  const ir::Node given = call.node(p);
  const std::vector<Dim> from = call.shape(given), to = call.dims(sizes);
  bool fits = from.size() <= to.size();
  for (size_t i = 1; fits && i <= from.size(); ++i)
    fits = from[from.size() - i].is(1) ||
           ir::dim_equal(call.g, from[from.size() - i], to[to.size() - i]) != ir::Tri::kFalse;
  if (!fits)
    call.fail(ErrorCode::kShape, "probabilities of shape " + ir::shape_text(call.g, from) +
                                     " do not broadcast to " + ir::shape_text(call.g, to));
  const Tensor u = unit_interval(words(sizes, 0, kDrawStream), words(sizes, 0, kDrawStream), f32);
  return u < cast(wrap(call.float_node(p)), f32);
}

Tensor Rng::categorical(In logits, int axis) const {
  Call call("categorical", {&logits});
  call.stands_for("argmax");
  const Tensor x = wrap(call.float_node(logits));
  // argmax(logits + Gumbel noise); the noise is -log(-log u) with u in (0, 1).
  const Tensor u = (cast(words(x.sizes(), 0, kDrawStream) >> 9, f32) + 0.5) * 0x1p-23;
  return argmax(cast(x, f32) - portable_log(-portable_log(u)), axis);
}

Tensor rand(const Sizes& sizes, const RandomOptions& o, Loc loc) {
  const Call call("rand", loc);
  return wrap(call.own(node_of(Rng(o.seed, loc).rand(sizes, o.dtype, loc))));
}
Tensor randn(const Sizes& sizes, const RandomOptions& o, Loc loc) {
  const Call call("randn", loc);
  return wrap(call.own(node_of(Rng(o.seed, loc).randn(sizes, o.dtype, loc))));
}
Tensor randint(int64_t low, int64_t high, const Sizes& sizes, uint64_t seed, Loc loc) {
  return Rng(seed, loc).randint(low, high, sizes, i32, loc);
}
Tensor bernoulli(In p, const Sizes& sizes, uint64_t seed) { return Rng(seed, p.loc()).bernoulli(p, sizes); }
Tensor categorical(In logits, uint64_t seed, int axis) {
  return Rng(seed, logits.loc()).categorical(logits, axis);
}

}  // namespace anneal
