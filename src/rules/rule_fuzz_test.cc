// SPDX-License-Identifier: MIT
//
// Every rule alone: instances made from its pattern, the rule applied once, both sides evaluated. Exact rules
// must agree to the bit, on values that include 0, -0, NaN, infinities and the ends of the type; the others
// within what their roundings amount to, where all is finite. A rule that does not fire often enough fails by
// its name.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/dims.h"
#include "ir/points.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "rules/instance.h"
#include "rules/rules.h"
#include "support/float_formats.h"
#include "support/random_stream.h"

namespace anneal::rules {
namespace {

using ir::Graph;
using ir::Node;
using ir::Op;
using rewrite::FloatClass;
using rewrite::Rule;

constexpr int kInstances = 60;        // a rule
constexpr int kBindings = 12;         // values for the params of one instance
constexpr int64_t kMaxPoints = 3000;  // of one instance

double random_float(support::RandomStream& random, bool special) {
  constexpr double kSpecial[] = {0,
                                 -0.0,
                                 1,
                                 -1,
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 std::numeric_limits<double>::quiet_NaN(),
                                 1e30,
                                 -1e30,
                                 1e-40,
                                 65504,
                                 2,
                                 0.5};
  if (special && random.chance(40)) return random.pick(kSpecial);
  return static_cast<double>(random.below(8001) - 4000) / 1000;
}
int64_t random_int(support::RandomStream& random) {
  constexpr int64_t kSpecial[] = {0, 1, -1, 2, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 127, -128, 255};
  return random.chance(40) ? random.pick(kSpecial) : random.below(41) - 20;
}
ir::Scalar random_scalar(support::RandomStream& random, DType t, bool special) {
  return is_float(t) ? ir::Scalar::from_double(random_float(random, special), t)
                     : ir::Scalar::from_int(is_bool(t) ? random.below(2) : random_int(random), t);
}

bool same_bits(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

// How far apart the two sides of an inexact rule may lie: each operation rounds once, by at most half a unit
// in the last place of its result, or half the least subnormal. None of the results on the way is larger than
// the greatest one, and the sides together take `operations`.
struct Tolerance {
  double operations = 0, greatest = 1;
  bool defined = true;  // no infinity or NaN on the way

  void add_value(double v) {
    defined = defined && std::isfinite(v);
    greatest = std::max(greatest, std::fabs(v));
  }
  double of(DType t) const {
    const support::FloatFormat format = support::float_format(t);
    return operations * greatest *
           std::max(std::ldexp(1, -format.precision()), std::ldexp(1, format.min_exponent()));
  }
};

class RuleFuzz : public testing::TestWithParam<size_t> {
 protected:
  const Rule& rule() const { return all_rules()[GetParam()]; }
  bool exact() const { return rule().float_class == FloatClass::kExact; }

  std::string describe(const Graph& g, const Instance& i) const {
    return std::string(rule().name) + ": " + std::string(rule().law) + "\nbefore\n" +
           ir::print(g, std::span(&i.before, 1)) + "after\n" + ir::print(g, std::span(&i.after, 1));
  }

  // All values of loops and variables; params are set at random, again and again.
  void check_points(Graph& g, const Instance& instance, support::RandomStream& random) {
    const Node both[] = {instance.before, instance.after};
    const DType t = g.dtype(instance.before);
    bool has_params = false;
    for (int round = 0; round == 0 || (has_params && round < kBindings); ++round) {
      ir::Points points(g, both);
      for (Node u : points.unknowns())
        if (g.op(u) == Op::Param) {
          has_params = true;
          points.set(u, random_scalar(random, g.dtype(u), exact()));
        }
      for (int64_t count = 0; count < kMaxPoints && points.next(); ++count) {
        const ir::Scalar a = points.value(instance.before), b = points.value(instance.after);
        bool same = a == b;
        if (is_float(t) && exact()) same = same_bits(a.as_double(t), b.as_double(t));
        if (is_float(t) && !exact() && !same) {
          Tolerance tolerance;
          for (Node n : ir::postorder(g, both))
            if (is_float(g.dtype(n))) {
              tolerance.add_value(points.value(n).as_double(g.dtype(n)));
              tolerance.operations += g.sources(n).empty() ? 0 : 1;
            }
          same = !tolerance.defined || std::fabs(a.as_double(t) - b.as_double(t)) <= tolerance.of(t);
        }
        if (same) continue;
        std::string at;
        for (Node u : points.unknowns())
          at += ir::node_text(g, u) + " = " + std::to_string(points.value(u).as_double(g.dtype(u))) + "\n";
        ADD_FAILURE() << describe(g, instance) << "at\n"
                      << at << a.as_double(t) << " became " << b.as_double(t);
        return;
      }
    }
  }

  // Variables are at one end in the first round, at the other in the second, and anywhere afterwards.
  interp::Bindings random_bindings(const Graph& g, std::span<const Node> roots, int round,
                                   support::RandomStream& random) {
    interp::Bindings bindings;
    for (Node n : ir::postorder(g, roots, true)) {
      if (g.op(n) == Op::Var) {
        const auto& var = g.arg_as<ir::VarArg>(n);
        const int64_t any = var.min + random.below(var.max - var.min + 1);
        bindings.vars.emplace_back(var.name, round == 0 ? var.min : round == 1 ? var.max : any);
      } else if (g.op(n) == Op::Range) {
        const int64_t extent = interp::evaluate_dim(g, ir::Dim(g.source(n, 0)), bindings);
        bindings.ranges.emplace_back(g.arg_as<ir::RangeArg>(n).id,
                                     random.below(std::max<int64_t>(extent, 1)));
      } else if (g.op(n) == Op::Param) {
        std::vector<int64_t> shape;
        size_t count = 1;
        for (const ir::Dim& d : g.shape(n)) {
          shape.push_back(interp::evaluate_dim(g, d, bindings));
          count *= static_cast<size_t>(shape.back());
        }
        std::vector<double> values(count);
        for (double& v : values) v = random_scalar(random, g.dtype(n), exact()).as_double(g.dtype(n));
        bindings.params.emplace_back(g.arg_as<ir::ParamArg>(n).index,
                                     interp::array_from(g.dtype(n), shape, values));
      }
    }
    return bindings;
  }

  // Of all that both sides make; a fold is as many operations as it has elements.
  static Tolerance tensor_tolerance(const Graph& g, std::span<const Node> roots,
                                    const interp::Bindings& bindings) {
    std::vector<Node> floats;
    for (Node n : ir::postorder(g, roots))
      if (is_float(g.dtype(n))) floats.push_back(n);
    const auto results = interp::evaluate(g, floats, bindings);
    Tolerance tolerance;
    for (size_t i = 0; i < floats.size(); ++i) {
      for (double v : interp::doubles_of(*results[i])) tolerance.add_value(v);
      const Op op = g.op(floats[i]);
      if (op == Op::Reduce || op == Op::Scan) {
        double elements = 1;
        for (const ir::Dim& d : g.shape(g.source(floats[i], 0)))
          elements *= static_cast<double>(interp::evaluate_dim(g, d, bindings));
        tolerance.operations += elements;
      } else if (ir::has_flag(op, ir::kElementwise)) {
        tolerance.operations += 1;
      }
    }
    return tolerance;
  }

  void check_tensors(Graph& g, const Instance& instance, support::RandomStream& random) {
    const Node both[] = {instance.before, instance.after};
    const DType t = g.dtype(instance.before);
    for (int round = 0; round < kBindings; ++round) {
      const interp::Bindings bindings = random_bindings(g, both, round, random);
      const auto results = interp::evaluate(g, both, bindings);
      ASSERT_EQ(results[0]->shape, results[1]->shape) << describe(g, instance);
      if (!is_float(t)) {
        ASSERT_EQ(interp::ints_of(*results[0]), interp::ints_of(*results[1])) << describe(g, instance);
        continue;
      }
      const std::vector<double> a = interp::doubles_of(*results[0]), b = interp::doubles_of(*results[1]);
      const Tolerance tolerance = exact() ? Tolerance() : tensor_tolerance(g, both, bindings);
      for (size_t i = 0; i < a.size(); ++i) {
        const bool same = same_bits(a[i], b[i]) ||
                          (!exact() && (!tolerance.defined || std::fabs(a[i] - b[i]) <= tolerance.of(t)));
        ASSERT_TRUE(same) << describe(g, instance) << a[i] << " became " << b[i];
      }
    }
  }
};

TEST_P(RuleFuzz, KeepsTheValue) {
  support::RandomStream random(GetParam() + 1);
  int fired = 0;
  for (int i = 0; i < kInstances && !HasFailure(); ++i) {
    Graph g;
    const Graph::Scope scope(g);
    InstanceMaker maker(g, rule(), GetParam() * 1000 + static_cast<uint64_t>(i));
    const Instance instance = maker.next();
    if (!instance.after) continue;
    ++fired;
    EXPECT_EQ(g.dtype(instance.before), g.dtype(instance.after));
    EXPECT_EQ(g.shape_id(instance.before), g.shape_id(instance.after));
    const Node both[] = {instance.before, instance.after};
    if (ir::Points(g, both).ok())
      check_points(g, instance, random);
    else
      check_tensors(g, instance, random);
  }
  EXPECT_GE(fired, kInstances / 2) << rule().name << " hardly ever applies: " << rule().law;
}

// The variable of extents that instances are made with from time to time, bound to 0 and to its maximum
// above.
TEST(RuleInstances, HaveSymbolicExtents) {
  std::map<std::string_view, int> symbolic;  // by topic, rules with at least one such instance
  for (size_t r = 0; r < all_rules().size(); ++r) {
    const Rule& rule = all_rules()[r];
    bool found = false;
    for (int i = 0; i < kInstances && !found; ++i) {
      Graph g;
      const Graph::Scope scope(g);
      const Instance instance = InstanceMaker(g, rule, r * 1000 + static_cast<uint64_t>(i)).next();
      if (!instance.after) continue;
      for (const ir::Dim& d : g.shape(instance.before))
        found = found || (!d.is_const() && ir::dim_min(g, d) == 0);
    }
    symbolic[rule.topic] += found ? 1 : 0;
  }
  EXPECT_GE(symbolic["movement"], 20);
  EXPECT_GE(symbolic["reduce"], 10);
  EXPECT_GE(symbolic["arithmetic"], 30);
}

std::string test_name(const testing::TestParamInfo<size_t>& rule) {
  std::string name(all_rules()[rule.param].name);
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, RuleFuzz, testing::Range<size_t>(0, all_rules().size()), test_name);

TEST(Rules, HaveDistinctNamesLawsAndPlaces) {
  for (const Rule& r : all_rules()) {
    EXPECT_EQ(find_rule(r.name), &r);
    EXPECT_EQ(rule_name(r.id), r.name);
    EXPECT_FALSE(r.law.empty()) << r.name;
    EXPECT_EQ(r.place().find("src/rules/"), 0u) << r.place();
    EXPECT_TRUE(r.guard.holds == nullptr || !r.guard.name.empty()) << r.name;
  }
}

}  // namespace
}  // namespace anneal::rules
