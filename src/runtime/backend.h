// SPDX-License-Identifier: MIT
// Tensors on devices: the backend that the tensor API runs with where the runtime is linked, and the context
// that it uses. Tested by runtime_test.cc and jit_test.cc.
#pragma once

#include "runtime/context.h"

namespace anneal::runtime {

// The current context: made at first use, from ANNEAL_DEVICE. Null: the interpreter runs tensors.
Context* current_context();

// While it lives, tensors run with these settings.
class Using {
 public:
  explicit Using(const Settings& settings);
  ~Using();
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;
  Context* context() { return current_context(); }

 private:
  Context* saved_;
  bool was_made_;
};

// What runs tensors, by name: the devices, and interp.
std::vector<std::string> device_names();

}  // namespace anneal::runtime
