// SPDX-License-Identifier: MIT
// Conversions. A conversion keeps all values when the target holds every value of the source; integers wrap.
#include "rules/rules.h"
#include "support/float_formats.h"

namespace anneal::rules {
namespace {

using namespace rewrite;  // NOLINT: the surface rules are written in

// Whether every value of `from` is a value of `to`.
bool holds_all(DType to, DType from) {
  if (to == from) return true;
  if (is_bool(to)) return false;
  if (is_bool(from)) return true;
  if (is_float(from)) {
    if (!is_float(to)) return false;
    const support::FloatFormat a = support::float_format(from), b = support::float_format(to);
    return a.precision() <= b.precision() && a.min_exponent() >= b.min_exponent() &&
           a.max_exponent() <= b.max_exponent() && (b.has_infinity || !a.has_infinity);
  }
  const int bits = dtype_size(from) * 8 - (is_signed(from) ? 1 : 0);
  if (is_float(to)) {
    // The lowest signed value is a power of two and needs one bit, but a larger exponent.
    const support::FloatFormat f = support::float_format(to);
    return bits <= f.precision() && bits <= f.max_exponent();
  }
  if (is_signed(from) && !is_signed(to)) return false;
  return bits <= dtype_size(to) * 8 - (is_signed(to) ? 1 : 0);
}

Node cast_of_widened(MatchContext& c) {
  const DType from = c.graph.dtype(c.x()), middle = c.graph.dtype(c.source(c.root, 0)),
              to = c.graph.dtype(c.root);
  // From a float an integer saturates, from an integer it wraps.
  const bool saturates = !is_float(from) && is_float(middle) && is_int(to) && !holds_all(to, from);
  return holds_all(middle, from) && !saturates ? c.build().cast(c.x(), to) : Node{};
}

// Integers wrap modulo a power of two, so a wider stop on the way changes nothing.
Node cast_of_wrapped(MatchContext& c) {
  const DType from = c.graph.dtype(c.x()), middle = c.graph.dtype(c.source(c.root, 0)),
              to = c.graph.dtype(c.root);
  if (!is_int(from) || !is_int(middle) || !is_int(to)) return {};
  return dtype_size(to) <= dtype_size(middle) ? c.build().cast(c.x(), to) : Node{};
}

Node keep_source(MatchContext& c) { return c.source(c.root, 0); }
bool x_is_whole(MatchContext& c) { return !is_float(c.graph.dtype(c.x())); }

// A float in between would give its NaNs one form.
Node bitcast_of_bitcast(MatchContext& c) {
  if (is_float(c.graph.dtype(c.source(c.root, 0)))) return {};
  return c.build().bitcast(c.x(), c.graph.dtype(c.root));
}

}  // namespace

std::vector<Rule> cast_rules() {
  const auto& [x, y, z, w, c0, c1, c2, c3] = letters();
  const Pattern twice = unary(Op::Cast, unary(Op::Cast, x));
  return {
      {"cast-of-widened", "cast(cast(x)) = cast(x) when the inner type holds all values of x", twice,
       cast_of_widened},
      {"cast-of-wrapped", "cast(cast(x)) = cast(x) for integers that only get narrower at the end", twice,
       cast_of_wrapped, of_int},
      {"rounded-whole", "f(cast(x)) = cast(x) for floor, ceil, round, trunc of an integer",
       f(ir::kIdempotentUnary, unary(Op::Cast, x)), keep_source, of_float,
       Guard{"x is no float", x_is_whole}},
      {"bitcast-of-bitcast", "bitcast(bitcast(x)) = bitcast(x)", unary(Op::Bitcast, unary(Op::Bitcast, x)),
       bitcast_of_bitcast},
  };
}

}  // namespace anneal::rules
