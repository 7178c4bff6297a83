// SPDX-License-Identifier: MIT
// Tests only: a value for every param that a program reads.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/walk.h"

namespace anneal::interp {

inline Bindings bind_params(const ir::Graph& g, std::span<const ir::Node> roots,
                            std::vector<std::pair<std::string, int64_t>> vars,
                            const std::function<double(DType)>& element) {
  Bindings bindings;
  bindings.vars = std::move(vars);
  for (ir::Node n : ir::postorder(g, roots, true)) {
    const auto* param = std::get_if<ir::ParamArg>(&g.arg(n));
    if (param == nullptr) continue;
    std::vector<int64_t> shape;
    size_t count = 1;
    for (const ir::Dim& d : g.shape(n)) {
      shape.push_back(evaluate_dim(g, d, bindings));
      count *= static_cast<size_t>(shape.back());
    }
    std::vector<double> values(count);
    for (double& v : values) v = element(g.dtype(n));
    bindings.params.emplace_back(param->index, array_from(g.dtype(n), std::move(shape), values));
  }
  return bindings;
}

}  // namespace anneal::interp
