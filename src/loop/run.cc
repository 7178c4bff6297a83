// SPDX-License-Identifier: MIT
#include "loop/run.h"

#include <algorithm>
#include <numeric>

#include "anneal/error.h"
#include "interp/arrays.h"
#include "interp/slots.h"
#include "ir/eval.h"
#include "ir/random_program.h"
#include "support/random_stream.h"

namespace anneal::loop {

using interp::KernelMemory;
using ir::Op;
using ir::Scalar;

namespace {

constexpr int64_t kNobody = -1, kMany = -2;

std::vector<int64_t> shuffled(int64_t items, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(items));
  std::iota(order.begin(), order.end(), 0);
  support::RandomStream random(seed);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

struct Fold {
  bool is_begun = false;
  int64_t count = 0;
  Scalar total;
};

class ProgramRun {
 public:
  ProgramRun(const ir::Graph& graph, const Program& program, const ir::Kernel& kernel, KernelMemory& memory);
  void run(uint64_t shuffle_seed);

 private:
  // Which items touched the elements of a slot that the program writes.
  struct Accesses {
    std::vector<int64_t> readers, writers;
  };
  struct Span {
    int64_t begin = 0, end = 0;
  };

  void run_item(int64_t item);
  void run_body(const Body& body);
  void leave_body(const Body& body);
  void run_statement(const Statement& s);
  void run_loop(const Statement& s);
  void run_sort(const Statement& s);
  void fold(Node accumulate);
  void store(Node statement);
  void write(Node statement, int64_t index, Scalar value);

  Scalar value(Node root);
  Scalar computed(Node n);
  Scalar load(Node n);
  int64_t index_value(Node n) { return value(n).as_int(DType::kIndex); }
  int64_t points(const ir::RangeSet& ranges) const;
  uint32_t range(Node n) const { return kernel_.range_position(n); }

  const ir::Graph& graph_;
  const Program& program_;
  const ir::Kernel& kernel_;
  KernelMemory& memory_;
  std::vector<Accesses> accesses_;     // by slot
  std::vector<int64_t> current_;       // by range
  std::vector<uint8_t> is_set_;        // by range
  std::vector<Span> spans_;            // by range: the values that a loop runs for
  std::vector<Scalar> values_, lets_;  // by position
  std::vector<uint64_t> computed_at_;  // by position: the evaluation that values_ is of
  std::vector<uint8_t> is_let_;
  std::vector<Fold> folds_;       // by position
  std::vector<int64_t> carried_;  // by position: how often a statement was
  uint64_t evaluation_ = 0;
  int64_t item_ = 0;
};

ProgramRun::ProgramRun(const ir::Graph& graph, const Program& program, const ir::Kernel& kernel,
                       KernelMemory& memory)
    : graph_(graph), program_(program), kernel_(kernel), memory_(memory), accesses_(memory.slots().size()) {
  for (Node s : kernel.statements()) {
    const size_t slot = memory.slot_of(s), count = memory.slots()[slot].elements.size();
    accesses_[slot].readers.assign(count, kNobody);
    accesses_[slot].writers.assign(count, kNobody);
  }
  current_.resize(kernel.ranges().size());
  is_set_.resize(kernel.ranges().size());
  for (uint32_t r = 0; r < kernel.ranges().size(); ++r) spans_.push_back({0, memory.extent(r)});
  const size_t nodes = kernel.order().size();
  values_.resize(nodes);
  lets_.resize(nodes);
  computed_at_.resize(nodes);
  is_let_.resize(nodes);
  folds_.resize(nodes);
  carried_.resize(nodes);
}

int64_t ProgramRun::points(const ir::RangeSet& ranges) const {
  int64_t count = 1;
  for (uint32_t r : ranges) count *= memory_.extent(r);
  return count;
}

void ProgramRun::run(uint64_t shuffle_seed) {
  int64_t items = 1;
  for (const GridAxis& a : program_.grid) items *= (memory_.extent(range(a.range)) + a.chunk - 1) / a.chunk;
  for (int64_t item : shuffled(items, shuffle_seed)) run_item(item);
  for (Node s : kernel_.statements()) {
    const int64_t expected = points(ir::united(kernel_.free(s), kernel_.bound(s))) *
                             std::count(kernel_.statements().begin(), kernel_.statements().end(), s);
    const int64_t carried = carried_[kernel_.position(s)];
    if (carried != expected)
      memory_.fail(
          s, "was carried out at " + std::to_string(carried) + " of " + std::to_string(expected) + " points",
          current_);
  }
}

void ProgramRun::run_item(int64_t item) {
  item_ = item;
  int64_t rest = item;
  std::vector<uint32_t> whole;
  for (size_t i = program_.grid.size(); i-- > 0;) {
    const GridAxis& axis = program_.grid[i];
    const uint32_t r = range(axis.range);
    const int64_t chunks = (memory_.extent(r) + axis.chunk - 1) / axis.chunk, at = rest % chunks;
    rest /= chunks;
    spans_[r] = {at * axis.chunk, std::min(memory_.extent(r), (at + 1) * axis.chunk)};
    if (axis.chunk != 1) continue;
    current_[r] = at;
    is_set_[r] = 1;
    whole.push_back(r);
  }
  run_body(program_.body);
  for (uint32_t r : whole) is_set_[r] = 0;
}

// -- Statements; recursive by loops, of which there are few --

void ProgramRun::run_body(const Body& body) {
  for (const Statement& s : body) run_statement(s);
  leave_body(body);
}

// What was made in it is gone.
void ProgramRun::leave_body(const Body& body) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::kLet) is_let_[kernel_.position(s.node)] = 0;
    if (s.kind == StatementKind::kBegin) folds_[kernel_.position(s.node)] = {};
  }
}

