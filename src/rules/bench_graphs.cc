// SPDX-License-Identifier: MIT
#include "rules/bench_graphs.h"

#include <cstddef>

#include "ir/builder.h"
#include "rules/random_index.h"
#include "support/random_stream.h"

namespace anneal::rules {
namespace {

using ir::Node;

// Where an element of a tensor lies in its source: one index an axis, and a guard for padding.
class Address {
 public:
  Address(const ir::Builder& b, std::vector<int64_t> shape, int64_t first_range)
      : b_(b), shape_(std::move(shape)) {
    for (int64_t extent : shape_) index_.push_back(b_.range(extent, first_range++));
  }

  const std::vector<int64_t>& shape() const { return shape_; }

  // The source of the op had this shape; the extents multiply to the same size.
  void through_reshape(std::vector<int64_t> from) {
    const Node flat = flatten();
    shape_ = std::move(from);
    index_.assign(shape_.size(), Node{});
    int64_t stride = 1;
    for (size_t i = shape_.size(); i-- > 0; stride *= shape_[i])
      index_[i] = b_.floormod(b_.floordiv(flat, b_.index(stride)), b_.index(shape_[i]));
  }
  void through_permute(size_t i, size_t j) {
    std::swap(shape_[i], shape_[j]);
    std::swap(index_[i], index_[j]);
  }
  void through_flip(size_t i) { index_[i] = b_.sub(b_.index(shape_[i] - 1), index_[i]); }
  void through_slice(size_t i, int64_t start, int64_t step) {
    index_[i] = b_.add(b_.mul(index_[i], b_.index(step)), b_.index(start));
    shape_[i] = shape_[i] * step + start;
  }
  void through_pad(size_t i, int64_t low, int64_t high) {
    index_[i] = b_.sub(index_[i], b_.index(low));
    shape_[i] -= low + high;
    guard(b_.le(b_.index(0), index_[i]));
    guard(b_.lt(index_[i], b_.index(shape_[i])));
  }
  // Axes i and j are position and offset of a window over one axis.
  void through_window(size_t i, size_t j, int64_t stride, int64_t dilation) {
    index_[i] = b_.add(b_.mul(index_[i], b_.index(stride)), b_.mul(index_[j], b_.index(dilation)));
    shape_[i] = (shape_[i] - 1) * stride + (shape_[j] - 1) * dilation + 1;
    index_.erase(index_.begin() + static_cast<ptrdiff_t>(j));
    shape_.erase(shape_.begin() + static_cast<ptrdiff_t>(j));
  }

  Node flatten() const {
    Node flat = b_.index(0);
    int64_t stride = 1;
    for (size_t i = shape_.size(); i-- > 0; stride *= shape_[i])
      flat = b_.add(flat, b_.mul(index_[i], b_.index(stride)));
    return flat;
  }
  Node guarded() const { return guard_ ? b_.where(guard_, flatten(), b_.index(-1)) : flatten(); }

 private:
  void guard(Node condition) { guard_ = guard_ ? b_.make(ir::Op::And, {guard_, condition}) : condition; }

  const ir::Builder& b_;
  std::vector<int64_t> shape_;
  std::vector<Node> index_;
  Node guard_;
};

// Another shape of as many elements: neighbours merged, or an axis split.
std::vector<int64_t> reshaped(const std::vector<int64_t>& shape, support::RandomStream& random) {
  std::vector<int64_t> out = shape;
  const auto i = static_cast<size_t>(random.below(static_cast<int64_t>(shape.size())));
  if (i + 1 < out.size() && random.chance(60)) {
    out[i] *= out[i + 1];
    out.erase(out.begin() + static_cast<ptrdiff_t>(i) + 1);
  } else {
    constexpr int64_t kFactors[] = {2, 3, 4, 7};
    const int64_t factor = random.pick(kFactors);
    if (out[i] % factor != 0 || out.size() > 6) return out;
    out[i] /= factor;
    out.insert(out.begin() + static_cast<ptrdiff_t>(i) + 1, factor);
  }
  return out;
}

void move(Address& a, support::RandomStream& random) {
  const auto rank = static_cast<int64_t>(a.shape().size());
  const auto i = static_cast<size_t>(random.below(rank)), j = static_cast<size_t>(random.below(rank));
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: return a.through_reshape(reshaped(a.shape(), random));
    case 3:
    case 4: return a.through_permute(i, j);
    case 5:
      return random.chance(50) ? a.through_flip(i) : a.through_slice(i, random.below(3), 1 + random.below(2));
    case 6: return a.shape()[i] > 4 ? a.through_pad(i, 1, 1) : a.through_flip(i);
    default:
      if (i != j && rank > 2 && a.shape()[j] < 8)
        a.through_window(i, j, 1 + random.below(2), 1 + random.below(2));
  }
}

}  // namespace

std::vector<Node> build_index_heavy_graph(ir::Graph& graph, size_t nodes) {
  const ir::Builder b{graph};
  support::RandomStream random(1);
  std::vector<Node> addresses;
  const size_t end = graph.live_nodes() + nodes;
  constexpr int64_t kExtents[] = {2, 3, 4, 6, 8, 12, 16, 28};
  for (int64_t kernel = 0; graph.live_nodes() < end; ++kernel) {
    std::vector<int64_t> shape;
    for (int64_t axes = 2 + random.below(4); axes > 0; --axes) shape.push_back(random.pick(kExtents));
    // The operands of one kernel share its loops.
    for (int operand = 0; operand < 3; ++operand) {
      Address a(b, shape, kernel % 64 * 8);
      for (int64_t moves = 3 + random.below(6); moves > 0; --moves) move(a, random);
      addresses.push_back(a.guarded());
    }
  }
  return addresses;
}

}  // namespace anneal::rules
