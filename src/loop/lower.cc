// SPDX-License-Identifier: MIT
// Where values are made: a tree of scopes, one for each loop body, that is filled from the
// statements down and written out at the end.
#include "loop/lower.h"

#include <algorithm>

#include "ir/builder.h"
#include "loop/contraction_program.h"
#include "loop/fold.h"
#include "loop/nests.h"
#include "loop/simplify_statements.h"

namespace anneal::loop {

using ir::Op;
using ir::RangeSet;

namespace {

constexpr size_t kNone = SIZE_MAX;

// A value in the scope where it is made.
struct ScopeValue {
  Node node;
  uint32_t uses = 0;
  bool is_used_below = false;  // in a loop inside
};

// Loops in which accumulates over the same ranges are folded.
struct FoldNest {
  uint32_t wave = 0;
  std::vector<uint32_t> ranges;       // in the order of the loops
  LoopKind kind = LoopKind::kSerial;  // of the last one
  std::vector<Node> accumulates;
  size_t outer = kNone, inner = kNone;  // scopes
};

// A statement behind the values: a store, or what opens a scope.
struct Child {
  Statement statement;
  size_t scope = kNone;
  bool is_shared = false;  // other groups may use the loop
};

struct Scope {
  size_t parent = kNone;
  RangeSet bound;
  bool in_vector = false;
  std::vector<ScopeValue> made;
  ir::SideTable<uint32_t> place = {};  // 1 + position in made
  std::vector<FoldNest> nests;
  std::vector<Child> children;
};

class Placer {
 public:
  Placer(ir::Graph& graph, const ir::Kernel& kernel, const Nests& nests)
      : graph_(graph), kernel_(kernel), nests_(nests), waves_(kernel.order().size()) {
    find_waves();
  }
  Body run();

 private:
  void find_waves();
  uint32_t wave(Node n) const { return waves_[kernel_.position(n)]; }
  size_t add_scope(size_t parent, std::span<const uint32_t> ranges, bool in_vector);
  size_t enter_loop(size_t scope, uint32_t range, const Group& group);
  size_t open(size_t scope, Statement statement, uint32_t range);
  void place_statement(Node s, size_t scope);

  void require(Node root, size_t scope);
  FoldNest& nest_of(Node accumulate, size_t scope);
  Body write(size_t scope);
  Statement write_nest(const FoldNest& nest);