void ProgramRun::run_statement(const Statement& s) {
  switch (s.kind) {
    case StatementKind::kLoop: return run_loop(s);
    case StatementKind::kLet: {
      const uint32_t at = kernel_.position(s.node);
      is_let_[at] = 0;
      lets_[at] = value(s.node);
      is_let_[at] = 1;
      return;
    }
    case StatementKind::kBegin: folds_[kernel_.position(s.node)] = {true, 0, {}}; return;
    case StatementKind::kFold: return fold(s.node);
    case StatementKind::kStore: return store(s.node);
    case StatementKind::kSort: return run_sort(s);
  }
}

void ProgramRun::run_loop(const Statement& s) {
  const uint32_t r = range(s.node);
  if (is_set_[r] != 0) memory_.fail(s.node, "has a value already", current_);
  is_set_[r] = 1;
  const Span span = spans_[r];
  for (int64_t i = span.begin; i < span.end; ++i) {
    current_[r] = s.reverse ? span.end - 1 - (i - span.begin) : i;
    run_body(s.body);
  }
  is_set_[r] = 0;
}

void ProgramRun::fold(Node n) {
  Fold& f = folds_[kernel_.position(n)];
  if (!f.is_begun) memory_.fail(n, "is folded before it begins", current_);
  const Scalar v = value(graph_.source(n, 0));
  f.total = f.count == 0 ? v : memory_.fold(graph_.arg_as<ir::ReduceArg>(n).op, graph_.dtype(n), f.total, v);
  ++f.count;
}

void ProgramRun::store(Node s) {
  ++carried_[kernel_.position(s)];
  Scalar v = value(graph_.source(s, 2));
  const int64_t index = index_value(graph_.source(s, 1));
  if (graph_.op(s) == Op::ScanStore) {
    Fold& f = folds_[kernel_.position(s)];
    if (!f.is_begun) memory_.fail(s, "is stored before it begins", current_);
    if (f.count++ != 0)
      v = memory_.fold(graph_.arg_as<ir::ScanArg>(s).op, graph_.dtype(graph_.source(s, 2)), f.total, v);
    f.total = v;
    return write(s, index, v);
  }
  if (graph_.sources(s).size() < 4 || value(graph_.source(s, 3)).bits != 0) write(s, index, v);
}

