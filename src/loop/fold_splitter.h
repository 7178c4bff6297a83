// SPDX-License-Identifier: MIT
// How fold.h cuts a kernel: what is made once for a block of rows (fold.cc), in what phases, which columns
// they run over (fold_columns.cc), and the phases as kernels (fold_write.cc). Where whole rows do not fit,
// columns come in blocks too (fold_sweeps.cc). Private to this folder; tested by fold_test.cc.
#pragma once

#include "ir/bounds.h"
#include "ir/builder.h"
#include "ir/kernel.h"
#include "loop/fold.h"
#include "loop/live_range.h"

namespace anneal::loop::splitting {

using ir::Op;
using ir::RangeSet;

constexpr size_t kNowhere = SIZE_MAX;
constexpr int64_t kMostRows = 64;  // of a block: what its rows share is packed often enough then

enum class Level : uint8_t {
  kRow,     // one value a row, or fewer
  kPair,    // one for each row and each value of ranges that accumulates bind
  kColumn,  // depends on loop ranges that are not of the rows
};

// A value that a phase makes and later ones load.
struct FoldValue {
  Node node;
  Level level = Level::kRow;
  size_t phase = kNowhere, last_use = 0;
  size_t slot = kNowhere;    // in slots_
  bool is_gathered = false;  // an accumulate whose columns come block by block
};

struct Phase {
  Level level;
  std::vector<size_t> made;      // those that it makes
  std::vector<Node> statements;  // of the kernel
  std::vector<size_t> loads;     // made by others
  size_t table = 0;              // in places_
};

// Columns that the phases run over: `count` of them from `from`.
struct Columns {
  Node range, from, count;
};

// A local slot, of one row.
struct LocalSlot {
  DType dtype;
  std::vector<Node> ranges;  // the pairs of one row, row-major; none for one value a row
  size_t occupant;           // its last one
  bool is_gathered = false;
};

class Splitter {
 public:
  Splitter(ir::Graph& graph, std::span<const Node> statements, const FoldOptions& options)
      : graph_(graph), build_{graph}, kernel_(graph, statements), options_(options), bounds_(graph) {}

  FoldSplit run();

 private:
  bool fail(const char* reason);
  bool is_reduce(uint32_t r) const {
    return graph_.arg_as<ir::RangeArg>(kernel_.ranges()[r]).kind == ir::AxisKind::kReduce;
  }
  size_t at(Node n) const { return kernel_.position(n); }
  Node extent(Node range) const { return graph_.source(range, 0); }
  int64_t most(Node range) { return std::max<int64_t>(0, bounds_(extent(range)).max); }
  bool is_inner(Node n) const;

  bool find_rows();
  bool check_statements();
  bool choose_block_range();
  Level level(Node n) const;
  void mark(Node n, Level level);
  Node top_of(Node inner) const;
  void choose_made();
  void make_phases();
  void find_loads();
  void give_slots();
  size_t slot_for(const FoldValue& made, const Phase& phase, size_t number);
  std::vector<Node> pair_ranges(Node n) const;
  bool compares_with_columns() const;
  bool choose_rows();
  int64_t even(int64_t rows);
  bool choose_sweeps();
  bool choose_swept();
  bool find_gathered(std::vector<uint32_t>& stages);
  void make_sweep(uint32_t stage, const std::vector<uint32_t>& stages, const std::vector<Node>& pairs);
  bool choose_block();
  Node combined(ir::ReduceOp op, Node a, Node b) const;
  Node gather(const FoldValue& made, const Phase& phase);
  void write_starts();
  void write_sweep(Sweep sweep, size_t before);
  void make_grid();
  void find_columns();
  bool limit(Node range, const LiveRange& live, std::vector<Node>& probes);
  bool probe(Node range, const LiveRange& live, Node from, Node to, std::vector<Node>& probes);
  Node probe_range(Node count, const std::vector<Node>& taken);
  Node at_item(Node n) const;
  int64_t next_id() const;
  const Columns* columns_of(Node range) const;
  Node bind(Node range, int64_t id, ir::AxisKind kind);
  bool write(const Phase& phase);
  void set(Node from, Node to) { now_.set(from, to.id); }
  Node rewrite(Node root, const Phase& phase);
  bool is_loaded(Node n, const Phase& phase) const;
  Node local_index(const LocalSlot& slot) const;
  Node local(size_t made) const { return out_.locals[made_[made].slot]; }
  uint32_t place(Node n, const Phase& phase) const { return places_[phase.table].get(n); }
  // Of a slot, along one of its ranges.
  int64_t slot_extent(Node range) { return range == swept_ ? block_columns_ : most(range); }

  ir::Graph& graph_;
  const ir::Builder build_;
  const ir::Kernel kernel_;
  const FoldOptions& options_;
  ir::BoundsOf bounds_;
  std::vector<Node> inner_;
  RangeSet rows_;
  uint32_t block_ = 0;                    // the range of the rows that items take blocks of
  std::vector<std::vector<Node>> users_;  // by position, each once
  std::vector<bool> needs_, sums_;        // by position: reaches an inner accumulate, any accumulate
  std::vector<FoldValue> made_;
  std::vector<ir::SideTable<uint32_t>> places_;  // 1 + position in made_, for phases of one table
  std::vector<Phase> phases_;
  std::vector<Sweep> sweeps_;  // their phases
  std::vector<LocalSlot> slots_;
  Node swept_;         // the range of the columns that come in blocks, or null
  Node at_, size_;     // variables: the first column of a block, and their number
  Node column_index_;  // the position in the block of columns
  int64_t block_columns_ = 0;
  int64_t rows_of_block_ = 0;
  Node block_index_;  // the position in the block
  std::vector<Columns> columns_;
  std::vector<Node> probe_ranges_;
  ir::SideTable<uint32_t> now_;
  ir::SideTable<uint32_t> bound_now_;  // of ranges that accumulates bind
  FoldSplit out_;
};

}  // namespace anneal::loop::splitting
