// SPDX-License-Identifier: MIT
// Elements of a view, or of a tree of elementwise ops over views, a block at a time in row-major order. This
// is what keeps a matmul, reduce(mul(expand, expand)), from holding all its products at once. Tested by
// elementwise_test.cc.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "interp/evaluation.h"
#include "ir/blocks.h"

namespace anneal::interp {

class BlockReader {
 public:
  static constexpr size_t kBlock = 512;  // elements; a tree of 32 ops stays within a cache of 256 KiB
  static constexpr size_t kMaxOps = 32;

  // Whether the op is computed here at all: elementwise, but not a mere change of view.
  static bool computes(const Evaluation& e, ir::Node n);

  explicit BlockReader(View view);
  // The view's elements cast to another type.
  BlockReader(View view, DType to);
  // The node's elements, from its value or else computed from those below it; axis i of what is read is axis
  // order[i] of the node.
  BlockReader(Evaluation& e, ir::Node n, std::span<const size_t> order);

  DType dtype() const { return dtype_; }
  int64_t count() const { return count_; }

  // Elements [begin, begin + n) in computed form, n <= kBlock; valid until the next call.
  const void* read(int64_t begin, size_t n) { return read_to(begin, n, nullptr); }
  // Any number of elements, in computed form or in memory form.
  void read_computed(int64_t begin, int64_t n, std::byte* to);
  void read_memory(int64_t begin, int64_t n, std::byte* to);

 private:
  // One value of the tree: a view, or an op over earlier values.
  struct Step {
    bool is_view = false;
    bool is_uniform = false;  // a view of one element: loaded once, for all blocks
    Walk<1> walk;             // of the view, coalesced
    View view;
    ir::Elementwise what{};
    std::array<size_t, 4> sources{};
    size_t num_sources = 0;
    std::vector<std::byte> block;  // empty for a view whose memory can be used as it is
    const void* run = nullptr;     // the elements of the current block
  };

  size_t largest_block() const { return static_cast<size_t>(std::min<int64_t>(kBlock, count_)); }
  size_t add_view(View view);
  size_t add_op(const ir::Elementwise& what, std::span<const size_t> sources);
  size_t add_node_op(const Evaluation& e, ir::Node n, std::span<const size_t> sources);
  const void* read_view(Step& step, int64_t begin, size_t n);
  const void* read_op(const Step& step, size_t n, void* to);
  const void* read_to(int64_t begin, size_t n, void* to);  // `to` may be null; the result need not be there

  std::vector<Step> steps_;
  DType dtype_ = DType::kVoid;
  int64_t count_ = 0;
};

// The view's elements as an array of their own: the view's array itself where it is just that.
std::shared_ptr<const Array> array_of(Evaluation& e, ir::Node n, const View& view);

// The deferred nodes below n, and n: users before sources.
std::vector<ir::Node> deferred_tree(const Evaluation& e, ir::Node n);

}  // namespace anneal::interp
