// SPDX-License-Identifier: MIT
// The interpreter of the kernel stage: the definition that the structured form and every device are held
// against.
//
// Order. Statements run in order, each for all values of its loop ranges: nested by increasing id, each from
// 0 up. An accumulate folds over its ranges from 0 up, the last one fastest, and rounds to its type at every
// step; without elements it is the identity. A scan_store goes along its range from 0 up, or down when it is
// reversed; a scatter_store goes over its ranges, the last one fastest.
//
// Memory. A load reads what the slot held before the kernel began; only a scatter_store sees what the kernel
// has written, in the element that it combines with. So that statements may share loops and points may run at
// any time, these are errors here:
//   - a load whose condition holds, or a store, outside the slot;
//   - a load of an element that the kernel writes, unless it is loaded and written at one point only, by the
//     same statement or by stores with the same loop ranges. (A point is the values of the loop ranges and of
//     those that the statement binds.) This is what an update in place needs;
//   - an element written by two statements, unless the later one is a scatter_store;
//   - an element written with different values at two points of a store, or by a scatter_store at two values
//     of its loop ranges.
// A load may be carried out for all values of its own ranges, also where a loop that it does not depend on
// has none: it must lie inside the slot there too.
//
// Tested by kernel_test.cc.
#pragma once

#include "interp/interp.h"

namespace anneal::interp {

struct KernelOptions {
  Mode mode = Mode::kExact;
  uint64_t max_steps = uint64_t{1} << 36;  // nodes evaluated; beyond it kLimit is raised
};

// Memory of a kernel by the number of its slot: any shape with as many elements as the slot's extent. In
// kDouble mode the array of a float slot may have type f64.
using KernelArrays = std::vector<std::pair<int64_t, std::shared_ptr<Array>>>;

// Runs the statements; `roots` is a sink, or its sources. `bindings` gives the variables. Raises kVerify when
// the kernel is ill-formed and kData for the errors above and for memory that is missing or does not fit;
// then the arrays are as they were.
void run_kernel(const ir::Graph& graph, std::span<const ir::Node> roots, const KernelArrays& arrays,
                const Bindings& bindings = {}, const KernelOptions& options = {});

}  // namespace anneal::interp
