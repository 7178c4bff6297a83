// SPDX-License-Identifier: MIT
#include "interp/block_reader.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace anneal::interp {

using ir::Node;
using ir::Op;

namespace {

size_t computed_size(DType t) { return static_cast<size_t>(dtype_size(ir::compute_dtype(t))); }

// Whether memory form is computed form: not for narrow floats, nor for bools, which any nonzero byte can
// stand for.
bool is_computed_form(DType t) { return !is_bool(t) && dtype_size(ir::compute_dtype(t)) == dtype_size(t); }

}  // namespace

bool BlockReader::computes(const Evaluation& e, Node n) {
  const Op op = e.graph.op(n);
  return has_flag(op, ir::kElementwise) && (op != Op::Bitcast || e.mode == Mode::kDouble);
}

std::vector<Node> deferred_tree(const Evaluation& e, Node n) {
  std::vector<Node> tree = {n};
  for (size_t i = 0; i < tree.size(); ++i)
    for (Node s : e.graph.sources(tree[i]))
      if (e.deferred[s.id] != 0) tree.push_back(s);
  return tree;
}

BlockReader::BlockReader(View view) : dtype_(view.dtype), count_(count_of(view.shape)) {
  add_view(std::move(view));
}

BlockReader::BlockReader(View view, DType to) : BlockReader(std::move(view)) {
  const size_t sources[] = {0};
  if (to != dtype_) add_op({Op::Cast, to, dtype_}, sources);
  dtype_ = to;
}

BlockReader::BlockReader(Evaluation& e, Node n, std::span<const size_t> order) : dtype_(e.held_dtype(n)) {
  const Extent shape = e.shape_of(n);
  count_ = count_of(shape);
  if (const auto it = e.values.find(n.id); it != e.values.end()) {
    add_view(permuted(it->second, order));
    return;
  }
  const std::vector<Node> tree = deferred_tree(e, n);
  std::unordered_map<uint32_t, size_t> step_of;
  for (size_t t = tree.size(); t-- > 0;) {
    std::vector<size_t> sources;
    for (Node s : e.graph.sources(tree[t])) {
      if (const auto it = step_of.find(s.id); it != step_of.end()) {
        sources.push_back(it->second);
        continue;
      }
      const View& view = e.value(s);
      if (!view.shape.empty() && view.shape != shape)
        e.fail(tree[t], "shapes differ, " + extent_text(shape) + " and " + extent_text(view.shape));
      sources.push_back(step_of[s.id] = add_view(permuted(view, order)));
    }
    step_of[tree[t].id] = add_node_op(e, tree[t], sources);
  }
}

size_t BlockReader::add_node_op(const Evaluation& e, Node n, std::span<const size_t> sources) {
  const DType result = e.graph.dtype(n), source = e.graph.dtype(e.graph.sources(n).back());
  const auto* lane = std::get_if<ir::LaneArg>(&e.graph.arg(n));
  const Op op = e.graph.op(n);
  if (op != Op::Bitcast)
    return add_op({op, e.held(result), e.held(source), lane == nullptr ? 0 : lane->lane}, sources);
  // What is held as f64 has its bits in the real type.
  const size_t real[] = {add_op({Op::Cast, source, e.held(source)}, sources)};
  const size_t bits[] = {add_op({Op::Bitcast, result, source}, real)};
  return add_op({Op::Cast, e.held(result), result}, bits);
}

size_t BlockReader::add_op(const ir::Elementwise& what, std::span<const size_t> sources) {
  Step step;
  step.what = what;
  step.num_sources = sources.size();
  std::copy(sources.begin(), sources.end(), step.sources.begin());
  step.block.resize(largest_block() * computed_size(what.result));
  steps_.push_back(std::move(step));
  return steps_.size() - 1;
}

size_t BlockReader::add_view(View view) {
  Step step;
  step.is_view = true;
  step.walk = coalesced(Walk<1>{view.shape, {view.strides}});
  step.view = std::move(view);
  const Extent& strides = step.walk.strides[0];
  const bool is_direct = is_computed_form(step.view.dtype) && strides.size() == 1 && strides[0] == 1;
  if (!is_direct) step.block.resize(largest_block() * computed_size(step.view.dtype));
  step.is_uniform = strides.empty() || (strides.size() == 1 && strides[0] == 0);
  if (step.is_uniform && count_ != 0)
    ir::load_elements(step.view.dtype, step.view.at(0), 0, largest_block(), step.block.data());
  steps_.push_back(std::move(step));
  return steps_.size() - 1;
}

