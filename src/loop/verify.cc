// SPDX-License-Identifier: MIT
#include "loop/verify.h"

#include <algorithm>

#include "ir/kernel.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "loop/print.h"

namespace anneal::loop {

using ir::Op;
using ir::RangeSet;

namespace {

class Verifier {
 public:
  Verifier(const ir::Graph& graph, const Program& program)
      : graph_(graph), program_(program), kernel_(graph, std::span(&program.kernel, 1)) {}
  std::string run();

 private:
  enum class FoldState : uint8_t { kBegun, kFolded, kDone };
  struct Fold {
    Node node;
    FoldState state;
    size_t loops;  // around its begin
  };
  // A body on the way, and what was made in it.
  struct Frame {
    const Body* body;
    size_t next = 0;
    size_t lets = 0, folds = 0;  // sizes as it began
    bool has_stored = false;
    bool is_loop = false;
    Node sort = {};  // whose body it is: its key and index are read at the end
  };

  bool fail(Node n, const std::string& what) {
    error_ = "loop program: " + std::string(op_text(graph_.op(n))) + " " + what + "\n  " +
             node_text(graph_, n) + "\n" + print(graph_, program_);
    return false;
  }
  bool is_bound(Node range) const {
    return std::find(whole_.begin(), whole_.end(), range) != whole_.end() ||
           std::find(loops_.begin(), loops_.end(), range) != loops_.end();
  }
  bool is_let(Node n) const { return std::find(lets_.begin(), lets_.end(), n) != lets_.end(); }
  Fold* fold_of(Node n);
  bool check_grid();
  bool check_phases();
  bool check_all_once();
  bool check(const Statement& s);
  bool check_loop(const Statement& s);
  bool check_made(Node root, bool is_let_itself);
  bool check_fold(Node n);
  bool check_store(const Statement& s);
  void leave();

  const ir::Graph& graph_;
  const Program& program_;
  const ir::Kernel kernel_;
  std::vector<Node> whole_, loops_, lets_, stored_;  // ranges with one value; open loops
  std::vector<LoopKind> kinds_;                      // of open loops
  std::vector<Fold> folds_;
  std::vector<Frame> frames_;
  std::string error_;
};

std::string Verifier::run() {
  if (!kernel_.error().empty()) return "loop program: " + kernel_.error();
  if (!check_grid()) return error_;
  if (!program_.phases.empty()) {
    check_phases();
    return error_;
  }
  frames_.push_back({&program_.body});
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.next == frame.body->size()) {
      if (frame.sort && !(check_made(graph_.source(frame.sort, 1), false) &&
                          check_made(graph_.source(frame.sort, 2), false)))
        return error_;
      leave();
    } else if (!check((*frame.body)[frame.next++])) {
      return error_;
    }
  }
  check_all_once();
  return error_;
}

bool Verifier::check_grid() {
  for (const GridAxis& axis : program_.grid) {
    if (axis.chunk < 1) return fail(axis.range, "is split into chunks of " + std::to_string(axis.chunk));
    if (std::count_if(program_.grid.begin(), program_.grid.end(),
                      [&](const GridAxis& a) { return a.range == axis.range; }) != 1)
      return fail(axis.range, "is two axes of the grid");
    if (axis.chunk == 1) whole_.push_back(axis.range);
  }
  return true;
}

