// SPDX-License-Identifier: MIT
#include "conform/ops.h"

#include "io/message.h"
#include "support/nearest.h"

namespace anneal::conform {
namespace {

struct SecondName {
  std::string_view name, means;
};
constexpr SecondName kSecondNames[] = {
    {"negative", "neg"},
    {"absolute", "abs"},
    {"sgn", "sign"},
    {"arcsin", "asin"},
    {"arccos", "acos"},
    {"arctan", "atan"},
    {"arcsinh", "asinh"},
    {"arccosh", "acosh"},
    {"arctanh", "atanh"},
    {"arctan2", "atan2"},
    {"fix", "trunc"},
    {"expit", "sigmoid"},
    {"swish", "silu"},
    {"logsigmoid", "log_sigmoid"},
    {"subtract", "sub"},
    {"multiply", "mul"},
    {"divide", "div"},
    {"true_divide", "div"},
    {"floor_divide", "floordiv"},
    {"mod", "remainder"},
    {"less", "lt"},
    {"less_equal", "le"},
    {"greater", "gt"},
    {"greater_equal", "ge"},
    {"equal", "eq"},
    {"not_equal", "ne"},
    {"bitwise_left_shift", "shift_left"},
    {"bitwise_right_shift", "shift_right"},
    {"clip", "clamp"},
    {"mm", "matmul"},
    {"bmm", "matmul"},
    {"mv", "matmul"},
    {"inner", "dot"},
    {"vdot", "dot"},
    {"ger", "outer"},
    {"view", "reshape"},
    {"swapaxes", "transpose"},
    {"swapdims", "transpose"},
    {"moveaxis", "movedim"},
    {"broadcast_to", "expand"},
    {"concat", "cat"},
    {"concatenate", "cat"},
    {"repeat", "tile"},
    {"pad_constant", "pad"},
    {"upsample_nearest", "interpolate_nearest"},
    {"upsample_bilinear", "interpolate_bilinear"},
    {"upsample", "interpolate"},
    {"scaled_dot_product_attention", "sdpa"},
    {"attention", "sdpa"},
    {"mse", "mse_loss"},
    {"nll", "nll_loss"},
    {"l1", "l1_loss"},
    {"huber", "huber_loss"},
    {"smooth_l1", "smooth_l1_loss"},
    {"binary_cross_entropy_with_logits", "bce_with_logits"},
    {"bce", "binary_cross_entropy"},
};

constexpr std::span<const OpEntry> (*kTables[])() = {elementwise_ops, reduce_ops, movement_ops, linalg_ops,
                                                     nn_ops};

const OpEntry* look_up(std::string_view name) {
  for (const SecondName& second : kSecondNames)
    if (second.name == name) name = second.means;
  for (const auto table : kTables)
    for (const OpEntry& entry : table())
      if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace

std::vector<std::string_view> op_names() {
  std::vector<std::string_view> out;
  for (const auto table : kTables)
    for (const OpEntry& entry : table()) out.push_back(entry.name);
  for (const SecondName& second : kSecondNames) out.push_back(second.name);
  return out;
}

int axis_of(const OpCall& c, const Tensor& x, std::optional<int64_t> fallback) {
  const int axis = c.args.axis(fallback), rank = x.rank();
  if (axis < -rank || axis >= rank)
    Args::fail(kAxis, std::to_string(axis) + " is out of range for " + x.type());
  return axis < 0 ? axis + rank : axis;
}

const OpEntry& find_op(std::string_view name) {
  const OpEntry* found = look_up(name);
  constexpr std::string_view kScalar = "_scalar";
  if (found == nullptr && name.ends_with(kScalar))
    found = look_up(name.substr(0, name.size() - kScalar.size()));
  if (found == nullptr)
    raise(ErrorCode::kName, "there is no op " + io::in_quotes(name) +
                                support::nearest_hint("; the nearest is ", name.substr(0, 100), op_names()));
  return *found;
}

}  // namespace anneal::conform
