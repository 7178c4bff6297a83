// SPDX-License-Identifier: MIT
// Functions over tensors, captured and run again as one program:
//
//   auto step = an::jit([&](Tensor w, Tensor x) {
//     auto [loss, dw] = an::value_and_grad(f)(w, x);
//     return std::tuple(w - dw * 0.1, loss);
//   }, {.state = 1});
//   std::tie(w, loss) = step(w, x);   // w is updated in its own memory; nothing is read back
//
// The function runs once for each set of shapes and types of its arguments; what it does besides making
// tensors, and tensors that it refers to without taking them as arguments, are part of what is captured. 256
// such programs are kept; beyond, the one used longest ago goes and is captured again when it is needed.
// Threads that meet new shapes at the same time may each run the function; one of the programs is kept.
//
// So a learning rate that the function takes from outside, or a tensor from outside that is assigned anew,
// stays what it was when the function ran: pass what changes as an argument. `check`, or ANNEAL_CHECK_JIT=1
// for all of them, finds what was missed: each call runs the function again and raises when it makes another
// program.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "anneal/tensor.h"

namespace anneal {

struct JitOptions {
  // So many arguments, the first ones, are state: the first results are their next values and are made in
  // their memory where they can be. The tensors given for them are used up by the call.
  size_t state = 0;
  // The shapes of arguments, by position, with named dimensions: one program serves all their values. An
  // argument that has none here is captured as it comes. A dimension's value is told by an extent that is the
  // name itself, or else linear in it, as 2*B + 1; where none is, the first call says so.
  std::vector<std::optional<Sizes>> sizes = {};
  bool check = false;  // see above: for finding mistakes, since each call takes the time to build the program
};

// The captured function over lists; jit() gives it the signature of the function.
class Jit {
 public:
  using Body = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
  explicit Jit(Body body, JitOptions options = {});
  std::vector<Tensor> operator()(const std::vector<Tensor>& arguments, const Loc& loc) const;
  size_t captures() const;  // how many programs were made; what `check` runs is not counted

 private:
  struct State;
  std::shared_ptr<State> state_;  // copies are the same function
};

namespace detail {

// Results as a list, and back: a tensor, a pair or tuple of results, or a vector, which takes what is left.
inline void pack(const Tensor& t, std::vector<Tensor>& out) { out.push_back(t); }
inline void pack(const std::vector<Tensor>& list, std::vector<Tensor>& out) {
  out.insert(out.end(), list.begin(), list.end());
}
template <typename... T>
void pack(const std::tuple<T...>& all, std::vector<Tensor>& out) {
  std::apply([&](const auto&... one) { (pack(one, out), ...); }, all);
}
template <typename A, typename B>
void pack(const std::pair<A, B>& both, std::vector<Tensor>& out) {
  pack(both.first, out);
  pack(both.second, out);
}

template <typename T>
struct Unpack;
template <>
struct Unpack<Tensor> {
  static Tensor from(const std::vector<Tensor>& list, size_t& at) { return list[at++]; }
};
template <>
struct Unpack<std::vector<Tensor>> {
  static std::vector<Tensor> from(const std::vector<Tensor>& list, size_t& at) {
    const auto begin = list.begin() + static_cast<std::ptrdiff_t>(std::exchange(at, list.size()));
    return {begin, list.end()};
  }
};
template <typename... T>
struct Unpack<std::tuple<T...>> {
  static std::tuple<T...> from(const std::vector<Tensor>& list, size_t& at) {
    return std::tuple<T...>{Unpack<T>::from(list, at)...};  // braces: from left to right
  }
};
template <typename A, typename B>
struct Unpack<std::pair<A, B>> {
  static std::pair<A, B> from(const std::vector<Tensor>& list, size_t& at) {
    return std::pair<A, B>{Unpack<A>::from(list, at), Unpack<B>::from(list, at)};
  }
};

}  // namespace detail

template <typename F>
class JitFunction {
 public:
  JitFunction(F f, JitOptions options, Loc loc) : jit_(body(std::move(f)), std::move(options)), loc_(loc) {}

  template <typename... Arguments>
  auto operator()(const Arguments&... arguments) const {
    if constexpr (sizeof...(Arguments) == 1 && (std::is_same_v<Arguments, std::vector<Tensor>> && ...)) {
      return unpack<std::invoke_result_t<F, Arguments...>>(jit_(arguments..., loc_));
    } else {
      return unpack<std::invoke_result_t<F, decltype(Tensor(arguments))...>>(
          jit_({Tensor(arguments)...}, loc_));
    }
  }
  size_t captures() const { return jit_.captures(); }

 private:
  template <typename R>
  static R unpack(const std::vector<Tensor>& list) {
    size_t at = 0;
    return detail::Unpack<R>::from(list, at);
  }
  template <size_t N>
  static Tensor nth(const std::vector<Tensor>& list) {
    return list[N];
  }
  // The function over a list, whatever it takes: the number of arguments is that of the list.
  static constexpr size_t kMaxArguments = 16;
  template <size_t... I>
  static bool call(const F& f, const std::vector<Tensor>& list, std::vector<Tensor>& out,
                   std::index_sequence<I...>) {
    if constexpr (std::is_invocable_v<F, decltype((static_cast<void>(I), Tensor()))...>) {
      if (list.size() != sizeof...(I)) return false;
      detail::pack(f(list[I]...), out);
      return true;
    } else {
      return false;
    }
  }
  static Jit::Body body(F f) {
    return [f = std::move(f)](const std::vector<Tensor>& list) {
      std::vector<Tensor> out;
      if constexpr (std::is_invocable_v<F, const std::vector<Tensor>&>) {
        detail::pack(f(list), out);
      } else {
        [&]<size_t... N>(std::index_sequence<N...>) {
          (call(f, list, out, std::make_index_sequence<N>()) || ...);
        }(std::make_index_sequence<kMaxArguments + 1>());
      }
      return out;
    };
  }

  Jit jit_;
  Loc loc_;
};

// `f` takes up to 16 tensors, or one vector of them.
template <typename F>
JitFunction<F> jit(F f, JitOptions options = {}, Loc loc = Loc::current()) {
  return {std::move(f), std::move(options), loc};
}

}  // namespace anneal
