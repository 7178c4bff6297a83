// SPDX-License-Identifier: MIT
// The parameters of a module by the paths of its members. Aggregates are taken apart by the compiler
// (nn/apart.h); modules in arrays, std::vector, std::optional, std::unique_ptr, std::pair and maps of
// strings are found too; all other members are skipped. A class that is no aggregate names its members once:
//
//   class Encoder {
//    public:
//     explicit Encoder(int64_t width);
//     ANNEAL_MEMBERS(first, second)
//    private:
//     nn::Linear first, second;
//   };
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "anneal/nn/apart.h"
#include "anneal/nn/param.h"

#define ANNEAL_MEMBERS(...)                       \
  template <typename AnnealVisit>                 \
  void anneal_members(const AnnealVisit& visit) { \
    visit(#__VA_ARGS__, __VA_ARGS__);             \
  }

namespace anneal::nn::detail {

// What a walk meets, in the order of the members. The rest of a walk is not a template.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void param(Param& param, const std::string& path) = 0;
  virtual void module(const void* address, const void* type, const std::string& path);

  void leaf(std::string_view name, Param& param);
  size_t enter(std::string_view name, const void* address, const void* type);  // gives what leave() takes
  void here(const void* address, const void* type) { module(address, type, path_); }
  size_t enter(size_t index, const void* address, const void* type);
  void leave(size_t length) { path_.resize(length); }

 private:
  std::string path_;
};

// One address a type: a module and its first member may have the same address.
template <typename T>
inline constexpr char type_tag = 0;

// -- Walking --

template <typename T>
struct ListOf : std::false_type {};
template <typename T, typename A>
struct ListOf<std::vector<T, A>> : std::bool_constant<std::is_class_v<T>> {};
template <typename T, size_t N>
struct ListOf<std::array<T, N>> : std::bool_constant<std::is_class_v<T>> {};
template <typename T>
struct OptionalOf : std::false_type {};
template <typename T>
struct OptionalOf<std::optional<T>> : std::bool_constant<std::is_class_v<T>> {};
template <typename T, typename D>
struct OptionalOf<std::unique_ptr<T, D>> : std::bool_constant<std::is_class_v<T>> {};
template <typename T>
struct MapOf : std::false_type {};
template <typename T, typename C, typename A>
struct MapOf<std::map<std::string, T, C, A>> : std::bool_constant<std::is_class_v<T>> {};
template <typename T>
struct PairOf : std::false_type {};
template <typename T, typename U>
struct PairOf<std::pair<T, U>> : std::true_type {};

struct AnyVisit {
  template <typename... M>
  void operator()(std::string_view, M&...) const {}
};
template <typename T>
concept NamesMembers = requires(T& t) { t.anneal_members(AnyVisit()); };

// Modules whose members are known at run time only.
template <typename T>
concept WalksItself = requires(T& t, Visitor& visitor) { t.anneal_walk(visitor); };

template <typename T>
inline constexpr bool is_leaf = std::is_base_of_v<Param, T>;
// A copy of a model would have the same one, and a step trains a copy.
template <typename T>
inline constexpr bool is_shared_module = false;
template <typename T>
inline constexpr bool is_shared_module<std::shared_ptr<T>> = is_leaf<T> || NamesMembers<T>;
template <typename T>
inline constexpr bool is_walked =
    std::is_class_v<T> && !std::is_const_v<T> &&
    (is_leaf<T> || ListOf<T>::value || OptionalOf<T>::value || MapOf<T>::value || PairOf<T>::value ||
     NamesMembers<T> || WalksItself<T> || std::is_aggregate_v<T>);

template <typename T>
void walk(T& module, Visitor& visitor);

// `name`: of a member, or its number in a list.
template <typename Name, typename T>
void walk_member(const Name& name, T& member, Visitor& visitor) {
  static_assert(
      !is_shared_module<T>,
      "a module behind a std::shared_ptr is shared with copies of the model: keep it as a member, in "
      "std::optional or in std::unique_ptr; a Param is a handle that can be shared as it is");
  if constexpr (std::is_array_v<T>) {
    const size_t length = visitor.enter(name, &member, &type_tag<T>);
    size_t i = 0;
    for (auto& element : member) walk_member(i++, element, visitor);
    visitor.leave(length);
  } else if constexpr (OptionalOf<T>::value) {
    if (member) walk_member(name, *member, visitor);
  } else if constexpr (is_leaf<T> && std::is_same_v<Name, std::string_view>) {
    visitor.leaf(name, member);
  } else if constexpr (is_leaf<T>) {
    visitor.leaf(std::to_string(name), member);
  } else if constexpr (is_walked<T>) {
    const size_t length = visitor.enter(name, &member, &type_tag<T>);
    walk(member, visitor);
    visitor.leave(length);
  }
}

// The next of "first, second".
std::string_view next_name(std::string_view& names);

template <typename T>
void walk(T& module, Visitor& visitor) {
  if constexpr (ListOf<T>::value) {
    size_t i = 0;
    for (auto& element : module) walk_member(i++, element, visitor);
  } else if constexpr (MapOf<T>::value) {
    for (auto& [name, element] : module) walk_member(std::string_view(name), element, visitor);
  } else if constexpr (PairOf<T>::value) {
    walk_member(std::string_view("first"), module.first, visitor);
    walk_member(std::string_view("second"), module.second, visitor);
  } else if constexpr (WalksItself<T>) {
    module.anneal_walk(visitor);
  } else if constexpr (NamesMembers<T>) {
    module.anneal_members([&](std::string_view names, auto&... members) {
      (walk_member(next_name(names), members, visitor), ...);
    });
  } else if constexpr (!std::is_trivially_copyable_v<T>) {  // else it holds no handles: settings
    static_assert(std::is_aggregate_v<T>,
                  "a model that is no aggregate (it has a constructor or private members) "
                  "names its members: ANNEAL_MEMBERS(first, second, ...)");
    const auto members = member_addresses(module);
    [&]<size_t... I>(std::index_sequence<I...>) {
      (walk_member(member_name<T, I>(), *std::get<I>(members), visitor), ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(members)>>());
  }
}

}  // namespace anneal::nn::detail
