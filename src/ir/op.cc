// SPDX-License-Identifier: MIT
#include "ir/op.h"

#include "support/nearest.h"

namespace anneal::ir {

std::optional<Op> op_from_text(std::string_view text) {
  for (int i = 0; i < kNumOps; ++i)
    if (kOpTable[static_cast<size_t>(i)].text == text) return static_cast<Op>(i);
  return std::nullopt;
}

std::string_view nearest_op_text(std::string_view text) {
  std::array<std::string_view, kNumOps> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kOpTable[i].text;
  return support::nearest_name(text, names);
}

}  // namespace anneal::ir
