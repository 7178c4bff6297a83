// SPDX-License-Identifier: MIT
// The graph: identity and keys, source lists of any length, unique nodes, provenance, lifetime and limits.
#include "ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "anneal/error.h"
#include "ir/builder.h"
#include "ir/dims.h"
#include "ir/text.h"
#include "ir/walk.h"

namespace anneal::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const BufferData> bytes_of(int64_t extent) {
  auto data = std::make_shared<BufferData>();
  data->dtype = u8;
  data->shape = {extent};
  data->bytes.resize(static_cast<size_t>(extent));
  return data;
}

std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.message();
  }
  return "nothing was raised";
}

// -- Identity --

TEST(Graph, EqualContentIsOneNode) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const std::vector<Dim> shape{4, 8};
  const Node x = b.param(0, f32, shape);
  EXPECT_EQ(b.param(0, f32, shape), x);
  EXPECT_EQ(b.add(x, b.constant_float(1, f32)), b.add(x, b.constant_float(1, f32)));
  EXPECT_EQ(g.live_nodes(), 3u);
}

TEST(Graph, EveryPartOfTheContentCounts) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const std::vector<Dim> wide{4, 8}, tall{8, 4};
  const Node x = b.param(0, f32, wide), y = b.param(1, f32, wide);
  const std::set<support::Key> keys{
      g.key(x),
      g.key(y),
      g.key(b.param(0, f32, tall)),
      g.key(b.param(0, f16, wide)),
      g.key(b.param(0, f32, wide, "x")),
      g.key(b.add(x, y)),
      g.key(b.add(y, x)),
      g.key(b.sub(x, y)),
      g.key(b.add(x, x)),
      g.key(b.reduce(x, ReduceOp::kAdd, 1)),
      g.key(b.reduce(x, ReduceOp::kAdd, 2)),
      g.key(b.reduce(x, ReduceOp::kMul, 1)),
      g.key(b.scan(x, ReduceOp::kAdd, 0)),
      g.key(b.scan(x, ReduceOp::kAdd, 0, true)),
      g.key(b.arg_sort(x, 0, false)),
      g.key(b.arg_sort(x, 0, true)),
      g.key(b.flip(x, 1)),
      g.key(b.flip(x, 2)),
      g.key(b.iota(wide, 0, i32)),
      g.key(b.iota(wide, 1, i32)),
      g.key(b.constant_float(0.0, f32)),
      g.key(b.constant_float(-0.0, f32)),
      g.key(b.constant_int(0, i32)),
      g.key(b.constant_int(0, i64)),
  };
  EXPECT_EQ(keys.size(), 24u);
}

// add(mul(x, 2), reduce(x)) with its parts made in either order.
Node program(Graph& g, bool product_first) {
  const Builder b{g};
  const std::vector<Dim> shape{16, Dim(b.var("B", 1, 32, 4))};
  const Node x = b.param(0, f32, shape, "x");
  const auto product = [&] { return b.mul(x, b.constant_float(2, f32)); };
  const auto sum = [&] { return b.expand(b.reduce(x, ReduceOp::kAdd, 1), shape); };
  if (product_first) {
    const Node p = product();
    return b.add(p, sum());
  }
  b.constant_int(77, i64);  // and one that has nothing to do with it
  const Node s = sum();
  return b.add(product(), s);
}

TEST(Graph, KeysDependOnContentAlone) {
  Graph a, b;
  const Graph::Scope in_a(a), in_b(b);
  const Node first = program(a, true), second = program(b, false);
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(a.key(first), b.key(second));
  EXPECT_EQ(b.find(a.key(first)), second);
  EXPECT_FALSE(b.find(support::Key{1, 2}));
}

// A changed key means that every stored cache misses: on purpose only.
TEST(Graph, KeysAreTheSameInEveryProcess) {
  Graph g;
  const Graph::Scope scope(g);
  EXPECT_EQ(support::key_text(g.key(program(g, true))), "52f6149b6e27ff5b6345572ffc34f347");
}

