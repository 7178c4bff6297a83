// SPDX-License-Identifier: MIT
// Whether a function that was captured still makes the same program: what it reads besides its arguments may
// have changed since, which a replay does not see. Tested by src/runtime/jit_test.cc.
#pragma once

#include <optional>
#include <string>

#include "anneal/tensor.h"
#include "ir/graph.h"

namespace anneal {

// While it lives, calls of captured functions in this thread are part of what is being captured.
class Capturing {
 public:
  Capturing() { ++depth(); }
  ~Capturing() { --depth(); }
  Capturing(const Capturing&) = delete;
  Capturing& operator=(const Capturing&) = delete;
  static int& depth();
};

// What is different, in words; nothing when the results are the same function of the arguments. Aliases and
// custom gradients are made anew by each run and count as equal; other data is compared by its elements.
std::optional<std::string> changed_since(const ir::Graph& graph, const std::vector<Tensor>& captured,
                                         const std::vector<Tensor>& now);

}  // namespace anneal
