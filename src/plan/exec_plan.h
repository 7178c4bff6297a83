// SPDX-License-Identifier: MIT
// What a program comes to: programs of kernels in order, where their slots lie, and what must hold of the
// variables. Immutable, and free of graphs: to run it again is to fill in inputs and variables and to submit.
// Made by build_plan.h, checked by check_plan.h, printed by print.h. Tested by plan_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "anneal/dtype.h"
#include "plan/expression.h"

namespace anneal::plan {

struct Variable {
  std::string name;
  int64_t min = 0, max = 0, multiple_of = 1;
};

// A condition that no one could prove: checked at every launch.
enum class Relation : uint8_t { kEqual, kLessEqual };
struct Guard {
  Expression left, right;
  Relation relation = Relation::kEqual;
  std::string text;  // "reshape: 6*n == 4*m"
};

enum class Place : uint8_t {
  kArena,   // for the length of a run
  kInput,   // in the memory of an input: the input itself, or the result that overwrites it
  kResult,  // memory of its own, which the run hands out
};

// The memory of one value. Symbolic extents have their greatest value in `bytes`.
struct Block {
  Place place = Place::kArena;
  uint32_t number = 0;  // of the input or the result
  uint64_t offset = 0;  // in the arena
  uint64_t bytes = 0;
  std::string name;  // "blocks.0.attn: matmul f32[8,32,48]"
};

// A slot of a program: a value's memory, read or written.
struct Use {
  uint32_t block = 0;
  bool written = false;
};

// One program. Steps with the same launch are independent of each other.
struct Step {
  uint32_t program = 0, launch = 0;
  uint32_t first_use = 0, uses = 0;  // by slot number
  uint32_t first_var = 0, vars = 0;  // into step_vars
  double bytes = 0, flops = 0;       // modelled
  std::string name;
  bool forward = false, backward = false;  // which passes it does work of
};

struct Input {
  DType dtype = DType::kVoid;
  std::vector<Expression> shape;
  uint64_t bytes = 0;  // at most
  std::string name;
  bool overwritten = false;  // by a result
};

struct Result {
  uint32_t block = 0;
  DType dtype = DType::kVoid;
  std::vector<Expression> shape;
};

struct ExecPlan {
  std::vector<Variable> vars;  // by name
  std::vector<Guard> guards;
  std::vector<Block> blocks;
  std::vector<Step> steps;
  std::vector<Use> uses;
  std::vector<uint32_t> step_vars;  // numbers of variables
  std::vector<Input> inputs;
  std::vector<Result> results;
  std::vector<uint64_t> result_bytes;  // of each memory that is handed out; several results may share one
  uint64_t arena_bytes = 0;
  uint64_t lower_bound = 0;  // what is alive at one time, at most: no plan of this order takes less
  uint32_t launches = 0, programs = 0;
  double bytes = 0, flops = 0;
};

inline constexpr uint64_t kAlignment = 64;
// What a value of that many bytes takes of the arena.
constexpr uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace anneal::plan