void ProgramRun::write(Node s, int64_t index, Scalar v) {
  memory_.check_inside(s, index, current_);
  const size_t slot = memory_.slot_of(s);
  const auto i = static_cast<size_t>(index);
  int64_t& writer = accesses_[slot].writers[i];
  const int64_t reader = accesses_[slot].readers[i];
  Scalar& element = memory_.slots()[slot].elements[i];
  const bool is_scatter = graph_.op(s) == Op::ScatterStore;
  const std::string what =
      "element " + std::to_string(index) + " is written by item " + std::to_string(item_);
  if (reader != kNobody && reader != item_) memory_.fail(s, what + " and read by another", current_);
  if (writer != kNobody && writer != item_ && (is_scatter || !(element == v)))
    memory_.fail(s, what + " and by item " + std::to_string(writer), current_);
  writer = item_;
  if (is_scatter && graph_.arg_as<ir::ScatterArg>(s).mode == ir::ScatterMode::kAdd)
    v = memory_.fold(ir::ReduceOp::kAdd, graph_.dtype(graph_.source(s, 0)), element, v);
  element = v;
}

void ProgramRun::run_sort(const Statement& s) {
  const Node n = s.node, range_node = graph_.source(n, 3);
  const uint32_t r = range(range_node);
  if (is_set_[r] != 0) memory_.fail(range_node, "has a value already", current_);
  is_set_[r] = 1;
  std::vector<Scalar> keys;
  std::vector<int64_t> places;
  for (int64_t i = 0; i < memory_.extent(r); ++i) {
    current_[r] = i;
    for (const Statement& inner : s.body) run_statement(inner);
    keys.push_back(value(graph_.source(n, 2)));
    places.push_back(index_value(graph_.source(n, 1)));
    leave_body(s.body);
  }
  const std::vector<int32_t> order = interp::sorted_positions(memory_.held(graph_.dtype(graph_.source(n, 2))),
                                                              keys, graph_.arg_as<ir::SortArg>(n).descending);
  for (size_t i = 0; i < order.size(); ++i) {
    current_[r] = static_cast<int64_t>(i);
    ++carried_[kernel_.position(n)];
    write(n, places[i], Scalar::from_int(order[i], DType::kI32));
  }
  is_set_[r] = 0;
}

// -- Values --

Scalar ProgramRun::value(Node root) {
  ++evaluation_;
  std::vector<Node> stack = {root};
  while (!stack.empty()) {
    const Node n = stack.back();
    const uint32_t at = kernel_.position(n);
    if (computed_at_[at] == evaluation_) {
      stack.pop_back();
      continue;
    }
    const size_t before = stack.size();
    const bool has_sources =
        is_let_[at] == 0 && graph_.op(n) != Op::Accumulate && !ir::has_flag(graph_.op(n), ir::kLeaf);
    if (has_sources)
      for (Node s : graph_.sources(n).subspan(graph_.op(n) == Op::Load ? 1 : 0))
        if (computed_at_[kernel_.position(s)] != evaluation_) stack.push_back(s);
    if (stack.size() != before) continue;
    values_[at] = computed(n);
    computed_at_[at] = evaluation_;
    stack.pop_back();
  }
  return values_[kernel_.position(root)];
}

Scalar ProgramRun::computed(Node n) {
  const uint32_t at = kernel_.position(n);
  if (is_let_[at] != 0) return lets_[at];
  switch (graph_.op(n)) {
    case Op::Const: return graph_.const_value(n);
    case Op::Var: return memory_.var(n);
    case Op::Load: return load(n);
    case Op::Range:
      if (is_set_[range(n)] == 0) memory_.fail(n, "has no value where it is used", current_);
      return Scalar::from_int(current_[range(n)], DType::kIndex);
    case Op::Accumulate: {
      const Fold& f = folds_[at];
      const int64_t all = points(kernel_.bound(n));
      if (!f.is_begun || f.count != all)
        memory_.fail(n,
                     "is used after " + std::to_string(f.count) + " of " + std::to_string(all) + " elements",
                     current_);
      return all == 0 ? fold_identity(graph_.arg_as<ir::ReduceArg>(n).op, graph_.dtype(n)) : f.total;
    }
    default: break;
  }
  Scalar sources[4];
  const size_t count = graph_.sources(n).size();
  for (size_t i = 0; i < count; ++i) sources[i] = values_[kernel_.position(graph_.source(n, i))];
  return memory_.compute(n, std::span(sources, count));
}