bool Verifier::check_phases() {
  if (!program_.body.empty()) return fail(program_.kernel, "has a body and phases");
  if (program_.item_vars.size() != program_.grid.size())
    return fail(program_.kernel, "lacks variables of its items");
  const auto is_local = [&](Node n) {
    return std::find(program_.locals.begin(), program_.locals.end(), n) != program_.locals.end();
  };
  std::vector<Node> made;
  if (program_.probe && (!is_local(program_.probe) || program_.phases.empty() ||
                         graph_.source(graph_.source(program_.phases[0].kernel, 0), 0) != program_.probe))
    return fail(program_.probe, "is no local slot that the first phase makes");
  size_t next = program_.probe ? 1 : 0;
  for (const Sweep& s : program_.sweeps) {
    if (s.first < next || s.last <= s.first || s.last > program_.phases.size() || s.block < 1)
      return fail(s.at, "is of a sweep over no phases, or over those of another");
    next = s.last;
  }
  for (const Program& phase : program_.phases) {
    error_ = verify(graph_, phase);
    if (!error_.empty()) return false;
    for (Node n : ir::postorder(graph_, std::span(&phase.kernel, 1)))
      if (graph_.op(n) == Op::Load && is_local(graph_.source(n, 0)) &&
          std::find(made.begin(), made.end(), graph_.source(n, 0)) == made.end())
        return fail(n, "loads from local memory before it is stored");
    for (Node s : graph_.sources(phase.kernel)) made.push_back(graph_.source(s, 0));
  }
  for (Node s : kernel_.statements())
    if (std::count(made.begin(), made.end(), graph_.source(s, 0)) != 1) return fail(s, "is not of one phase");
  return true;
}

bool Verifier::check_all_once() {
  for (Node s : kernel_.statements())
    if (std::count(stored_.begin(), stored_.end(), s) !=
        std::count(kernel_.statements().begin(), kernel_.statements().end(), s))
      return fail(s, "stands " + std::to_string(std::count(stored_.begin(), stored_.end(), s)) + " times");
  return true;
}

void Verifier::leave() {
  const Frame frame = frames_.back();
  frames_.pop_back();
  lets_.resize(frame.lets);
  folds_.resize(frame.folds);
  if (!frame.is_loop) return;
  loops_.pop_back();
  kinds_.pop_back();
  for (Fold& f : folds_)
    if (f.state == FoldState::kFolded && loops_.size() == f.loops) f.state = FoldState::kDone;
}

bool Verifier::check(const Statement& s) {
  if (!kernel_.has(s.node)) return fail(s.node, "is no node of the kernel");
  switch (s.kind) {
    case StatementKind::kLoop: return check_loop(s);
    case StatementKind::kLet:
      if (graph_.op(s.node) == Op::Load && frames_.back().has_stored)
        return fail(s.node, "comes after a store");
      if (!check_made(s.node, true)) return false;
      lets_.push_back(s.node);
      return true;
    case StatementKind::kBegin:
      if (graph_.op(s.node) != Op::Accumulate && graph_.op(s.node) != Op::ScanStore)
        return fail(s.node, "is no fold");
      folds_.push_back({s.node, FoldState::kBegun, loops_.size()});
      return true;
    case StatementKind::kFold: return check_fold(s.node);
    case StatementKind::kStore:
    case StatementKind::kSort: return check_store(s);
  }
  return fail(s.node, "is a statement of no kind");
}

bool Verifier::check_loop(const Statement& s) {
  if (graph_.op(s.node) != Op::Range) return fail(s.node, "is no range to loop over");
  if (is_bound(s.node)) return fail(s.node, "has a value already");
  if (s.lanes < 1 || (s.loop == LoopKind::kSerial && s.lanes != 1)) return fail(s.node, "has wrong lanes");
  if (s.loop == LoopKind::kVector &&
      std::find(kinds_.begin(), kinds_.end(), LoopKind::kVector) != kinds_.end())
    return fail(s.node, "is a vector loop inside another");
  loops_.push_back(s.node);
  kinds_.push_back(s.loop);
  frames_.push_back({&s.body, 0, lets_.size(), folds_.size(), false, true});
  return true;
}

Verifier::Fold* Verifier::fold_of(Node n) {
  for (size_t i = folds_.size(); i-- > 0;)
    if (folds_[i].node == n) return &folds_[i];
  return nullptr;
}

