// SPDX-License-Identifier: MIT
// Interval and congruence of every op, one function each, in a table that names every op. See bounds.h.
#include "ir/bounds.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace anneal::ir {
namespace {

constexpr int64_t kLow = INT64_MIN, kHigh = INT64_MAX;  // as an end of an interval: none

// value == rest (mod modulus); modulus 0 is the constant `rest`.
struct Congruence {
  int64_t modulus = 1, rest = 0;
};

Congruence congruence_of(const Bounds& b) {
  return b.is_const() ? Congruence{0, b.min} : Congruence{b.modulus, b.remainder};
}

int64_t floor_mod(int64_t a, int64_t m) {
  const int64_t r = a % m;
  return r < 0 ? r + m : r;
}
// Rounds down; b is not 0, and not -1 for the least a.
int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

Congruence reduced(int64_t modulus, int64_t rest) {
  if (modulus < 0) modulus = modulus == kLow ? 1 : -modulus;
  return modulus == 0 ? Congruence{0, rest} : Congruence{modulus, floor_mod(rest, modulus)};
}

Congruence add(Congruence a, Congruence b) {
  if (a.modulus == 1 || b.modulus == 1) return {};
  int64_t rest;
  if (__builtin_add_overflow(a.rest, b.rest, &rest)) return {};
  return reduced(std::gcd(a.modulus, b.modulus), rest);
}

Congruence multiply(Congruence a, Congruence b) {
  if (a.modulus == 1 && b.modulus == 1) return {};
  int64_t mm, mr, rm, rest;
  if (__builtin_mul_overflow(a.modulus, b.modulus, &mm) || __builtin_mul_overflow(a.modulus, b.rest, &mr) ||
      __builtin_mul_overflow(a.rest, b.modulus, &rm) || __builtin_mul_overflow(a.rest, b.rest, &rest) ||
      mr == kLow || rm == kLow)
    return {};
  return reduced(std::gcd(mm, std::gcd(mr, rm)), rest);
}

Congruence join(Congruence a, Congruence b) {
  int64_t difference;
  if (__builtin_sub_overflow(a.rest, b.rest, &difference) || difference == kLow) return {};
  return reduced(std::gcd(std::gcd(a.modulus, b.modulus), difference), a.rest);
}

// Tightens the ends to the congruence class.
Bounds bounded(int64_t min, int64_t max, Congruence c = {}) {
  if (c.modulus == 0) return {c.rest, c.rest, 1, 0};
  if (c.modulus > 1 && min <= max) {
    const int64_t up = min == kLow ? 0 : floor_mod(c.rest - floor_mod(min, c.modulus), c.modulus);
    const int64_t down = max == kHigh ? 0 : floor_mod(floor_mod(max, c.modulus) - c.rest, c.modulus);
    int64_t low, high;
    if (!__builtin_add_overflow(min, up, &low) && !__builtin_sub_overflow(max, down, &high) && low <= high)
      min = low, max = high;
  }
  if (min == max) return {min, max, 1, 0};
  return {min, max, c.modulus, c.rest};
}

Bounds constant(int64_t v) { return {v, v, 1, 0}; }

// -- Ends of intervals: an end that is none stays none, and overflow gives none --

int64_t add_ends(int64_t a, int64_t b, int64_t none) {
  int64_t r;
  if (a == none || b == none || __builtin_add_overflow(a, b, &r)) return none;
  return r;
}
int64_t negated_end(int64_t a) { return a == kLow ? kHigh : a == kHigh ? kLow : -a; }

int64_t multiply_ends(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  const bool negative = (a < 0) != (b < 0);
  int64_t r;
  const bool none = a == kLow || a == kHigh || b == kLow || b == kHigh;
  if (none || __builtin_mul_overflow(a, b, &r)) return negative ? kLow : kHigh;
  return r;
}

int64_t divide_ends(int64_t a, int64_t b, bool floor) {
  if (a == kLow || a == kHigh) return b < 0 ? negated_end(a) : a;
  return floor ? floor_div(a, b) : a / b;
}

struct Interval {
  int64_t min = kHigh, max = kLow;  // empty
  void include(int64_t v) {
    min = std::min(min, v);
    max = std::max(max, v);
  }
  void include(int64_t a, int64_t b) { include(a), include(b); }
};

// -- Transfer functions --

struct Context {
  const Graph& graph;
  Node node;
  DType dtype;
};
using SourceBounds = std::span<const Bounds>;
using Transfer = Bounds (*)(const Context&, SourceBounds);

int64_t power_of_two_in(int64_t v) { return v & -v; }  // the greatest that divides v > 0

// The result of an operation that wraps in its type: [min, max] if all of it is representable, else the full
// range with what wrapping keeps of the congruence.
Bounds wrapped(DType t, int64_t min, int64_t max, Congruence c) {
  if (t == DType::kIndex) return bounded(min, max, c);
  const Bounds type = type_bounds(t);
  const int64_t least = t == DType::kU64 ? 0 : type.min;
  if (min != kLow && max != kHigh && min >= least && max <= type.max) return bounded(min, max, c);
  if (c.modulus == 0) c = reduced(int64_t{1} << 62, c.rest);
  return bounded(type.min, type.max, reduced(c.modulus > 1 ? power_of_two_in(c.modulus) : 1, c.rest));
}

Bounds join(const Bounds& a, const Bounds& b) {
  return bounded(std::min(a.min, b.min), std::max(a.max, b.max), join(congruence_of(a), congruence_of(b)));
}

Bounds unknown(const Context& c, SourceBounds) { return type_bounds(c.dtype); }
Bounds source(const Context&, SourceBounds s) { return s[0]; }
Bounds join_all(const Context&, SourceBounds s) {
  Bounds all = s[0];
  for (const Bounds& b : s.subspan(1)) all = join(all, b);
  return all;
}

Bounds of_const(const Context& c, SourceBounds) {
  const int64_t v = c.graph.const_value(c.node).as_int(c.dtype);
  return c.dtype == DType::kU64 && v < 0 ? type_bounds(c.dtype) : constant(v);
}
Bounds of_var(const Context& c, SourceBounds) {
  const auto& var = c.graph.arg_as<VarArg>(c.node);
  return bounded(var.min, var.max, reduced(var.multiple_of, 0));
}
// A loop that may have no values is never known to be at 0: were it replaced by 0, what it holds would run
// once.
Bounds of_range(const Context&, SourceBounds s) {
  const int64_t least = s[0].min <= 0 && s[0].max == 1 ? 1 : 0;
  return bounded(0, s[0].max == kHigh ? kHigh : std::max<int64_t>(s[0].max - 1, least));
}

Bounds positions(const Context& c, const Dim& extent) {
  const Bounds type = type_bounds(c.dtype);
  if (!extent.is_const()) return c.dtype == DType::kIndex ? bounded(0, kHigh) : type;
  return extent.value - 1 > type.max ? type : bounded(0, std::max<int64_t>(extent.value - 1, 0));
}
Bounds of_iota(const Context& c, SourceBounds) {
  return positions(c, c.graph.shape(c.node)[static_cast<size_t>(c.graph.arg_as<AxisArg>(c.node).axis)]);
}
Bounds of_arg_reduce(const Context& c, SourceBounds) {
  const Shape shape = c.graph.shape(c.graph.source(c.node, 0));
  return positions(c, shape[static_cast<size_t>(c.graph.arg_as<ScanArg>(c.node).axis)]);
}
Bounds of_arg_sort(const Context& c, SourceBounds) {
  return positions(c, c.graph.shape(c.node)[static_cast<size_t>(c.graph.arg_as<SortArg>(c.node).axis)]);
}

Bounds of_neg(const Context& c, SourceBounds s) {
  return wrapped(c.dtype, negated_end(s[0].max), negated_end(s[0].min),
                 multiply({0, -1}, congruence_of(s[0])));
}
Bounds of_abs(const Context& c, SourceBounds s) {
  if (s[0].min >= 0) return s[0];
  if (s[0].max <= 0) return of_neg(c, s);
  return wrapped(c.dtype, 0, std::max(negated_end(s[0].min), s[0].max), {});
}
Bounds of_not(const Context& c, SourceBounds s) {
  if (c.dtype == DType::kU64) return type_bounds(c.dtype);
  // ~x is greatest - x for an unsigned type, -1 - x for a signed one.
  const int64_t top = is_signed(c.dtype) ? -1 : type_bounds(c.dtype).max;
  const Congruence rest = add({0, top}, multiply({0, -1}, congruence_of(s[0])));
  return bounded(add_ends(top, negated_end(s[0].max), kLow), add_ends(top, negated_end(s[0].min), kHigh),
                 rest);
}

Bounds sum(DType t, const Bounds& a, const Bounds& b) {
  return wrapped(t, add_ends(a.min, b.min, kLow), add_ends(a.max, b.max, kHigh),
                 add(congruence_of(a), congruence_of(b)));
}
Bounds product(DType t, const Bounds& a, const Bounds& b) {
  int64_t least, most;
  if (a.min >= 0 && b.min >= 0 && !__builtin_mul_overflow(a.min, b.min, &least) &&
      !__builtin_mul_overflow(a.max, b.max, &most) && a.max != kHigh && b.max != kHigh)
    return wrapped(t, least, most, multiply(congruence_of(a), congruence_of(b)));
  Interval r;
  r.include(multiply_ends(a.min, b.min), multiply_ends(a.min, b.max));
  r.include(multiply_ends(a.max, b.min), multiply_ends(a.max, b.max));
  return wrapped(t, r.min, r.max, multiply(congruence_of(a), congruence_of(b)));
}
Bounds of_add(const Context& c, SourceBounds s) { return sum(c.dtype, s[0], s[1]); }
Bounds of_sub(const Context& c, SourceBounds s) {
  return wrapped(c.dtype, add_ends(s[0].min, negated_end(s[1].max), kLow),
                 add_ends(s[0].max, negated_end(s[1].min), kHigh),
                 add(congruence_of(s[0]), multiply({0, -1}, congruence_of(s[1]))));
}
Bounds of_mul(const Context& c, SourceBounds s) { return product(c.dtype, s[0], s[1]); }

bool may_be_zero(const Bounds& b) { return b.min <= 0 && b.max >= 0 && b.remainder == 0; }

Bounds of_division(const Context& c, SourceBounds s, bool floor) {
  const Bounds &a = s[0], &b = s[1];
  Interval r;
  if (b.max >= 1) {
    const int64_t from = std::max<int64_t>(b.min, 1);
    r.include(divide_ends(a.min, from, floor), divide_ends(a.max, from, floor));
    r.include(divide_ends(a.min, b.max, floor), divide_ends(a.max, b.max, floor));
  }
  if (b.min <= -1) {
    const int64_t to = std::min<int64_t>(b.max, -1);
    r.include(divide_ends(a.min, b.min, floor), divide_ends(a.max, b.min, floor));
    r.include(divide_ends(a.min, to, floor), divide_ends(a.max, to, floor));
  }
  if (may_be_zero(b)) r.include(0);  // x / 0 is 0
  Congruence rest;
  // a = m*k + r with m a multiple of b: a / b = (m / b)*k + r / b, exact or rounded down.
  if (b.is_const() && b.min > 0 && !a.is_const() && a.modulus % b.min == 0 &&
      (floor || a.remainder % b.min == 0))
    rest = reduced(a.modulus / b.min, a.remainder / b.min);
  return wrapped(c.dtype, r.min, r.max, rest);
}
Bounds of_floordiv(const Context& c, SourceBounds s) { return of_division(c, s, true); }
Bounds of_truncdiv(const Context& c, SourceBounds s) { return of_division(c, s, false); }

Congruence congruence_of_remainder(const Bounds& a, const Bounds& b) {
  if (!b.is_const() || b.min == 0 || b.min == kLow) return {};
  const Congruence x = congruence_of(a);
  return reduced(std::gcd(x.modulus, b.min), x.rest);
}

Bounds of_floormod(const Context&, SourceBounds s) {
  const Bounds &a = s[0], &b = s[1];
  if (b.min >= 1 && a.min >= 0 && a.max < b.min) return a;
  if (b.is_const() && b.min >= 1 && a.min != kLow && a.max != kHigh) {
    const int64_t q = floor_div(a.min, b.min);
    int64_t taken;
    if (q == floor_div(a.max, b.min) && !__builtin_mul_overflow(q, -b.min, &taken))
      return bounded(floor_mod(a.min, b.min), floor_mod(a.max, b.min), add(congruence_of(a), {0, taken}));
  }
  Interval r;
  r.include(0);
  if (b.max >= 1) r.include(a.min >= 0 ? std::min(a.max, b.max - 1) : b.max - 1);
  if (b.min <= -1) r.include(a.max <= 0 ? std::max(a.min, b.min + 1) : b.min + 1);
  return bounded(r.min, r.max, may_be_zero(b) ? Congruence{} : congruence_of_remainder(a, b));
}

Bounds of_truncmod(const Context& c, SourceBounds s) {
  const Bounds &a = s[0], &b = s[1];
  if (a.min >= 0 && b.min >= 1) return of_floormod(c, s);
  const int64_t least = b.min >= 1 ? b.min : b.max <= -1 ? negated_end(b.max) : 0;
  if (a.max < least && a.min > -least) return a;
  const int64_t size = std::max(b.max, negated_end(b.min));  // the greatest |b|
  const int64_t most = size == kHigh ? kHigh : std::max<int64_t>(size - 1, 0);
  Interval r;
  r.include(0);
  if (a.max > 0) r.include(std::min(a.max, most));
  if (a.min < 0) r.include(std::max(a.min, negated_end(most)));
  return bounded(r.min, r.max, may_be_zero(b) ? Congruence{} : congruence_of_remainder(a, b));
}

Bounds of_max(const Context&, SourceBounds s) {
  if (s[0].min >= s[1].max) return s[0];
  if (s[1].min >= s[0].max) return s[1];
  return bounded(std::max(s[0].min, s[1].min), std::max(s[0].max, s[1].max),
                 join(congruence_of(s[0]), congruence_of(s[1])));
}
Bounds of_min(const Context&, SourceBounds s) {
  if (s[0].max <= s[1].min) return s[0];
  if (s[1].max <= s[0].min) return s[1];
  return bounded(std::min(s[0].min, s[1].min), std::min(s[0].max, s[1].max),
                 join(congruence_of(s[0]), congruence_of(s[1])));
}

// -- Bits --

int64_t ones_above(int64_t v) {  // the least 2^k - 1 >= v >= 0
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(v) + 1) - 1);
}

