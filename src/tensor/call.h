// SPDX-License-Identifier: MIT
// What every function of the tensor API opens first: the graph's Scope, the user's call site for the nodes it
// makes, and the context that errors show. Only the outermost call of a thread sets the site and speaks in
// errors, so a composite blames the user's line and names what the user called.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "anneal/functions.h"
#include "ir/builder.h"

namespace anneal {

inline ir::Node node_of(const Tensor& t) { return ir::Node{t.node().id()}; }
inline Tensor wrap(ir::Node n) { return Tensor(detail::Handle(n.id)); }

// While it lives, errors of calls in this thread blame this line of the user's, where they would name the
// source of a layer; the outermost one counts. With `sites` it is also where the nodes made meanwhile come
// from; the innermost one counts.
class Blame {
 public:
  Blame(const Loc& loc, bool sites);
  ~Blame();
  Blame(const Blame&) = delete;
  Blame& operator=(const Blame&) = delete;
  static const Loc& for_errors(const Loc& loc);
  static const Loc& for_sites(const Loc& loc);

 private:
  const Loc *errors_, *sites_;  // of before
};

class Call final : public ErrorContext {
 public:
  Call(std::string_view name, std::initializer_list<const In*> operands);
  // With operands that need not be given.
  Call(std::string_view name, std::initializer_list<const In*> operands,
       std::initializer_list<const std::optional<Tensor>*> options);
  Call(std::string_view name, const std::vector<Tensor>& operands, const Loc& loc);
  Call(std::string_view name, const Tensor& operand, const Loc& loc);
  Call(std::string_view name, const Loc& loc);
  ~Call();

  ir::Graph& g;
  const ir::Builder b;

  // The function does no more than the one named: messages of that one speak of this one alone.
  void stands_for(std::string_view inner) { inner_ = inner; }

  // "name: what".
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;
  void describe(std::string& message) const override;

  // The node of an operand; numbers take type `t`.
  ir::Node node(const In& x, DType t) const;
  ir::Node node(const In& x) const;        // numbers take their own type: bool, i32 or f32
  ir::Node float_node(const In& x) const;  // integers and bool become f32
  // A float that a call makes from nothing, as a value of its own: two parameters that begin as zeros are
  // two.
  ir::Node own(ir::Node n) const;
  ir::Node required(const Tensor& t,
                    std::string_view what) const;  // for optional operands that are given but empty
  // Brings operands to one type and one shape (scalars stay scalars where `keep_scalars`).
  struct Pair {
    ir::Node a, b;
  };
  DType joint_dtype(std::initializer_list<const In*> operands) const;
  DType float_dtype(std::initializer_list<const In*> operands) const;  // the same; integers and bool are f32
  Pair broadcast_pair(const In& a, const In& b, DType t) const;
  std::vector<ir::Dim> broadcast_shapes(std::initializer_list<ir::Node> nodes) const;
  ir::Node broadcast(ir::Node n, ir::Shape to) const;  // scalars stay scalars

  // -- Shapes and axes --
  std::vector<ir::Dim> shape(ir::Node n) const;  // a copy: interning moves the graph's own
  int axis(int64_t axis, size_t rank) const;     // negative counts from the end; checked
  // None: all. The axes 0 and -1 of a scalar are none, as if it had one of extent 1.
  ir::AxisMask axes(const Axes& axes, size_t rank) const;
  std::vector<ir::Dim> dims(const Sizes& sizes) const;

 private:
  void take(ir::Node operand);
  void open(const Loc& loc);
  ir::Graph::Scope scope_;
  std::string_view name_, inner_;
  Loc loc_;
  ir::Node operands_[5];
  size_t num_operands_ = 0;      // the first ones are kept for messages
  size_t seen_ = 0, empty_ = 0;  // operands, and which is an empty tensor; from 1
  uint32_t saved_site_ = 0;
};

// The fewest digits that are read back as the same number, for messages.
std::string number_text(double v);

Extent to_extent(ir::Dim d);
ir::Dim to_dim(const Extent& e);

}  // namespace anneal