const void* BlockReader::read_view(Step& step, int64_t begin, size_t n) {
  if (step.is_uniform) return step.block.data();
  if (step.block.empty()) return step.view.at(begin);
  const Extent& shape = step.walk.shape;
  const Extent& strides = step.walk.strides[0];
  const size_t last = shape.size() - 1, size = computed_size(step.view.dtype);
  for (size_t done = 0; done < n;) {
    int64_t position = begin + static_cast<int64_t>(done), element = 0;
    const int64_t in_row = position % shape[last];
    for (size_t axis = shape.size(); axis-- > 0;) {
      element += position % shape[axis] * strides[axis];
      position /= shape[axis];
    }
    const size_t run = std::min(n - done, static_cast<size_t>(shape[last] - in_row));
    ir::load_elements(step.view.dtype, step.view.at(element), strides[last], run,
                      step.block.data() + done * size);
    done += run;
  }
  return step.block.data();
}

const void* BlockReader::read_op(const Step& step, size_t n, void* to) {
  std::array<const void*, 4> sources{};
  for (size_t i = 0; i < step.num_sources; ++i) sources[i] = steps_[step.sources[i]].run;
  ir::run_elementwise(step.what, sources.data(), to, n);
  return to;
}

const void* BlockReader::read_to(int64_t begin, size_t n, void* to) {
  for (Step& step : steps_) {
    void* out = to != nullptr && &step == &steps_.back() ? to : step.block.data();
    step.run = step.is_view ? read_view(step, begin, n) : read_op(step, n, out);
  }
  return steps_.back().run;
}

void BlockReader::read_computed(int64_t begin, int64_t n, std::byte* to) {
  const size_t size = computed_size(dtype_);
  for (int64_t done = 0; done < n; done += kBlock) {
    const size_t part = std::min(kBlock, static_cast<size_t>(n - done));
    std::byte* out = to + static_cast<size_t>(done) * size;
    const void* run = read_to(begin + done, part, out);
    if (run != out) std::memcpy(out, run, part * size);
  }
}

void BlockReader::read_memory(int64_t begin, int64_t n, std::byte* to) {
  const auto size = static_cast<size_t>(dtype_size(dtype_));
  if (size == computed_size(dtype_)) return read_computed(begin, n, to);
  for (int64_t done = 0; done < n; done += kBlock) {
    const size_t part = std::min(kBlock, static_cast<size_t>(n - done));
    ir::store_elements(dtype_, read(begin + done, part), part, to + static_cast<size_t>(done) * size);
  }
}

// -- Elementwise ops as values of their own --

View evaluate_elementwise(Evaluation& e, Node n) {
  std::vector<size_t> order(static_cast<size_t>(e.graph.rank(n)));
  std::iota(order.begin(), order.end(), size_t{0});
  BlockReader reader(e, n, order);
  const std::shared_ptr<Array> out = e.make_array(n, e.shape_of(n));
  reader.read_memory(0, reader.count(), out->bytes.data());
  return whole_view(out);
}

// In exact mode the same memory under another type: not even the bits of a NaN change.
View evaluate_bitcast(Evaluation& e, Node n) {
  if (BlockReader::computes(e, n)) return evaluate_elementwise(e, n);
  View view = e.source_value(n, 0);
  view.dtype = e.graph.dtype(n);
  return view;
}

std::shared_ptr<const Array> array_of(Evaluation& e, Node n, const View& view) {
  const Array& data = *view.data;
  const bool is_whole = view.offset == 0 && data.dtype == view.dtype && data.shape == view.shape;
  if (is_whole && view.strides == row_major_strides(view.shape)) return view.data;
  const std::shared_ptr<Array> out = e.storage.make(n, view.dtype, view.shape);
  copy_elements(view, out->bytes.data(), row_major_strides(view.shape));
  return out;
}

}  // namespace anneal::interp
