// SPDX-License-Identifier: MIT
// The walk over a graph: which handler makes each node, when values are freed, and what params stand for.
#include "interp/interp.h"

#include <cstring>

#include "interp/block_reader.h"
#include "interp/evaluation.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::interp {

using ir::Node;
using ir::Op;

// -- What the handlers share --

std::string made_text(const ir::Graph& graph, Node n) {
  const ir::Site& site = graph.site(graph.origin(n).site);
  return site.file.empty() ? node_text(graph, n)
                           : "made by " + site.call + "  " + site.file + ":" + std::to_string(site.line);
}

void Evaluation::fail(Node n, const std::string& what, ErrorCode code) const {
  raise(code, std::string(op_text(graph.op(n))) + ": " + what + "\n  " + made_text(graph, n));
}

Extent Evaluation::shape_of(Node n) {
  Extent shape;
  int64_t count = 1;
  for (const ir::Dim& d : graph.shape(n)) {
    shape.push_back(extents(d));
    if (shape.back() < 0)
      fail(n, "has extent " + std::to_string(shape.back()) + " on axis " + std::to_string(shape.size() - 1));
    if (shape.back() != 0 && __builtin_mul_overflow(count, shape.back(), &count))
      fail(n, "has more than 2^63 - 1 elements", ErrorCode::kLimit);
  }
  return shape;
}

View Evaluation::scalar_view(Node n, ir::Scalar value) {
  const std::shared_ptr<Array> out = make_array(n, {});
  std::byte computed[8];
  ir::load_scalar(out->dtype, value, computed);
  ir::store_elements(out->dtype, computed, 1, out->bytes.data());
  return whole_view(out);
}