Scalar ProgramRun::load(Node n) {
  const auto known = [&](size_t i) { return values_[kernel_.position(graph_.source(n, i))]; };
  if (graph_.sources(n).size() == 3 && known(2).bits == 0)
    return Scalar::from_int(0, memory_.held(graph_.dtype(n)));
  const int64_t index = known(1).as_int(DType::kIndex);
  memory_.check_inside(n, index, current_);
  const size_t slot = memory_.slot_of(n);
  const auto i = static_cast<size_t>(index);
  if (!accesses_[slot].writers.empty()) {
    if (accesses_[slot].writers[i] != kNobody)
      memory_.fail(n, "element " + std::to_string(index) + " is loaded after it was written", current_);
    int64_t& reader = accesses_[slot].readers[i];
    reader = reader == kNobody || reader == item_ ? item_ : kMany;
  }
  return memory_.slots()[slot].elements[i];
}

// A program of phases: every item begins with the memory as it was, so that none sees what another has
// written.
class PhasesRun {
 public:
  PhasesRun(const ir::Graph& graph, const Program& program, const ir::Kernel& kernel, KernelMemory& memory,
            const interp::KernelArrays& arrays, const interp::Bindings& bindings, const RunOptions& options)
      : graph_(graph),
        program_(program),
        kernel_(kernel),
        memory_(memory),
        arrays_(arrays),
        bindings_(bindings),
        options_(options) {}

  void run() {
    for (const auto& [number, array] : arrays_) {
      const bool written = std::any_of(kernel_.statements().begin(), kernel_.statements().end(), [&](Node s) {
        return graph_.arg_as<ir::ParamArg>(graph_.source(s, 0)).index == number;
      });
      if (written) results_.push_back({number, *array, std::vector<int64_t>(elements(*array), kNobody)});
    }
    int64_t items = 1;
    for (const GridAxis& axis : program_.grid) items *= chunks(axis);
    for (int64_t item : shuffled(items, options_.shuffle_seed)) run_item(item);
    for (const auto& [number, array] : arrays_)
      for (Result& r : results_)
        if (r.number == number) *array = std::move(r.array);
  }

 private:
  struct Result {
    int64_t number;
    interp::Array array;
    std::vector<int64_t> writers;  // by element
  };

  static size_t elements(const interp::Array& a) {
    return a.bytes.size() / static_cast<size_t>(dtype_size(a.dtype));
  }
  int64_t chunks(const GridAxis& axis) const {
    return (memory_.extent(kernel_.range_position(axis.range)) + axis.chunk - 1) / axis.chunk;
  }

  void run_item(int64_t item) {
    interp::Bindings bindings = bindings_;
    int64_t rest = item;
    for (size_t i = program_.grid.size(); i-- > 0;) {
      const int64_t count = chunks(program_.grid[i]);
      bindings.vars.emplace_back(graph_.arg_as<ir::VarArg>(program_.item_vars[i]).name,
                                 rest % count * program_.grid[i].chunk);
      rest /= count;
    }
    interp::KernelArrays memory;
    for (const auto& [number, array] : arrays_)
      memory.emplace_back(number, std::make_shared<interp::Array>(*array));
    for (Node local : program_.locals) {
      const auto array = std::make_shared<interp::Array>();
      array->dtype = memory_.held(graph_.dtype(local));
      array->shape = {graph_.shape(local)[0].value};
      const auto size = static_cast<size_t>(array->shape[0] * dtype_size(array->dtype));
      array->bytes.assign(size, std::byte{0xff});  // a NaN, where it is a float
      memory.emplace_back(graph_.arg_as<ir::ParamArg>(local).index, array);
    }
    size_t next_sweep = 0;
    for (size_t p = 0; p < program_.phases.size();) {
      if (p == (program_.probe ? 1 : 0)) set_limits(memory, bindings);
      if (next_sweep < program_.sweeps.size() && program_.sweeps[next_sweep].first == p) {
        const Sweep& sweep = program_.sweeps[next_sweep++];
        run_sweep(sweep, memory, bindings);
        p = sweep.last;
        continue;
      }
      loop::run(graph_, program_.phases[p++], memory, bindings, options_);
    }
    for (Result& r : results_)
      for (const auto& [number, array] : memory)
        if (number == r.number) take(r, *array, item);
  }

