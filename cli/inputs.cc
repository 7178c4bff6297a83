// SPDX-License-Identifier: MIT
#include "cli/inputs.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/common.h"
#include "interp/arrays.h"
#include "ir/walk.h"
#include "support/random_stream.h"

namespace anneal::cli {
namespace {

const ir::ParamArg& param_of(const ir::Graph& graph, ir::Node n) { return graph.arg_as<ir::ParamArg>(n); }

constexpr size_t kMaxElements = size_t{1} << 28;  // of a made-up value

double random_value(support::RandomStream& random, DType t) {
  if (is_bool(t)) return static_cast<double>(random.below(2));
  if (!is_float(t)) return static_cast<double>(is_signed(t) ? random.below(19) - 9 : random.below(10));
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

}  // namespace

std::vector<ir::Node> params_of(const ir::Graph& graph, std::span<const ir::Node> roots) {
  std::vector<std::pair<int64_t, size_t>> places;  // by number, then as they come
  const std::vector<ir::Node> order = ir::postorder(graph, roots);
  for (size_t i = 0; i < order.size(); ++i)
    if (graph.op(order[i]) == ir::Op::Param) places.emplace_back(param_of(graph, order[i]).index, i);
  std::sort(places.begin(), places.end());
  std::vector<ir::Node> out;
  for (const auto& [number, place] : places) out.push_back(order[place]);
  return out;
}

int64_t find_param(const ir::Graph& graph, std::span<const ir::Node> params, const std::string& name) {
  std::vector<std::string> names;
  for (ir::Node n : params) {
    const ir::ParamArg& arg = param_of(graph, n);
    if (arg.name == name || std::to_string(arg.index) == name) return arg.index;
    names.push_back(arg.name.empty() ? std::to_string(arg.index) : arg.name);
  }
  raise_unknown("input", name, std::vector<std::string_view>(names.begin(), names.end()));
}

void bind_random(const ir::Graph& graph, std::span<const ir::Node> params, uint64_t seed,
                 interp::Bindings& bindings) {
  for (ir::Node n : params) {
    const int64_t index = param_of(graph, n).index;
    const auto is_bound = [&](const auto& binding) { return binding.first == index; };
    if (std::any_of(bindings.params.begin(), bindings.params.end(), is_bound)) continue;
    std::vector<int64_t> shape;
    size_t count = 1;
    for (const ir::Dim& d : graph.shape(n)) {
      shape.push_back(interp::evaluate_dim(graph, d, bindings));
      if (shape.back() < 0)
        raise(ErrorCode::kShape, "param " + std::to_string(index) + " has a negative extent");
      const auto extent = static_cast<size_t>(shape.back());
      if (extent <= kMaxElements) count *= extent;
      if (extent > kMaxElements || count > kMaxElements)
        raise(ErrorCode::kLimit, "param " + std::to_string(index) + " is too large to make up values for");
    }
    support::RandomStream random(seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(index));
    std::vector<double> values(count);
    for (double& v : values) v = random_value(random, graph.dtype(n));
    bindings.params.emplace_back(index, interp::array_from(graph.dtype(n), std::move(shape), values));
  }
}

}  // namespace anneal::cli