Bounds of_and(const Context& c, SourceBounds s) {
  if (is_bool(c.dtype)) return bounded(s[0].min & s[1].min, s[0].max & s[1].max);
  if (s[0].is_const() && s[1].is_const()) return constant(s[0].min & s[1].min);
  Bounds r = type_bounds(c.dtype);
  for (size_t i = 0; i < 2; ++i) {
    const Bounds &a = s[i], &mask = s[1 - i];
    if (mask.is_const() && mask.min > 0) {
      if (mask.min == ones_above(mask.min) && mask.min < kHigh) {
        const Bounds sources[] = {a, constant(mask.min + 1)};
        return of_floormod(c, sources);
      }
      return bounded(0, mask.max, reduced(power_of_two_in(mask.min), 0));
    }
    if (a.min >= 0) r.max = std::min(r.max, a.max), r.min = 0;
  }
  return bounded(r.min, r.max);
}
Bounds of_or(const Context& c, SourceBounds s) {
  if (is_bool(c.dtype)) return bounded(s[0].min | s[1].min, s[0].max | s[1].max);
  if (s[0].is_const() && s[1].is_const()) return constant(s[0].min | s[1].min);
  if (s[0].min < 0 || s[1].min < 0) return type_bounds(c.dtype);
  return bounded(std::max(s[0].min, s[1].min), ones_above(s[0].max | s[1].max));
}
Bounds of_xor(const Context& c, SourceBounds s) {
  if (s[0].is_const() && s[1].is_const()) return constant(s[0].min ^ s[1].min);
  if (s[0].min < 0 || s[1].min < 0) return type_bounds(c.dtype);
  return bounded(0, ones_above(s[0].max | s[1].max));
}