TEST(Graph, SymbolicShapesWithEqualExtentsAreOneShape) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Dim batch(b.var("B", 1, 8));
  const std::vector<Dim> shape{dim_mul(g, batch, Dim(2)), 3}, same{dim_add(g, batch, batch), 3};
  EXPECT_EQ(g.intern_shape(shape), g.intern_shape(same));
  EXPECT_EQ(g.static_size(g.intern_shape(shape)), -1);
  const std::vector<Dim> two{2, 3}, empty{2, 0};
  EXPECT_NE(g.intern_shape(two), g.intern_shape(shape));
  EXPECT_EQ(g.static_size(g.intern_shape(two)), 6);
  EXPECT_EQ(g.static_size(g.intern_shape(empty)), 0);
  EXPECT_EQ(g.static_size(ShapeId{}), 1);
}

// -- Source lists --

TEST(Graph, KeepsAnyNumberOfSources) {
  Graph g;
  std::vector<Node> sinks;
  const std::vector<size_t> lengths{0, 1, 2, 3, 4, 5, 100, 4095, 4096, 4097, 10000};
  const auto check = [&] {
    for (size_t i = 0; i < lengths.size(); ++i) {
      const std::span<const Node> sources = g.sources(sinks[i]);
      ASSERT_EQ(sources.size(), lengths[i]);
      for (size_t s = 0; s < sources.size(); ++s)
        ASSERT_EQ(g.const_value(sources[s]).as_int(i64), static_cast<int64_t>(s * 3 + i));
    }
  };
  {
    const Graph::Scope scope(g);
    const Builder b{g};
    for (size_t i = 0; i < lengths.size(); ++i) {
      std::vector<Node> sources;
      for (size_t s = 0; s < lengths[i]; ++s)
        sources.push_back(b.constant_int(static_cast<int64_t>(s * 3 + i), i64));
      sinks.push_back(b.sink(sources));
      EXPECT_EQ(b.sink(sources), sinks.back());
      g.retain(sinks.back());
    }
    check();
  }
  g.collect();
  check();
}

TEST(Graph, SourceSpansStayValidWhileNodesAreMade) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  std::vector<Node> sources;
  for (int64_t i = 0; i < 10; ++i) sources.push_back(b.index(i));
  const std::span<const Node> held = g.sources(b.sink(sources));
  const Shape shape = g.shape(b.param(0, f32, std::vector<Dim>{3, 5}));
  for (int64_t i = 0; i < 50000; ++i) {
    b.sink(std::vector<Node>{sources[0], b.index(i), sources[1], sources[2]});
    b.param(i, f32, std::vector<Dim>{i, 1});
  }
  EXPECT_TRUE(std::equal(held.begin(), held.end(), sources.begin(), sources.end()));
  EXPECT_THAT(shape, ElementsAre(Dim(3), Dim(5)));
}

// -- Unique nodes --

TEST(Graph, EveryBufferIsAValueOfItsOwn) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const auto data = bytes_of(4);
  const Node x = b.buffer(data), y = b.buffer(data);
  EXPECT_NE(x, y);
  EXPECT_NE(g.key(x), g.key(y));
  EXPECT_EQ(g.buffer(g.arg_as<BufferArg>(x).serial), data);
}

TEST(Graph, DataAndFunctionsGoWithTheirNodes) {
  Graph g;
  const std::weak_ptr<const BufferData> watched = [&] {
    const Graph::Scope scope(g);
    const auto data = bytes_of(16);
    Builder{g}.buffer(data);
    return std::weak_ptr<const BufferData>(data);
  }();
  uint64_t serial = 0;
  auto captured = std::make_shared<int>(1);
  {
    const Graph::Scope scope(g);
    const Builder b{g};
    serial = g.add_custom_gradient(
        [captured](Graph&, Node, std::span<const Node>) { return std::vector<Node>(); });
    const Node x = b.constant_float(1, f32);
    b.make(Op::CustomGradient, {x, x}, CustomArg{serial});
  }
  EXPECT_EQ(captured.use_count(), 2);
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(g.collect(), 3u);
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_THAT(message_of([&] { g.custom_gradient(serial); }),
              HasSubstr("custom_gradient: its function is not in this process"));
  EXPECT_EQ(g.buffer(12345), nullptr);
}

