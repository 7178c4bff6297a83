// SPDX-License-Identifier: MIT
// Handles and small value types of the graph: Node, Dim, Shape, Scalar.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "anneal/dtype.h"

namespace anneal::ir {

// A node of one graph: a 32-bit index; 0 is no node. Nodes are hash-consed, so equal nodes are the same node.
// The number says nothing about order: use structural keys or explicit positions wherever order is visible.
struct Node {
  uint32_t id = 0;
  constexpr explicit operator bool() const { return id != 0; }
  constexpr bool operator==(const Node&) const = default;
};

// One extent: a constant, or an index expression over bounded variables when `expr` is set.
struct Dim {
  int64_t value = 0;
  Node expr;
  constexpr Dim() = default;
  constexpr Dim(int64_t v) : value(v) {}  // NOLINT: extents are written as numbers
  constexpr explicit Dim(Node e) : expr(e) {}
  constexpr bool is_const() const { return !expr; }
  constexpr bool is(int64_t v) const { return !expr && value == v; }
  constexpr bool operator==(const Dim&) const = default;
};

inline constexpr int kMaxRank = 16;

// A view of a shape that a graph has interned: stays valid while a node of that shape lives.
using Shape = std::span<const Dim>;
struct ShapeId {
  uint32_t id = 0;  // 0 is the scalar shape, in every graph
  constexpr bool operator==(const ShapeId&) const = default;
};

// The value of a constant. Floats of every type are held as the exactly equal double, integers (and bool as 0
// or 1) as their value modulo 2^64: `bits` is unambiguous given the dtype. NaN has one form.
struct Scalar {
  uint64_t bits = 0;
  static Scalar from_double(double v, DType t);  // rounds to t once; t may be any type
  static Scalar from_int(int64_t v, DType t);    // wraps to t if an integer, rounds if a float
  double as_double(DType t) const;
  int64_t as_int(DType t) const;  // floats saturate; u64 above the i64 range wraps
  constexpr bool operator==(const Scalar&) const = default;
};

}  // namespace anneal::ir
