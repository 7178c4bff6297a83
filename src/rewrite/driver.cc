// SPDX-License-Identifier: MIT
#include "rewrite/driver.h"

#include <array>
#include <string>

#include "anneal/error.h"
#include "ir/kernel.h"
#include "ir/side_table.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "support/check.h"

namespace anneal::rewrite {

class Rewriter {
 public:
  Rewriter(ir::Graph& graph, const RuleSet& rules, const RewriteOptions& options)
      : graph_(graph), rules_(rules), options_(options), context_(graph), origin_(graph.current_origin()) {
    if (options.stats == nullptr) return;
    options.stats->fired.clear();
    for (const Rule* r : rules.rules()) options.stats->fired.push_back({r, 0});
  }
  ~Rewriter() { graph_.set_origin(origin_); }
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  // Before run(): which nodes are left to their users. Needs all roots.
  void find_inside(std::span<const Node> roots);
  Node run(Node root);
  // The node that replaces n by one rule, of the type of n; null when none applies.
  Node step(Node n);

 private:
  // A node being rewritten. First its sources are; then `current` is the node over the rewritten sources;
  // when a rule has replaced that, the frame waits for the result of `target`.
  struct Frame {
    Node node, current, target;
    bool full = false;  // rules see it even if it could be left to its users
    bool entered = false;
    bool whole = false;  // its sources are not left to it any more
  };
  static constexpr uint32_t kOpen = UINT32_MAX;  // result of a node that is on the stack
  // With the id, the result of a node that was left to its users: no rule has seen it.
  static constexpr uint32_t kLeft = uint32_t{1} << 31;
  static constexpr uint8_t kInside = 1,
                           kNeeded = 2;  // of inside_: belongs to its users; one of them is no such user

  // What rules have made of n; null when they have not seen it, or not yet.
  Node result(Node n) const {
    const uint32_t r = result_.get(n);
    return r == kOpen || (r & kLeft) == 0 ? Node{r} : Node{};
  }
  // As a source: also what was left to the user.
  Node seen(Node n) const {
    const uint32_t r = result_.get(n);
    if ((r & kLeft) == 0) return Node{r};
    const Node left{r & ~kLeft}, done = result(left);
    return done ? done : left;
  }
  bool is_inside(Node n) const { return (inside_.get(n) & kInside) != 0; }
  void finish(const Frame& f, Node value);
  bool push_sources(Node n);
  bool push_left(Frame& f);
  Node with_final_sources(Node n);
  void advance();
  void record(Node before, Node after);
  [[noreturn]] void fail(std::string_view what, Node before, Node after);

