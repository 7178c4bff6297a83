// SPDX-License-Identifier: MIT
// A rewrite rule is named data:
//   {"add-zero", "x + 0 = x", x + 0, x, of_int},
//   {"max-known", "max(a, b) = a when b <= a", max(x, y), max_by_bounds, of_index},
// name, law, pattern, replacement (a pattern or a named function), then conditions in any order: element
// types, a guard, a float class, both_orders, tensors_only. All of it can be listed, printed, fuzzed and
// traced. Tested by rewrite_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "rewrite/pattern.h"

namespace anneal::rewrite {

class MatchContext;

// What a rule may do to floats. Integers, index and bool are always exact.
enum class FloatClass : uint8_t {
  kExact,          // the same bits, NaN and -0 included
  kReassociating,  // exact in real arithmetic; rounds elsewhere, and may differ where infinities or NaN arise
  kApproximate,    // within a few units in the last place, where the function is defined
};
inline constexpr std::array<std::string_view, 3> kFloatClassText = {"exact", "reassociating", "approximate"};

// Classes a program allows; exact rules always run.
struct FloatClasses {
  bool reassociating = false, approximate = false;
  bool allows(FloatClass c) const {
    return c == FloatClass::kExact || (c == FloatClass::kReassociating ? reassociating : approximate);
  }
};

// Classes of element types. A rule is tried on a node by the type of its last source (a leaf: its own), which
// for arithmetic is the type of the values, for comparisons that of what is compared, for casts that of the
// source.
struct Types {
  uint8_t mask;
  constexpr bool has(Types t) const { return (mask & t.mask) != 0; }
};
inline constexpr Types of_bool{1}, of_machine_int{2}, of_index{4}, of_float{8};
inline constexpr Types of_int{6}, of_number{14}, of_integral{7}, of_any{15};
Types types_of(DType t);  // one class, or none for void
Types types_of_node(const ir::Graph& graph, ir::Node n);

struct Guard {
  std::string_view name;
  bool (*holds)(MatchContext&);
};

// Commutative ops of the pattern match both orders of their sources.
struct BothOrders {};
inline constexpr BothOrders both_orders{};

// Not tried on scalars, which index arithmetic consists of.
struct TensorsOnly {};
inline constexpr TensorsOnly tensors_only{};

using RewriteFunction = ir::Node (*)(MatchContext&);  // null: does not apply

// A name with the place where it is written.
struct RuleName {
  const char* text;
  std::source_location where;
  RuleName(const char* name,
           std::source_location at = std::source_location::current())  // NOLINT: names are texts
      : text(name), where(at) {}
};

struct Replacement {
  Pattern pattern;
  RewriteFunction function = nullptr;
  Replacement(const Pattern& p) : pattern(p) {}      // NOLINT: what a rule is written with
  Replacement(int value) : pattern(value) {}         // NOLINT
  Replacement(double value) : pattern(value) {}      // NOLINT
  Replacement(RewriteFunction fn) : function(fn) {}  // NOLINT
};

struct Rule {
  std::string_view name, law;
  Pattern pattern;
  Replacement replacement;
  Types types = of_any;
  Guard guard{{}, nullptr};
  FloatClass float_class = FloatClass::kExact;
  bool commutes = false, skips_scalars = false;
  std::source_location where;
  std::string_view topic;  // set when the topic is registered
  uint16_t id = 0;         // 1 + place among all rules; what Origin::rule holds

  template <typename... Conditions>
  Rule(RuleName rule_name, std::string_view rule_law, const Pattern& from, const Replacement& to,
       Conditions... conditions)
      : name(rule_name.text), law(rule_law), pattern(from), replacement(to), where(rule_name.where) {
    (set(conditions), ...);
    check();
  }

  std::string replacement_text() const;  // of a function: "(see law)"
  std::string types_text() const;        // "int", "index", "any"
  std::string place() const;             // "src/rules/arithmetic.cc:31"

 private:
  void set(Types t) { types = t; }
  void set(Guard g) { guard = g; }
  void set(FloatClass c) { float_class = c; }
  void set(BothOrders) { commutes = true; }
  void set(TensorsOnly) { skips_scalars = true; }
  void check() const;  // letters of the replacement occur in the pattern
};

}  // namespace anneal::rewrite
