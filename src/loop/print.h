// SPDX-License-Identifier: MIT
// A program as text: for dumps, goldens and readers. Values have the numbers that ir::print gives them in the
// text of the program's kernel, ranges are r<id>, variables go by name. Tested by print_test.cc.
#pragma once

#include <string>

#include "loop/program.h"

namespace anneal::loop {

// With `expressions`, a let also says what it makes.
std::string print(const ir::Graph& graph, const Program& program);

}  // namespace anneal::loop
