// SPDX-License-Identifier: MIT
// The arguments of a reference entry. Names are those of PyTorch, with the spellings that stand for one
// argument written together: "axis|dim|axes|dims". Numbers and lists are checked as they are read; an
// argument that no op asked for is found by unused().
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anneal/tensor.h"

namespace anneal::conform {

inline constexpr std::string_view kAxis = "axis|dim|axes|dims";

class Args {
 public:
  explicit Args(const nlohmann::json& object) : object_(object) {}

  // Null counts as absent everywhere.
  bool has(std::string_view names) const { return find(names) != nullptr; }
  bool is_text(std::string_view names) const;
  int64_t integer(std::string_view names, std::optional<int64_t> fallback = std::nullopt) const;
  double number(std::string_view names, std::optional<double> fallback = std::nullopt) const;
  bool flag(std::string_view names, bool fallback) const;
  std::string text(std::string_view names, std::optional<std::string> fallback = std::nullopt) const;
  // One number, or a list.
  std::vector<int64_t> integers(std::string_view names,
                                std::optional<std::vector<int64_t>> fallback = std::nullopt) const;
  std::vector<double> numbers(std::string_view names,
                              std::optional<std::vector<double>> fallback = std::nullopt) const;
  // A number as an operand: an integer, a float or a bool.
  In operand(std::string_view names) const;

  int axis(std::optional<int64_t> fallback = std::nullopt) const;
  Axes axes(std::string_view names = kAxis) const;  // none: all
  bool keepdim() const { return flag("keepdim|keepdims", false); }
  double eps(double fallback) const { return number("eps", fallback); }

  // The value itself, for arguments with a form of their own; null when absent.
  const nlohmann::json* find(std::string_view names) const;
  // Says "argument NAME: what".
  [[noreturn]] static void fail(std::string_view names, const std::string& what);
  std::vector<std::string> unused() const;

 private:
  const nlohmann::json& object_;
  mutable std::set<std::string> used_;
};

// A JSON number that is an integer, also when it is written 2.0.
std::optional<int64_t> as_integer(const nlohmann::json& value);

}  // namespace anneal::conform
