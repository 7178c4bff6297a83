// SPDX-License-Identifier: MIT
#include "tensor/recapture.h"

#include <set>

#include "ir/text.h"
#include "tensor/backend.h"
#include "tensor/call.h"

namespace anneal {

using ir::Node;
using ir::Op;

namespace {

// Two graphs in step, from the results down to the first place where they part.
class InStep {
 public:
  explicit InStep(const ir::Graph& graph) : graph_(graph) {}

  std::optional<std::string> difference(Node before, Node now) {
    pending_.push_back({before, now, now});
    while (!pending_.empty()) {
      const Pair p = pending_.back();
      pending_.pop_back();
      if (p.before == p.now || !seen_.emplace(p.before.id, p.now.id).second) continue;
      if (!same_alone(p.before, p.now)) return changed(p.before, p.now) + place(p.user);
      const auto a = graph_.sources(p.before), b = graph_.sources(p.now);
      for (size_t i = a.size(); i-- > 0;) pending_.push_back({a[i], b[i], p.now});  // the first comes first
    }
    return std::nullopt;
  }

 private:
  struct Pair {
    Node before, now, user;
  };

  bool same_alone(Node a, Node b) const {
    if (graph_.op(a) != graph_.op(b) || graph_.dtype(a) != graph_.dtype(b) ||
        graph_.shape_id(a) != graph_.shape_id(b) || graph_.sources(a).size() != graph_.sources(b).size())
      return false;
    if (graph_.op(a) == Op::Alias || graph_.op(a) == Op::CustomGradient) return true;
    return graph_.op(a) == Op::Buffer ? same_data(a, b) : graph_.arg(a) == graph_.arg(b);
  }

  bool same_data(Node a, Node b) const {
    if (graph_.arg(a) == graph_.arg(b)) return true;
    const auto before = host_data(graph_, a), now = host_data(graph_, b);
    return before != nullptr && now != nullptr && before->bytes == now->bytes;
  }

  std::string changed(Node before, Node now) const {
    if (graph_.op(before) == Op::Buffer && graph_.op(now) == Op::Buffer &&
        graph_.shape_id(before) == graph_.shape_id(now) && graph_.dtype(before) == graph_.dtype(now))
      return "a tensor " + ir::type_text(graph_, now) + " from outside has other elements";
    return described(before) + " is now " + described(now);
  }

  std::string described(Node n) const {
    if (graph_.op(n) == Op::Buffer) return "a tensor " + ir::type_text(graph_, n);
    const std::string text = ir::node_text(graph_, n);  // "%7 = slice %3, start=[1] : f32[2]"
    std::string out;
    for (size_t i = text.find("= ") + 2; i < text.size(); ++i) {
      if (text[i] != '%' || graph_.sources(n).empty()) {
        out += text[i];
        continue;
      }
      i = text.find_first_not_of("0123456789", i + 1) - 1;  // ids say nothing
      if (text.substr(i + 1, 2) == ", ") i += 2;
    }
    return out;
  }

  // Where the program was made that uses it.
  std::string place(Node user) const {
    const ir::Site& site = graph_.site(graph_.origin(user).site);
    if (site.file.empty()) return {};
    return ", in " + site.call + " at " + site.file + ":" + std::to_string(site.line);
  }

  const ir::Graph& graph_;
  std::vector<Pair> pending_;
  std::set<std::pair<uint32_t, uint32_t>> seen_;
};

}  // namespace

std::optional<std::string> changed_since(const ir::Graph& graph, const std::vector<Tensor>& captured,
                                         const std::vector<Tensor>& now) {
  if (captured.size() != now.size())
    return "there were " + std::to_string(captured.size()) + " results, there are now " +
           std::to_string(now.size());
  InStep both(graph);
  for (size_t i = 0; i < now.size(); ++i)
    if (const auto what = both.difference(node_of(captured[i]), node_of(now[i])))
      return "result " + std::to_string(i) + " is not what was captured: " + *what;
  return std::nullopt;
}

}  // namespace anneal
