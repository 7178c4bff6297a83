// SPDX-License-Identifier: MIT
// The value of a tensor node at one element, as a scalar expression over loop indices: movement becomes index
// arithmetic, reductions become accumulates, and what is stored becomes a load. Equal elements come out as
// the same node, so what a kernel shares is shared by construction. Iterative: any depth. Tested by
// indexer_test.cc.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "schedule/digits.h"
#include "support/hash.h"

namespace anneal::schedule {

class Indexer {
 public:
  static constexpr int64_t kFirstReduceRange = 64;  // ids below are for loops
  static constexpr uint32_t kNoPoint = ~0u;

  // The slot of a node that lies in memory, row-major; null for one that is to be computed. Leaves with data
  // always have one; so must scan, argsort and scatter, which have no value element by element.
  using SlotOf = std::function<Node(Node)>;
  Indexer(ir::Graph& graph, SlotOf slot_of);

  // `coordinates` are index nodes, one an axis. Where the bool `guard` is false no element is read and the
  // value is of no interest; null is always. With `skip_root` the node itself is computed even if it has a
  // slot.
  Node value(Node n, std::span<const Node> coordinates, Node guard = {}, bool skip_root = false);

  // The first range of this extent that none of the `inside` depends on.
  Node reduce_range(Dim extent, std::span<const Node> inside);
  Digits& digits() { return digits_; }

 private:
  struct Point;
  enum class Step : uint8_t { kOpen, kWaiting, kDone };

  uint64_t hash_of(Node n, std::span<const Node> at, Node guard, bool skip) const;
  void grow_buckets();
  uint32_t point(Node n, std::vector<Node> at, Node guard, bool skip = false);
  void expand(uint32_t p);                // appends what it needs to its needs
  bool finish(uint32_t p);                // from the values of its needs; false when there are more needs
  Node need(uint32_t p, size_t i) const;  // the value of need i
  void need_source(uint32_t p, Node source, std::vector<Node> at, Node guard);
  void expand_pad(uint32_t p);
  void expand_reduce(uint32_t p);
  Node in_range(Node position, Dim extent);  // 0 <= position < extent, as far as it is not known
  Node both(Node a, Node b);                 // of guards
  Node select(Node condition, Node then, Node otherwise);
  Node at_type(Node value, DType t);
  const std::vector<uint32_t>& ranges_in(Node n);  // ids of the free ranges, sorted

  struct Point {
    Node node, guard, value;
    std::vector<Node> at;
    std::vector<uint32_t> needs;
    std::vector<Node> extra;  // what expand() worked out for finish()
    uint32_t next;            // point in the same bucket
    Step step = Step::kOpen;
    bool skip = false;
  };

  ir::Graph& graph_;
  SlotOf slot_of_;
  Digits digits_;
  std::vector<Point> points_;
  std::vector<uint32_t> buckets_;  // points by hash: the newest of each, kNoPoint where there is none
  std::unordered_map<uint32_t, std::vector<uint32_t>> free_ranges_;
  std::vector<Node> reduce_ranges_;  // made so far
};

}  // namespace anneal::schedule
