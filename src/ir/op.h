// SPDX-License-Identifier: MIT
// The op enum and what the op table (ops.def) says of each op.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "support/check.h"

namespace anneal::ir {

enum class Op : uint8_t {
#define ANNEAL_OP(id, ...) id,
#include "ir/ops.def"
#undef ANNEAL_OP
};
inline constexpr int kNumOps = 0
#define ANNEAL_OP(...) +1
#include "ir/ops.def"
#undef ANNEAL_OP
    ;

enum OpFlag : uint32_t {
  kLeaf = 1 << 0,         // no value comes in through sources
  kElementwise = 1 << 1,  // one result element from the elements at the same position
  kMovement = 1 << 2,     // moves elements, computes none
  kCommutative = 1 << 3,  // f(a, b) == f(b, a)
  kAssociative = 1 << 4,  // over integers and in exact arithmetic; for floats only where a program allows it
  kIdempotent = 1 << 5,   // f(a, a) == a
  kIdempotentUnary = 1 << 6,  // f(f(a)) == f(a)
  kComparison = 1 << 7,       // gives bool
  kTranscendental = 1 << 8,   // devices may differ in the last bits
  kIndexOp = 1 << 9,          // belongs to dimension and index arithmetic
  kUnique = 1 << 10,          // its argument makes every node a value of its own
  kKernelOp = 1 << 11,        // exists at the kernel stage only
  kStatement = 1 << 12,       // writes memory: a source of a kernel's sink
};

enum class ArgKind : uint8_t {
  None,
  Const,
  Var,
  Range,
  Param,
  Buffer,
  Axis,
  Lane,
  Perm,
  Pad,
  Slice,
  Axes,
  Reduce,
  Scan,
  Sort,
  Scatter,
  Custom
};

enum class DTypeRule : uint8_t {
  Given,         // the maker says; Const and Param of any type, Var and Range of index
  Source,        // that of source 0
  Same,          // all sources alike, and so is the result
  Number,        // alike, and integers or floats
  NumberOrBool,  // alike, anything but void
  Int,           // alike, integers
  Integral,      // alike, integers or bool
  Float,         // alike, floats
  Compare,       // sources alike; bool
  Where,         // bool, then two alike
  U32,           // sources u32; u32
  I32,           // any source; i32
  Gather,        // source 0; source 1 is an integer
  Scatter,       // sources 0 and 2 alike; source 1 is an integer
  Load,          // source 0; source 1 is an index, source 2 a bool
  Store,         // sources 0 and 2 alike; source 1 is an index; void
  SortStore,     // source 0 is i32, source 1 an index; void
  Void,          // any sources; void
};

enum class ShapeRule : uint8_t {
  Scalar,
  Given,
  Source,
  Elementwise,
  Reshape,
  Expand,
  Permute,
  Pad,
  Slice,
  Flip,
  Concat,
  Reduce,
  ArgReduce,
  Gather,
  Scatter
};

struct OpInfo {
  std::string_view id;               // "FloorDiv"
  std::string_view text;             // "floordiv"
  int16_t min_sources, max_sources;  // max -1: any number
  uint32_t flags;
  ArgKind arg;
  DTypeRule dtype_rule;
  ShapeRule shape_rule;
  std::string_view meaning;

  constexpr bool has(OpFlag flag) const { return (flags & flag) != 0; }
};

inline constexpr std::array<OpInfo, kNumOps> kOpTable = {{
#define ANNEAL_OP(id, text, lo, hi, flags, arg, dtype, shape, meaning) \
  {#id, text, lo, hi, flags, ArgKind::arg, DTypeRule::dtype, ShapeRule::shape, meaning},
#include "ir/ops.def"
#undef ANNEAL_OP
}};

constexpr const OpInfo& op_info(Op op) { return kOpTable[static_cast<size_t>(op)]; }
constexpr std::string_view op_text(Op op) { return op_info(op).text; }
constexpr bool has_flag(Op op, OpFlag flag) { return op_info(op).has(flag); }

// The op written `text`, e.g. "floordiv".
std::optional<Op> op_from_text(std::string_view text);
// The known text nearest to `text` by edit distance, for error messages.
std::string_view nearest_op_text(std::string_view text);

// A table with one entry for every op, whose completeness is checked at compile time:
//   constexpr auto kTable = make_op_table<Fn>({{Op::Add, add_rule}, ...});
template <typename T>
struct OpEntry {
  Op op;
  T value;
};
template <typename T, size_t N>
consteval std::array<T, kNumOps> make_op_table(const OpEntry<T> (&entries)[N]) {
  static_assert(N == kNumOps, "the table must have one entry for every op of ops.def");
  std::array<T, kNumOps> table{};
  std::array<bool, kNumOps> seen{};
  for (const OpEntry<T>& e : entries) {
    if (seen[static_cast<size_t>(e.op)])
      support::check_failed(__FILE__, __LINE__, "an op has two entries", "");
    seen[static_cast<size_t>(e.op)] = true;
    table[static_cast<size_t>(e.op)] = e.value;
  }
  return table;
}

}  // namespace anneal::ir
