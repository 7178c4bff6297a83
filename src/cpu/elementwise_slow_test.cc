// SPDX-License-Identifier: MIT
// Every elementwise op in every type that it takes, on edge values and random ones, scalar and in vectors,
// for every instruction set, against the scalar definition.
#include "cpu/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "anneal/error.h"
#include "cpu/test_cpu.h"
#include "ir/blocks.h"
#include "ir/eval.h"
#include "ir/infer.h"
#include "support/random_stream.h"

namespace anneal::cpu {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<DType> all_types() {
  std::vector<DType> all;
  for (int t = 1; t < kNumDTypes; ++t) all.push_back(static_cast<DType>(t));
  return all;
}

std::vector<Scalar> edge_values(DType t) {
  std::vector<Scalar> values;
  if (is_float(t)) {
    for (const double v :
         {0.0,   1.0,    0.5,     1.5,     2.5,     3.0,          0.1,        7.75,     100.0,     448.0,
          464.0, 465.0,  65504.0, 65520.0, 3e9,     2147483648.0, 9.3e18,     1.9e19,   1e30,      3.4e38,
          1e300, 0x1p-6, 0x1p-9,  0x1p-14, 0x1p-24, 0x1p-25,      0x1.8p-126, 0x1p-149, 0x1p-1074, kInf}) {
      values.push_back(Scalar::from_double(v, t));
      values.push_back(Scalar::from_double(-v, t));
    }
    values.push_back(Scalar::from_double(std::nan(""), t));
    return values;
  }
  for (const int64_t v : {int64_t{0},
                          int64_t{1},
                          int64_t{-1},
                          int64_t{2},
                          int64_t{-2},
                          int64_t{3},
                          int64_t{7},
                          int64_t{-7},
                          int64_t{8},
                          int64_t{31},
                          int64_t{32},
                          int64_t{63},
                          int64_t{64},
                          int64_t{100},
                          int64_t{127},
                          int64_t{-128},
                          int64_t{255},
                          int64_t{32767},
                          int64_t{-32768},
                          int64_t{65535},
                          int64_t{INT32_MAX},
                          int64_t{INT32_MIN},
                          int64_t{UINT32_MAX},
                          (int64_t{1} << 53) + 1,
                          int64_t{INT64_MAX},
                          int64_t{INT64_MIN},
                          int64_t{0x4000004000000001},
                          int64_t{0x0100800000000001}})
    values.push_back(Scalar::from_int(v, t));
  return values;
}

Scalar random_value(support::RandomStream& random, DType t) {
  if (!is_float(t)) return Scalar::from_int(static_cast<int64_t>(random.next() >> random.below(64)), t);
  const double sign = random.one_in(2) ? 1 : -1;
  return Scalar::from_double(sign * std::ldexp(1 + random.unit(), static_cast<int>(random.below(60)) - 30),
                             t);
}

std::byte* bytes_at(std::vector<std::byte>& v, DType t, size_t i) {
  return v.data() + i * static_cast<size_t>(dtype_size(t));
}

void put(std::vector<std::byte>& to, DType t, size_t i, Scalar v) {
  alignas(8) std::byte computed[8];
  ir::load_scalar(t, v, computed);
  ir::store_elements(t, computed, 1, bytes_at(to, t, i));
}
Scalar get(std::vector<std::byte>& from, DType t, size_t i) {
  alignas(8) std::byte computed[8];
  ir::load_elements(t, bytes_at(from, t, i), 1, 1, computed);
  return ir::scalar_of(t, computed);
}

bool is_nan(Scalar v, DType t) { return is_float(t) && std::isnan(v.as_double(t)); }

// How far apart transcendental results may be: the bounds of math.h, doubled for the rounding of both.
bool close_enough(Op op, DType t, double got, double expected) {
  if (std::isinf(expected) || std::isinf(got) || expected == 0)
    return got == expected || std::fabs(got - expected) <= (t == f64 ? 0x1p-1073 : 0x1p-148);
  if (!ir::has_flag(op, ir::kTranscendental)) return false;
  // One step of a narrow type; six of the wide ones.
  const int bits = t == f64 ? 52 : t == f32 ? 23 : t == f16 ? 10 : t == bf16 ? 7 : t == f8e4m3 ? 3 : 2;
  const double steps = t == f64 || t == f32 ? 6 : 1;
  int exponent;
  std::frexp(expected, &exponent);
  const double smallest = t == f64      ? 0x1p-1074
                          : t == f32    ? 0x1p-149
                          : t == bf16   ? 0x1p-133
                          : t == f16    ? 0x1p-24
                          : t == f8e4m3 ? 0x1p-9
                                        : 0x1p-16;
  return std::fabs(got - expected) <= steps * std::max(std::ldexp(1.0, exponent - 1 - bits), smallest);
}

struct Case {
  Op op;
  DType result, source;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  ir::Graph graph;
  const ir::Graph::Scope scope(graph);
  const Builder b{graph};
  for (int o = 0; o < ir::kNumOps; ++o) {
    const Op op = static_cast<Op>(o);
    if (!ir::has_flag(op, ir::kElementwise)) continue;
    for (const DType t : all_types()) {
      if (op == Op::Cast || op == Op::Bitcast) {
        for (const DType to : all_types())
          if (op == Op::Cast || (dtype_size(to) == dtype_size(t) && t != boolean && to != boolean))
            cases.push_back({op, to, t});
        continue;
      }
      std::vector<Node> sources(static_cast<size_t>(ir::op_info(op).min_sources), b.constant_int(1, t));
      if (op == Op::Where) sources[0] = b.constant_int(1, boolean);
      const ir::Arg arg = op == Op::Threefry ? ir::Arg(ir::LaneArg{1}) : ir::Arg(ir::NoArg{});
      try {
        cases.push_back({op, graph.dtype(b.make(op, sources, arg)), t});
      } catch (const Error&) {
        continue;  // not of this type
      }
    }
  }
  return cases;
}

// One kernel for a case: loads, the op, a store.
struct Bench : CpuTest {
  Case c;
  size_t sources;
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::vector<Scalar>> values;  // by source

