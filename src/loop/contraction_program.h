// SPDX-License-Identifier: MIT
// Whether a kernel may run, and had better run, through a device's contraction skeleton. Private to this
// folder; tested through lower_test.cc.
#pragma once

#include <memory>

#include "loop/lower.h"

namespace anneal::loop {

// `kernel` is simplified. Null when it has no contraction, when that is so small that loops are faster, and
// when its parts could not run apart.
std::shared_ptr<const ContractionProgram> contraction_program(ir::Graph& graph, Node kernel,
                                                              const LowerOptions& options);

}  // namespace anneal::loop
