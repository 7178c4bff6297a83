// SPDX-License-Identifier: MIT
// Tests only: kernels around a sum of products, run through the skeleton and held against the interpreter.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cpu/test_cpu.h"
#include "interp/arrays.h"
#include "interp/kernel.h"
#include "ir/dims.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "loop/lower.h"
#include "loop/random_kernel.h"
#include "support/random_stream.h"

namespace anneal::cpu {

struct ContractionTest : testing::Test, CpuTest {
  int next_slot = 0;
  uint64_t found = 0;  // contractions, by check

  Node fresh(DType t, int64_t extent) { return slot(next_slot++, t, extent); }
  Node row_major(std::vector<std::pair<Node, int64_t>> axes) {
    Node at = b.index(0);
    for (const auto& [range, extent] : axes) at = b.add(b.mul(at, b.index(extent)), range);
    return at;
  }

  static interp::KernelArrays arrays(const ir::Graph& g, Node kernel, const interp::Bindings& bindings,
                                     uint64_t seed) {
    interp::KernelArrays out;
    for (const Node n : ir::postorder(g, std::span(&kernel, 1))) {
      if (g.op(n) != Op::Param) continue;
      const int64_t number = g.arg_as<ir::ParamArg>(n).index;
      const int64_t count = interp::evaluate_dim(g, g.shape(n)[0], bindings);
      support::RandomStream r(seed * 1000 + static_cast<uint64_t>(number));
      std::vector<double> values(static_cast<size_t>(count));
      const DType t = g.dtype(n);
      for (double& v : values)
        v = !is_float(t) ? static_cast<double>(r.below(4)) : static_cast<double>(r.below(9) - 4) / 4;
      out.emplace_back(number, std::make_shared<interp::Array>(*interp::array_from(t, {count}, values)));
    }
    return out;
  }

  std::string plan_text(const Program& program, const Target& target, int threads) const {
    const auto plan = plan_contraction(graph, program, target, threads);
    return plan ? to_string(*plan) : "loops";
  }

  // With all instruction sets and numbers of threads, or one of them that `pick` chooses; items in the
  // opposite order.
  void check(const std::vector<Node>& statements, const interp::Bindings& bindings = {},
             std::optional<bool> is_contraction = true, std::optional<uint64_t> pick = {}) {
    const Node kernel = b.sink(statements);
    const Program program = loop::lower(graph, kernel, {.contraction_work = 0});
    const bool is_found = program.contraction != nullptr;
    found += is_found;
    ASSERT_EQ(is_found, is_contraction.value_or(is_found)) << ir::print(graph, std::span(&kernel, 1));
    const interp::KernelArrays inputs = arrays(graph, kernel, bindings, 7), expected = loop::copies(inputs);
    interp::run_kernel(graph, std::span(&kernel, 1), expected, bindings);
    std::vector<int64_t> vars;
    for (const Node v : ir::variables_of(graph, program.kernel))
      for (const auto& [name, value] : bindings.vars)
        if (name == graph.arg_as<ir::VarArg>(v).name) vars.push_back(value);
    uint64_t turn = 0;
    const std::vector<Target> targets = test_targets();
    for (const Target& target : targets)
      for (const int threads : {1, 3}) {
        if (pick && *pick % (2 * targets.size()) != turn++) continue;
        const Compiled compiled(graph, program, target, {.threads = threads});
        const interp::KernelArrays actual = loop::copies(inputs);
        std::vector<void*> slots(static_cast<size_t>(slots_of(graph, program.kernel)));
        for (const auto& [number, array] : actual)
          if (static_cast<size_t>(number) < slots.size())
            slots[static_cast<size_t>(number)] = array->bytes.data();
        const int64_t items = compiled.items(vars);
        for (int64_t i = items; i-- > 0;) compiled.run(slots, vars, i, i + 1);
        for (size_t a = 0; a < actual.size(); ++a) {
          const DType t = actual[a].second->dtype;
          for (size_t i = 0; i < static_cast<size_t>(actual[a].second->shape[0]); ++i) {
            const double got = interp::element(*actual[a].second, i).as_double(t),
                         want = interp::element(*expected[a].second, i).as_double(t);
            ASSERT_EQ(got, want) << "element " << i << " of slot " << actual[a].first << ", " << target.level
                                 << ", " << threads << " threads\n"
                                 << plan_text(program, target, threads) << "\n"
                                 << ir::print(graph, std::span(&kernel, 1));
          }
        }
      }
  }
};

}  // namespace anneal::cpu