Bounds of_shl(const Context& c, SourceBounds s) {
  const int64_t width = dtype_size(c.dtype) * 8;
  const Bounds& by = s[1];
  if (by.is_const() && (by.min < 0 || by.min >= width)) return constant(0);
  if (by.min < 0 || by.max >= std::min<int64_t>(width, 63)) return type_bounds(c.dtype);
  Interval r;
  for (int64_t k : {by.min, by.max})
    r.include(multiply_ends(s[0].min, int64_t{1} << k), multiply_ends(s[0].max, int64_t{1} << k));
  const Congruence power =
      by.is_const() ? Congruence{0, int64_t{1} << by.min} : reduced(int64_t{1} << by.min, 0);
  return wrapped(c.dtype, r.min, r.max, multiply(congruence_of(s[0]), power));
}
Bounds of_shr(const Context& c, SourceBounds s) {
  const int64_t width = dtype_size(c.dtype) * 8;
  const Bounds &a = s[0], &by = s[1];
  const auto shift = [](int64_t v, int64_t k) {
    return v == kLow || v == kHigh ? v : v >> std::min<int64_t>(k, 63);
  };
  Interval r;
  if (by.max >= 0)
    for (int64_t k : {std::max<int64_t>(by.min, 0), by.max}) r.include(shift(a.min, k), shift(a.max, k));
  if (by.min < 0 || by.max >= width) r.include(a.min < 0 ? -1 : 0, a.max < 0 ? -1 : 0);
  return bounded(r.min, r.max);
}

