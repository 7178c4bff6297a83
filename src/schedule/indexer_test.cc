// SPDX-License-Identifier: MIT
// Every kind of movement, with odd and symbolic extents: one kernel that stores the value at each position,
// run by the interpreter of kernels, against the interpreter of tensors.
#include "schedule/indexer.h"

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "schedule/test_program.h"

namespace anneal::schedule {
namespace {

using ir::Builder;
using ir::Op;
using ir::ReduceOp;

class IndexerTest : public testing::Test {
 protected:
  Node x(std::vector<Dim> shape, DType t = f32) { return b.param(next_++, t, shape); }

  // Stores `n` element by element into slot 100 and compares.
  std::string differs(Node n, const Vars& vars = {}) {
    const Node roots[] = {n};
    const interp::Bindings bindings = small_bindings(g, roots, 7, vars);
    interp::KernelArrays arrays;
    Indexer indexer(g, [&](Node m) -> Node {
      if (g.op(m) != Op::Param) return {};
      const Dim size[1] = {ir::dim_product(g, g.shape(m))};
      return b.param(g.arg_as<ir::ParamArg>(m).index, g.dtype(m), size);
    });
    std::vector<Node> at;
    const ir::Shape shape = g.shape(n);
    for (size_t i = 0; i < shape.size(); ++i)
      at.push_back(shape[i].is(1) ? b.index(0) : b.range(shape[i], static_cast<int64_t>(i)));
    const Dim size[1] = {ir::dim_product(g, shape)};
    const Node store =
        b.store(b.param(100, g.dtype(n), size), indexer.digits().position(at, shape), indexer.value(n, at));
    for (const auto& [index, data] : bindings.params)
      arrays.emplace_back(index, std::make_shared<interp::Array>(*data));
    const auto out = std::make_shared<interp::Array>();
    out->dtype = g.dtype(n);
    out->shape = {interp::evaluate_dim(g, size[0], bindings)};
    out->bytes.assign(static_cast<size_t>(out->shape[0] * dtype_size(out->dtype)), std::byte{0x7f});
    arrays.emplace_back(100, out);
    const Node sink[] = {b.sink(std::vector<Node>{store})};
    try {
      std::string bad = ir::verify(g, sink, ir::Stage::kKernel, "indexer");
      if (!bad.empty()) return bad;
      const auto wanted = interp::evaluate(g, roots, bindings);
      interp::run_kernel(g, sink, arrays, bindings);
      bad = difference(*wanted[0], *out);
      return bad.empty() ? bad : bad + "\n" + ir::print(g, roots) + ir::print(g, sink);
    } catch (const Error& error) {
      return error.what() + ("\n" + ir::print(g, sink));
    }
  }
  std::string differs_at(Node n, std::initializer_list<int64_t> sizes) {
    for (int64_t size : sizes)
      if (const std::string bad = differs(n, {{"N", size}}); !bad.empty()) return bad;
    return {};
  }
  Node slice(Node a, std::vector<Dim> start, std::vector<int64_t> step, std::vector<Dim> shape) {
    ir::SliceArg arg;
    arg.start.assign(start.begin(), start.end());
    arg.step.assign(step.begin(), step.end());
    return b.slice(a, arg, shape);
  }
  Node pad(Node a, std::vector<int64_t> low, std::vector<int64_t> high, std::vector<int64_t> interior,
           double fill = 0) {
    ir::PadArg arg;
    for (size_t i = 0; i < low.size(); ++i) {
      arg.low.push_back(Dim(low[i]));
      arg.high.push_back(Dim(high[i]));
      arg.interior.push_back(interior[i]);
    }
    return b.pad(a, b.constant_float(fill, g.dtype(a)), arg);
  }

  ir::Graph g;
  const ir::Graph::Scope scope{g};
  const Builder b{g};
  const Dim many{b.var("N", 1, 6)};