// -- Provenance --

TEST(Graph, TheFirstMakerIsRemembered) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const uint32_t here = g.intern_site("model.cc", 12, "add"), there = g.intern_site("model.cc", 13, "add");
  EXPECT_NE(here, there);
  EXPECT_EQ(g.intern_site("model.cc", 12, "add"), here);
  EXPECT_EQ(g.site(here).file, "model.cc");
  EXPECT_EQ(g.site(here).line, 12);
  EXPECT_EQ(g.site(0).file, "");
  g.set_site(here);
  Node x, y;
  {
    const Graph::Module blocks(g, "blocks");
    {
      const Graph::Module first(g, "0");
      x = b.constant_float(1, f32);
    }
    y = b.constant_float(2, f32);
  }
  g.set_site(there);
  const PhaseScope backward(g, Phase::kBackward);
  EXPECT_EQ(b.constant_float(1, f32), x);
  EXPECT_EQ(g.origin(x).site, here);
  EXPECT_EQ(g.origin(x).phase, Phase::kForward);
  EXPECT_EQ(g.module_path(g.origin(x).path), "blocks.0");
  EXPECT_EQ(g.module_path(g.origin(y).path), "blocks");
  const Node z = b.neg(x);
  EXPECT_EQ(g.origin(z).site, there);
  EXPECT_EQ(g.origin(z).phase, Phase::kBackward);
  EXPECT_EQ(g.origin(z).path, 0u);
}

TEST(Graph, ModulesBelongToTheirThread) {
  Graph g, other;
  const auto path_of_new_node = [&](int64_t value) {
    const Graph::Scope scope(g);
    return g.module_path(g.origin(Builder{g}.constant_int(value, i64)).path);
  };
  {
    const Graph::Module mine(g, "mine"), elsewhere(other, "elsewhere");
    std::thread([&] {
      EXPECT_EQ(path_of_new_node(1), "");
      {
        const Graph::Module theirs(g, "theirs");
        EXPECT_EQ(path_of_new_node(2), "theirs");
      }
      EXPECT_EQ(path_of_new_node(3), "");
    }).join();
    EXPECT_EQ(path_of_new_node(4), "mine");
    const Graph::Module inner(g, "inner");
    EXPECT_EQ(path_of_new_node(5), "mine.inner");
  }
  EXPECT_EQ(path_of_new_node(6), "");
}

TEST(Graph, ProvenanceIsNoPartOfTheKey) {
  Graph a, b;
  const Graph::Scope in_a(a), in_b(b);
  b.set_site(b.intern_site("other.cc", 1, "f"));
  b.set_phase(Phase::kOptimizer);
  b.set_rule(7);
  const Graph::Module module(b, "m");
  EXPECT_EQ(a.key(program(a, true)), b.key(program(b, true)));
}

// -- Lifetime --

TEST(Graph, CollectFreesWhatNoRootReaches) {
  Graph g;
  Node kept;
  {
    const Graph::Scope scope(g);
    const Builder b{g};
    kept = b.add(b.constant_float(1, f32), b.constant_float(2, f32));
    b.mul(kept, b.constant_float(3, f32));
    g.retain(kept);
    g.retain(kept);
  }
  EXPECT_EQ(g.collect(), 2u);
  EXPECT_EQ(g.live_nodes(), 3u);
  g.release(kept);
  EXPECT_EQ(g.collect(), 0u);
  g.release(kept);
  EXPECT_EQ(g.collect(), 3u);
  EXPECT_EQ(g.live_nodes(), 0u);
  EXPECT_EQ(g.collections(), 3u);
}

