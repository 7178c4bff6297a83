// SPDX-License-Identifier: MIT
// The graph: an arena of immutable, hash-consed nodes.
//
// Identity. intern() gives the same Node for the same content, so == on nodes is equality of programs. Each
// node has a 128-bit key made bottom-up from content alone; equal programs have equal keys in every process.
//
// Lifetime, decided once: nodes live while a root reaches them. Roots are counted with retain/release (Tensor
// handles do it). Dead nodes are collected only when the outermost Scope begins and enough has been made
// since last time, so plain Node values are safe inside a Scope and a loop that builds and drops graphs runs
// at constant memory. Ids of dead nodes are reused; caches that outlive a Scope hold keys, or compare
// collections().
//
// Threads. A Scope holds the graph's lock: make and read nodes inside one. retain and release need none. The
// module path is the thread's own.
//
// Provenance (forward/backward, call site, module path, rule) lies in a side table, never in identity: the
// first maker of a node is the one that is remembered. Tested by graph_test.cc.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/arg.h"
#include "ir/node.h"
#include "ir/op.h"
#include "support/key_table.h"

namespace anneal::ir {

enum class Phase : uint8_t { kForward, kBackward, kOptimizer };
inline constexpr std::array<std::string_view, 3> kPhaseText = {"forward", "backward", "optimizer"};

// A place in the user's program, and the function of the API that was called there.
struct Site {
  std::string file;
  int line = 0;
  std::string call;
};

struct Origin {
  uint32_t site = 0;  // Graph::site; 0 is unknown
  uint32_t path = 0;  // Graph::module_path; 0 is none
  uint16_t rule = 0;  // Graph::rule_name; 0 is none
  Phase phase = Phase::kForward;
};

// Everything that makes a node what it is.
struct NodeSpec {
  Op op;
  DType dtype;
  ShapeId shape;
  std::span<const Node> sources;
  const Arg* arg = nullptr;  // null: NoArg
};

// Element data that a buffer node stands for, as the host has it.
struct BufferData {
  DType dtype = DType::kVoid;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;  // row-major, packed
};

// The same data where a device has it; the host gets a copy when it asks.
class Resident {
 public:
  virtual ~Resident() = default;
  virtual std::shared_ptr<const BufferData> fetch() const = 0;
  virtual size_t bytes() const = 0;
};

// The gradient function of a custom_gradient node: (upstream gradient, inputs) -> a gradient or null for each
// input.
class Graph;
using CustomGradient = std::function<std::vector<Node>(Graph&, Node upstream, std::span<const Node> inputs)>;

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // -- Reading --
  Op op(Node n) const { return record(n).op; }
  DType dtype(Node n) const { return record(n).dtype; }
  ShapeId shape_id(Node n) const { return {record(n).shape}; }
  Shape shape(Node n) const { return shape(shape_id(n)); }
  int rank(Node n) const { return static_cast<int>(shape(n).size()); }
  std::span<const Node> sources(Node n) const {
    const Record& r = record(n);
    return {r.num_sources <= kInlineSources ? r.sources : spilled(r), r.num_sources};
  }
  Node source(Node n, size_t i) const { return sources(n)[i]; }
  const Arg& arg(Node n) const { return args_[record(n).arg].arg; }
  template <typename T>
  const T& arg_as(Node n) const {
    const T* a = std::get_if<T>(&arg(n));
    if (a == nullptr) wrong_arg(n);
    return *a;
  }
  const support::Key& key(Node n) const { return chunk(n).keys[n.id & kChunkMask]; }
  const Origin& origin(Node n) const { return chunk(n).origins[n.id & kChunkMask]; }
  bool is_const(Node n) const { return record(n).op == Op::Const; }
  Scalar const_value(Node n) const { return arg_as<ConstArg>(n).value; }

  // -- Shapes --
  ShapeId intern_shape(
      Shape dims);  // raises on negative extents, rank over kMaxRank, or more than 2^63-1 elements
  Shape shape(ShapeId s) const { return {shapes_[s.id].dims.get(), shapes_[s.id].rank}; }
  // The number of elements, or -1 when an extent is symbolic.
  int64_t static_size(ShapeId s) const { return shapes_[s.id].static_size; }

  // -- Making --
  // The node with this content: found or made. No checks: builder.h is the checked door.
  Node intern(const NodeSpec& spec);
  Node find(support::Key key) const;  // null when there is none

  // Buffers and custom gradients: tables beside the graph, freed with the node that names them.
  uint64_t add_buffer(std::shared_ptr<const BufferData> data);
  uint64_t add_resident(std::shared_ptr<Resident> resident);
  // Fetched from the device when the host does not have it. Null: the parser made the node, with no data.
  std::shared_ptr<const BufferData> buffer(uint64_t serial) const;
  std::shared_ptr<Resident> resident(uint64_t serial) const;  // null: no device has it
  void set_resident(uint64_t serial, std::shared_ptr<Resident> resident);
  void leave_to_resident(uint64_t serial);  // gives up the host's copy of what a device has
  uint64_t add_custom_gradient(CustomGradient fn);
  const CustomGradient& custom_gradient(uint64_t serial) const;

