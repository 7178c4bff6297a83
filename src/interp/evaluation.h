// SPDX-License-Identifier: MIT
// One run of the interpreter: what the handlers of all ops share. Each handler makes the value of one node
// from the values of its sources. Private to this folder.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "anneal/error.h"
#include "interp/extents.h"
#include "interp/view.h"

namespace anneal::interp {

struct Evaluation {
  Evaluation(const ir::Graph& g, const Bindings& b, const Options& options)
      : graph(g), bindings(b), mode(options.mode), extents(g, b), storage(g, options.max_bytes) {}

  const ir::Graph& graph;
  const Bindings& bindings;
  Mode mode;
  Extents extents;
  Storage storage;
  std::unordered_map<uint32_t, View> values;  // alive: made, and still needed
  // By node: an elementwise op that is never a value of its own, but computed block by block by its only
  // user.
  std::vector<uint8_t> deferred;

  // The type in which elements of t are held.
  DType held(DType t) const { return mode == Mode::kDouble && is_float(t) ? DType::kF64 : t; }
  DType held_dtype(ir::Node n) const { return held(graph.dtype(n)); }
  const View& value(ir::Node n) const { return values.at(n.id); }
  const View& source_value(ir::Node n, size_t i) const { return value(graph.source(n, i)); }

  // Extents under the bindings; raises kShape when one is negative or the elements cannot be counted.
  Extent shape_of(ir::Node n);
  // A new array for the node, in its held type.
  std::shared_ptr<Array> make_array(ir::Node n, Extent shape) {
    return storage.make(n, held_dtype(n), std::move(shape));
  }
  View scalar_view(ir::Node n, ir::Scalar value);

  [[noreturn]] void fail(ir::Node n, const std::string& what, ErrorCode code = ErrorCode::kShape) const;
};

// Handlers, by topic.
View evaluate_elementwise(Evaluation& e, ir::Node n);
View evaluate_bitcast(Evaluation& e, ir::Node n);

View evaluate_iota(Evaluation& e, ir::Node n);
View evaluate_reshape(Evaluation& e, ir::Node n);
View evaluate_expand(Evaluation& e, ir::Node n);
View evaluate_permute(Evaluation& e, ir::Node n);
View evaluate_pad(Evaluation& e, ir::Node n);
View evaluate_slice(Evaluation& e, ir::Node n);
View evaluate_flip(Evaluation& e, ir::Node n);
View evaluate_concat(Evaluation& e, ir::Node n);

View evaluate_reduce(Evaluation& e, ir::Node n);
View evaluate_arg_reduce(Evaluation& e, ir::Node n);
View evaluate_scan(Evaluation& e, ir::Node n);

View evaluate_arg_sort(Evaluation& e, ir::Node n);
View evaluate_gather(Evaluation& e, ir::Node n);
View evaluate_scatter(Evaluation& e, ir::Node n);

}  // namespace anneal::interp
