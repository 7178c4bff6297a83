// SPDX-License-Identifier: MIT
// Who made the first NaN: a program's values one by one, as the interpreter defines them, from the roots back
// to the op whose sources are all finite. Tested by nan_trap_test.cc.
#include <algorithm>
#include <cmath>

#include "interp/arrays.h"
#include "interp/interp.h"
#include "ir/text.h"
#include "ir/walk.h"
#include "nn/step.h"

namespace anneal::nn::detail {
namespace {

using ir::Node;
using ir::Op;

enum class Badness : uint8_t { kFinite, kInfinite, kNaN };

Badness badness(const interp::Array& array) {
  if (!is_float(array.dtype)) return Badness::kFinite;
  Badness worst = Badness::kFinite;
  for (double v : interp::doubles_of(array)) {
    if (std::isnan(v)) return Badness::kNaN;
    if (std::isinf(v)) worst = Badness::kInfinite;
  }
  return worst;
}

class Detective {
 public:
  Detective(ir::Graph& graph, const std::vector<Node>& order, std::vector<Badness> found)
      : graph_(graph), found_(graph.id_limit(), Badness::kFinite) {
    for (size_t i = 0; i < order.size(); ++i) found_[order[i].id] = found[i];
  }

  Badness of(Node n) const { return found_[n.id]; }

  // From a bad value back to the first of its kind.
  Node origin(Node n, Badness kind) const {
    for (;;) {
      Node next;
      for (const Node s : graph_.sources(n))
        if (of(s) == kind && !graph_.is_const(s)) next = s;
      if (!next) return n;
      n = next;
    }
  }
  // A source of a NaN that is infinite, and no constant.
  Node infinite_source(Node n) const {
    for (const Node s : graph_.sources(n))
      if (of(s) == Badness::kInfinite && !graph_.is_const(s)) return s;
    return {};
  }

  std::string text(Node n) const {
    const ir::Origin& origin = graph_.origin(n);
    const ir::Site& site = graph_.site(origin.site);
    std::string out(ir::op_text(graph_.op(n)));
    if (!site.call.empty() && site.call != out) out = site.call + " (" + out + ")";
    out += " " + ir::type_text(graph_, n);
    if (const auto* param = std::get_if<ir::ParamArg>(&graph_.arg(n))) out += " " + param->name;
    if (const std::string& path = graph_.module_path(origin.path); !path.empty()) out += " in " + path;
    out += ", " + std::string(ir::kPhaseText[static_cast<size_t>(origin.phase)]);
    if (!site.file.empty()) out += ", " + site.file + ":" + std::to_string(site.line);
    return out;
  }

 private:
  ir::Graph& graph_;
  std::vector<Badness> found_;  // by node id
};

// "a NaN", with its maker and, where that only met infinities, the maker of these.
std::string story(const Detective& d, Node root) {
  const Badness kind = d.of(root);
  Node first = d.origin(root, kind);
  if (kind == Badness::kInfinite) return "the first infinity is made by " + d.text(first);
  std::string out = "the first NaN is made by " + d.text(first);
  if (const Node source = d.infinite_source(first))
    out += "\n  of an infinity that is made by " + d.text(d.origin(source, Badness::kInfinite));
  return out;
}

}  // namespace

void blame_for_nan(const std::vector<Tensor>& roots, const std::vector<Tensor>& open,
                   const std::vector<Tensor>& arguments, const RunOptions& run, int64_t step) {
  ir::Graph& graph = ir::default_graph();
  const ir::Graph::Scope scope(graph);
  std::vector<Node> ends;
  for (const Tensor& t : roots) ends.push_back(node_of(t));
  interp::Bindings bindings;
  bindings.vars = run.dims;
  for (size_t i = 0; i < open.size(); ++i)
    bindings.params.emplace_back(graph.arg_as<ir::ParamArg>(node_of(open[i])).index,
                                 host_data(graph, node_of(arguments[i])));
  std::vector<Node> order;
  for (const Node n : ir::postorder(graph, ends))
    if (is_float(graph.dtype(n))) order.push_back(n);
  std::vector<Badness> found;
  for (const auto& array : interp::evaluate(graph, order, bindings, {})) found.push_back(badness(*array));
  const Detective detective(graph, order, std::move(found));
  const std::string head = "step: the loss or a gradient of step " + std::to_string(step) + " is not finite";
  for (const Badness kind : {Badness::kNaN, Badness::kInfinite})
    for (const Node root : ends)
      if (detective.of(root) == kind) raise(ErrorCode::kData, head + "\n  " + story(detective, root));
  raise(ErrorCode::kData, head + ", but is in the interpreter: it comes from the order of roundings");
}

}  // namespace anneal::nn::detail
