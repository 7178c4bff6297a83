// SPDX-License-Identifier: MIT
// Choices and quotients of extents: a number where it is known, an expression where it is not.
// Tested by symbolic_test.cc.
#pragma once

#include <optional>

#include "tensor/call.h"

namespace anneal {

ir::Dim lesser(const Call& call, ir::Dim a, ir::Dim b);
ir::Dim greater(const Call& call, ir::Dim a, ir::Dim b);
// a / by when that is whole at every binding.
std::optional<ir::Dim> whole_quotient(const Call& call, ir::Dim a, int64_t by);

}  // namespace anneal
