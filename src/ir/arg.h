// SPDX-License-Identifier: MIT
// Arguments of nodes: a closed set of small structs, one for each ArgKind of the op table, in the same order.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/node.h"
#include "ir/op.h"

namespace anneal::ir {

enum class ReduceOp : uint8_t { kAdd, kMul, kMax, kMin };
inline constexpr std::array<std::string_view, 4> kReduceOpText = {"add", "mul", "max", "min"};
enum class ScatterMode : uint8_t { kAdd, kSet };
inline constexpr std::array<std::string_view, 2> kScatterModeText = {"add", "set"};
// What a range is bound to; the schedule decides.
enum class AxisKind : uint8_t { kLoop, kReduce };
inline constexpr std::array<std::string_view, 2> kAxisKindText = {"loop", "reduce"};

using AxisMask = uint32_t;  // bit i: axis i

struct NoArg {
  bool operator==(const NoArg&) const = default;
};
struct ConstArg {
  Scalar value;
  bool operator==(const ConstArg&) const = default;
};
struct VarArg {
  std::string name;
  int64_t min = 0, max = 0, multiple_of = 1;  // inclusive bounds
  bool operator==(const VarArg&) const = default;
};
struct RangeArg {
  int64_t id = 0;
  AxisKind kind = AxisKind::kLoop;
  bool operator==(const RangeArg&) const = default;
};
struct ParamArg {
  int64_t index = 0;
  std::string name;  // may be empty
  bool operator==(const ParamArg&) const = default;
};
struct BufferArg {
  uint64_t serial = 0;
  bool operator==(const BufferArg&) const = default;
};
struct AxisArg {
  int32_t axis = 0;
  bool operator==(const AxisArg&) const = default;
};
struct LaneArg {
  int32_t lane = 0;  // 0 or 1
  bool operator==(const LaneArg&) const = default;
};
struct PermArg {
  std::vector<uint8_t> perm;
  bool operator==(const PermArg&) const = default;
};
struct PadArg {
  std::vector<Dim> low, high;  // elements added; never negative
  std::vector<int64_t> interior;
  bool operator==(const PadArg&) const = default;
};
struct SliceArg {
  std::vector<Dim> start;
  std::vector<int64_t> step;  // positive
  bool operator==(const SliceArg&) const = default;
};
struct AxesArg {
  AxisMask axes = 0;
  bool operator==(const AxesArg&) const = default;
};
struct ReduceArg {
  ReduceOp op = ReduceOp::kAdd;
  AxisMask axes = 0;
  bool operator==(const ReduceArg&) const = default;
};
struct ScanArg {
  ReduceOp op = ReduceOp::kAdd;
  int32_t axis = 0;
  bool reverse = false;  // from the end
  bool operator==(const ScanArg&) const = default;
};
struct SortArg {
  int32_t axis = 0;
  bool descending = false;
  bool operator==(const SortArg&) const = default;
};
struct ScatterArg {
  ScatterMode mode = ScatterMode::kAdd;
  int32_t axis = 0;
  bool operator==(const ScatterArg&) const = default;
};
struct CustomArg {
  uint64_t serial = 0;  // of the function in Graph's table
  bool operator==(const CustomArg&) const = default;
};

using Arg = std::variant<NoArg, ConstArg, VarArg, RangeArg, ParamArg, BufferArg, AxisArg, LaneArg, PermArg,
                         PadArg, SliceArg, AxesArg, ReduceArg, ScanArg, SortArg, ScatterArg, CustomArg>;
static_assert(std::variant_size_v<Arg> == static_cast<size_t>(ArgKind::Custom) + 1);

constexpr ArgKind arg_kind(const Arg& arg) { return static_cast<ArgKind>(arg.index()); }

}  // namespace anneal::ir