// -- Comparisons and choice --

Bounds truth(Tri t) { return t == Tri::kUnknown ? bounded(0, 1) : constant(t == Tri::kTrue ? 1 : 0); }

bool compares_ints(const Context& c) {
  const DType t = c.graph.dtype(c.graph.source(c.node, 0));
  return is_int(t) || is_bool(t);
}
Bounds of_lt(const Context& c, SourceBounds s) {
  if (!compares_ints(c)) return bounded(0, 1);
  if (s[0].max < s[1].min) return truth(Tri::kTrue);
  const bool same = c.graph.source(c.node, 0) == c.graph.source(c.node, 1);
  return truth(s[0].min >= s[1].max || same ? Tri::kFalse : Tri::kUnknown);
}
Bounds of_le(const Context& c, SourceBounds s) {
  if (!compares_ints(c)) return bounded(0, 1);
  const bool same = c.graph.source(c.node, 0) == c.graph.source(c.node, 1);
  if (s[0].max <= s[1].min || same) return truth(Tri::kTrue);
  return truth(s[0].min > s[1].max ? Tri::kFalse : Tri::kUnknown);
}
Tri equality(const Context& c, const Bounds& a, const Bounds& b) {
  if (!compares_ints(c)) return Tri::kUnknown;
  if ((a.is_const() && b.is_const() && a.min == b.min) ||
      c.graph.source(c.node, 0) == c.graph.source(c.node, 1))
    return Tri::kTrue;
  if (a.max < b.min || b.max < a.min) return Tri::kFalse;
  const Congruence x = congruence_of(a), y = congruence_of(b);
  const int64_t common = std::gcd(x.modulus, y.modulus);
  return common > 1 && floor_mod(x.rest, common) != floor_mod(y.rest, common) ? Tri::kFalse : Tri::kUnknown;
}
Bounds of_eq(const Context& c, SourceBounds s) { return truth(equality(c, s[0], s[1])); }
Bounds of_ne(const Context& c, SourceBounds s) {
  const Bounds equal = of_eq(c, s);
  return bounded(1 - equal.max, 1 - equal.min);
}
Bounds of_where(const Context&, SourceBounds s) {
  if (s[0].is_const()) return s[0].min != 0 ? s[1] : s[2];
  return join(s[1], s[2]);
}

