// SPDX-License-Identifier: MIT
// Elements of computed data as host numbers, for printing and conversion.
#pragma once

#include <memory>

#include "anneal/tensor.h"
#include "ir/graph.h"

namespace anneal {

struct HostValue {
  double number = 0;     // when is_float
  uint64_t integer = 0;  // else, two's complement when is_signed
  bool is_float = false, is_signed = false;
};
HostValue load_value(const ir::BufferData& data, size_t i);

std::shared_ptr<const ir::BufferData> evaluate(const Tensor& t, const RunOptions& options, const Loc& loc);

// The array as numpy prints it: aligned columns, 8 significant digits, long axes shortened to their ends.
std::string array_text(const ir::BufferData& data);

}  // namespace anneal
