// SPDX-License-Identifier: MIT
// Functions of functions: gradients are values, and nest to any order.
#pragma once

#include <functional>
#include <tuple>
#include <vector>

#include "anneal/functions.h"

namespace anneal {

// The derivative of a scalar with respect to tensors that were used to make it; zeros where it does not
// depend on one. The gradient of a narrow float comes in the widest type its adjoint met.
std::vector<Tensor> gradients(const Tensor& loss, const std::vector<Tensor>& wrt, Loc loc = Loc::current());
// The sum over outputs of upstream * d(output)/d(wrt).
std::vector<Tensor> vjp(const std::vector<Tensor>& outputs, const std::vector<Tensor>& upstream,
                        const std::vector<Tensor>& wrt, Loc loc = Loc::current());
// For each output the sum over wrt of d(output)/d(wrt) * tangent.
std::vector<Tensor> jvp(const std::vector<Tensor>& outputs, const std::vector<Tensor>& wrt,
                        const std::vector<Tensor>& tangents, Loc loc = Loc::current());
// x as a value of its own: a derivative with respect to the result does not mix with other uses of x.
Tensor alias(In x);

// `value`, computed from `inputs`, with its own derivative: backward(upstream) gives one gradient an input;
// an empty tensor means none.
using BackwardFn =
    std::function<std::vector<Tensor>(const Tensor& upstream, const std::vector<Tensor>& inputs)>;
Tensor custom_gradient(In value, const std::vector<Tensor>& inputs, BackwardFn backward);

struct GradOptions {
  std::vector<size_t> argnums = {0};
};

namespace detail {
template <typename F, typename... Args>
std::pair<Tensor, std::vector<Tensor>> evaluate_with_gradients(const F& f, const GradOptions& options,
                                                               Loc loc, const Args&... args) {
  std::vector<Tensor> inputs{Tensor(args)...};
  std::vector<Tensor> wrt;
  for (size_t i : options.argnums) {
    if (i >= inputs.size())
      fail("grad", ErrorCode::kArgument,
           "argnums names argument " + std::to_string(i) + ", the function has " +
               std::to_string(inputs.size()),
           loc);
    inputs[i] = alias(In(inputs[i], loc));
    wrt.push_back(inputs[i]);
  }
  Tensor value = [&]<size_t... I>(std::index_sequence<I...>) {
    return f(inputs[I]...);
  }(std::index_sequence_for<Args...>{});
  std::vector<Tensor> found = gradients(value, wrt, loc);
  return {std::move(value), std::move(found)};
}
}  // namespace detail

// The gradient of a function with a scalar result, with respect to its first argument.
template <typename F>
auto grad(F f, Loc loc = Loc::current()) {
  return [f = std::move(f), loc](const auto&... args) -> Tensor {
    return detail::evaluate_with_gradients(f, GradOptions{}, loc, args...).second[0];
  };
}
// With respect to the arguments named: one gradient each.
template <typename F>
auto grad(F f, GradOptions options, Loc loc = Loc::current()) {
  return [f = std::move(f), options = std::move(options), loc](const auto&... args) {
    return detail::evaluate_with_gradients(f, options, loc, args...).second;
  };
}
// auto [loss, dw] = value_and_grad(f)(w, x);
template <typename F>
auto value_and_grad(F f, Loc loc = Loc::current()) {
  return [f = std::move(f), loc](const auto&... args) -> std::pair<Tensor, Tensor> {
    auto [value, found] = detail::evaluate_with_gradients(f, GradOptions{}, loc, args...);
    return {std::move(value), std::move(found[0])};
  };
}
template <typename F>
auto value_and_grad(F f, GradOptions options, Loc loc = Loc::current()) {
  return [f = std::move(f), options = std::move(options), loc](const auto&... args) {
    return detail::evaluate_with_gradients(f, options, loc, args...);
  };
}

}  // namespace anneal