Bounds of_cast(const Context& c, SourceBounds s) {
  const DType from = c.graph.dtype(c.graph.source(c.node, 0));
  if (!is_int(from) && !is_bool(from)) return type_bounds(c.dtype);
  if (is_bool(c.dtype)) {
    if (!may_be_zero(s[0])) return constant(1);
    return s[0].is_const() ? constant(0) : bounded(0, 1);
  }
  const Bounds type = type_bounds(c.dtype);
  if (s[0].min >= type.min && s[0].max <= type.max) return s[0];
  return wrapped(c.dtype, s[0].min, s[0].max, congruence_of(s[0]));
}

// -- Tensors --

Bounds of_reduce(const Context& c, SourceBounds s) {
  const auto& reduce = c.graph.arg_as<ReduceArg>(c.node);
  if (reduce.op != ReduceOp::kMax && reduce.op != ReduceOp::kMin) return type_bounds(c.dtype);
  const Shape shape = c.graph.shape(c.graph.source(c.node, 0));
  for (size_t i = 0; i < shape.size(); ++i)
    if ((reduce.axes >> i & 1) != 0 && (!shape[i].is_const() || shape[i].value == 0))
      return type_bounds(c.dtype);
  return s[0];
}
Bounds of_scan(const Context& c, SourceBounds s) {
  const ReduceOp op = c.graph.arg_as<ScanArg>(c.node).op;
  return op == ReduceOp::kMax || op == ReduceOp::kMin ? s[0] : type_bounds(c.dtype);
}
Bounds of_accumulate(const Context& c, SourceBounds s) {
  const ReduceOp op = c.graph.arg_as<ReduceArg>(c.node).op;
  if (op != ReduceOp::kMax && op != ReduceOp::kMin) return type_bounds(c.dtype);
  for (Node range : c.graph.sources(c.node).subspan(1)) {
    const Node extent = c.graph.source(range, 0);
    if (!c.graph.is_const(extent) || c.graph.const_value(extent).as_int(DType::kIndex) <= 0)
      return type_bounds(c.dtype);
  }
  return s[0];
}
Bounds of_load(const Context& c, SourceBounds) { return type_bounds(c.dtype); }
Bounds of_gather(const Context&, SourceBounds s) {
  return join(s[0], constant(0));
}  // outside the axis it reads 0
Bounds of_scatter(const Context& c, SourceBounds s) {
  return c.graph.arg_as<ScatterArg>(c.node).mode == ScatterMode::kSet ? join(s[0], s[2])
                                                                      : type_bounds(c.dtype);
}