  ir::Graph& graph_;
  const RuleSet& rules_;
  const RewriteOptions& options_;
  MatchContext context_;
  const ir::Origin origin_;
  ir::SideTable<uint32_t> result_;
  ir::SideTable<uint8_t> inside_;  // see find_inside
  std::vector<Frame> stack_;
  std::vector<Node> sources_;
  size_t waiting_ = 0;  // frames that wait for the result of a replacement
  uint64_t steps_ = 0;  // since the last node that was there from the start
  std::array<const Rule*, 5> last_rules_{};
};

void Rewriter::finish(const Frame& f, Node value) {
  result_.set(f.node, value.id);
  if (f.current) result_.set(f.current, value.id);
  stack_.pop_back();
  if (waiting_ == 0) steps_ = 0;
}

// False when all sources are final.
bool Rewriter::push_sources(Node n) {
  bool pushed = false;
  if (ir::has_flag(graph_.op(n), ir::kLeaf))
    return false;  // a loop index keeps its extent, and so its identity
  const bool takes_left = is_inside(n);
  const std::span<const Node> sources = graph_.sources(n).first(ir::first_bound_source(graph_, n));
  for (size_t i = sources.size(); i-- > 0;) {
    const uint32_t r = result_.get(sources[i]);
    if (r == kOpen) fail("a node became part of its own replacement", sources[i], n);
    if (r != 0 && ((r & kLeft) == 0 || takes_left)) continue;
    stack_.push_back({sources[i], {}, {}, !takes_left});
    pushed = true;
  }
  return pushed;
}

Node Rewriter::with_final_sources(Node n) {
  const std::span<const Node> sources = graph_.sources(n);
  bool changed = false;
  if (ir::has_flag(graph_.op(n), ir::kLeaf)) return n;
  const size_t first_bound = ir::first_bound_source(graph_, n);  // the ranges that it binds stay
  for (Node s : sources.first(first_bound)) changed = changed || seen(s) != s;
  if (!changed) return n;
  sources_.clear();
  for (Node s : sources) sources_.push_back(sources_.size() < first_bound ? seen(s) : s);
  graph_.set_origin(graph_.origin(n));
  const ir::Arg& arg = graph_.arg(n);
  return graph_.intern({graph_.op(n), graph_.dtype(n), graph_.shape_id(n), sources_, &arg});
}

Node Rewriter::step(Node n) {
  Node next = rules_.apply(context_, n);
  if (!next) return {};
  const bool fits = graph_.dtype(next) == graph_.dtype(n);
  if (fits && graph_.shape_id(next) != graph_.shape_id(n) && graph_.rank(next) == 0)
    next = context_.build().expand(next, graph_.shape(n));
  if (!fits || graph_.shape_id(next) != graph_.shape_id(n)) fail("a rule changed the type", n, next);
  return next == n ? Node{} : next;
}

void Rewriter::record(Node before, Node after) {
  for (size_t i = 0; i + 1 < last_rules_.size(); ++i) last_rules_[i] = last_rules_[i + 1];
  last_rules_.back() = context_.rule;
  if (++steps_ > options_.max_steps)
    fail("one node took more than " + std::to_string(options_.max_steps) + " steps", before, after);
  if (options_.trace != nullptr) options_.trace->push_back({options_.pass, context_.rule, before, after});
  if (options_.stats == nullptr) return;
  ++options_.stats->steps;
  ++options_.stats->fired[context_.rule_index].count;
}

void Rewriter::fail(std::string_view what, Node before, Node after) {
  std::string text(options_.pass);
  text += ": ";
  text += what;
  text += "\n  last rules:";
  for (const Rule* r : last_rules_)
    if (r != nullptr) text += " " + std::string(r->name);
  if (context_.rule != nullptr && context_.rule != last_rules_.back())
    text += " " + std::string(context_.rule->name);
  text += "\n  " + ir::node_text(graph_, before) + "\n  " + ir::node_text(graph_, after);
  raise(ErrorCode::kInternal, std::move(text));
}

// One move of the frame on top.
void Rewriter::advance() {
  Frame& f = stack_.back();
  if (f.target) {
    --waiting_;
    return finish(f, result(f.target));
  }
  if (!f.entered) {
    const uint32_t r = result_.get(f.node);
    if (r != 0 && ((r & kLeft) == 0 || !f.full)) {  // done meanwhile, as a source of something else
      stack_.pop_back();
      return;
    }
    f.entered = true;
    result_.set(f.node, kOpen);
    if (push_sources(f.node)) return;
  }
  Frame& top = stack_.back();
  top.current = with_final_sources(top.node);
  if (!top.full && inside_.get(top.node) == kInside) {
    result_.set(top.node, kLeft | top.current.id);
    stack_.pop_back();
    return;
  }
  if (push_left(top)) return;
  if (top.current != top.node) {
    const Node known = result(top.current);
    if (known.id == kOpen) fail("a node became part of its own replacement", top.node, top.current);
    if (known) return finish(top, known);
    result_.set(top.current, kOpen);
  }
  if (options_.stats != nullptr) ++options_.stats->visited;
  const Node next = step(top.current);
  if (!next) return finish(top, top.current);
  record(top.current, next);
  const Node known = result(next);
  if (known.id == kOpen) fail("two rules undo each other", top.current, next);
  if (known) return finish(top, known);
  top.target = next;
  ++waiting_;
  stack_.push_back({next, {}, {}, true});
}

void Rewriter::find_inside(std::span<const Node> roots) {
  const auto belongs = rules_.inside().belongs;
  if (belongs == nullptr) return;
  for (Node n : ir::postorder(graph_, roots)) {
    const bool inside = belongs(graph_, n);
    if (inside) inside_.set(n, kInside);
    for (Node s : graph_.sources(n))
      if (const uint8_t flags = inside_.get(s); !inside && flags == kInside)
        inside_.set(s, kInside | kNeeded);
  }
  for (Node root : roots) inside_.set(root, inside_.get(root) | kNeeded);
}

// Pushes the sources that were left to f's node, when its rules do not see them all.
bool Rewriter::push_left(Frame& f) {
  if (f.whole || !is_inside(f.node)) return false;
  f.whole = true;
  bool any_left = false;
  for (Node s : graph_.sources(f.node)) any_left = any_left || !result(s);
  if (!any_left || rules_.inside().sees(context_, f.current)) return false;
  const Node n = f.node;  // f goes as the stack grows
  for (Node s : graph_.sources(n))
    if (!result(s) && !result(seen(s))) stack_.push_back({seen(s), {}, {}, true});
  return true;
}

Node Rewriter::run(Node root) {
  if (const Node known = result(root)) return known;
  stack_.push_back({root, {}, {}, true});
  while (!stack_.empty()) advance();
  return result(root);
}

std::vector<Node> rewrite(ir::Graph& graph, std::span<const Node> roots, const RuleSet& rules,
                          const RewriteOptions& options) {
  Rewriter rewriter(graph, rules, options);
  rewriter.find_inside(roots);
  std::vector<Node> results;
  results.reserve(roots.size());
  for (Node root : roots) results.push_back(rewriter.run(root));
  return results;
}

Node rewrite_once(ir::Graph& graph, Node root, const RuleSet& rules) {
  const RewriteOptions options;
  return Rewriter(graph, rules, options).step(root);
}

}  // namespace anneal::rewrite
