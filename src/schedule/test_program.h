// SPDX-License-Identifier: MIT
// Tests only: programs with small exact inputs, scheduled, run kernel by kernel, and held against the
// interpreter of the tensor stage.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "anneal/error.h"
#include "interp/test_bindings.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ir/walk.h"
#include "schedule/test_run.h"
#include "support/random_stream.h"

namespace anneal::schedule {

using Vars = std::vector<std::pair<std::string, int64_t>>;

// Small multiples of 1/4 for every param: their sums and products are exact, so the order of a sum does not
// show. Values of an integer param lie in [-5, 5].
inline interp::Bindings small_bindings(const ir::Graph& g, std::span<const Node> roots, uint64_t seed,
                                       Vars vars = {}) {
  support::RandomStream r(seed ^ 0x5bd1e995u);
  return interp::bind_params(g, roots, std::move(vars), [&](DType t) {
    return is_float(t) ? static_cast<double>(r.below(17) - 8) / 4 : static_cast<double>(r.below(11) - 5);
  });
}

// Sums run in another order than the interpreter's, which only the last bits may show.
inline bool close(DType t, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  const double allowed = !is_float(t) ? 0 : dtype_size(t) == 8 ? 1e-12 : dtype_size(t) == 4 ? 1e-4 : 2e-2;
  return a == b || std::abs(a - b) <= allowed * std::max({1.0, std::abs(a), std::abs(b)});
}

// The first element that differs, or empty.
inline std::string difference(const interp::Array& wanted, const interp::Array& found) {
  const size_t count = wanted.bytes.size() / static_cast<size_t>(dtype_size(wanted.dtype));
  if (found.bytes.size() != wanted.bytes.size()) return "another size";
  for (size_t e = 0; e < count; ++e) {
    const double a = interp::element(wanted, e).as_double(wanted.dtype);
    const double b = interp::element(found, e).as_double(wanted.dtype);
    if (!close(wanted.dtype, a, b))
      return "element " + std::to_string(e) + ": " + std::to_string(a) + " and " + std::to_string(b);
  }
  return {};
}

using Values = std::vector<std::shared_ptr<const interp::Array>>;

// Empty when the kernels of the schedule are well formed and give these values of the roots.
inline std::string schedule_differs(ir::Graph& g, const Values& wanted, const Schedule& schedule,
                                    const interp::Bindings& bindings,
                                    interp::Mode mode = interp::Mode::kExact, RunOn on = RunOn::kKernels,
                                    int64_t onchip_bytes = 1 << 20) {
  try {
    for (const Launch& launch : schedule.launches)
      for (const Kernel& k : launch.parts) {
        std::string bad = ir::verify(g, std::span(&k.sink, 1), ir::Stage::kKernel, "schedule");
        if (!bad.empty()) return bad;
      }
    const auto found = run_schedule(g, schedule, bindings, mode, on, onchip_bytes);
    for (size_t i = 0; i < wanted.size(); ++i)
      if (const std::string bad = difference(*wanted[i], *found[i]); !bad.empty())
        return "result " + std::to_string(i) + " " + bad;
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// The same at every level of fusing.
inline std::string any_schedule_differs(ir::Graph& g, std::span<const Node> roots,
                                        const interp::Bindings& bindings) {
  const Values wanted = interp::evaluate(g, roots, bindings);
  for (Fuse fuse : {Fuse::kNone, Fuse::kGreedy, Fuse::kModel}) {
    const Schedule schedule = make_schedule(g, roots, {}, {.fuse = fuse});
    const std::string bad = schedule_differs(g, wanted, schedule, bindings);
    if (!bad.empty()) return "fuse " + std::to_string(static_cast<int>(fuse)) + ": " + bad;
  }
  return {};
}

}  // namespace anneal::schedule
