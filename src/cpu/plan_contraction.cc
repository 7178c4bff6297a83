// SPDX-License-Identifier: MIT
#include "cpu/plan_contraction.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "ir/walk.h"

namespace anneal::cpu {

using ir::Node;
using ir::Op;

namespace {

using Stride = std::optional<int64_t>;

constexpr int64_t kFewWraps = 8;  // steps between two of them: most vectors have at most one

Stride times(Stride a, int64_t by) {
  int64_t out = 0;
  return a && !__builtin_mul_overflow(*a, by, &out) ? Stride(out) : std::nullopt;
}

Stride plus(Stride a, Stride b) {
  int64_t out = 0;
  return a && b && !__builtin_add_overflow(*a, *b, &out) ? Stride(out) : std::nullopt;
}

Stride quotient(Stride a, int64_t by, bool wants_remainder) {
  if (!a || by <= 0) return std::nullopt;
  if (*a % by == 0) return wants_remainder ? 0 : *a / by;
  if (by / std::abs(*a) < kFewWraps) return std::nullopt;
  return wants_remainder ? *a : 0;
}

Stride stride_of(const ir::Graph& graph, Node n, const std::unordered_map<uint32_t, Stride>& known) {
  const std::span<const Node> sources = graph.sources(n);
  const auto of = [&](size_t i) { return known.at(sources[i].id); };
  const auto constant = [&](size_t i) -> Stride {
    if (!graph.is_const(sources[i])) return std::nullopt;
    return graph.const_value(sources[i]).as_int(DType::kIndex);
  };
  switch (graph.op(n)) {
    case Op::Add: return plus(of(0), of(1));
    case Op::Sub: return plus(of(0), times(of(1), -1));
    case Op::Neg: return times(of(0), -1);
    case Op::Mul:
      if (const Stride c = constant(1)) return times(of(0), *c);
      if (const Stride c = constant(0)) return times(of(1), *c);
      return std::nullopt;
    case Op::FloorDiv:
    case Op::FloorMod:
      if (const Stride c = constant(1)) return quotient(of(0), *c, graph.op(n) == Op::FloorMod);
      return std::nullopt;
    case Op::Where: return of(1) == of(2) ? of(1) : std::nullopt;
    default: return std::nullopt;
  }
}

// What a factor costs to make along a range: a gather is worth many contiguous loads.
double cost_along(const ir::Graph& graph, Node factor, Node range) {
  constexpr double kGather = 8;
  double cost = 0;
  for (Node n : ir::postorder(graph, std::span(&factor, 1))) {
    if (graph.op(n) != Op::Load) continue;
    const Stride s = range ? usual_stride(graph, graph.source(n, 1), range) : Stride(0);
    cost += !s || std::abs(*s) > 1 ? kGather : static_cast<double>(std::abs(*s));
  }
  return cost;
}

int64_t extent_of(const ir::Graph& graph, Node range) {
  if (!range) return 1;
  const Node e = graph.source(range, 0);
  return graph.is_const(e) ? graph.const_value(e).as_int(DType::kIndex) : kUnknownExtent;
}

Isa isa_of(const Target& target) {
  if (target.level == "avx512") return Isa::kAvx512;
  if (target.level == "avx2") return Isa::kAvx2;
  return target.has_fma ? Isa::kNeon : Isa::kGeneric;
}

}  // namespace

std::optional<int64_t> usual_stride(const ir::Graph& graph, Node index, Node range) {
  std::unordered_map<uint32_t, Stride> known;
  for (Node n : ir::postorder(graph, std::span(&index, 1))) {
    const std::span<const Node> sources = graph.sources(n);
    const bool is_still =
        ir::has_flag(graph.op(n), ir::kLeaf) ||
        std::all_of(sources.begin(), sources.end(), [&](Node s) { return known.at(s.id) == Stride(0); });
    known[n.id] = n == range ? 1 : is_still ? 0 : stride_of(graph, n, known);
  }
  return known.at(index.id);
}

std::optional<ContractPlan> plan_contraction(const ir::Graph& graph, const loop::Program& program,
                                             const Target& target, int threads) {
  if (program.contraction == nullptr) return std::nullopt;
  const loop::Contraction& c = program.contraction->parts;
  const ContractShape shape{extent_of(graph, c.batch), extent_of(graph, c.m), extent_of(graph, c.n),
                            extent_of(graph, c.k)};
  ContractTraits traits;
  traits.f64 = graph.dtype(c.product) == f64;
  if (cost_along(graph, c.a, c.m) < cost_along(graph, c.a, c.k)) traits.a_along = Axis::kM;
  if (cost_along(graph, c.b, c.k) < cost_along(graph, c.b, c.n)) traits.b_along = Axis::kK;
  for (const loop::FactorSum& sum : c.sums) (sum.of_b ? traits.b_sums : traits.a_sums) = true;
  return contract_plan(shape, {.isa = isa_of(target), .threads = threads}, traits);
}

std::vector<ContractPlan> plan_contractions(const ir::Graph& graph, const loop::Program& program,
                                            const Target& target, int threads) {
  std::vector<ContractPlan> out;
  if (const auto plan = plan_contraction(graph, program, target, threads)) out.push_back(*plan);
  for (const loop::Program& phase : program.phases)
    if (const auto plan = plan_contraction(graph, phase, target, 1)) out.push_back(*plan);
  return out;
}

}  // namespace anneal::cpu
