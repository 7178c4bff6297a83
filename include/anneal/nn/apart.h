// SPDX-License-Identifier: MIT
// The members of an aggregate and their names, found by the compiler: an aggregate is counted by how many
// initializers it takes, taken apart by a structured binding, and each member's name is read from the name
// of a function that has the member's address as its template argument. For nn/walk.h.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace anneal::nn::detail {

// -- Taking an aggregate apart --

template <typename Owner>
struct Anything {
  template <typename T>
    requires(!std::is_same_v<T, Owner>)
  constexpr operator T() const noexcept {  // NOLINT: it stands for every type, and is never called
    __builtin_unreachable();
  }
};

template <typename T, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), Anything<T>())...}; };
}
inline constexpr size_t kMaxInitializers = 64, kMaxMembers = 32;
// The greatest number of initializers; fewer may be refused too, by members that need one.
template <typename T, size_t N = 0>
constexpr size_t initializer_count() {
  if constexpr (N > kMaxInitializers)
    return N;
  else if constexpr (takes<T>(std::make_index_sequence<N>()) && !takes<T>(std::make_index_sequence<N + 1>()))
    return N;
  else
    return initializer_count<T, N + 1>();
}

// An array takes an initializer for each element. It is told by a nested pair of them, which leaves room for
// fewer initializers behind it than a member of a class would.
template <typename T, size_t... I, size_t... K>
constexpr bool takes_pair(std::index_sequence<I...>, std::index_sequence<K...>) {
  return requires {
    T{(static_cast<void>(I), Anything<T>())...,
      {Anything<T>(), Anything<T>()},
      (static_cast<void>(K), Anything<T>())...};
  };
}
template <typename T, size_t N, size_t At, size_t Behind>
constexpr size_t array_length() {
  if constexpr (takes_pair<T>(std::make_index_sequence<At>(), std::make_index_sequence<Behind>()))
    return N - At - Behind;
  else if constexpr (Behind == 0)
    return 1;
  else
    return array_length<T, N, At, Behind - 1>();
}
template <typename T, size_t N, size_t At = 0>
constexpr size_t members_from() {
  if constexpr (At >= N)
    return 0;
  else
    return 1 + members_from<T, N, At + array_length<T, N, At, N - At - 1>()>();
}
template <typename T>
constexpr size_t member_count() {
  constexpr size_t n = initializer_count<T>();
  if constexpr (n > kMaxInitializers)
    return n;
  else
    return members_from<T, n>();
}

template <typename... M>
constexpr std::tuple<M*...> addresses(M&... members) {
  return {&members...};
}

template <typename T>
constexpr auto member_addresses(T& m) {
  constexpr size_t n = member_count<std::remove_const_t<T>>();
  static_assert(n <= kMaxMembers,
                "a module of more than 32 members, or one that the compiler cannot take apart: name its "
                "members with ANNEAL_MEMBERS(first, second, ...)");
#define ANNEAL_APART(count, ...)   \
  else if constexpr (n == count) { \
    auto& [__VA_ARGS__] = m;       \
    return addresses(__VA_ARGS__); \
  }
  if constexpr (n == 0) {
    return std::tuple<>();
  }
  ANNEAL_APART(1, a)
  ANNEAL_APART(2, a, b)
  ANNEAL_APART(3, a, b, c)
  ANNEAL_APART(4, a, b, c, d)
  ANNEAL_APART(5, a, b, c, d, e)
  ANNEAL_APART(6, a, b, c, d, e, f)
  ANNEAL_APART(7, a, b, c, d, e, f, g)
  ANNEAL_APART(8, a, b, c, d, e, f, g, h)
#define ANNEAL_8 a, b, c, d, e, f, g, h
  ANNEAL_APART(9, ANNEAL_8, i)
  ANNEAL_APART(10, ANNEAL_8, i, j)
  ANNEAL_APART(11, ANNEAL_8, i, j, k)
  ANNEAL_APART(12, ANNEAL_8, i, j, k, l)
  ANNEAL_APART(13, ANNEAL_8, i, j, k, l, o)
  ANNEAL_APART(14, ANNEAL_8, i, j, k, l, o, p)
  ANNEAL_APART(15, ANNEAL_8, i, j, k, l, o, p, q)
  ANNEAL_APART(16, ANNEAL_8, i, j, k, l, o, p, q, r)
#define ANNEAL_16 ANNEAL_8, i, j, k, l, o, p, q, r
  ANNEAL_APART(17, ANNEAL_16, s)
  ANNEAL_APART(18, ANNEAL_16, s, t)
  ANNEAL_APART(19, ANNEAL_16, s, t, u)
  ANNEAL_APART(20, ANNEAL_16, s, t, u, v)
  ANNEAL_APART(21, ANNEAL_16, s, t, u, v, w)
  ANNEAL_APART(22, ANNEAL_16, s, t, u, v, w, x)
  ANNEAL_APART(23, ANNEAL_16, s, t, u, v, w, x, y)
  ANNEAL_APART(24, ANNEAL_16, s, t, u, v, w, x, y, z)
#define ANNEAL_24 ANNEAL_16, s, t, u, v, w, x, y, z
  ANNEAL_APART(25, ANNEAL_24, a1)
  ANNEAL_APART(26, ANNEAL_24, a1, a2)
  ANNEAL_APART(27, ANNEAL_24, a1, a2, a3)
  ANNEAL_APART(28, ANNEAL_24, a1, a2, a3, a4)
  ANNEAL_APART(29, ANNEAL_24, a1, a2, a3, a4, a5)
  ANNEAL_APART(30, ANNEAL_24, a1, a2, a3, a4, a5, a6)
  ANNEAL_APART(31, ANNEAL_24, a1, a2, a3, a4, a5, a6, a7)
  ANNEAL_APART(32, ANNEAL_24, a1, a2, a3, a4, a5, a6, a7, a8)
#undef ANNEAL_24
#undef ANNEAL_16
#undef ANNEAL_8
#undef ANNEAL_APART
}

// -- Names --

// An object of every type that is never made: only addresses of its members are taken.
template <typename T>
struct Imagined {
  const T value;
};
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <typename T>
extern const Imagined<T> imagined;

// "... [with auto member = (& imagined<Net>. ... Net::fc1)]", or "... [member = &imagined.value.fc1]".
template <auto member>
constexpr const char* function_name() {
  return __PRETTY_FUNCTION__;
}
constexpr std::string_view last_word(std::string_view text) {
  const auto is_word = [](char c) {
    return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  };
  size_t end = text.size();
  while (end > 0 && !is_word(text[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}
template <typename T, size_t I>
constexpr std::string_view member_name() {
  return last_word(function_name<std::get<I>(member_addresses(imagined<T>.value))>());
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace anneal::nn::detail
