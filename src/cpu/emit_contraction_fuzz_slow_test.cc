// SPDX-License-Identifier: MIT
// Random kernels around a sum of products: several axes on each side, in any order in memory, backwards, with
// steps, shifted windows under conditions, prologues and epilogues, of any type of element. Sums are exact,
// so results must be equal. ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from where.
#include <cstdlib>

#include "cpu/test_contraction.h"
#include "tests/support/test_random.h"

namespace anneal::cpu {
namespace {

struct Axis {
  Node range;
  Dim extent;
};
using Axes = std::vector<Axis>;

class ContractionFuzz : public ContractionTest {
 protected:
  void run(uint64_t seed) {
    SCOPED_TRACE("ANNEAL_FUZZ_SEED=" + std::to_string(seed));
    r = support::RandomStream(seed);
    next_slot = 0;
    bindings = {};
    bindings.vars = {{"N", r.below(r.one_in(3) ? 40 : 10)}};
    symbolic = 0;
    variable = b.var("N", 0, 40);
    const Axes batch = axes(0, r.below(2), false), m = axes(10, r.below(3), false),
               n = axes(20, r.below(3), false), k = axes(50, 1 + r.below(2), true);
    if (products({batch, m, n, k}) > 1e6) return;  // the interpreter would take seconds
    DType wide = r.one_in(6) ? f64 : f32;
    const Node a = factor(wide, joined({batch, m, k})), c = factor(wide, joined({batch, n, k}));
    std::vector<Node> summed;
    for (const Axis& x : k) summed.push_back(x.range);
    const Node p = b.accumulate(b.mul(a, c), ir::ReduceOp::kAdd, summed);
    const Axes loops = joined({batch, m, n});
    std::vector<Node> statements;
    for (int64_t i = 0, count = 1 + r.below(2); i < count; ++i) statements.push_back(statement(p, loops));
    if (r.one_in(5)) {
      const Axes own = axes(40, 1, false);
      const Node to = address(own).first;
      statements.push_back(b.store(fresh(f32, own[0].extent), to, b.load(fresh(f32, own[0].extent), to)));
    }
    if (!m.empty() || !n.empty()) check(statements, bindings, std::nullopt, seed);
  }

 private:
  Axes axes(int64_t id, int64_t count, bool is_reduce) {
    Axes out;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t known = r.one_in(12) ? 0 : r.one_in(4) ? 14 + r.below(30) : 1 + r.below(6);
      const Dim extent = symbolic < 2 && r.one_in(10) ? Dim(variable) : Dim(known);
      symbolic += extent.is_const() ? 0 : 1;
      out.push_back({is_reduce ? reduce_range(id + i, extent) : range(id + i, extent), extent});
    }
    return out;
  }
  double products(std::initializer_list<Axes> parts) {
    double all = 1;
    for (const Axes& p : parts)
      for (const Axis& x : p) all *= static_cast<double>(interp::evaluate_dim(graph, x.extent, bindings));
    return all;
  }
  Axes joined(std::initializer_list<Axes> parts) {
    Axes out;
    for (const Axes& p : parts) out.insert(out.end(), p.begin(), p.end());
    for (size_t i = out.size(); i > 1; --i)
      std::swap(out[i - 1], out[static_cast<size_t>(r.below(static_cast<int64_t>(i)))]);
    return out;
  }
  // Row-major over the axes, some of them backwards; and how many elements there are.
  std::pair<Node, Dim> address(const Axes& own) {
    Node at = b.index(0);
    Dim count(1);
    for (const Axis& x : own) {
      Node step = x.range;
      if (r.one_in(8)) step = b.sub(b.sub(as_index(x.extent), b.index(1)), step);
      at = b.add(b.mul(at, as_index(x.extent)), step);
      count = ir::dim_mul(graph, count, x.extent);
    }
    return {at, count};
  }
  Node as_index(Dim d) { return d.is_const() ? b.index(d.value) : d.expr; }
  Node fresh(DType t, Dim extent) { return b.param(next_slot++, t, std::span(&extent, 1)); }
  DType element_type() {
    constexpr DType kTypes[] = {f32, f32, f32, f32, bf16, f16, f8e4m3, i32, i8, f64};
    return kTypes[r.below(10)];
  }
  Node load(const Axes& own) {
    const DType t = element_type();
    const auto [at, count] = address(own);
    switch (r.below(6)) {
      case 0: {  // shifted, with zeros outside
        const Node moved = b.sub(at, b.index(r.below(4)));
        const Node is_inside = b.make(Op::And, {b.le(b.index(0), moved), b.lt(moved, as_index(count))});
        return b.load(fresh(t, count), moved, is_inside);
      }
      case 1:
        return b.load(fresh(t, ir::dim_mul(graph, count, Dim(3))),
                      b.add(b.mul(at, b.index(3)), b.index(r.below(3))));
      case 2:  // a window: each element more than once
        if (own.size() > 1) {
          Node sum = b.index(0);
          Dim most(1);
          for (const Axis& x : own) sum = b.add(sum, x.range), most = ir::dim_add(graph, most, x.extent);
          return b.load(fresh(t, most), sum);
        }
        [[fallthrough]];
      default: return b.load(fresh(t, count), at);
    }
  }
  Axes some_of(const Axes& own) {
    Axes out;
    for (const Axis& x : own)
      if (!r.one_in(2)) out.push_back(x);
    return out;
  }
  // Multiples of 1/8 below 8.
  Node factor(DType wide, const Axes& own) {
    Node v = b.cast(load(own), wide);
    if (r.one_in(3)) v = b.sub(v, b.cast(load(some_of(own)), wide));
    if (r.one_in(4)) v = b.make(Op::Max, {v, b.constant_float(0, wide)});
    if (r.one_in(4)) v = b.mul(v, b.constant_float(0.5, wide));
    if (r.one_in(5) && own.size() > 1)
      v = b.make(Op::Where, {b.make(Op::Lt, {own[0].range, own[1].range}), v, b.constant_float(1, wide)});
    return v;
  }
  Node statement(Node p, const Axes& loops) {
    const DType wide = graph.dtype(p), t = r.one_in(3) ? element_type() : f32;
    Node v = p;
    if (r.one_in(3)) v = b.add(v, b.cast(load(some_of(loops)), wide));
    if (r.one_in(4)) v = b.make(Op::Max, {v, b.constant_float(0, wide)});
    const auto [at, count] = address(loops);
    const Node to = fresh(t, count);
    if (r.one_in(4)) v = b.add(v, b.cast(b.load(to, at), wide));  // in place
    Node condition;
    if (r.one_in(5))
      condition = b.make(Op::Lt, {b.cast(load(some_of(loops)), f32), b.constant_float(0.5, f32)});
    return b.store(to, at, b.cast(v, t), condition);
  }

  support::RandomStream r{0};
  interp::Bindings bindings;
  Node variable;
  int symbolic = 0;  // axes of that extent: a few, for the interpreter's sake
};

TEST_F(ContractionFuzz, KernelsGiveWhatTheInterpreterGives) {
  const auto seeds = test::seeds(0.025);
  for (const uint64_t seed : seeds)
    if (!HasFailure()) run(seed);
  EXPECT_GE(3 * found, seeds.size()) << "many of these kernels have one: the others have an extent of 0 or 1";
}

}  // namespace
}  // namespace anneal::cpu
