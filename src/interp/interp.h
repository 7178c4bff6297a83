// SPDX-License-Identifier: MIT
// The interpreter of the tensor stage: the definition that every rewrite and every device is held against.
// Slow beside a compiler, and obvious: movement is strides, elementwise ops run block by block, everything
// else is a loop. Sums run in one fixed order, a tree over runs of 32 (fold.cc), so that long f32 sums stay
// accurate. Like all orders it is the interpreter's own and no part of the meaning of a program. Tested by
// interp_test.cc, elementwise_test.cc, movement_test.cc, fold_test.cc and index_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace anneal::interp {

enum class Mode : uint8_t {
  kExact,   // every element is rounded to its type
  kDouble,  // floats of every type are held and computed in f64, so casts between them change nothing; a
            // bitcast still goes through the bits of the real type; integers and bools are exact
};

using Array = ir::BufferData;

// What a program's open ends stand for.
struct Bindings {
  std::vector<std::pair<int64_t, std::shared_ptr<const Array>>> params;  // by number
  std::vector<std::pair<std::string, int64_t>> vars;                     // by name
  std::vector<std::pair<int64_t, int64_t>> ranges;                       // by id
};

struct Options {
  Mode mode = Mode::kExact;
  uint64_t max_bytes =
      uint64_t{8} << 30;  // of all values alive at a time, those of params and buffers excluded
};

// The values of the roots, in order; a sink stands for its sources. Float results have type f64 in kDouble
// mode, in which a float param or buffer may also be given as f64, without rounding. Raises kData when
// something is unbound, of another type or shape than the graph says, or a variable out of its bounds; kShape
// when symbolic extents do not fit each other under these bindings; kLimit beyond max_bytes.
std::vector<std::shared_ptr<const Array>> evaluate(const ir::Graph& graph, std::span<const ir::Node> roots,
                                                   const Bindings& bindings = {},
                                                   const Options& options = {});

// An extent, or any other scalar expression of integers and bools over variables and ranges.
int64_t evaluate_dim(const ir::Graph& graph, ir::Dim dim, const Bindings& bindings = {});

}  // namespace anneal::interp
