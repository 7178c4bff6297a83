// SPDX-License-Identifier: MIT
// Types from the op table: the dtype and shape of a node from its sources and argument, or what is wrong with
// them. One definition for the builder (which raises), the parser and the verifier (which report).
#pragma once

#include <span>
#include <string>

#include "anneal/error.h"
#include "ir/graph.h"

namespace anneal::ir {

struct Type {
  DType dtype = DType::kVoid;
  ShapeId shape;
  bool operator==(const Type&) const = default;
};
struct Inferred {
  Type type;
  std::string error;  // empty: the type is right. Says what does not fit, without the op's name.
  ErrorCode code = ErrorCode::kArgument;  // of the error
};

// `given` is what the maker says; read where the table has Given, and for result shapes that are an argument.
Inferred infer(Graph& graph, Op op, std::span<const Node> sources, const Arg& arg, Type given);

}  // namespace anneal::ir
