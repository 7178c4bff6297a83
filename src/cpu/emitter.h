// SPDX-License-Identifier: MIT
// The state of one emission (emit.h), shared by its parts: statements and loops (emit.cc), values
// (emit_value.cc), index arithmetic (emit_index.cc), memory (emit_memory.cc), folds (emit_fold.cc), sorting
// (emit_sort.cc), contractions (emit_contraction.cc), phases (emit_phases.cc). Tested by emit_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cpu/contract_plan.h"
#include "cpu/emit.h"
#include "cpu/value_builder.h"
#include "ir/bounds.h"

namespace anneal::cpu {

using ir::Node;

// How a value changes along the lanes of the vector loop.
enum class Form : uint8_t {
  kUniform,  // `value` is a scalar
  kLinear,   // index: lane i has value + i * stride; both are scalars
  kVector,   // `value` has the lanes
};
struct Held {
  llvm::Value* value = nullptr;
  Form form = Form::kUniform;
  llvm::Value* stride = nullptr;
  int64_t multiple_of = 1;  // linear: of `value`
};

// A fold in progress: its partial results in memory, which becomes registers.
struct Fold {
  Node node;
  ir::ReduceOp op;
  DType dtype;  // that it accumulates in
  std::vector<llvm::AllocaInst*> parts;
  unsigned lanes = 0;     // of each; 0: scalars
  bool by_lanes = false;  // lanes hold parts of one result, not a result each
  size_t depth = 0;       // of the scope that it begins in
};

class Emitter {
 public:
  // `vars`: the variables in the order of the caller's, all of the program's among them.
  Emitter(llvm::Module& module, const Target& target, const ir::Graph& graph, const loop::Program& program,
          std::vector<Node> vars, const EmitOptions& options);
  // The two functions of the program.
  void emit_items(const std::string& name);
  void emit_function(const std::string& name);
  // The same of the program's contraction, in place of its loops.
  void emit_contraction_items(const std::string& name, const loop::Contraction& parts,
                              const ContractPlan& plan);
  void emit_contraction(const std::string& name, const loop::Contraction& parts, const ContractPlan& plan);
  // The function that calls the phases of the program, <name>.phase0 and so on; where its locals, and what
  // the phases have for scratch, begin in its own.
  void emit_phase_calls(const std::string& name, size_t phases, const std::vector<int64_t>& locals,
                        int64_t scratch_offset);

 private:
  // What the phases of an item are called with, and which of the variables are the first after those of
  // items.
  struct PhaseArrays {
    llvm::Value *slots, *vars, *scratch;
    size_t item_vars;
  };
  void run_phases(const std::string& name, size_t phases, const PhaseArrays& given);
  void set_limits(const PhaseArrays& given);
  friend class ContractionHoles;
  using Value = llvm::Value;

  // A body being emitted. Values made in it are good until it ends.
  struct Scope {
    std::unordered_map<uint32_t, Held> values;
    // Where a value can be made that this body and all in it may use: before the loop around it begins.
    llvm::Instruction* before = nullptr;
    bool runs = true;  // at least once, whenever the body around it does
  };
  // The vector loop around, if any.
  struct Vector {
    unsigned lanes = 0;  // 0: none
    Node range;
    Value* mask = nullptr;  // null: all lanes
    size_t part = 0;        // which of the partial results this copy of the body uses
  };

  // -- Statements (emit.cc) --
  void begin_function(const std::string& name);
  void enter(Value* slots, Value* vars);      // a function, whose entry block is being written
  void begin_count(const std::string& name);  // a function of the variables alone
  void end_count(Value* count);
  void bind_grid(Value* item, const std::vector<Value*>& extents);
  void emit_body(const loop::Body& body);
  void emit_statement(const loop::Body& body, size_t position);
  void emit_loop(const loop::Statement& loop);
  Value* copies_onto_itself(const loop::Statement& loop);
  struct Span {
    Value *begin, *end;
  };
  void emit_steps(const loop::Statement& loop, const Span& span);
  void emit_vector_steps(const loop::Statement& loop, const Span& span);
  void emit_copies(const loop::Statement& loop, Value* first, unsigned copies, Value* mask);
  void for_steps(Value* begin, Value* end, int64_t step, const std::function<void(Value*)>& body);
  void when(Value* condition, const std::function<void()>& body);
  bool is_vectorized(const loop::Statement& loop) const;
  Value* grid_extent(const loop::GridAxis& axis);