TEST(Graph, IdsOfDeadNodesAreReused) {
  Graph g;
  const auto build = [&](int64_t from) {
    const Graph::Scope scope(g);
    for (int64_t i = 0; i < 100; ++i) Builder{g}.constant_int(from + i, i64);
  };
  build(0);
  const uint32_t limit = g.id_limit();
  EXPECT_EQ(g.collect(), 100u);
  build(1000);
  EXPECT_EQ(g.id_limit(), limit);
  EXPECT_EQ(g.live_nodes(), 100u);
  const Graph::Scope scope(g);
  EXPECT_EQ(g.const_value(Builder{g}.constant_int(1050, i64)).as_int(i64), 1050);
}

TEST(Graph, ExtentsOfLiveNodesStayAlive) {
  Graph g;
  Node padded, cut;
  {
    const Graph::Scope scope(g);
    const Builder b{g};
    const Dim batch(b.var("B", 1, 8)), more(b.var("C", 1, 8)), start(b.var("S", 0, 2));
    const std::vector<Dim> shape{dim_add(g, dim_mul(g, batch, Dim(3)), Dim(2))}, two{2};
    const Node x = b.param(0, f32, shape);
    padded = b.pad(x, b.constant_float(0, f32), PadArg{{more}, {Dim(0)}, {0}});
    cut = b.slice(x, SliceArg{{start}, {1}}, two);
    g.retain(padded);
    g.retain(cut);
  }
  g.collect();
  const Graph::Scope scope(g);
  EXPECT_EQ(type_text(g, padded), "f32[" + dim_text(g, g.shape(padded)[0]) + "]");
  EXPECT_THAT(dim_text(g, g.shape(padded)[0]),
              testing::AllOf(HasSubstr("3*B"), HasSubstr("C"), HasSubstr("+ 2")));
  EXPECT_EQ(dim_text(g, g.arg_as<PadArg>(padded).low[0]), "C");
  EXPECT_EQ(dim_text(g, g.arg_as<SliceArg>(cut).start[0]), "S");
  EXPECT_EQ(type_text(g, g.source(cut, 0)), "f32[3*B + 2]");
}

TEST(Graph, BuildingAndDroppingRunsAtConstantMemory) {
  Graph g;
  const auto build = [&](int64_t round) {
    const Graph::Scope scope(g);
    const Builder b{g};
    const std::vector<Dim> shape{Dim(round + 1), Dim(b.var("B" + std::to_string(round), 1, 8))};
    Node x = b.param(round, f32, shape);
    for (int64_t i = 0; i < 300; ++i) x = b.add(x, b.constant_int(round * 1000 + i, f32));
    b.sink(std::vector<Node>(20, x));
  };
  size_t most = 0;
  for (int64_t round = 0; round < 500; ++round) {
    build(round);
    most = std::max(most, g.memory_bytes());
  }
  EXPECT_GT(g.collections(), 1u);
  for (int64_t round = 500; round < 1500; ++round) {
    build(round);
    ASSERT_LE(g.memory_bytes(), most + most / 10) << round;
  }
}

TEST(Graph, DroppedBuffersAreCollectedByTheirSize) {
  Graph g;
  std::vector<std::weak_ptr<const BufferData>> watched;
  for (int i = 0; i < 40; ++i) {
    const Graph::Scope scope(g);
    auto data = bytes_of(8 << 20);
    watched.push_back(data);
    Builder{g}.buffer(std::move(data));
  }
  size_t alive = 0;
  for (const auto& w : watched) alive += w.expired() ? 0 : 1;
  EXPECT_LT(alive, 20u);
}

TEST(Graph, ScopesNestAndOnlyTheOutermostMayCollect) {
  Graph g;
  const Graph::Scope outer(g);
  EXPECT_TRUE(outer.outermost());
  const Builder b{g};
  const Node first = b.constant_int(1, i64);
  for (int64_t i = 0; i < 200000; ++i) {
    const Graph::Scope inner(g);
    ASSERT_FALSE(inner.outermost());
    b.constant_int(i, i64);
  }
  EXPECT_EQ(g.collections(), 0u);
  EXPECT_EQ(g.const_value(first).as_int(i64), 1);
}