  ir::Graph& graph_;
  const ir::Kernel& kernel_;
  const Nests& nests_;
  std::vector<uint32_t> waves_;  // by position: how many accumulates, one in need of the other, lie below
  std::vector<Scope> scopes_;
};

// Accumulates of one wave do not need each other; a value comes after the accumulates of its own wave.
void Placer::find_waves() {
  for (Node n : kernel_.order()) {
    uint32_t& w = waves_[kernel_.position(n)];
    for (Node s : graph_.sources(n)) w = std::max(w, wave(s));
    if (graph_.op(n) == Op::Accumulate) ++w;
  }
}

size_t Placer::add_scope(size_t parent, std::span<const uint32_t> ranges, bool in_vector) {
  RangeSet bound(ranges.begin(), ranges.end());
  std::sort(bound.begin(), bound.end());
  if (parent != kNone) {
    bound = ir::united(bound, scopes_[parent].bound);
    in_vector = in_vector || scopes_[parent].in_vector;
  }
  scopes_.push_back({parent, std::move(bound), in_vector, {}, {}, {}, {}});
  return scopes_.size() - 1;
}

size_t Placer::open(size_t scope, Statement statement, uint32_t range) {
  const size_t inside = add_scope(scope, std::span(&range, 1), statement.loop == LoopKind::kVector);
  scopes_[scope].children.push_back({std::move(statement), inside, false});
  return inside;
}

// The body of the group's loop over the range: one that is there, if nothing is in the way.
size_t Placer::enter_loop(size_t scope, uint32_t range, const Group& group) {
  const Node node = kernel_.ranges()[range];
  const LoopKind kind = group.vector == range ? LoopKind::kVector : LoopKind::kSerial;
  const int32_t lanes = kind == LoopKind::kVector ? nests_.lanes(group) : 1;
  if (!group.is_ordered)
    for (const Child& child : scopes_[scope].children)
      if (child.is_shared && child.statement.node == node && child.statement.lanes == lanes)
        return child.scope;
  const size_t inside = open(scope, {StatementKind::kLoop, node, kind, lanes}, range);
  scopes_[scope].children.back().is_shared = !group.is_ordered;
  return inside;
}

Body Placer::run() {
  std::vector<uint32_t> whole;
  for (const GridAxis& axis : nests_.grid())
    if (axis.chunk == 1) whole.push_back(kernel_.range_position(axis.range));
  const size_t root = add_scope(kNone, whole, false);
  for (const Group& group : nests_.groups()) {
    size_t scope = root;
    for (uint32_t r : group.order) scope = enter_loop(scope, r, group);
    for (Node s : group.statements) place_statement(s, scope);
  }
  return write(root);
}

void Placer::place_statement(Node s, size_t scope) {
  const std::span<const Node> ranges = ir::bound_ranges(graph_, s);
  Statement statement{StatementKind::kStore, s};
  size_t inside = scope;
  if (graph_.op(s) == Op::SortStore) {
    statement.kind = StatementKind::kSort;
    inside = open(scope, statement, kernel_.range_position(ranges[0]));
  } else {
    if (graph_.op(s) == Op::ScanStore)
      scopes_[scope].children.push_back({{StatementKind::kBegin, s}, kNone, false});
    for (Node r : ranges) {
      Statement loop{StatementKind::kLoop, r};
      const auto* scan = std::get_if<ir::ScanArg>(&graph_.arg(s));
      loop.reverse = scan != nullptr && scan->reverse;
      inside = open(inside, loop, kernel_.range_position(r));
    }
  }
  for (Node source : graph_.sources(s).first(ir::first_bound_source(graph_, s)).subspan(1))
    require(source, inside);
  if (statement.kind == StatementKind::kStore) scopes_[inside].children.push_back({statement, kNone, false});
}

// The root is used in the scope: makes it, and all that it needs, each in the outermost scope that has its
// ranges.
void Placer::require(Node root, size_t scope) {
  struct Use {
    Node node;
    size_t scope;
  };
  std::vector<Use> uses = {{root, scope}};
  while (!uses.empty()) {
    const Use use = uses.back();
    uses.pop_back();
    const Node n = use.node;
    if (ir::has_flag(graph_.op(n), ir::kLeaf)) continue;
    size_t at = use.scope;
    while (scopes_[at].parent != kNone && ir::includes(scopes_[scopes_[at].parent].bound, kernel_.free(n)))
      at = scopes_[at].parent;
    uint32_t place = scopes_[at].place.get(n);
    const bool is_new = place == 0;
    if (is_new) {
      scopes_[at].made.push_back({n});
      place = static_cast<uint32_t>(scopes_[at].made.size());
      scopes_[at].place.set(n, place);
    }
    ScopeValue& made = scopes_[at].made[place - 1];
    ++made.uses;
    made.is_used_below = made.is_used_below || at != use.scope;
    if (!is_new) continue;
    if (graph_.op(n) == Op::Accumulate) {
      uses.push_back({graph_.source(n, 0), nest_of(n, at).inner});
      continue;
    }
    for (Node s : graph_.sources(n)) uses.push_back({s, at});
  }
}

FoldNest& Placer::nest_of(Node accumulate, size_t scope) {
  FoldNest wanted;
  wanted.wave = wave(accumulate);
  for (Node r : ir::bound_ranges(graph_, accumulate)) wanted.ranges.push_back(kernel_.range_position(r));
  if (const auto vector = nests_.vector_of(accumulate); vector && !scopes_[scope].in_vector) {
    wanted.kind = LoopKind::kVector;
    const auto at = std::find(wanted.ranges.begin(), wanted.ranges.end(), *vector);
    std::rotate(at, at + 1, wanted.ranges.end());
  }
  const auto is_same = [&](const FoldNest& n) {
    return n.wave == wanted.wave && n.ranges == wanted.ranges && n.kind == wanted.kind;
  };
  auto& known = scopes_[scope].nests;
  auto at = std::find_if(known.begin(), known.end(), is_same);
  if (at == known.end()) {
    size_t inner = scope;
    for (size_t i = 0; i < wanted.ranges.size(); ++i) {
      const bool is_vector = wanted.kind == LoopKind::kVector && i + 1 == wanted.ranges.size();
      inner = add_scope(inner, std::span(&wanted.ranges[i], 1), is_vector);
      if (i == 0) wanted.outer = inner;
    }
    wanted.inner = inner;
    scopes_[scope].nests.push_back(std::move(wanted));
    at = scopes_[scope].nests.end() - 1;
  }
  at->accumulates.push_back(accumulate);
  return *at;
}

// -- Writing --

Statement Placer::write_nest(const FoldNest& nest) {
  // From the innermost loop out; each of their scopes follows the one around it.
  Body body = write(nest.inner);
  for (Node a : nest.accumulates) body.push_back({StatementKind::kFold, a});
  Statement loop{StatementKind::kLoop, {}};
  for (size_t i = nest.ranges.size(); i-- > 0;) {
    const bool is_vector = nest.kind == LoopKind::kVector && i + 1 == nest.ranges.size();
    loop = {StatementKind::kLoop, kernel_.ranges()[nest.ranges[i]], is_vector ? nest.kind : LoopKind::kSerial,
            is_vector ? nests_.lanes(nest.ranges[i]) : 1};
    loop.body = std::move(body);
    if (i == 0) break;
    body = write(nest.outer + i - 1);
    body.push_back(std::move(loop));
  }
  return loop;
}

// Recursive by loops, of which there are few.
Body Placer::write(size_t number) {
  Scope& scope = scopes_[number];
  Body body;
  const auto by_position = [&](Node a, Node b) { return kernel_.position(a) < kernel_.position(b); };
  for (FoldNest& nest : scope.nests) std::sort(nest.accumulates.begin(), nest.accumulates.end(), by_position);
  std::sort(scope.nests.begin(), scope.nests.end(), [&](const FoldNest& a, const FoldNest& b) {
    return a.wave != b.wave ? a.wave < b.wave : by_position(a.accumulates[0], b.accumulates[0]);
  });
  std::sort(scope.made.begin(), scope.made.end(), [&](const ScopeValue& a, const ScopeValue& b) {
    return wave(a.node) != wave(b.node) ? wave(a.node) < wave(b.node) : by_position(a.node, b.node);
  });
  size_t next_nest = 0;
  const auto write_nests = [&](uint32_t up_to) {
    for (; next_nest < scope.nests.size() && scope.nests[next_nest].wave <= up_to; ++next_nest) {
      const FoldNest& nest = scope.nests[next_nest];
      for (Node a : nest.accumulates) body.push_back({StatementKind::kBegin, a});
      body.push_back(write_nest(nest));
    }
  };
  for (const ScopeValue& made : scope.made) {
    write_nests(wave(made.node));
    const Op op = graph_.op(made.node);
    if (op == Op::Accumulate) continue;
    if (op == Op::Load || made.uses > 1 || made.is_used_below)
      body.push_back({StatementKind::kLet, made.node});
  }
  write_nests(UINT32_MAX);
  for (Child& child : scope.children) {
    if (child.scope != kNone) child.statement.body = write(child.scope);
    body.push_back(std::move(child.statement));
  }
  return body;
}

}  // namespace

namespace {

Program lower_whole(ir::Graph& graph, std::span<const Node> statements, const LowerOptions& options) {
  const ir::Kernel analysed(graph, statements);
  const Nests nests(graph, analysed, options);
  Body body = Placer(graph, analysed, nests).run();
  return {ir::Builder{graph}.sink(statements), nests.grid(), std::move(body)};
}

LowerOptions in_phases(LowerOptions options) {
  options.item_work = INT64_MAX;  // a phase runs on one thread
  return options;
}

}  // namespace

Program lower_loops(ir::Graph& graph, Node kernel, const LowerOptions& options) {
  const std::vector<Node> statements = simplify_statements(graph, graph.sources(kernel));
  FoldSplit split = split_fold(graph, statements, {.onchip_bytes = options.onchip_bytes});
  if (!split.reason.empty()) return lower_whole(graph, statements, options);
  Program program{ir::Builder{graph}.sink(statements), std::move(split.grid), {}};
  for (Node phase : split.phases)
    program.phases.push_back(
        lower_whole(graph, simplify_statements(graph, graph.sources(phase)), in_phases(options)));
  program.item_vars = std::move(split.item_vars);
  program.locals = std::move(split.locals);
  program.limits = std::move(split.limits);
  program.probe = split.probe;
  program.sweeps = std::move(split.sweeps);
  return program;
}

void note_contractions(ir::Graph& graph, Program& program, const LowerOptions& options) {
  if (program.phases.empty()) program.contraction = contraction_program(graph, program.kernel, options);
  for (Program& phase : program.phases)
    phase.contraction = contraction_program(graph, phase.kernel, in_phases(options));
}

Program lower(ir::Graph& graph, Node kernel, const LowerOptions& options) {
  Program program = lower_loops(graph, kernel, options);
  note_contractions(graph, program, options);
  return program;
}

}  // namespace anneal::loop
