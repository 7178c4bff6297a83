// SPDX-License-Identifier: MIT
// What runs tensors. The runtime sets itself here where it is linked; without it, and for what devices do not
// do, the interpreter runs them. All functions are called inside a Scope. Tested by
// src/runtime/runtime_test.cc.
#pragma once

#include <memory>
#include <vector>

#include "anneal/counters.h"
#include "anneal/tensor.h"
#include "ir/graph.h"

namespace anneal {

// A program over params. A root may be the next value of a param: then the argument given for it is used up.
struct OpenProgram {
  std::vector<ir::Node> roots, params;
  std::vector<int32_t> updates;  // for each root the position of a param, or -1; empty: none
};

// A program that can run again.
class Compiled {
 public:
  virtual ~Compiled() = default;
  // `arguments`: a buffer for each param. The results are buffers.
  virtual std::vector<ir::Node> run(ir::Graph& graph, std::span<const ir::Node> arguments,
                                    const RunOptions& options) = 0;
  // What it was compiled to, in words and in numbers.
  virtual std::string explain() const = 0;
  virtual ProgramSummary summary() const { return {}; }
};

class Backend {
 public:
  virtual ~Backend() = default;
  // The values, as buffers; what they share is computed once.
  virtual std::vector<ir::Node> evaluate(ir::Graph& graph, std::span<const ir::Node> roots,
                                         const RunOptions& options) = 0;
  virtual std::shared_ptr<Compiled> compile(ir::Graph& graph, const OpenProgram& program) = 0;
  virtual Counters counters() const = 0;
  // Takes a buffer to where it will be used. The host keeps no copy of its own, and gets one where it asks.
  virtual void settle(ir::Graph&, ir::Node) {}
};

Backend& backend();
void set_backend(Backend* backend);  // null: the interpreter
Backend& interpreter();

// The host's copy of a buffer.
std::shared_ptr<const ir::BufferData> host_data(const ir::Graph& graph, ir::Node buffer);

}  // namespace anneal