  explicit Bench(const Case& which)
      : c(which), sources(static_cast<size_t>(ir::op_info(which.op).min_sources)) {
    std::vector<std::vector<Scalar>> edges;
    for (size_t s = 0; s < sources; ++s) edges.push_back(edge_values(source_type(s)));
    values.resize(sources);
    size_t all = 1;
    for (const auto& e : edges) all *= e.size();
    support::RandomStream random(7);
    const size_t wanted = std::min<size_t>(all, 4000);
    for (size_t i = 0; i < wanted; ++i) {  // all pairs of edges, or as many at random
      size_t rest = all <= wanted ? i : static_cast<size_t>(random.next() % all);
      for (size_t s = 0; s < sources; ++s) {
        values[s].push_back(edges[s][rest % edges[s].size()]);
        rest /= edges[s].size();
      }
    }
    for (int i = 0; i < 301; ++i)
      for (size_t s = 0; s < sources; ++s) values[s].push_back(random_value(random, source_type(s)));
    for (size_t s = 0; s < sources; ++s) {
      memory.emplace_back(count() * 8);
      for (size_t i = 0; i < count(); ++i) put(memory[s], source_type(s), i, values[s][i]);
    }
  }
  DType source_type(size_t s) const { return c.op == Op::Where && s == 0 ? boolean : c.source; }
  size_t count() const { return values[0].size(); }
  ir::Arg arg() const { return c.op == Op::Threefry ? ir::Arg(ir::LaneArg{1}) : ir::Arg(ir::NoArg{}); }

  Program build(int lanes) {
    const auto n = static_cast<int64_t>(count());
    const Node i = range(0, n);
    std::vector<Node> in;
    for (size_t s = 0; s < sources; ++s)
      in.push_back(b.load(slot(static_cast<int64_t>(s), source_type(s), n), i));
    Node value = c.op == Op::Cast      ? b.cast(in[0], c.result)
                 : c.op == Op::Bitcast ? b.bitcast(in[0], c.result)
                                       : b.make(c.op, in, arg());
    return map(slot(9, c.result, n), i, value, lanes);
  }

  void check(const Target& target, int lanes) {
    std::vector<std::byte> out(count() * 8);
    std::vector<void*> slots(10);
    for (size_t s = 0; s < sources; ++s) slots[s] = memory[s].data();
    slots[9] = out.data();
    Compiled(graph, build(lanes), target).run(slots);
    int wrong = 0;
    for (size_t i = 0; i < count() && wrong < 3; ++i) {
      std::vector<Scalar> in;
      for (size_t s = 0; s < sources; ++s) in.push_back(values[s][i]);
      const Scalar expected = ir::eval_elementwise(c.op, c.result, c.source, in, arg());
      const Scalar got = get(out, c.result, i);
      if (is_nan(expected, c.result) ? is_nan(got, c.result) : got == expected) continue;
      if (is_float(c.result) && ir::has_flag(c.op, ir::kTranscendental) &&
          close_enough(c.op, c.result, got.as_double(c.result), expected.as_double(c.result)))
        continue;
      // The bits of NaN are no part of bitcast's meaning.
      if (c.op == Op::Bitcast && is_float(c.source) && is_nan(in[0], c.source)) continue;
      ++wrong;
      std::string text;
      for (size_t s = 0; s < sources; ++s)
        text += " " + (is_float(source_type(s)) ? std::to_string(in[s].as_double(source_type(s)))
                                                : std::to_string(in[s].as_int(source_type(s))));
      ADD_FAILURE() << ir::op_text(c.op) << " " << dtype_name(c.source) << " -> " << dtype_name(c.result)
                    << ", " << target.level << ", " << lanes << " lanes, of" << text << ": got "
                    << (is_float(c.result) ? got.as_double(c.result)
                                           : static_cast<double>(got.as_int(c.result)))
                    << ", expected "
                    << (is_float(c.result) ? expected.as_double(c.result)
                                           : static_cast<double>(expected.as_int(c.result)));
    }
  }
};

TEST(Elementwise, EveryOpOfEveryTypeInVectors) {
  const Target target = detect_target("");
  for (const Case& c : all_cases()) Bench(c).check(target, 16);
}

TEST(Elementwise, EveryOpOfEveryTypeAsScalars) {
  const Target target = detect_target("");
  for (const Case& c : all_cases()) Bench(c).check(target, 1);
}

// Where an instruction set matters: floats of all sizes, division, casts.
TEST(Elementwise, EveryInstructionSet) {
  for (const Target& target : test_targets())
    for (const Case& c : all_cases())
      if (is_float(c.source) || is_float(c.result) || c.op == Op::FloorDiv) Bench(c).check(target, 8);
}

}  // namespace
}  // namespace anneal::cpu
