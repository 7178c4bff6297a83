// SPDX-License-Identifier: MIT
// The values of named dimensions, told by the shapes of arguments: where an extent is the name itself, and
// else where it is linear in one name that is not known yet, as 2*B + 1. All are checked against their bounds
// and against every extent they stand in, whether or not the function uses them. Tested by bind_dims_test.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "interp/interp.h"
#include "tensor/call.h"

namespace anneal {

class DimBinder {
 public:
  DimBinder(const Call& call, const std::vector<Tensor>& arguments) : call_(call), arguments_(arguments) {}

  // An argument whose shape is to be `wanted`. In `shape`, extents that stand for every value become -1.
  void add(size_t argument, const Sizes& wanted, std::vector<int64_t>& shape);
  // After the last: solves and checks what is not a name itself; the names and values.
  std::vector<std::pair<std::string, int64_t>> finish();

 private:
  struct Equation {
    size_t argument;
    const Sizes* wanted;
    ir::Node expression;
    int64_t extent;
  };
  [[noreturn]] void misfit(const Equation& e, ErrorCode code, const std::string& why) const;
  void set(const Equation& e, ir::Node var, int64_t value);
  const int64_t* find(ir::Node var) const;
  std::vector<ir::Node> unknowns(ir::Node expression) const;
  int64_t evaluate(ir::Node expression) const;
  bool settle(const Equation& e);  // false: it does not tell yet
  bool solve(const Equation& e, ir::Node var);

  const Call& call_;
  const std::vector<Tensor>& arguments_;
  std::vector<Equation> open_;
  interp::Bindings known_;
};

}  // namespace anneal
