// SPDX-License-Identifier: MIT
#include "interp/kernel.h"

#include <algorithm>

#include "anneal/error.h"
#include "interp/slots.h"
#include "ir/eval.h"
#include "ir/text.h"

namespace anneal::interp {

using ir::Node;
using ir::Op;
using ir::Scalar;

namespace {

// A place in the run of statements: those with equal families and numbers may share a loop body.
struct Point {
  int64_t family = -1, number = -1;
  bool operator==(const Point&) const = default;
};
constexpr Point kNowhere{}, kManyPlaces{-2, -2};

// Who touches the elements of a slot that the kernel writes.
struct Accesses {
  std::vector<Point> loads, stores;
  std::vector<uint32_t> writers;  // 1 + position of the last statement that wrote; 0: none
};

class KernelRun {
 public:
  KernelRun(const ir::Graph& graph, const ir::Kernel& kernel, KernelMemory& memory,
            const KernelOptions& options);
  void run();

 private:
  // An accumulate on its way: its body is evaluated for one value of the ranges after the other.
  struct Task {
    Node node;
    bool folding = false;
    std::vector<uint32_t> ranges = {};
    std::vector<int64_t> saved = {};
    Scalar total = {};
    bool is_first = true;
  };

  void set_range(uint32_t range, int64_t value);
  bool is_known(Node n) const { return known_[kernel_.position(n)] != 0; }
  Scalar known(Node n) const { return values_[kernel_.position(n)]; }
  void settle(Node n, Scalar value);
  Scalar value(Node root);
  int64_t index_value(Node n) { return value(n).as_int(DType::kIndex); }
  bool push_sources(Node n);
  void fold_on(Task task);
  bool advance(const Task& task);
  void count_step();
  void evaluate(Node n);
  Scalar load(Node n);

  void run_statement(uint32_t number);
  void run_point(Node statement);
  void scan(Node statement);
  void scatter(Node statement);
  void sort(Node statement);
  void set_point();
  void write(Node statement, int64_t index, Scalar value);
  void note_load(Node n, int64_t index);
  void check_place(Node n, size_t slot, int64_t index);