 private:
  int64_t next_ = 0;
};

const uint8_t kSwap[] = {1, 0}, kTurn[] = {2, 0, 1};

TEST_F(IndexerTest, ReshapeAndPermute) {
  EXPECT_EQ(differs(b.reshape(x({Dim(5), Dim(7)}), std::vector<Dim>{Dim(7), Dim(5)})), "");
  EXPECT_EQ(differs(b.reshape(b.permute(x({Dim(5), Dim(6)}), kSwap), std::vector<Dim>{Dim(3), Dim(10)})), "");
  EXPECT_EQ(differs(b.permute(x({Dim(2), Dim(3), Dim(5)}), kTurn)), "");
  const Node t = b.permute(x({many, Dim(6)}), kSwap);
  EXPECT_EQ(differs_at(b.reshape(t, std::vector<Dim>{Dim(2), ir::dim_mul(g, many, Dim(3))}), {1, 4, 6}), "");
}

TEST_F(IndexerTest, SliceOfAPartAfterReshape) {
  const Node a = slice(x({Dim(2), Dim(20)}), {Dim(0), Dim(0)}, {1, 1}, {Dim(2), Dim(12)});
  EXPECT_EQ(differs(b.reshape(a, std::vector<Dim>{Dim(2), Dim(3), Dim(4)})), "");
  const Node c = b.reshape(x({Dim(2), Dim(3), Dim(4)}), std::vector<Dim>{Dim(2), Dim(12)});
  EXPECT_EQ(differs(b.reshape(pad(c, {0, 0}, {1, 8}, {0, 0}), std::vector<Dim>{Dim(60)})), "");
}

TEST_F(IndexerTest, SliceAndFlip) {
  EXPECT_EQ(differs(slice(x({Dim(9), Dim(7)}), {Dim(2), Dim(1)}, {3, 2}, {Dim(3), Dim(3)})), "");
  EXPECT_EQ(differs(b.flip(x({Dim(3), Dim(5)}), 0b11)), "");
  EXPECT_EQ(
      differs_at(b.flip(slice(x({many, Dim(5)}), {Dim(0), Dim(1)}, {1, 2}, {many, Dim(2)}), 0b01), {1, 5}),
      "");
}

TEST_F(IndexerTest, PadWithInterior) {
  EXPECT_EQ(differs(pad(x({Dim(3), Dim(4)}), {1, 0}, {2, 3}, {0, 0}, -1.5)), "");
  EXPECT_EQ(differs(pad(x({Dim(3), Dim(4)}), {1, 2}, {0, 1}, {2, 1}, 3)), "");
  EXPECT_EQ(differs_at(pad(x({many}), {2}, {1}, {1}), {1, 2, 6}), "");
  EXPECT_EQ(differs(pad(pad(x({Dim(3)}), {1}, {1}, {1}, 2), {1}, {1}, {2}, 5)), "");
}

TEST_F(IndexerTest, ConcatAndExpand) {
  const Node parts[] = {x({Dim(2), Dim(3)}), x({Dim(2), Dim(5)}), x({Dim(2), Dim(1)})};
  EXPECT_EQ(differs(b.concat(parts, 1)), "");
  const Node sized[] = {x({many}), x({Dim(3)}), x({many})};
  EXPECT_EQ(differs_at(b.concat(sized, 0), {1, 6}), "");
  EXPECT_EQ(differs(b.expand(x({Dim(1), Dim(3)}), std::vector<Dim>{Dim(4), Dim(3)})), "");
  EXPECT_EQ(differs(b.expand(x({}), std::vector<Dim>{Dim(4), Dim(3)})), "");
  EXPECT_EQ(differs_at(b.expand(x({Dim(1), Dim(3)}), std::vector<Dim>{many, Dim(3)}), {1, 5}), "");
}

// Positions of -5 to 5: some lie outside and read 0.
TEST_F(IndexerTest, GatherReadsZeroOutside) {
  EXPECT_EQ(differs(b.gather(x({Dim(4), Dim(3)}), x({Dim(7), Dim(3)}, i32), 0)), "");
  EXPECT_EQ(differs(b.gather(b.permute(x({Dim(3), Dim(4)}), kSwap), x({Dim(4), Dim(2)}, i64), 1)), "");
  EXPECT_EQ(differs_at(b.gather(x({many}), x({Dim(9)}, i8), 0), {1, 6}), "");
  const Node behind = pad(b.gather(x({Dim(4)}), x({Dim(5)}, i32), 0), {1}, {1}, {1}, 9);
  EXPECT_EQ(differs(behind), "");
}

TEST_F(IndexerTest, Reductions) {
  for (ReduceOp op : {ReduceOp::kAdd, ReduceOp::kMul, ReduceOp::kMax, ReduceOp::kMin})
    EXPECT_EQ(differs(b.reduce(x({Dim(3), Dim(5)}), op, 0b10)), "");
  EXPECT_EQ(differs_at(b.reduce(x({many, Dim(3)}), ReduceOp::kAdd, 0b11), {1, 6}), "");
  EXPECT_EQ(differs(b.arg_reduce(x({Dim(4), Dim(9)}), ReduceOp::kMax, 1)), "");
  EXPECT_EQ(differs(b.arg_reduce(x({Dim(9), Dim(4)}, i8), ReduceOp::kMin, 0)), "");
  // A reduction inside a reduction over as many elements needs a range of its own.
  const Node a = x({Dim(5), Dim(5)});
  const Node rows = b.reduce(b.make(Op::Exp, {a}), ReduceOp::kAdd, 0b10);
  const Node scaled = b.mul(a, b.expand(rows, std::vector<Dim>{Dim(5), Dim(5)}));
  EXPECT_EQ(differs(b.reduce(scaled, ReduceOp::kMax, 0b11)), "");
}

TEST_F(IndexerTest, EqualElementsAreOneNode) {
  const Node a = x({Dim(4), Dim(6)});
  Indexer indexer(g, [&](Node m) -> Node {
    const Dim size[1] = {Dim(24)};
    return m == a ? b.param(0, f32, size) : Node{};
  });
  const std::vector<Node> at = {b.range(Dim(4), 0), b.range(Dim(6), 1)};
  const Node there = b.permute(b.permute(a, kSwap), kSwap);
  const Node flat = b.reshape(b.reshape(a, std::vector<Dim>{Dim(24)}), std::vector<Dim>{Dim(4), Dim(6)});
  EXPECT_EQ(indexer.value(a, at), indexer.value(there, at));
  EXPECT_EQ(indexer.value(a, at), indexer.value(flat, at));
}

}  // namespace
}  // namespace anneal::schedule
