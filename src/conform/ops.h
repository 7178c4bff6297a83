// SPDX-License-Identifier: MIT
// The operations that a reference set may name: PyTorch's names, each with a function from arguments and
// inputs to outputs over the public API. One table a topic; find_op looks in all of them.
#pragma once

#include <span>

#include "anneal/functions.h"
#include "conform/args.h"

namespace anneal::conform {

struct Outputs {
  std::vector<Tensor> values;
  size_t optional = 0;  // how many of the last ones a set may leave out

  Outputs(Tensor one) : values{std::move(one)} {}  // NOLINT
  Outputs(std::vector<Tensor> all, size_t left_out = 0)
      : values(std::move(all)), optional(left_out) {}  // NOLINT
};

struct OpCall {
  const std::vector<Tensor>& in;
  const Args& args;

  const Tensor& x() const { return in[0]; }
  // The second operand, or a number in the arguments.
  In second() const {
    return in.size() > 1 ? In(in[1]) : args.operand("other|value|scalar|exponent|divisor");
  }
  MaybeTensor maybe(size_t i) const { return i < in.size() ? MaybeTensor(in[i]) : MaybeTensor(); }
};

struct OpEntry {
  std::string_view name;
  size_t min_inputs, max_inputs;
  Outputs (*apply)(const OpCall&);
};

std::span<const OpEntry> elementwise_ops();
std::span<const OpEntry> reduce_ops();
std::span<const OpEntry> movement_ops();
std::span<const OpEntry> linalg_ops();
std::span<const OpEntry> nn_ops();

// Also by PyTorch's second names ("subtract"), and with the ending _scalar where the second operand is an
// argument. Raises kName with the nearest known name.
const OpEntry& find_op(std::string_view name);
std::vector<std::string_view> op_names();

// -- Shared by the tables --

template <Tensor (*fn)(In)>
Outputs unary(const OpCall& c) {
  return fn(c.x());
}
template <Tensor (*fn)(In, In)>
Outputs binary(const OpCall& c) {
  return fn(c.x(), c.second());
}

inline constexpr size_t kAny = SIZE_MAX;  // any number of inputs

// Truth values arrive as integers.
inline Tensor truth(const Tensor& t) { return is_bool(t.dtype()) ? t : ne(t, 0); }
// An axis of x, counted from the front.
int axis_of(const OpCall& c, const Tensor& x, std::optional<int64_t> fallback = std::nullopt);

}  // namespace anneal::conform