  const ir::Graph& graph_;
  const ir::Kernel& kernel_;
  KernelMemory& memory_;
  const KernelOptions& options_;
  std::vector<std::vector<Scalar>> before_;  // by slot: its elements as the kernel begins; empty: not written
  std::vector<Accesses> accesses_;
  std::vector<int64_t> current_;                   // by range
  std::vector<std::vector<uint32_t>> dependents_;  // by range: positions of nodes
  std::vector<Scalar> values_;                     // by position
  std::vector<uint8_t> known_;
  std::vector<Task> tasks_;
  std::vector<Scalar> sources_;
  uint64_t steps_ = 0;
  uint32_t statement_ = 0;
  ir::RangeSet point_ranges_;
  Point point_, loop_point_;
  std::vector<ir::RangeSet> families_;  // loop ranges of plain stores
};

KernelRun::KernelRun(const ir::Graph& graph, const ir::Kernel& kernel, KernelMemory& memory,
                     const KernelOptions& options)
    : graph_(graph), kernel_(kernel), memory_(memory), options_(options) {
  const size_t slots = memory.slots().size();
  before_.resize(slots);
  accesses_.resize(slots);
  for (Node s : kernel.statements()) {
    const size_t slot = memory.slot_of(s), count = memory.slots()[slot].elements.size();
    before_[slot] = memory.slots()[slot].elements;
    accesses_[slot].loads.resize(count);
    accesses_[slot].stores.resize(count);
    accesses_[slot].writers.resize(count);
  }
  current_.resize(kernel.ranges().size());
  dependents_.resize(kernel.ranges().size());
  values_.resize(kernel.order().size());
  known_.resize(kernel.order().size());
  for (uint32_t i = 0; i < kernel.order().size(); ++i)
    for (uint32_t r : kernel.free(kernel.order()[i])) dependents_[r].push_back(i);
}

void KernelRun::run() {
  for (uint32_t i = 0; i < kernel_.statements().size(); ++i) run_statement(i);
}

// -- Values --

void KernelRun::set_range(uint32_t range, int64_t value) {
  current_[range] = value;
  for (uint32_t i : dependents_[range]) known_[i] = 0;
}

void KernelRun::settle(Node n, Scalar value) {
  values_[kernel_.position(n)] = value;
  known_[kernel_.position(n)] = 1;
}

Scalar KernelRun::value(Node root) {
  if (is_known(root)) return known(root);
  tasks_.push_back({root});
  while (!tasks_.empty()) {
    const Task& top = tasks_.back();
    const Node n = top.node;
    if (top.folding || graph_.op(n) == Op::Accumulate) {
      Task task = std::move(tasks_.back());
      tasks_.pop_back();
      fold_on(std::move(task));
    } else if (is_known(n)) {
      tasks_.pop_back();
    } else if (!push_sources(n)) {
      evaluate(n);
      tasks_.pop_back();
    }
  }
  return known(root);
}

// False when all are known.
bool KernelRun::push_sources(Node n) {
  if (has_flag(graph_.op(n), ir::kLeaf)) return false;
  bool pushed = false;
  for (Node s : graph_.sources(n).subspan(graph_.op(n) == Op::Load ? 1 : 0)) {
    if (is_known(s)) continue;
    tasks_.push_back({s});
    pushed = true;
  }
  return pushed;
}

// One step of an accumulate: goes back on the stack below its body until that is known everywhere.
void KernelRun::fold_on(Task task) {
  const Node n = task.node, body = graph_.source(n, 0);
  const ir::ReduceOp op = graph_.arg_as<ir::ReduceArg>(n).op;
  if (!task.folding) {
    if (is_known(n)) return;
    for (Node r : ir::bound_ranges(graph_, n)) task.ranges.push_back(kernel_.range_position(r));
    for (uint32_t r : task.ranges)
      if (memory_.extent(r) == 0) return settle(n, fold_identity(op, graph_.dtype(n)));
    task.folding = true;
    for (uint32_t r : task.ranges) {
      task.saved.push_back(current_[r]);
      set_range(r, 0);
    }
  }
  for (;;) {
    if (!is_known(body)) {
      tasks_.push_back(std::move(task));
      tasks_.push_back({body});
      return;
    }
    task.total = task.is_first ? known(body) : memory_.fold(op, graph_.dtype(n), task.total, known(body));
    task.is_first = false;
    count_step();
    if (!advance(task)) break;
  }
  for (size_t i = 0; i < task.ranges.size(); ++i) set_range(task.ranges[i], task.saved[i]);
  settle(n, task.total);
}

bool KernelRun::advance(const Task& task) {
  for (size_t i = task.ranges.size(); i-- > 0;) {
    const uint32_t r = task.ranges[i];
    const bool more = current_[r] + 1 < memory_.extent(r);
    set_range(r, more ? current_[r] + 1 : 0);
    if (more) return true;
  }
  return false;
}

void KernelRun::count_step() {
  if (++steps_ > options_.max_steps)
    raise(ErrorCode::kLimit, "kernel: takes more than " + std::to_string(options_.max_steps) + " steps");
}

void KernelRun::evaluate(Node n) {
  count_step();
  switch (graph_.op(n)) {
    case Op::Const: return settle(n, graph_.const_value(n));
    case Op::Var: return settle(n, memory_.var(n));
    case Op::Range: return settle(n, Scalar::from_int(current_[kernel_.range_position(n)], DType::kIndex));
    case Op::Load: return settle(n, load(n));
    default: break;
  }
  if (!has_flag(graph_.op(n), ir::kElementwise))
    raise(ErrorCode::kVerify,
          "kernel: " + std::string(op_text(graph_.op(n))) + " has no value here\n  " + node_text(graph_, n));
  sources_.clear();
  for (Node s : graph_.sources(n)) sources_.push_back(known(s));
  settle(n, memory_.compute(n, sources_));
}

// -- Memory --

Scalar KernelRun::load(Node n) {
  if (graph_.sources(n).size() == 3 && known(graph_.source(n, 2)).bits == 0)
    return Scalar::from_int(0, memory_.held(graph_.dtype(n)));
  const int64_t index = known(graph_.source(n, 1)).as_int(DType::kIndex);
  memory_.check_inside(n, index, current_);
  const size_t slot = memory_.slot_of(n);
  if (before_[slot].empty()) return memory_.slots()[slot].elements[static_cast<size_t>(index)];
  note_load(n, index);
  return before_[slot][static_cast<size_t>(index)];
}

void KernelRun::note_load(Node n, int64_t index) {
  const size_t slot = memory_.slot_of(n);
  Point& at = accesses_[slot].loads[static_cast<size_t>(index)];
  // A value that does not depend on a range of the point is the same load at several points.
  bool is_one_point = true;
  for (uint32_t r : point_ranges_)
    is_one_point = is_one_point && (memory_.extent(r) == 1 || ir::contains(kernel_.free(n), r));
  at = is_one_point && (at == kNowhere || at == point_) ? point_ : kManyPlaces;
  check_place(n, slot, index);
}

void KernelRun::check_place(Node n, size_t slot, int64_t index) {
  const auto i = static_cast<size_t>(index);
  const Accesses& a = accesses_[slot];
  if (a.loads[i] == kNowhere || a.stores[i] == kNowhere || a.loads[i] == a.stores[i]) return;
  memory_.fail(n,
               "element " + std::to_string(index) + " is loaded at another point than the one that writes it",
               current_);
}

void KernelRun::write(Node statement, int64_t index, Scalar value) {
  memory_.check_inside(statement, index, current_);
  const size_t slot = memory_.slot_of(statement);
  const auto i = static_cast<size_t>(index);
  Accesses& a = accesses_[slot];
  Scalar& element = memory_.slots()[slot].elements[i];
  const bool is_scatter = graph_.op(statement) == Op::ScatterStore;
  const bool is_again = a.writers[i] == statement_ + 1;
  const Point place = is_scatter ? loop_point_ : point_;
  const std::string what = "element " + std::to_string(index) + " is written ";
  if (a.writers[i] != 0 && !is_again && !is_scatter)
    memory_.fail(statement, what + "by two statements", current_);
  if (is_again && is_scatter && a.stores[i] != place)
    memory_.fail(statement, what + "at two values of the loop ranges", current_);
  if (is_again && !is_scatter && !(element == value))
    memory_.fail(statement, what + "with different values at two points", current_);
  a.stores[i] = is_again && a.stores[i] != place ? kManyPlaces : place;
  a.writers[i] = statement_ + 1;
  if (is_scatter && graph_.arg_as<ir::ScatterArg>(statement).mode == ir::ScatterMode::kAdd)
    value = memory_.fold(ir::ReduceOp::kAdd, graph_.dtype(graph_.source(statement, 0)), element, value);
  element = value;
  check_place(statement, slot, index);
}

// -- Statements --

void KernelRun::run_statement(uint32_t number) {
  statement_ = number;
  const Node s = kernel_.statements()[number];
  const ir::RangeSet& loops = kernel_.free(s);
  point_ranges_ = ir::united(loops, kernel_.bound(s));
  point_.family = -3 - static_cast<int64_t>(number);
  if (graph_.op(s) == Op::Store) {
    const auto at = std::find(families_.begin(), families_.end(), loops);
    point_.family = at - families_.begin();
    if (at == families_.end()) families_.push_back(loops);
  }
  const auto set = [&](uint32_t r, int64_t v) { set_range(r, v); };
  RangeCounter counter(loops, memory_);
  if (!counter.begin(set)) return;
  do {
    for (uint32_t r : ir::without(point_ranges_, loops)) set_range(r, 0);
    set_point();
    loop_point_ = point_;
    run_point(s);
  } while (counter.next(set));
}

void KernelRun::set_point() {
  point_.number = 0;
  for (uint32_t r : point_ranges_) point_.number = point_.number * memory_.extent(r) + current_[r];
}

void KernelRun::run_point(Node s) {
  switch (graph_.op(s)) {
    case Op::Store: break;
    case Op::ScanStore: return scan(s);
    case Op::ScatterStore: return scatter(s);
    case Op::SortStore: return sort(s);
    default: raise(ErrorCode::kVerify, "kernel: is no statement\n  " + node_text(graph_, s));
  }
  const Scalar v = value(graph_.source(s, 2));
  const int64_t index = index_value(graph_.source(s, 1));
  if (graph_.sources(s).size() < 4 || value(graph_.source(s, 3)).bits != 0) write(s, index, v);
}

void KernelRun::scan(Node s) {
  const auto& arg = graph_.arg_as<ir::ScanArg>(s);
  const uint32_t range = kernel_.range_position(graph_.source(s, 3));
  const int64_t extent = memory_.extent(range);
  Scalar total;
  for (int64_t i = 0; i < extent; ++i) {
    set_range(range, arg.reverse ? extent - 1 - i : i);
    set_point();
    const Scalar v = value(graph_.source(s, 2));
    total = i == 0 ? v : memory_.fold(arg.op, graph_.dtype(graph_.source(s, 2)), total, v);
    write(s, index_value(graph_.source(s, 1)), total);
  }
}

void KernelRun::scatter(Node s) {
  std::vector<uint32_t> ranges;
  for (Node r : ir::bound_ranges(graph_, s)) ranges.push_back(kernel_.range_position(r));
  const auto set = [&](uint32_t r, int64_t v) { set_range(r, v); };
  RangeCounter counter(std::move(ranges), memory_);
  if (!counter.begin(set)) return;
  do {
    set_point();
    const Scalar v = value(graph_.source(s, 2));
    const int64_t index = index_value(graph_.source(s, 1));
    if (value(graph_.source(s, 3)).bits != 0) write(s, index, v);
  } while (counter.next(set));
}

void KernelRun::sort(Node s) {
  const uint32_t range = kernel_.range_position(graph_.source(s, 3));
  const int64_t extent = memory_.extent(range);
  if (extent > INT32_MAX) memory_.fail(s, "positions do not fit i32", current_);
  std::vector<Scalar> keys;
  for (int64_t i = 0; i < extent; ++i) {
    set_range(range, i);
    set_point();
    keys.push_back(value(graph_.source(s, 2)));
  }
  const std::vector<int32_t> positions = sorted_positions(memory_.held(graph_.dtype(graph_.source(s, 2))),
                                                          keys, graph_.arg_as<ir::SortArg>(s).descending);
  for (int64_t i = 0; i < extent; ++i) {
    set_range(range, i);
    set_point();
    write(s, index_value(graph_.source(s, 1)),
          Scalar::from_int(positions[static_cast<size_t>(i)], DType::kI32));
  }
}

}  // namespace

void run_kernel(const ir::Graph& graph, std::span<const Node> roots, const KernelArrays& arrays,
                const Bindings& bindings, const KernelOptions& options) {
  const ir::Kernel kernel(graph, roots);
  KernelMemory memory(graph, kernel, arrays, bindings, options.mode);
  KernelRun(graph, kernel, memory, options).run();
  memory.write_back();
}

}  // namespace anneal::interp
