// SPDX-License-Identifier: MIT
// The functions that compiled code calls: what is rare, long, and no matter of instructions.
// Tested by emit_test.cc and elementwise_slow_test.cc.
#pragma once

#include <span>

namespace anneal::cpu {

struct RuntimeFunction {
  const char* name;
  void* address;
};
std::span<const RuntimeFunction> runtime_functions();

}  // namespace anneal::cpu