// Whether the value can be computed here: down to lets, finished folds and leaves.
bool Verifier::check_made(Node root, bool is_let_itself) {
  bool good = true;
  ir::descend(std::span(&root, 1), [&](Node n) -> std::span<const Node> {
    const Op op = graph_.op(n);
    const bool is_itself = is_let_itself && n == root;
    if (!good) return {};
    if (op == Op::Range && !is_bound(n)) good = fail(n, "has no value where it is used");
    if (ir::has_flag(op, ir::kLeaf)) return {};
    if (is_let(n)) {
      if (is_itself) good = fail(n, "is made twice");
      return {};
    }
    if (op == Op::Accumulate) {
      const Fold* fold = fold_of(n);
      if (fold == nullptr || fold->state != FoldState::kDone)
        good = fail(n, "is used before its fold is done");
      return {};
    }
    if (op == Op::Load && !is_itself) {
      good = fail(n, "is used without a let");
      return {};
    }
    return graph_.sources(n).subspan(op == Op::Load ? 1 : 0);
  });
  return good;
}

bool Verifier::check_fold(Node n) {
  Fold* fold = fold_of(n);
  if (graph_.op(n) != Op::Accumulate || fold == nullptr) return fail(n, "is folded but not begun");
  if (fold->state != FoldState::kBegun) return fail(n, "is folded twice");
  const std::span<const Node> ranges = ir::bound_ranges(graph_, n);
  if (loops_.size() != fold->loops + ranges.size() || !std::all_of(ranges.begin(), ranges.end(), [&](Node r) {
        return std::find(loops_.begin() + static_cast<std::ptrdiff_t>(fold->loops), loops_.end(), r) !=
               loops_.end();
      }))
    return fail(n, "is not folded in loops over its ranges");
  if (!check_made(graph_.source(n, 0), false)) return false;
  fold->state = FoldState::kFolded;
  return true;
}

bool Verifier::check_store(const Statement& s) {
  const Node n = s.node;
  const bool is_sort = s.kind == StatementKind::kSort;
  if (!ir::has_flag(graph_.op(n), ir::kStatement) || is_sort != (graph_.op(n) == Op::SortStore))
    return fail(n, "is not stored this way");
  const std::span<const Node> ranges = ir::bound_ranges(graph_, n);
  RangeSet around;
  for (const std::vector<Node>* list : {&whole_, &loops_})
    for (Node r : *list) around.push_back(kernel_.range_position(r));
  std::sort(around.begin(), around.end());
  const RangeSet bound = is_sort ? RangeSet{} : kernel_.bound(n);
  if (around != ir::united(kernel_.free(n), bound)) return fail(n, "is not reached once for each point");
  for (size_t i = 0; !is_sort && i < ranges.size(); ++i) {
    const size_t loop = loops_.size() - ranges.size() + i;
    if (loops_.size() < ranges.size() || loops_[loop] != ranges[i] || kinds_[loop] != LoopKind::kSerial)
      return fail(n, "does not run in serial loops over the ranges that it binds");
  }
  if (graph_.op(n) == Op::ScanStore) {
    const Fold* fold = fold_of(n);
    if (fold == nullptr || fold->loops + 1 != loops_.size())
      return fail(n, "is not begun in front of its loop");
  }
  for (size_t i = frames_.size(); i-- > 0;) frames_[i].has_stored = true;
  stored_.push_back(n);
  if (!is_sort) {
    for (Node source : graph_.sources(n).first(ir::first_bound_source(graph_, n)).subspan(1))
      if (!check_made(source, false)) return false;
    return true;
  }
  // Its body is a loop over its range, behind which key and index are read.
  if (is_bound(ranges[0])) return fail(ranges[0], "has a value already");
  loops_.push_back(ranges[0]);
  kinds_.push_back(LoopKind::kSerial);
  frames_.push_back({&s.body, 0, lets_.size(), folds_.size(), false, true});
  frames_.back().sort = n;
  return true;
}

}  // namespace

std::string verify(const ir::Graph& graph, const Program& program) { return Verifier(graph, program).run(); }

}  // namespace anneal::loop