  void run_sweep(const Sweep& sweep, const interp::KernelArrays& memory, interp::Bindings bindings) const {
    const int64_t from = interp::evaluate_dim(graph_, ir::Dim(sweep.from), bindings),
                  end = from + interp::evaluate_dim(graph_, ir::Dim(sweep.count), bindings);
    const size_t outer = bindings.vars.size();
    for (int64_t at = from; at < end; at += sweep.block) {
      bindings.vars.resize(outer);
      bindings.vars.emplace_back(graph_.arg_as<ir::VarArg>(sweep.at).name, at);
      bindings.vars.emplace_back(graph_.arg_as<ir::VarArg>(sweep.size).name, std::min(sweep.block, end - at));
      for (size_t p = sweep.first; p < sweep.last; ++p)
        loop::run(graph_, program_.phases[p], memory, bindings, options_);
    }
  }

  void set_limits(const interp::KernelArrays& memory, interp::Bindings& bindings) const {
    bool whole = false;
    for (const auto& [number, array] : memory)
      if (program_.probe && number == graph_.arg_as<ir::ParamArg>(program_.probe).index)
        whole = interp::element(*array, 0).as_double(array->dtype) != 0;
    std::vector<std::pair<std::string, int64_t>> values;
    for (const ItemLimit& l : program_.limits)
      values.emplace_back(graph_.arg_as<ir::VarArg>(l.var).name,
                          interp::evaluate_dim(graph_, ir::Dim(whole ? l.whole : l.value), bindings));
    bindings.vars.insert(bindings.vars.end(), values.begin(), values.end());
  }

  void take(Result& r, const interp::Array& made, int64_t item) {
    const interp::Array* before = nullptr;
    for (const auto& [number, array] : arrays_)
      if (number == r.number) before = array.get();
    const auto size = static_cast<size_t>(dtype_size(made.dtype));
    for (size_t e = 0; e < r.writers.size(); ++e) {
      if (interp::element(made, e) == interp::element(*before, e)) continue;
      if (r.writers[e] != kNobody && !(interp::element(made, e) == interp::element(r.array, e)))
        raise(ErrorCode::kData, "slot " + std::to_string(r.number) + ": element " + std::to_string(e) +
                                    " is written by items " + std::to_string(r.writers[e]) + " and " +
                                    std::to_string(item));
      r.writers[e] = item;
      std::copy_n(made.bytes.begin() + static_cast<std::ptrdiff_t>(e * size), size,
                  r.array.bytes.begin() + static_cast<std::ptrdiff_t>(e * size));
    }
  }

  const ir::Graph& graph_;
  const Program& program_;
  const ir::Kernel& kernel_;
  KernelMemory& memory_;
  const interp::KernelArrays& arrays_;
  const interp::Bindings& bindings_;
  const RunOptions& options_;
  std::vector<Result> results_;
};

}  // namespace

void run(const ir::Graph& graph, const Program& program, const interp::KernelArrays& arrays,
         const interp::Bindings& bindings, const RunOptions& options) {
  const ir::Kernel kernel(graph, std::span(&program.kernel, 1));
  KernelMemory memory(graph, kernel, arrays, bindings, options.mode);
  if (!program.phases.empty())
    return PhasesRun(graph, program, kernel, memory, arrays, bindings, options).run();
  ProgramRun(graph, program, kernel, memory).run(options.shuffle_seed);
  memory.write_back();
}

}  // namespace anneal::loop
