// SPDX-License-Identifier: MIT
// A program as text, for dumps, goldens and readers:
//   grid r0:0..B by 4
//     for r0:0..B
//       begin %20 max
//       for r2:0..768 vector 16
//         let %12 = load slot 0 [((r0 * 768) + r2)] : f32
//         fold %20 with %12
// Values have the numbers that ir::print gives them in the text of the program's kernel, ranges are r<id>,
// variables go by name; a value that is made nowhere is written out where it is used. A program of phases:
//   grid r0:0..B r1:0..T by 64
//   local slot 5 f32[4096]
//   sweep phases 0..2 over 4096 from 0 by 512: size:64 from at:64
//   phase 0 at r0 = item:0, r1 = item:1
//   grid ...
// Tested by lower_test.cc and fold_test.cc.
#pragma once

#include <string>

#include "loop/program.h"

namespace anneal::loop {

std::string print(const ir::Graph& graph, const Program& program);
// The kernels of the contractions of the program and its phases, each with a remark that says what is what:
//   # contraction %17 = sum over r4:0..256 of %9 * %13, m r1:0..64, n r2:0..32
std::string print_contractions(const ir::Graph& graph, const Program& program);

}  // namespace anneal::loop