TEST(Graph, HandlesAreCountedFromAnyThread) {
  Graph g;
  Node n;
  {
    const Graph::Scope scope(g);
    n = Builder{g}.constant_int(1, i64);
    g.retain(n);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) {
        g.retain(n);
        g.release(n);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(g.collect(), 0u);
  g.release(n);
  EXPECT_EQ(g.collect(), 1u);
}

TEST(Graph, ThreadsTakeTurns) {
  Graph g;
  std::vector<std::thread> threads;
  std::vector<Node> found(4);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < 300; ++i) {
        const Graph::Scope scope(g);
        const Builder b{g};
        Node x = b.constant_int(0, i64);
        for (int64_t k = 1; k < 300; ++k) x = b.add(x, b.constant_int(k * (i % 7 + 1), i64));
        g.retain(x);
        g.release(found[t]);
        found[t] = x;
      }
    });
  for (std::thread& t : threads) t.join();
  for (Node n : found) EXPECT_EQ(n, found[0]);
}

// -- Limits --

TEST(Graph, ShapesHaveLimits) {
  Graph g;
  const Graph::Scope scope(g);
  const auto raised = [&](std::vector<Dim> shape) { return message_of([&] { g.intern_shape(shape); }); };
  EXPECT_THAT(raised(std::vector<Dim>(17, Dim(1))), HasSubstr("error[limit] shape of rank 17: at most 16"));
  EXPECT_THAT(raised({2, -3}), HasSubstr("error[shape] shape has a negative extent, -3"));
  EXPECT_THAT(raised({int64_t{1} << 32, int64_t{1} << 31}),
              HasSubstr("error[limit] shape has more than 2^63 - 1 elements"));
  EXPECT_THAT(raised({int64_t{1} << 32, 0, int64_t{1} << 31}), HasSubstr("more than 2^63 - 1 elements"));
  EXPECT_EQ(raised(std::vector<Dim>(16, Dim(1))), "nothing was raised");
  EXPECT_EQ(raised({INT64_MAX}), "nothing was raised");
  EXPECT_EQ(raised({int64_t{1} << 31, (int64_t{1} << 32) - 1}), "nothing was raised");
}

using GraphDeathTest = testing::Test;

TEST(GraphDeathTest, CollectInsideAScope) {
  const auto collect_inside = [] {
    Graph g;
    const Graph::Scope scope(g);
    g.collect();
  };
  EXPECT_DEATH(collect_inside(), "collect\\(\\) inside a Scope");
}

TEST(GraphDeathTest, AnArgumentOfAnotherKind) {
  Graph g;
  const Graph::Scope scope(g);
  const Node n = Builder{g}.index(1);
  EXPECT_DEATH(g.arg_as<PermArg>(n), "wrong argument kind for op: const");
}

// -- Walks --

TEST(Walk, SourcesComeBeforeUsersAndEachOnce) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node x = b.constant_float(1, f32), y = b.constant_float(2, f32);
  const Node sum = b.add(x, y), product = b.mul(sum, sum), both = b.sub(product, x);
  EXPECT_THAT(postorder(g, std::vector<Node>{both}), ElementsAre(x, y, sum, product, both));
  EXPECT_THAT(postorder(g, std::vector<Node>{product, both, product}), ElementsAre(x, y, sum, product, both));
  EXPECT_THAT(postorder(g, {}), ElementsAre());
}

TEST(Walk, ExtentsAreVisitedWhenAskedFor) {
  Graph g;
  const Graph::Scope scope(g);
  const Builder b{g};
  const Node n = b.var("N", 1, 8);
  const Node x = b.param(0, f32, std::vector<Dim>{Dim(n), 2});
  EXPECT_THAT(postorder(g, std::vector<Node>{x}), ElementsAre(x));
  EXPECT_THAT(postorder(g, std::vector<Node>{x}, true), ElementsAre(n, x));
  EXPECT_THAT(extent_nodes(g, x), ElementsAre(n));
  EXPECT_THAT(extent_nodes(g, n), ElementsAre());
}

}  // namespace
}  // namespace anneal::ir