constexpr OpEntry<Transfer> kEntries[] = {
    {Op::Const, of_const},
    {Op::Var, of_var},
    {Op::Range, of_range},
    {Op::Param, unknown},
    {Op::Buffer, unknown},
    {Op::Iota, of_iota},
    {Op::Neg, of_neg},
    {Op::Abs, of_abs},
    {Op::Not, of_not},
    {Op::Recip, unknown},
    {Op::Sqrt, unknown},
    {Op::Exp, unknown},
    {Op::Exp2, unknown},
    {Op::Expm1, unknown},
    {Op::Log, unknown},
    {Op::Log2, unknown},
    {Op::Log1p, unknown},
    {Op::Sin, unknown},
    {Op::Cos, unknown},
    {Op::Tanh, unknown},
    {Op::Atan, unknown},
    {Op::Erf, unknown},
    {Op::Floor, unknown},
    {Op::Ceil, unknown},
    {Op::Round, unknown},
    {Op::Trunc, unknown},
    {Op::Cast, of_cast},
    {Op::Bitcast, unknown},
    {Op::Add, of_add},
    {Op::Sub, of_sub},
    {Op::Mul, of_mul},
    {Op::Div, unknown},
    {Op::FloorDiv, of_floordiv},
    {Op::FloorMod, of_floormod},
    {Op::TruncDiv, of_truncdiv},
    {Op::TruncMod, of_truncmod},
    {Op::Pow, unknown},
    {Op::Max, of_max},
    {Op::Min, of_min},
    {Op::And, of_and},
    {Op::Or, of_or},
    {Op::Xor, of_xor},
    {Op::Shl, of_shl},
    {Op::Shr, of_shr},
    {Op::Lt, of_lt},
    {Op::Le, of_le},
    {Op::Eq, of_eq},
    {Op::Ne, of_ne},
    {Op::Where, of_where},
    {Op::Threefry, unknown},
    {Op::Reshape, source},
    {Op::Expand, source},
    {Op::Permute, source},
    {Op::Pad, join_all},
    {Op::Slice, source},
    {Op::Flip, source},
    {Op::Concat, join_all},
    {Op::Reduce, of_reduce},
    {Op::ArgReduce, of_arg_reduce},
    {Op::Scan, of_scan},
    {Op::ArgSort, of_arg_sort},
    {Op::Gather, of_gather},
    {Op::Scatter, of_scatter},
    {Op::Load, of_load},
    {Op::Accumulate, of_accumulate},
    {Op::Store, unknown},
    {Op::ScanStore, unknown},
    {Op::ScatterStore, unknown},
    {Op::SortStore, unknown},
    {Op::StopGradient, source},
    {Op::CustomGradient, source},
    {Op::Alias, source},
    {Op::Sink, unknown},
};
constexpr auto kTransfer = make_op_table<Transfer>(kEntries);

