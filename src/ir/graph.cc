// SPDX-License-Identifier: MIT
// Arena, interning, collection. See graph.h for the contract.
#include "ir/graph.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "anneal/error.h"
#include "ir/bounds.h"
#include "ir/text.h"
#include "support/check.h"
#include "support/lock.h"

namespace anneal::ir {
namespace {

constexpr size_t kMinCollectNodes = size_t{1} << 16;
constexpr size_t kMinCollectBytes = size_t{64} << 20;

struct KeyHash {
  size_t operator()(const support::Key& k) const { return static_cast<size_t>(k.lo); }
};

void for_each_dim(const Arg& arg, const std::function<void(const Dim&)>& visit) {
  if (const auto* pad = std::get_if<PadArg>(&arg)) {
    for (const Dim& d : pad->low) visit(d);
    for (const Dim& d : pad->high) visit(d);
  } else if (const auto* slice = std::get_if<SliceArg>(&arg)) {
    for (const Dim& d : slice->start) visit(d);
  }
}

}  // namespace

// Source lists in blocks that never move, so that a span of sources stays valid while nodes are made.
class SpillPool {
 public:
  struct Place {
    uint32_t block, offset;
  };
  Place add(std::span<const Node> list) {
    if (blocks_.empty() || capacity_ - used_ < list.size()) {
      capacity_ = std::max(kBlockNodes, list.size());
      blocks_.push_back(std::make_unique<Node[]>(capacity_));
      held_ += capacity_;
      used_ = 0;
    }
    const Place place{static_cast<uint32_t>(blocks_.size() - 1), static_cast<uint32_t>(used_)};
    std::copy(list.begin(), list.end(), &blocks_.back()[used_]);
    used_ += list.size();
    return place;
  }
  const Node* at(uint32_t block, uint32_t offset) const { return &blocks_[block][offset]; }
  size_t bytes() const { return held_ * sizeof(Node); }