  // -- Provenance --
  void set_phase(Phase phase) { current_.phase = phase; }
  Phase phase() const { return current_.phase; }
  void set_rule(uint16_t rule) { current_.rule = rule; }
  uint32_t intern_site(std::string_view file, int line, std::string_view call);
  void set_site(uint32_t site) { current_.site = site; }
  const Origin& current_origin() const { return current_; }
  void set_origin(const Origin& origin) { current_ = origin; }  // for rewrites that carry the origin on
  const Site& site(uint32_t id) const { return sites_[id]; }
  const std::string& module_path(uint32_t id) const { return paths_[id]; }  // dot-joined; see Module

  // -- Lifetime --
  void retain(Node n);
  void release(Node n);
  size_t collect();  // frees every node that no root reaches; returns how many. Not inside a Scope.
  // In the outermost Scope, for whoever is out of memory there and knows all plain ids that are still needed:
  // `keep`, beside what handles hold. In an inner one nothing is freed.
  size_t collect_but(std::span<const Node> keep);
  size_t live_nodes() const { return live_; }
  size_t memory_bytes() const;  // held by the graph, buffers excluded
  uint64_t collections() const { return collections_; }
  uint32_t id_limit() const { return next_id_; }  // every id is below this: the size of side tables

  class Scope;
  class Module;

 private:
  static constexpr int kInlineSources = 3;
  static constexpr uint32_t kChunkBits = 13, kChunkSize = 1u << kChunkBits, kChunkMask = kChunkSize - 1;
  static constexpr uint32_t kMaxChunks = 1u << 15;  // 2^28 nodes

  struct Record {  // 28 bytes
    Op op;
    DType dtype;
    uint16_t unused = 0;
    uint32_t num_sources;
    uint32_t shape;
    uint32_t arg;
    Node sources[kInlineSources];  // when there are more: the ids of 0 and 1 say where they lie
  };
  struct Chunk;
  struct ShapeRecord;
  struct ArgRecord;
  struct State;

  Chunk& chunk(Node n) const { return *chunks_[n.id >> kChunkBits]; }
  const Record& record(Node n) const;
  const Node* spilled(const Record& r) const;
  [[noreturn]] void wrong_arg(Node n) const;

  void check_symbolic_extents(Shape dims, int64_t elements) const;
  uint32_t intern_arg(const Arg& arg);
  support::Key arg_key(const Arg& arg) const;
  uint32_t new_id();
  void add_chunk(uint32_t number);
  size_t collect_locked(std::span<const Node> keep = {});
  void sweep_interned();
  void mark_live(std::vector<uint8_t>& marks, std::span<const Node> keep) const;
  friend class Scope;
  friend class Module;

  struct Chunk {
    Record records[kChunkSize];
    support::Key keys[kChunkSize];
    Origin origins[kChunkSize];
    uint32_t refs[kChunkSize];  // accessed atomically
  };
  struct ShapeRecord {
    std::unique_ptr<Dim[]> dims;
    uint32_t rank = 0;
    int64_t static_size = 1;
    support::Key key;
    bool symbolic = false, live = false;
  };
  struct ArgRecord {
    Arg arg;
    support::Key key;
    bool used = false, live = false;
  };

  std::unique_ptr<std::unique_ptr<Chunk>[]> chunks_;
  uint32_t next_id_ = 1;
  std::vector<uint32_t> free_ids_;
  support::KeyTable table_;  // live nodes by key
  size_t live_ = 0, made_since_collection_ = 0, live_after_collection_ = 0;
  std::vector<ShapeRecord> shapes_;
  std::deque<ArgRecord> args_;  // never moved: arg() gives references
  Origin current_;
  uint64_t collections_ = 0;
  std::vector<Site> sites_;
  std::vector<std::string> paths_;
  std::unique_ptr<State> state_;  // spilled sources, intern tables, buffers, functions, lock
};

inline const Graph::Record& Graph::record(Node n) const { return chunk(n).records[n.id & kChunkMask]; }

// Holds the graph's lock and keeps every node alive. Nests; the outermost one may collect as it begins.
class Graph::Scope {
 public:
  explicit Scope(Graph& graph);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  bool outermost() const { return outermost_; }

 private:
  Graph& graph_;
  bool outermost_;
};

// A module that this thread is inside of while the object lives: nodes made meanwhile carry its path,
// `name` below the path of the module around it.
class Graph::Module {
 public:
  Module(Graph& graph, std::string_view name);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

 private:
  friend class Scope;
  static uint32_t current(const Graph& graph);  // path of the innermost one of this graph

  Graph& graph_;
  Module* outer_;
  uint32_t path_ = 0;
};

// Puts back at its end, also after an error, what new nodes are marked with.
class OriginScope {
 public:
  explicit OriginScope(Graph& graph) : graph_(graph), saved_(graph.current_origin()) {}
  ~OriginScope() { graph_.set_origin(saved_); }
  OriginScope(const OriginScope&) = delete;
  OriginScope& operator=(const OriginScope&) = delete;

 private:
  Graph& graph_;
  Origin saved_;
};

// Sets the phase for nodes made while it lives.
class PhaseScope {
 public:
  PhaseScope(Graph& graph, Phase phase) : graph_(graph), saved_(graph.phase()) { graph.set_phase(phase); }
  ~PhaseScope() { graph_.set_phase(saved_); }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Graph& graph_;
  Phase saved_;
};

// The process-wide graph that the tensor API builds in.
Graph& default_graph();

}  // namespace anneal::ir
