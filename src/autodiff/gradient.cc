// SPDX-License-Identifier: MIT
// The table of derivatives, one entry an op, and the reverse walk. u is the upstream adjoint, y the result.
#include "autodiff/gradient.h"

#include <numbers>

#include "anneal/error.h"
#include "autodiff/adjoint.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "support/check.h"

namespace anneal::autodiff {

using ir::Node;
using ir::Op;

void Adjoint::add_to(Node target, Node contribution) {
  if (!wanted(target)) return;
  if (g.rank(target) == 0 && g.rank(contribution) != 0) contribution = sum_to_scalar(contribution);
  if (g.shape_id(contribution) != g.shape_id(target))
    contribution = build.expand(contribution, g.shape(target));
  contribution = build.cast(contribution, promote(g.dtype(contribution), g.dtype(target)));
  Node& total = adjoints_[target.id];
  total = total ? plus(total, contribution) : contribution;
}

Node Adjoint::binary(Op op, Node a, Node b) const {
  const DType t = promote(g.dtype(a), g.dtype(b));
  return build.make(op, {build.cast(a, t), build.cast(b, t)});
}

Node Adjoint::sum_to_scalar(Node n) const {
  const auto all = static_cast<ir::AxisMask>((uint32_t{1} << g.rank(n)) - 1);
  return build.reshape(build.reduce(n, ir::ReduceOp::kAdd, all), {});
}

namespace {

constexpr double kLn2 = std::numbers::ln2;
const double kTwoOverSqrtPi = 2.0 / std::sqrt(std::numbers::pi);

void zero_rule(Adjoint&) {}

void neg_rule(Adjoint& a) { a.add(0, a.negated(a.up)); }
void recip_rule(Adjoint& a) { a.add(0, a.negated(a.times(a.up, a.times(a.node, a.node)))); }
void sqrt_rule(Adjoint& a) { a.add(0, a.over(a.up, a.times(a.node, a.number(2, a.node)))); }
void exp_rule(Adjoint& a) { a.add(0, a.times(a.up, a.node)); }
void exp2_rule(Adjoint& a) { a.add(0, a.times(a.up, a.times(a.node, a.number(kLn2, a.node)))); }
void expm1_rule(Adjoint& a) { a.add(0, a.times(a.up, a.plus(a.node, a.number(1, a.node)))); }
void log_rule(Adjoint& a) { a.add(0, a.over(a.up, a.source(0))); }
void log2_rule(Adjoint& a) { a.add(0, a.over(a.up, a.times(a.source(0), a.number(kLn2, a.node)))); }
void log1p_rule(Adjoint& a) { a.add(0, a.over(a.up, a.plus(a.source(0), a.number(1, a.node)))); }
void sin_rule(Adjoint& a) { a.add(0, a.times(a.up, a.build.make(Op::Cos, {a.source(0)}))); }
void cos_rule(Adjoint& a) { a.add(0, a.negated(a.times(a.up, a.build.make(Op::Sin, {a.source(0)})))); }
void tanh_rule(Adjoint& a) { a.add(0, a.times(a.up, a.minus(a.number(1, a.node), a.times(a.node, a.node)))); }
void atan_rule(Adjoint& a) {
  a.add(0, a.over(a.up, a.plus(a.times(a.source(0), a.source(0)), a.number(1, a.node))));
}
void erf_rule(Adjoint& a) {
  const Node bell = a.build.make(Op::Exp, {a.negated(a.times(a.source(0), a.source(0)))});
  a.add(0, a.times(a.up, a.times(bell, a.number(kTwoOverSqrtPi, a.node))));
}
void abs_rule(Adjoint& a) {
  const Node zero = a.number(0, a.node), x = a.source(0);
  a.add(0, a.build.where(a.build.lt(zero, x), a.up,
                         a.build.where(a.build.lt(x, zero), a.negated(a.up), a.number(0, a.up))));
}
void cast_rule(Adjoint& a) { a.add(0, a.up); }

void add_rule(Adjoint& a) {
  a.add(0, a.up);
  a.add(1, a.up);
}
void sub_rule(Adjoint& a) {
  a.add(0, a.up);
  if (a.wants(1)) a.add(1, a.negated(a.up));
}
void mul_rule(Adjoint& a) {
  if (a.wants(0)) a.add(0, a.times(a.up, a.source(1)));
  if (a.wants(1)) a.add(1, a.times(a.up, a.source(0)));
}
void div_rule(Adjoint& a) {
  const Node part = a.over(a.up, a.source(1));
  if (a.wants(0)) a.add(0, part);
  if (a.wants(1)) a.add(1, a.negated(a.times(part, a.node)));
}
// a - q * b with the integer q constant almost everywhere.
void remainder_rule(Adjoint& a, Op quotient) {
  a.add(0, a.up);
  if (a.wants(1)) a.add(1, a.negated(a.times(a.up, a.build.make(quotient, {a.source(0), a.source(1)}))));
}
void floormod_rule(Adjoint& a) { remainder_rule(a, Op::FloorDiv); }
void truncmod_rule(Adjoint& a) { remainder_rule(a, Op::TruncDiv); }

// Where a factor is 0 times infinity the base becomes 1 before the function that is infinite there, not
// after: a derivative of the derivative must not meet the infinity either.
void pow_rule(Adjoint& a) {
  const Node base = a.source(0), power = a.source(1), zero = a.number(0, a.node), one = a.number(1, a.node);
  const Node at_zero = a.build.eq(base, zero);
  if (a.wants(0)) {
    const Node flat = a.build.make(Op::And, {at_zero, a.build.eq(power, zero)});
    const Node lower = a.build.make(Op::Pow, {a.build.where(flat, one, base), a.minus(power, one)});
    a.add(0, a.times(a.up, a.times(power, lower)));
  }
  if (a.wants(1)) {
    // y * log(a), whose limit at a = 0 is 0 for powers that are not negative
    const Node flat = a.build.make(Op::And, {at_zero, a.build.le(zero, power)});
    a.add(1, a.times(a.up, a.times(a.node, a.build.make(Op::Log, {a.build.where(flat, one, base)}))));
  }
}

// The chosen side takes u; equal sides take half each.
void choose_rule(Adjoint& a) {
  const bool is_max = a.g.op(a.node) == Op::Max;
  const Node half = a.times(a.up, a.number(0.5, a.up)), none = a.number(0, a.up);
  const Node tie = a.build.eq(a.source(0), a.source(1));
  for (size_t i = 0; i < 2; ++i) {
    if (!a.wants(i)) continue;
    const Node mine = a.source(i), other = a.source(1 - i);
    const Node won = is_max ? a.build.lt(other, mine) : a.build.lt(mine, other);
    a.add(i, a.build.where(tie, half, a.build.where(won, a.up, none)));
  }
}

void where_rule(Adjoint& a) {
  const Node none = a.number(0, a.up);
  if (a.wants(1)) a.add(1, a.build.where(a.source(0), a.up, none));
  if (a.wants(2)) a.add(2, a.build.where(a.source(0), none, a.up));
}

void reshape_rule(Adjoint& a) { a.add(0, a.build.reshape(a.up, a.g.shape(a.source(0)))); }
void flip_rule(Adjoint& a) { a.add(0, a.build.flip(a.up, a.g.arg_as<ir::AxesArg>(a.node).axes)); }

struct Entry {
  GradientKind kind;
  GradientRule rule;
  std::string_view text;
};
constexpr Entry rule(GradientRule r, std::string_view law) { return {GradientKind::kRule, r, law}; }
constexpr Entry zero(std::string_view why) { return {GradientKind::kZero, zero_rule, why}; }
constexpr Entry none(std::string_view why) { return {GradientKind::kNone, nullptr, why}; }

constexpr std::string_view kFlat = "0: constant between jumps";
constexpr std::string_view kLeafValue = "0: a leaf";
constexpr std::string_view kKernelOnly = "kernels are made from programs that are differentiated already";
constexpr std::string_view kPosition = "0: positions and truth values do not vary smoothly";

constexpr auto kTable = ir::make_op_table<Entry>({
    {Op::Const, zero(kLeafValue)},
    {Op::Var, zero(kLeafValue)},
    {Op::Range, zero(kLeafValue)},
    {Op::Param, zero(kLeafValue)},
    {Op::Buffer, zero(kLeafValue)},
    {Op::Iota, zero(kLeafValue)},
    {Op::Neg, rule(neg_rule, "da = -u")},
    {Op::Abs, rule(abs_rule, "da = u where a > 0, -u where a < 0, else 0")},
    {Op::Not, zero(kPosition)},
    {Op::Recip, rule(recip_rule, "da = -u * y * y")},
    {Op::Sqrt, rule(sqrt_rule, "da = u / (2 * y)")},
    {Op::Exp, rule(exp_rule, "da = u * y")},
    {Op::Exp2, rule(exp2_rule, "da = u * y * ln 2")},
    {Op::Expm1, rule(expm1_rule, "da = u * (y + 1)")},
    {Op::Log, rule(log_rule, "da = u / a")},
    {Op::Log2, rule(log2_rule, "da = u / (a * ln 2)")},
    {Op::Log1p, rule(log1p_rule, "da = u / (a + 1)")},
    {Op::Sin, rule(sin_rule, "da = u * cos a")},
    {Op::Cos, rule(cos_rule, "da = -u * sin a")},
    {Op::Tanh, rule(tanh_rule, "da = u * (1 - y * y)")},
    {Op::Atan, rule(atan_rule, "da = u / (a * a + 1)")},
    {Op::Erf, rule(erf_rule, "da = u * 2 / sqrt(pi) * exp(-a * a)")},
    {Op::Floor, zero(kFlat)},
    {Op::Ceil, zero(kFlat)},
    {Op::Round, zero(kFlat)},
    {Op::Trunc, zero(kFlat)},
    {Op::Cast, rule(cast_rule, "da = u, widened to the type of a and never narrowed")},
    {Op::Bitcast, none("bits are not numbers: the derivative of a bitcast has no meaning")},
    {Op::Add, rule(add_rule, "da = u; db = u")},
    {Op::Sub, rule(sub_rule, "da = u; db = -u")},
    {Op::Mul, rule(mul_rule, "da = u * b; db = u * a")},
    {Op::Div, rule(div_rule, "da = u / b; db = -(u / b) * y")},
    {Op::FloorDiv, zero(kFlat)},
    {Op::FloorMod, rule(floormod_rule, "da = u; db = -u * floordiv(a, b)")},
    {Op::TruncDiv, zero(kFlat)},
    {Op::TruncMod, rule(truncmod_rule, "da = u; db = -u * truncdiv(a, b)")},
    {Op::Pow, rule(pow_rule, "da = u * b * pow(a, b - 1); db = u * y * log a, 0 where a = 0 and b >= 0")},
    {Op::Max, rule(choose_rule, "u to the greater one, half each where they are equal")},
    {Op::Min, rule(choose_rule, "u to the lesser one, half each where they are equal")},
    {Op::And, zero(kPosition)},
    {Op::Or, zero(kPosition)},
    {Op::Xor, zero(kPosition)},
    {Op::Shl, zero(kPosition)},
    {Op::Shr, zero(kPosition)},
    {Op::Lt, zero(kPosition)},
    {Op::Le, zero(kPosition)},
    {Op::Eq, zero(kPosition)},
    {Op::Ne, zero(kPosition)},
    {Op::Where, rule(where_rule, "db = where(a, u, 0); dc = where(a, 0, u)")},
    {Op::Threefry, zero(kPosition)},
    {Op::Reshape, rule(reshape_rule, "da = reshape(u)")},
    {Op::Expand, rule(expand_rule, "da = the sum of u over the repeated axes")},
    {Op::Permute, rule(permute_rule, "da = u permuted back")},
    {Op::Pad, rule(pad_rule, "da = slice(u); dfill = the sum of u over the padding")},
    {Op::Slice, rule(slice_rule, "da = u padded with 0, interior step - 1")},
    {Op::Flip, rule(flip_rule, "da = flip(u)")},
    {Op::Concat, rule(concat_rule, "each source takes its slice of u")},
    {Op::Reduce, rule(reduce_rule,
                      "add: u repeated; mul: u * the product of the others; max, min: u shared equally by "
                      "the elements that reach it")},
    {Op::ArgReduce, zero(kPosition)},
    {Op::Scan, rule(scan_rule,
                    "add: the running sum of u the other way; mul: u times the product without the element, "
                    "exact at zeros; max, min: u to the last element that reached it")},
    {Op::ArgSort, zero(kPosition)},
    {Op::Gather, rule(gather_rule, "da = scatter add of u into 0")},
    {Op::Scatter, rule(scatter_rule,
                       "add: da = u; dc = gather(u). set: da = u with the written positions 0; dc = "
                       "gather(u) where c was the last one written")},
    {Op::Load, none(kKernelOnly)},
    {Op::Accumulate, none(kKernelOnly)},
    {Op::Store, none(kKernelOnly)},
    {Op::ScanStore, none(kKernelOnly)},
    {Op::ScatterStore, none(kKernelOnly)},
    {Op::SortStore, none(kKernelOnly)},
    {Op::StopGradient, zero("0: that is its meaning")},
    {Op::CustomGradient, rule(custom_rule, "what the program's own function gives")},
    {Op::Alias, rule(cast_rule, "da = u")},
    {Op::Sink, none("a sink has no value")},
});

// Marks what lies on a path from wrt to an output: only those take part.
void mark_wanted(Adjoint& a, std::span<const Node> order, std::span<const Node> wrt) {
  for (Node n : wrt) a.want(n);
  for (Node n : order)
    for (Node s : a.g.sources(n))
      if (a.wanted(s) && is_float(a.g.dtype(n))) a.want(n);
}

[[noreturn]] void raise_no_gradient(const ir::Graph& g, Node n) {
  std::string text = std::string(ir::op_text(g.op(n))) + " has no gradient: ";
  text += kTable[static_cast<size_t>(g.op(n))].text;
  text += "\n  " + ir::node_text(g, n);
  const ir::Site& site = g.site(g.origin(n).site);
  if (!site.file.empty()) text += "\n  made at " + site.file + ":" + std::to_string(site.line);
  raise(ErrorCode::kGradient, std::move(text));
}

void check_arguments(const ir::Graph& g, std::span<const Node> outputs, std::span<const Node> upstream,
                     std::span<const Node> wrt) {
  ANNEAL_CHECK(outputs.size() == upstream.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (g.shape_id(outputs[i]) != g.shape_id(upstream[i]))
      raise(ErrorCode::kShape, "gradient: the upstream is " + ir::type_text(g, upstream[i]) +
                                   " for an output " + ir::type_text(g, outputs[i]));
    if (!is_float(g.dtype(outputs[i])))
      raise(ErrorCode::kGradient,
            "gradient of " + ir::type_text(g, outputs[i]) + ": only floats have gradients");
  }
  for (Node n : wrt)
    if (!is_float(g.dtype(n)))
      raise(ErrorCode::kGradient,
            "gradient with respect to " + ir::type_text(g, n) + ": only floats have gradients");
}

}  // namespace

GradientInfo gradient_info(Op op) {
  const Entry& e = kTable[static_cast<size_t>(op)];
  return {e.kind, e.text};
}

std::vector<Node> vjp(ir::Graph& graph, std::span<const Node> outputs, std::span<const Node> upstream,
                      std::span<const Node> wrt) {
  check_arguments(graph, outputs, upstream, wrt);
  const std::vector<Node> order = ir::postorder(graph, outputs);
  Adjoint a(graph, graph.id_limit());
  mark_wanted(a, order, wrt);

  const ir::OriginScope scope(graph);
  graph.set_phase(ir::Phase::kBackward);
  for (size_t i = 0; i < outputs.size(); ++i) a.add_to(outputs[i], upstream[i]);
  for (size_t i = order.size(); i-- > 0;) {
    const Node n = order[i];
    const Node up = a.adjoint(n);
    if (!up || graph.sources(n).empty()) continue;
    bool any = false;
    for (Node s : graph.sources(n)) any = any || a.wanted(s);
    if (!any) continue;
    const Entry& entry = kTable[static_cast<size_t>(graph.op(n))];
    if (entry.kind == GradientKind::kNone) raise_no_gradient(graph, n);
    ir::Origin origin = graph.origin(n);
    origin.phase = ir::Phase::kBackward;
    graph.set_origin(origin);
    a.node = n;
    a.up = up;
    entry.rule(a);
  }

  std::vector<Node> out;
  for (Node n : wrt) out.push_back(a.adjoint(n));
  return out;
}

std::vector<Node> jvp(ir::Graph& graph, std::span<const Node> outputs, std::span<const Node> wrt,
                      std::span<const Node> tangents) {
  // u: one placeholder an output. vjp is linear in u, so d<vjp(u), tangent>/du is the forward derivative and
  // mentions no u.
  const ir::Builder build{graph};
  std::vector<Node> placeholders;
  for (Node out : outputs)
    placeholders.push_back(build.make(Op::Buffer, {}, ir::BufferArg{graph.add_buffer(nullptr)},
                                      graph.dtype(out), graph.shape_id(out)));
  const std::vector<Node> back = vjp(graph, outputs, placeholders, wrt);
  std::vector<Node> reached, directions;
  for (size_t i = 0; i < wrt.size(); ++i) {
    if (!back[i]) continue;
    reached.push_back(back[i]);
    directions.push_back(build.cast(tangents[i], graph.dtype(back[i])));
  }
  return vjp(graph, reached, directions, placeholders);
}

}  // namespace anneal::autodiff