 private:
  static constexpr size_t kBlockNodes = 4096;
  std::vector<std::unique_ptr<Node[]>> blocks_;
  size_t used_ = 0, capacity_ = 0, held_ = 0;
};

struct Locked {
  explicit Locked(support::RecursiveLock& l) : lock(l) { lock.lock(); }
  ~Locked() { lock.unlock(); }
  support::RecursiveLock& lock;
};

struct Graph::State {
  support::RecursiveLock lock;
  int depth = 0;
  SpillPool spill;                       // source lists longer than kInlineSources
  support::KeyTable shape_ids, arg_ids;  // ids are stored plus 1
  std::vector<uint32_t> free_shapes, free_args;
  std::unordered_map<support::Key, uint32_t, KeyHash> site_ids;
  std::unordered_map<std::string, uint32_t> path_ids;
  struct Buffer {
    std::shared_ptr<const BufferData> data;
    std::shared_ptr<Resident> resident;
    size_t bytes() const { return (data ? data->bytes.size() : 0) + (resident ? resident->bytes() : 0); }
  };
  std::unordered_map<uint64_t, Buffer> buffers;
  std::unordered_map<uint64_t, std::shared_ptr<const CustomGradient>> functions;
  uint64_t next_serial = 1;
  size_t buffer_bytes_since_collection = 0, buffer_bytes_live = 0;
};

Graph::Graph() : chunks_(std::make_unique<std::unique_ptr<Chunk>[]>(kMaxChunks)), state_(new State) {
  sites_.push_back({});
  paths_.push_back({});
  args_.push_back({NoArg{}, {}, true, true});
  intern_shape({});
  // The null node has a record, so that a broken graph can be walked and reported.
  add_chunk(0);
  chunks_[0]->records[0] = {Op::Const, DType::kVoid, 0, 0, 0, 0, {}};
  chunks_[0]->keys[0] = {};
  chunks_[0]->origins[0] = {};
}

Graph::~Graph() = default;

// -- Shapes --

ShapeId Graph::intern_shape(Shape dims) {
  if (dims.size() > kMaxRank)
    raise(ErrorCode::kLimit,
          "shape of rank " + std::to_string(dims.size()) + ": at most " + std::to_string(kMaxRank));
  support::Hasher h(dims.size());
  bool symbolic = false;
  for (const Dim& d : dims) {
    if (d.is_const()) {
      h.add(static_cast<uint64_t>(d.value)).add(uint64_t{0});
    } else {
      h.add(key(d.expr));
      symbolic = true;
    }
  }
  const support::Key k = h.finish();
  if (const uint32_t found = state_->shape_ids.find(k, [this](uint32_t id) { return shapes_[id - 1].key; });
      found != 0)
    return {found - 1};
  // The product must fit even when an extent is 0 elsewhere: strides are products of the others.
  int64_t size = 1, extent_product = 1;
  for (const Dim& d : dims) {
    if (!d.is_const()) continue;
    if (d.value < 0) raise(ErrorCode::kShape, "shape has a negative extent, " + std::to_string(d.value));
    if (d.value != 0 && __builtin_mul_overflow(extent_product, d.value, &extent_product))
      raise(ErrorCode::kLimit, "shape has more than 2^63 - 1 elements");
    size = d.value == 0 ? 0 : size * (size == 0 ? 0 : d.value);
  }
  if (symbolic) check_symbolic_extents(dims, extent_product);
  ShapeRecord record;
  record.dims = std::make_unique<Dim[]>(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) record.dims[i] = dims[i];
  record.rank = static_cast<uint32_t>(dims.size());
  record.static_size = symbolic ? -1 : size;
  record.key = k;
  record.symbolic = symbolic;
  uint32_t id;
  if (!state_->free_shapes.empty()) {
    id = state_->free_shapes.back();
    state_->free_shapes.pop_back();
    shapes_[id] = std::move(record);
  } else {
    id = static_cast<uint32_t>(shapes_.size());
    shapes_.push_back(std::move(record));
  }
  state_->shape_ids.insert(k, id + 1);
  return {id};
}

// Extents that are negative, or too many elements, at every binding are refused here; what depends on the
// binding is checked when values are bound. `elements`: the product of the extents that are numbers.
void Graph::check_symbolic_extents(Shape dims, int64_t elements) const {
  BoundsOf bounds(*this);
  for (const Dim& d : dims) {
    if (d.is_const()) continue;
    const Bounds b = bounds(d);
    if (b.max < 0)
      raise(ErrorCode::kShape, "shape has an extent that is always negative, " + dim_text(*this, d));
    if (b.min > 1 && __builtin_mul_overflow(elements, b.min, &elements))
      raise(ErrorCode::kLimit, "shape has more than 2^63 - 1 elements: " + shape_text(*this, dims));
  }
}

// -- Arguments --

support::Key Graph::arg_key(const Arg& arg) const {
  support::Hasher h(arg.index());
  const auto add_dims = [&](const std::vector<Dim>& dims) {
    h.add(dims.size());
    for (const Dim& d : dims) {
      if (d.is_const())
        h.add(static_cast<uint64_t>(d.value)).add(uint64_t{0});
      else
        h.add(key(d.expr));
    }
  };
  const auto add_ints = [&](const std::vector<int64_t>& v) {
    h.add(v.size());
    for (int64_t x : v) h.add(static_cast<uint64_t>(x));
  };
  switch (arg_kind(arg)) {
    case ArgKind::None: break;
    case ArgKind::Const: h.add(std::get_if<ConstArg>(&arg)->value.bits); break;
    case ArgKind::Var: {
      const auto* a = std::get_if<VarArg>(&arg);
      h.add(a->name).add(static_cast<uint64_t>(a->min)).add(static_cast<uint64_t>(a->max));
      h.add(static_cast<uint64_t>(a->multiple_of));
      break;
    }
    case ArgKind::Range: {
      const auto* a = std::get_if<RangeArg>(&arg);
      h.add(static_cast<uint64_t>(a->id)).add(static_cast<uint64_t>(a->kind));
      break;
    }
    case ArgKind::Param: {
      const auto* a = std::get_if<ParamArg>(&arg);
      h.add(static_cast<uint64_t>(a->index)).add(a->name);
      break;
    }
    case ArgKind::Buffer: h.add(std::get_if<BufferArg>(&arg)->serial); break;
    case ArgKind::Axis: h.add(static_cast<uint64_t>(std::get_if<AxisArg>(&arg)->axis)); break;
    case ArgKind::Lane: h.add(static_cast<uint64_t>(std::get_if<LaneArg>(&arg)->lane)); break;
    case ArgKind::Perm: {
      const auto* a = std::get_if<PermArg>(&arg);
      h.add(a->perm.size());
      for (uint8_t p : a->perm) h.add(uint64_t{p});
      break;
    }
    case ArgKind::Pad: {
      const auto* a = std::get_if<PadArg>(&arg);
      add_dims(a->low);
      add_dims(a->high);
      add_ints(a->interior);
      break;
    }
    case ArgKind::Slice: {
      const auto* a = std::get_if<SliceArg>(&arg);
      add_dims(a->start);
      add_ints(a->step);
      break;
    }
    case ArgKind::Axes: h.add(uint64_t{std::get_if<AxesArg>(&arg)->axes}); break;
    case ArgKind::Reduce: {
      const auto* a = std::get_if<ReduceArg>(&arg);
      h.add(static_cast<uint64_t>(a->op)).add(uint64_t{a->axes});
      break;
    }
    case ArgKind::Scan: {
      const auto* a = std::get_if<ScanArg>(&arg);
      h.add(static_cast<uint64_t>(a->op)).add(static_cast<uint64_t>(a->axis)).add(uint64_t{a->reverse});
      break;
    }
    case ArgKind::Sort: {
      const auto* a = std::get_if<SortArg>(&arg);
      h.add(static_cast<uint64_t>(a->axis)).add(uint64_t{a->descending});
      break;
    }
    case ArgKind::Scatter: {
      const auto* a = std::get_if<ScatterArg>(&arg);
      h.add(static_cast<uint64_t>(a->mode)).add(static_cast<uint64_t>(a->axis));
      break;
    }
    case ArgKind::Custom: h.add(std::get_if<CustomArg>(&arg)->serial); break;
  }
  return h.finish();
}

uint32_t Graph::intern_arg(const Arg& arg) {
  const support::Key k = arg_key(arg);
  if (const uint32_t found = state_->arg_ids.find(k, [this](uint32_t id) { return args_[id - 1].key; });
      found != 0)
    return found - 1;
  ArgRecord record{arg, k, true, false};
  uint32_t id;
  if (!state_->free_args.empty()) {
    id = state_->free_args.back();
    state_->free_args.pop_back();
    args_[id] = std::move(record);
  } else {
    id = static_cast<uint32_t>(args_.size());
    args_.push_back(std::move(record));
  }
  state_->arg_ids.insert(k, id + 1);
  return id;
}

void Graph::wrong_arg(Node n) const {
  const std::string text(op_text(op(n)));
  support::check_failed(__FILE__, __LINE__, "wrong argument kind for op", text.c_str());
}

// -- Nodes --

const Node* Graph::spilled(const Record& r) const {
  return state_->spill.at(r.sources[0].id, r.sources[1].id);
}

Node Graph::find(support::Key k) const {
  return Node{table_.find(k, [this](uint32_t id) { return key(Node{id}); })};
}

uint32_t Graph::new_id() {
  if (!free_ids_.empty()) {
    const uint32_t id = free_ids_.back();
    free_ids_.pop_back();
    return id;
  }
  if ((next_id_ >> kChunkBits) >= kMaxChunks) raise(ErrorCode::kLimit, "graph has more than 2^28 nodes");
  const uint32_t id = next_id_++;
  if (chunks_[id >> kChunkBits] == nullptr) add_chunk(id >> kChunkBits);
  return id;
}

void Graph::add_chunk(uint32_t number) {
  chunks_[number] = std::make_unique_for_overwrite<Chunk>();
  for (uint32_t& r : chunks_[number]->refs) r = 0;
}

Node Graph::intern(const NodeSpec& spec) {
  const uint32_t arg_id = spec.arg == nullptr || spec.arg->index() == 0 ? 0 : intern_arg(*spec.arg);
  const ShapeRecord& shape = shapes_[spec.shape.id];
  support::Hasher h(static_cast<uint64_t>(spec.op) | static_cast<uint64_t>(spec.dtype) << 8 |
                    static_cast<uint64_t>(spec.sources.size()) << 16);
  h.add(shape.key);
  if (arg_id != 0) h.add(args_[arg_id].key);
  for (Node s : spec.sources) h.add(key(s));
  const support::Key k = h.finish();

  if (const Node found = find(k)) return found;
  const uint32_t id = new_id();
  table_.insert(k, id);
  Chunk& c = *chunks_[id >> kChunkBits];
  const uint32_t at = id & kChunkMask;
  Record& r = c.records[at];
  r.op = spec.op;
  r.dtype = spec.dtype;
  r.num_sources = static_cast<uint32_t>(spec.sources.size());
  r.shape = spec.shape.id;
  r.arg = arg_id;
  if (spec.sources.size() <= kInlineSources) {
    for (size_t i = 0; i < spec.sources.size(); ++i) r.sources[i] = spec.sources[i];
  } else {
    const SpillPool::Place place = state_->spill.add(spec.sources);
    r.sources[0].id = place.block;
    r.sources[1].id = place.offset;
  }
  c.keys[at] = k;
  c.origins[at] = current_;
  c.refs[at] = 0;
  ++live_;
  ++made_since_collection_;
  return Node{id};
}

uint64_t Graph::add_buffer(std::shared_ptr<const BufferData> data) {
  const uint64_t serial = state_->next_serial++;
  if (data != nullptr) {
    state_->buffer_bytes_since_collection += data->bytes.size();
    state_->buffers.emplace(serial, State::Buffer{std::move(data), nullptr});
  }
  return serial;
}

uint64_t Graph::add_resident(std::shared_ptr<Resident> resident) {
  const uint64_t serial = state_->next_serial++;
  set_resident(serial, std::move(resident));
  return serial;
}

std::shared_ptr<const BufferData> Graph::buffer(uint64_t serial) const {
  const auto it = state_->buffers.find(serial);
  if (it == state_->buffers.end()) return nullptr;
  State::Buffer& buffer = it->second;
  if (buffer.data == nullptr) {
    buffer.data = buffer.resident->fetch();
    state_->buffer_bytes_since_collection += buffer.data->bytes.size();
  }
  return buffer.data;
}

std::shared_ptr<Resident> Graph::resident(uint64_t serial) const {
  const auto it = state_->buffers.find(serial);
  return it == state_->buffers.end() ? nullptr : it->second.resident;
}

void Graph::set_resident(uint64_t serial, std::shared_ptr<Resident> resident) {
  state_->buffer_bytes_since_collection += resident->bytes();
  state_->buffers[serial].resident = std::move(resident);
}

void Graph::leave_to_resident(uint64_t serial) {
  State::Buffer& buffer = state_->buffers.at(serial);
  if (buffer.resident != nullptr) buffer.data = nullptr;
}

uint64_t Graph::add_custom_gradient(CustomGradient fn) {
  const uint64_t serial = state_->next_serial++;
  state_->functions.emplace(serial, std::make_shared<const CustomGradient>(std::move(fn)));
  return serial;
}

const CustomGradient& Graph::custom_gradient(uint64_t serial) const {
  const auto it = state_->functions.find(serial);
  if (it == state_->functions.end())
    raise(ErrorCode::kGradient, "custom_gradient: its function is not in this process");
  return *it->second;
}

// -- Provenance --

uint32_t Graph::intern_site(std::string_view file, int line, std::string_view call) {
  const support::Key key = support::Hasher(static_cast<uint64_t>(line)).add(file).add(call).finish();
  const auto [it, fresh] = state_->site_ids.emplace(key, static_cast<uint32_t>(sites_.size()));
  if (fresh) sites_.push_back({std::string(file), line, std::string(call)});
  return it->second;
}

// The modules that this thread is inside of, the last one first; a linked list of frames on its stack.
static thread_local Graph::Module* t_module = nullptr;

uint32_t Graph::Module::current(const Graph& graph) {
  for (const Module* m = t_module; m != nullptr; m = m->outer_)
    if (&m->graph_ == &graph) return m->path_;
  return 0;
}

Graph::Module::Module(Graph& graph, std::string_view name) : graph_(graph), outer_(t_module) {
  const Scope scope(graph);
  std::string path = graph.paths_[current(graph)];
  if (!path.empty()) path += '.';
  path += name;
  const auto [it, fresh] = graph.state_->path_ids.emplace(path, static_cast<uint32_t>(graph.paths_.size()));
  if (fresh) graph.paths_.push_back(std::move(path));
  graph.current_.path = path_ = it->second;
  t_module = this;
}

Graph::Module::~Module() {
  ANNEAL_CHECK(t_module == this);  // frames end in the reverse order of their begin
  t_module = outer_;
  const Scope scope(graph_);
  graph_.current_.path = current(graph_);
}

// -- Lifetime --

void Graph::retain(Node n) {
  if (n) std::atomic_ref<uint32_t>(chunk(n).refs[n.id & kChunkMask]).fetch_add(1, std::memory_order_relaxed);
}

void Graph::release(Node n) {
  if (n) std::atomic_ref<uint32_t>(chunk(n).refs[n.id & kChunkMask]).fetch_sub(1, std::memory_order_release);
}

// Marks every node that a root reaches, through sources and through symbolic extents.
void Graph::mark_live(std::vector<uint8_t>& marks, std::span<const Node> keep) const {
  std::vector<uint32_t> stack;
  const auto visit = [&](Node n) {
    if (n && marks[n.id] == 0) {
      marks[n.id] = 1;
      stack.push_back(n.id);
    }
  };
  table_.for_each([&](uint32_t id) {
    if (std::atomic_ref<uint32_t>(chunk(Node{id}).refs[id & kChunkMask]).load() != 0) visit(Node{id});
  });
  for (const Node n : keep) visit(n);
  while (!stack.empty()) {
    const Node n{stack.back()};
    stack.pop_back();
    for (Node s : sources(n)) visit(s);
    const ShapeRecord& shape = shapes_[record(n).shape];
    if (shape.symbolic)
      for (uint32_t i = 0; i < shape.rank; ++i) visit(shape.dims[i].expr);
    if (record(n).arg != 0) for_each_dim(arg(n), [&](const Dim& d) { visit(d.expr); });
  }
}

size_t Graph::collect() {
  const Locked guard(state_->lock);
  ANNEAL_CHECK_MSG(state_->depth == 0, "collect() inside a Scope");
  return collect_locked();
}

size_t Graph::collect_but(std::span<const Node> keep) {
  const Locked guard(state_->lock);
  return state_->depth == 1 ? collect_locked(keep) : 0;
}

size_t Graph::collect_locked(std::span<const Node> keep) {
  std::vector<uint8_t> marks(next_id_, 0);
  mark_live(marks, keep);
  for (ShapeRecord& s : shapes_) s.live = false;
  for (ArgRecord& a : args_) a.live = false;
  shapes_[0].live = args_[0].live = true;

  size_t freed = 0;
  SpillPool spill;
  table_.for_each([&](uint32_t id) {
    Record& r = chunk(Node{id}).records[id & kChunkMask];
    if (marks[id] == 0) {
      if (const auto* b = std::get_if<BufferArg>(&args_[r.arg].arg)) state_->buffers.erase(b->serial);
      if (const auto* f = std::get_if<CustomArg>(&args_[r.arg].arg)) state_->functions.erase(f->serial);
      free_ids_.push_back(id);
      ++freed;
      return;
    }
    shapes_[r.shape].live = true;
    args_[r.arg].live = true;
    if (r.num_sources > kInlineSources) {
      const SpillPool::Place place = spill.add({spilled(r), r.num_sources});
      r.sources[0].id = place.block;
      r.sources[1].id = place.offset;
    }
  });
  state_->spill = std::move(spill);
  table_.retain([&](uint32_t id) { return marks[id] != 0; });
  sweep_interned();
  state_->buffer_bytes_live = 0;
  for (const auto& [serial, buffer] : state_->buffers) state_->buffer_bytes_live += buffer.bytes();
  state_->buffer_bytes_since_collection = 0;
  live_ = live_after_collection_ = table_.size();
  made_since_collection_ = 0;
  ++collections_;
  return freed;
}

// Shapes and arguments that no live node has.
void Graph::sweep_interned() {
  state_->shape_ids.retain([this](uint32_t id) { return shapes_[id - 1].live; });
  for (uint32_t i = 0; i < shapes_.size(); ++i)
    if (!shapes_[i].live && shapes_[i].dims != nullptr) {
      shapes_[i] = ShapeRecord{};
      state_->free_shapes.push_back(i);
    }
  state_->arg_ids.retain([this](uint32_t id) { return args_[id - 1].live; });
  for (uint32_t i = 0; i < args_.size(); ++i)
    if (!args_[i].live && args_[i].used) {
      args_[i] = ArgRecord{};
      state_->free_args.push_back(i);
    }
}

size_t Graph::memory_bytes() const {
  const size_t chunks = (next_id_ + kChunkSize - 1) / kChunkSize;
  return chunks * sizeof(Chunk) + table_.bytes() + free_ids_.capacity() * sizeof(uint32_t) +
         shapes_.capacity() * sizeof(ShapeRecord) + args_.size() * sizeof(ArgRecord) + state_->spill.bytes();
}

Graph::Scope::Scope(Graph& graph) : graph_(graph) {
  State& s = *graph.state_;
  s.lock.lock();
  outermost_ = s.depth++ == 0;
  if (!outermost_) return;
  graph.current_.path = Module::current(graph);
  if (graph.made_since_collection_ > std::max(kMinCollectNodes, graph.live_after_collection_) ||
      s.buffer_bytes_since_collection > std::max(kMinCollectBytes, s.buffer_bytes_live))
    graph.collect_locked();
}

Graph::Scope::~Scope() {
  State& s = *graph_.state_;
  --s.depth;
  s.lock.unlock();
}

Graph& default_graph() {
  static Graph* graph = new Graph;  // never destroyed: handles in static storage may outlive main
  return *graph;
}

}  // namespace anneal::ir