  // -- Values (emit_value.cc) --
  Held held(Node n);                                                // made if need be
  Value* scalar(Node n);                                            // of a uniform value
  Value* spread(const Held& h, DType t, unsigned index_bits = 64);  // with the lanes of the vector loop
  const Held* find(Node n, size_t* depth) const;
  Held make(Node n);
  Held make_elementwise(Node n);
  Held make_constant(Node n);
  void set(Node n, const Held& h) { scopes_.back().values.insert_or_assign(n.id, h); }
  size_t load_depth(size_t depth) const;
  bool fits_32(Node n) {
    const ir::Bounds& b = bounds_(n);
    return b.min >= INT32_MIN && b.max <= INT32_MAX;
  }

  // -- Index arithmetic (emit_index.cc) --
  std::optional<Held> make_linear(Node n);
  Held linear_source(Node n);
  std::optional<Held> make_linear_division(Node n, const Held& a, int64_t by);

  // -- Memory (emit_memory.cc) --
  struct Place {
    Node slot;
    Held index;
    DType dtype;
    unsigned index_bits;
  };
  Place place_of(Node access);
  Held make_load(Node n);
  void emit_store(Node n, const Held& value);
  void emit_scatter(Node n);
  void store_scalar(const Place& place, Value* value);
  void store_lanes(const Place& place, const Held& value, Value* mask);
  Value* load_lanes(const Place& place, Value* mask);
  Value* slot_pointer(Node access) const {
    return slot_pointers_[static_cast<size_t>(graph_.arg_as<ir::ParamArg>(graph_.source(access, 0)).index)];
  }
  Value* address(const Place& place, Value* index);
  Value* addresses(const Place& place);
  // The lanes where the condition (null: none) holds and the vector loop has a value; null: all lanes.
  Value* mask_of(Node condition);
  bool always(Node condition);
  void mark_slot(llvm::Instruction* access, Node slot);
  void forget_loads(Node slot);

  // -- Folds (emit_fold.cc) --
  void begin_fold(const loop::Body& body, size_t position);
  void join_fold(Node n, Node body, Fold& fold);
  Value* fold_step(Fold& fold, Node body, Value* before);
  Held finish_fold(Fold& fold);
  Value* start_of(const Fold& fold);
  bool depends_on(Node n, Node on) const;
  unsigned copies_of(const loop::Statement& loop);

  // -- Sorting (emit_sort.cc) --
  void emit_sort(const loop::Statement& s);

  ValueBuilder w_;
  const ir::Graph& graph_;
  const loop::Program& program_;
  const EmitOptions& options_;
  ir::BoundsOf bounds_;
  std::vector<Node> vars_;
  std::vector<bool> rewritten_;  // by slot: loaded from and stored to
  std::unordered_map<uint32_t, bool> reads_rewritten_;
  std::unordered_set<uint32_t> pinned_;  // made by a let: stay when memory changes
  std::vector<llvm::MDNode*> slot_scopes_;
  llvm::MDNode* slot_domain_ = nullptr;
  std::vector<llvm::Value*> slot_pointers_;
  llvm::Function* function_ = nullptr;
  llvm::Value* vars_pointer_ = nullptr;
  std::vector<Scope> scopes_;
  std::unordered_map<uint32_t, Fold> folds_;
  std::unordered_map<uint32_t, Span> grid_spans_;  // of ranges that the grid splits
  Vector vector_;
  bool in_contraction_ = false;
};

// The functions of emit.h for a program without phases; a plan where it has a contraction.
void emit_one(llvm::Module& module, const Target& target, const ir::Graph& graph,
              const loop::Program& program, const std::vector<Node>& vars,
              const std::optional<ContractPlan>& plan, const std::string& name, const EmitOptions& options);
// For one that has a contraction.
void emit_contraction_program(llvm::Module& module, const Target& target, const ir::Graph& graph,
                              const loop::Program& program, const std::vector<Node>& vars,
                              const ContractPlan& plan, const std::string& name, const EmitOptions& options);
// For one of phases. Returns the bytes of scratch that it needs.
int64_t emit_phases(llvm::Module& module, const Target& target, const ir::Graph& graph,
                    const loop::Program& program, const std::string& name, const EmitOptions& options);

}  // namespace anneal::cpu