bool is_tracked(DType t) { return is_int(t) || is_bool(t); }

// The intervals hold values of i64: a u64 is known only where it is proven to be below 2^63.
bool may_exceed_i64(const Graph& g, Node n, SourceBounds s) {
  if (g.dtype(n) == DType::kU64 && has_flag(g.op(n), kElementwise))
    for (const Bounds& b : s)
      if (b.min < 0 || b.max == kHigh) return true;
  const std::span<const Node> nodes = g.sources(n);
  for (size_t i = 0; i < s.size(); ++i)
    if (g.dtype(nodes[i]) == DType::kU64 && (s[i].min < 0 || s[i].max == kHigh)) return true;
  return false;
}

}  // namespace

Bounds type_bounds(DType t) {
  if (is_bool(t)) return {0, 1, 1, 0};
  const int bits = dtype_size(t) * 8;
  if (!is_int(t) || bits == 64) return {};
  if (is_signed(t)) return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1, 1, 0};
  return {0, (int64_t{1} << bits) - 1, 1, 0};
}

Bounds add_bounds(const Bounds& a, const Bounds& b) { return sum(DType::kIndex, a, b); }
Bounds multiply_bounds(const Bounds& a, const Bounds& b) { return product(DType::kIndex, a, b); }

Bounds transfer_bounds(const Graph& graph, Node n, std::span<const Bounds> sources) {
  const DType t = graph.dtype(n);
  if (may_exceed_i64(graph, n, sources) && !has_flag(graph.op(n), kMovement)) return type_bounds(t);
  return kTransfer[static_cast<size_t>(graph.op(n))]({graph, n, t}, sources);
}

Bounds& BoundsOf::slot(Node n) {
  const size_t page = n.id / kPageSize;
  if (page >= pages_.size()) pages_.resize(std::max<size_t>(page + 1, graph_.id_limit() / kPageSize + 1));
  if (pages_[page] == nullptr) {
    pages_[page] = std::make_unique_for_overwrite<Bounds[]>(kPageSize);
    for (size_t i = 0; i < kPageSize; ++i) pages_[page][i].modulus = 0;
  }
  return pages_[page][n.id % kPageSize];
}

const Bounds& BoundsOf::compute(Node n) {
  constexpr size_t kFew = 4;
  Bounds few[kFew];
  // Mostly a user is asked for after its sources.
  const std::span<const Node> direct = graph_.sources(n);
  size_t known_sources = 0;
  if (is_tracked(graph_.dtype(n)) && direct.size() <= kFew)
    for (; known_sources < direct.size(); ++known_sources) {
      const Bounds* b = find(direct[known_sources]);
      if (b == nullptr) break;
      few[known_sources] = *b;
    }
  if (known_sources == direct.size() && is_tracked(graph_.dtype(n)))
    return slot(n) = transfer_bounds(graph_, n, {few, direct.size()});
  std::vector<Bounds> many;
  stack_.assign(1, n);
  while (!stack_.empty()) {
    const Node top = stack_.back();
    Bounds& result = slot(top);
    if (result.modulus != 0) {
      stack_.pop_back();
      continue;
    }
    if (!is_tracked(graph_.dtype(top))) {
      result = {};
      continue;
    }
    const std::span<const Node> sources = graph_.sources(top);
    if (sources.size() > kFew) many.resize(sources.size());
    Bounds* const known = sources.size() > kFew ? many.data() : few;
    const size_t depth = stack_.size();
    for (size_t i = 0; i < sources.size(); ++i) {
      known[i] = slot(sources[i]);
      if (known[i].modulus == 0) stack_.push_back(sources[i]);
    }
    if (stack_.size() != depth) continue;
    result = transfer_bounds(graph_, top, {known, sources.size()});
    stack_.pop_back();
  }
  return slot(n);
}

}  // namespace anneal::ir