namespace {

// -- Leaves --

// Data from outside for a param or buffer: checked against the graph, in the held type.
View bound_view(Evaluation& e, Node n, const std::string& name, const std::shared_ptr<const Array>& data) {
  const DType t = e.graph.dtype(n);
  const Extent shape = e.shape_of(n);
  if (data == nullptr)
    raise(ErrorCode::kData, name + ": has no data, needs " + std::string(dtype_name(t)) + extent_text(shape));
  if ((data->dtype != t && data->dtype != e.held(t)) || data->shape != shape)
    raise(ErrorCode::kData, name + ": needs " + std::string(dtype_name(t)) + extent_text(shape) + ", got " +
                                std::string(dtype_name(data->dtype)) + extent_text(data->shape));
  const auto bytes = static_cast<uint64_t>(count_of(shape)) * static_cast<uint64_t>(dtype_size(data->dtype));
  if (data->bytes.size() != bytes)
    raise(ErrorCode::kData,
          name + ": needs " + std::to_string(bytes) + " bytes, got " + std::to_string(data->bytes.size()));
  if (data->dtype == e.held(t)) return whole_view(data);

  BlockReader reader(whole_view(data), e.held(t));
  const std::shared_ptr<Array> out = e.make_array(n, shape);
  reader.read_memory(0, reader.count(), out->bytes.data());
  return whole_view(out);
}

View evaluate_param(Evaluation& e, Node n) {
  const auto& arg = e.graph.arg_as<ir::ParamArg>(n);
  const std::string name =
      "param " + std::to_string(arg.index) + (arg.name.empty() ? "" : " \"" + arg.name + "\"");
  for (const auto& [index, data] : e.bindings.params)
    if (index == arg.index) return bound_view(e, n, name, data);
  return bound_view(e, n, name, nullptr);
}

View evaluate_buffer(Evaluation& e, Node n) {
  const uint64_t serial = e.graph.arg_as<ir::BufferArg>(n).serial;
  return bound_view(e, n, "buffer " + std::to_string(serial), e.graph.buffer(serial));
}

View evaluate_scalar(Evaluation& e, Node n) { return e.scalar_view(n, e.extents.scalar(n)); }

View first_source(Evaluation& e, Node n) { return e.source_value(n, 0); }

View evaluate_kernel_op(Evaluation& e, Node n) {
  e.fail(n, "belongs to a kernel: the kernel is what runs", ErrorCode::kVerify);
}

View evaluate_sink(Evaluation& e, Node n) {
  e.fail(n, "has no value: it can only be a root", ErrorCode::kVerify);
}

// -- The table --

using Handler = View (*)(Evaluation&, Node);

constexpr auto kHandlers = ir::make_op_table<Handler>({
    {Op::Const, evaluate_scalar},
    {Op::Var, evaluate_scalar},
    {Op::Range, evaluate_scalar},
    {Op::Param, evaluate_param},
    {Op::Buffer, evaluate_buffer},
    {Op::Iota, evaluate_iota},
    {Op::Neg, evaluate_elementwise},
    {Op::Abs, evaluate_elementwise},
    {Op::Not, evaluate_elementwise},
    {Op::Recip, evaluate_elementwise},
    {Op::Sqrt, evaluate_elementwise},
    {Op::Exp, evaluate_elementwise},
    {Op::Exp2, evaluate_elementwise},
    {Op::Expm1, evaluate_elementwise},
    {Op::Log, evaluate_elementwise},
    {Op::Log2, evaluate_elementwise},
    {Op::Log1p, evaluate_elementwise},
    {Op::Sin, evaluate_elementwise},
    {Op::Cos, evaluate_elementwise},
    {Op::Tanh, evaluate_elementwise},
    {Op::Atan, evaluate_elementwise},
    {Op::Erf, evaluate_elementwise},
    {Op::Floor, evaluate_elementwise},
    {Op::Ceil, evaluate_elementwise},
    {Op::Round, evaluate_elementwise},
    {Op::Trunc, evaluate_elementwise},
    {Op::Cast, evaluate_elementwise},
    {Op::Bitcast, evaluate_bitcast},
    {Op::Add, evaluate_elementwise},
    {Op::Sub, evaluate_elementwise},
    {Op::Mul, evaluate_elementwise},
    {Op::Div, evaluate_elementwise},
    {Op::FloorDiv, evaluate_elementwise},
    {Op::FloorMod, evaluate_elementwise},
    {Op::TruncDiv, evaluate_elementwise},
    {Op::TruncMod, evaluate_elementwise},
    {Op::Pow, evaluate_elementwise},
    {Op::Max, evaluate_elementwise},
    {Op::Min, evaluate_elementwise},
    {Op::And, evaluate_elementwise},
    {Op::Or, evaluate_elementwise},
    {Op::Xor, evaluate_elementwise},
    {Op::Shl, evaluate_elementwise},
    {Op::Shr, evaluate_elementwise},
    {Op::Lt, evaluate_elementwise},
    {Op::Le, evaluate_elementwise},
    {Op::Eq, evaluate_elementwise},
    {Op::Ne, evaluate_elementwise},
    {Op::Where, evaluate_elementwise},
    {Op::Threefry, evaluate_elementwise},
    {Op::Reshape, evaluate_reshape},
    {Op::Expand, evaluate_expand},
    {Op::Permute, evaluate_permute},
    {Op::Pad, evaluate_pad},
    {Op::Slice, evaluate_slice},
    {Op::Flip, evaluate_flip},
    {Op::Concat, evaluate_concat},
    {Op::Reduce, evaluate_reduce},
    {Op::ArgReduce, evaluate_arg_reduce},
    {Op::Scan, evaluate_scan},
    {Op::ArgSort, evaluate_arg_sort},
    {Op::Gather, evaluate_gather},
    {Op::Scatter, evaluate_scatter},
    {Op::Load, evaluate_kernel_op},
    {Op::Accumulate, evaluate_kernel_op},
    {Op::Store, evaluate_kernel_op},
    {Op::ScanStore, evaluate_kernel_op},
    {Op::ScatterStore, evaluate_kernel_op},
    {Op::SortStore, evaluate_kernel_op},
    {Op::StopGradient, first_source},
    {Op::CustomGradient, first_source},
    {Op::Alias, first_source},
    {Op::Sink, evaluate_sink},
});

// -- The walk --

// How often each node is still to be read, by node.
std::vector<uint32_t> count_uses(const ir::Graph& graph, std::span<const Node> order,
                                 std::span<const Node> roots) {
  std::vector<uint32_t> uses(graph.id_limit(), 0);
  for (Node n : order)
    for (Node s : graph.sources(n)) ++uses[s.id];
  for (Node root : roots) ++uses[root.id];
  return uses;
}

// Chooses what is computed block by block inside its only user: an elementwise op of the same shape, or a
// reduction.
void defer_elementwise(Evaluation& e, std::span<const Node> order, std::span<const uint32_t> uses) {
  const ir::Graph& graph = e.graph;
  e.deferred.assign(graph.id_limit(), 0);
  std::unordered_map<uint32_t, size_t> tree_ops;  // elementwise ops in a node's tree
  for (Node n : order) {
    const bool reads_blocks = BlockReader::computes(e, n);
    if (!reads_blocks && graph.op(n) != Op::Reduce) continue;
    size_t ops = 1;
    for (Node s : graph.sources(n)) {
      const auto it = tree_ops.find(s.id);
      if (it == tree_ops.end() || uses[s.id] != 1 || graph.rank(s) == 0) continue;
      if (reads_blocks && graph.shape_id(s) != graph.shape_id(n)) continue;
      if (ops + it->second > BlockReader::kMaxOps) continue;
      ops += it->second;
      e.deferred[s.id] = 1;
    }
    if (reads_blocks) tree_ops[n.id] = ops;
  }
}

// Frees what the value of n was the last to read: its sources and those of the deferred nodes below it.
void release_sources(Evaluation& e, Node n, std::vector<uint32_t>& uses) {
  for (Node user : deferred_tree(e, n))
    for (Node s : e.graph.sources(user))
      if (--uses[s.id] == 0) e.values.erase(s.id);
}

}  // namespace

std::vector<std::shared_ptr<const Array>> evaluate(const ir::Graph& graph, std::span<const Node> roots,
                                                   const Bindings& bindings, const Options& options) {
  std::vector<Node> results;
  for (Node root : roots) {
    if (graph.op(root) == Op::Sink) {
      results.insert(results.end(), graph.sources(root).begin(), graph.sources(root).end());
    } else {
      results.push_back(root);
    }
  }
  Evaluation e(graph, bindings, options);
  const std::vector<Node> order = ir::postorder(graph, results);
  std::vector<uint32_t> uses = count_uses(graph, order, results);
  defer_elementwise(e, order, uses);
  for (Node n : order) {
    if (e.deferred[n.id] != 0) continue;
    e.values[n.id] = kHandlers[static_cast<size_t>(graph.op(n))](e, n);
    release_sources(e, n, uses);
  }
  std::vector<std::shared_ptr<const Array>> arrays;
  for (Node n : results) {
    View& view = e.values.at(n.id);
    view = whole_view(array_of(e, n, view));  // made once, should the root come again
    arrays.push_back(view.data);
  }
  return arrays;
}

int64_t evaluate_dim(const ir::Graph& graph, ir::Dim dim, const Bindings& bindings) {
  return Extents(graph, bindings)(dim);
}

}  // namespace anneal::interp
