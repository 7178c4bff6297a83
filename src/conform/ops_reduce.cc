// SPDX-License-Identifier: MIT
// Reductions, orders and running folds.
#include "conform/ops.h"

namespace anneal::conform {
namespace {

template <Tensor (*fn)(In, const Axes&, bool)>
Outputs reduction(const OpCall& c) {
  return fn(c.x(), c.args.axes(), c.args.keepdim());
}
template <Tensor (*fn)(In, const Axes&, bool)>
Outputs truth_reduction(const OpCall& c) {
  return fn(truth(c.x()), c.args.axes(), c.args.keepdim());
}
template <Tensor (*fn)(In, int)>
Outputs along_axis(const OpCall& c) {
  return fn(c.x(), c.args.axis(-1));
}

double correction(const OpCall& c) {
  const double fallback = c.args.flag("unbiased", true) ? 1 : 0;
  return c.args.number("correction|ddof", fallback);
}
Outputs var_op(const OpCall& c) { return var(c.x(), c.args.axes(), c.args.keepdim(), correction(c)); }
Outputs std_op(const OpCall& c) { return anneal::std(c.x(), c.args.axes(), c.args.keepdim(), correction(c)); }
Outputs var_mean_op(const OpCall& c) {
  const VarMean both = var_mean(c.x(), c.args.axes(), c.args.keepdim(), correction(c));
  return std::vector<Tensor>{both.var, both.mean};
}
Outputs std_mean_op(const OpCall& c) {
  const StdMean both = std_mean(c.x(), c.args.axes(), c.args.keepdim(), correction(c));
  return std::vector<Tensor>{both.std, both.mean};
}

std::optional<int> maybe_axis(const OpCall& c) {
  return c.args.has(kAxis) ? std::optional<int>(c.args.axis()) : std::nullopt;
}
Outputs argmax_op(const OpCall& c) { return argmax(c.x(), maybe_axis(c), c.args.keepdim()); }
Outputs argmin_op(const OpCall& c) { return argmin(c.x(), maybe_axis(c), c.args.keepdim()); }

// With two inputs the elementwise one; along an axis the positions may be asked for too.
Outputs extremum(const OpCall& c, bool greatest) {
  if (c.in.size() == 2) return greatest ? maximum(c.in[0], c.in[1]) : minimum(c.in[0], c.in[1]);
  const Axes axes = c.args.axes();
  const bool keep = c.args.keepdim();
  std::vector<Tensor> out{greatest ? max(c.x(), axes, keep) : min(c.x(), axes, keep)};
  if (axes.size() != 1) return out;
  out.push_back(greatest ? argmax(c.x(), axes[0], keep) : argmin(c.x(), axes[0], keep));
  return {std::move(out), 1};
}

Outputs norm_op(const OpCall& c) {
  return norm(c.x(), c.args.axes(), c.args.keepdim(), c.args.number("p|ord", 2));
}

Outputs sort_op(const OpCall& c) {
  const int axis = c.args.axis(-1);
  const bool descending = c.args.flag("descending", false);
  c.args.flag("stable", true);
  return {{sort(c.x(), axis, descending), argsort(c.x(), axis, descending)}, 1};
}
Outputs argsort_op(const OpCall& c) {
  c.args.flag("stable", true);
  return argsort(c.x(), c.args.axis(-1), c.args.flag("descending", false));
}
Outputs topk_op(const OpCall& c) {
  c.args.flag("sorted", true);
  const TopK found = topk(c.x(), c.args.integer("k"), c.args.axis(-1), c.args.flag("largest", true));
  return {{found.values, found.indices}, 1};
}

Outputs kthvalue_op(const OpCall& c) {
  const TopK found = kthvalue(c.x(), c.args.integer("k"), c.args.axis(-1), c.args.keepdim());
  return {{found.values, found.indices}, 1};
}
Outputs median_op(const OpCall& c) {
  if (!c.args.has(kAxis)) return median(c.x());
  const TopK found = median(c.x(), c.args.axis(), c.args.keepdim());
  return {{found.values, found.indices}, 1};
}

// Running extremes, and where they were last reached.
Outputs running(const OpCall& c, bool greatest) {
  const int axis = c.args.axis(-1);
  if (greatest) return {{cummax(c.x(), axis), cummax_indices(c.x(), axis)}, 1};
  return {{cummin(c.x(), axis), cummin_indices(c.x(), axis)}, 1};
}

constexpr OpEntry kReduceOps[] = {
    {"sum", 1, 1, reduction<sum>},
    {"mean", 1, 1, reduction<mean>},
    {"prod", 1, 1, reduction<prod>},
    {"amax", 1, 1, reduction<max>},
    {"amin", 1, 1, reduction<min>},
    {"max", 1, 2, [](const OpCall& c) { return extremum(c, true); }},
    {"min", 1, 2, [](const OpCall& c) { return extremum(c, false); }},
    {"aminmax", 1, 1,
     [](const OpCall& c) -> Outputs {
       const MinMax both = aminmax(c.x(), c.args.axes(), c.args.keepdim());
       return std::vector<Tensor>{both.min, both.max};
     }},
    {"var", 1, 1, var_op},
    {"std", 1, 1, std_op},
    {"var_mean", 1, 1, var_mean_op},
    {"std_mean", 1, 1, std_mean_op},
    {"logsumexp", 1, 1, reduction<logsumexp>},
    {"norm", 1, 1, norm_op},
    {"vector_norm", 1, 1, norm_op},
    {"any", 1, 1, truth_reduction<any>},
    {"all", 1, 1, truth_reduction<all>},
    {"count_nonzero", 1, 1, reduction<count_nonzero>},
    {"nansum", 1, 1, reduction<nansum>},
    {"argmax", 1, 1, argmax_op},
    {"argmin", 1, 1, argmin_op},
    {"softmax", 1, 1, along_axis<softmax>},
    {"log_softmax", 1, 1, along_axis<log_softmax>},
    {"softmin", 1, 1, along_axis<softmin>},
    {"cumsum", 1, 1, along_axis<cumsum>},
    {"cumprod", 1, 1, along_axis<cumprod>},
    {"cummax", 1, 1, [](const OpCall& c) { return running(c, true); }},
    {"cummin", 1, 1, [](const OpCall& c) { return running(c, false); }},
    {"logcumsumexp", 1, 1, along_axis<logcumsumexp>},
    {"sort", 1, 1, sort_op},
    {"msort", 1, 1, [](const OpCall& c) -> Outputs { return sort(c.x(), 0); }},
    {"argsort", 1, 1, argsort_op},
    {"topk", 1, 1, topk_op},
    {"kthvalue", 1, 1, kthvalue_op},
    {"median", 1, 1, median_op},
};

}  // namespace

std::span<const OpEntry> reduce_ops() { return kReduceOps; }

}  // namespace anneal::conform
