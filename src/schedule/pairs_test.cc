// SPDX-License-Identifier: MIT
// What is made of pairs of rows and kept out of memory, what is not and why; and random programs like
// attention, forward and backward, whose kernels, as they are and as loops, give what the interpreter gives.
// ANNEAL_FUZZ_PROGRAMS and ANNEAL_FUZZ_SEED choose how many and from where.
#include "schedule/pairs.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "anneal/anneal.h"
#include "interp/test_bindings.h"
#include "ir/text.h"
#include "schedule/test_program.h"
#include "tensor/call.h"
#include "tests/support/test_random.h"

namespace anneal::schedule {
namespace {

// Why the pairs of the program are stored; empty when they are not. "none" when there are none.
std::string reason(const std::vector<Tensor>& results, const device::Caps& caps = {}) {
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  const Schedule s = make_schedule(g, roots, caps);
  std::string found = "none";
  for (const Decision& d : s.scopes.log)
    if (d.reason.starts_with("pairs are ")) found = d.fused ? "" : d.reason.substr(d.reason.find(": ") + 2);
  return found;
}

TEST(Pairs, AreStoredForAReason) {
  const auto in = [](int64_t n, const Sizes& sizes = {4, 64, 8}) { return input(n, sizes); };
  const Tensor s = matmul(in(0), transpose(in(1)));
  EXPECT_EQ(reason({matmul(softmax(s), in(2))}), "");
  EXPECT_EQ(reason({matmul(exp(s) / sum(exp(s), -1, true), in(2))}), "") << "no maximum is subtracted";
  EXPECT_EQ(reason({matmul(softmax(s), in(2)), s}), "none");
  EXPECT_EQ(reason({matmul(softmax(s), in(2)), s * 0.5}), "one is a result");
  EXPECT_EQ(reason({matmul(tanh(s), in(2))}), "no reduction of them goes back into them");
  EXPECT_EQ(reason({matmul(softmax(s), in(2)), sum(cumsum(s, -1), -1)}),
            "one is read by what is neither a reduction nor element by element");
  EXPECT_EQ(reason({matmul(softmax(s + transpose(s)), in(2))}), "none");  // read at two positions
  EXPECT_EQ(
      reason({matmul(softmax(matmul(in(0, {4, 8, 8}), transpose(in(1, {4, 8, 8})))), in(2, {4, 8, 8}))}),
      "their rows are short");
  EXPECT_EQ(reason({matmul(softmax(s), in(2, {4, 64, 80}))}), "what becomes of them is larger than they are");
  // A layer of weights, and the many classes of a language model.
  EXPECT_EQ(reason({matmul(softmax(matmul(in(0, {64, 256}), in(1, {256, 64}))), in(2, {64, 32}))}), "none");
  const Tensor x = in(0, {512, 768}), table = in(1, {20000, 768});
  EXPECT_NE(reason(gradients(sum(square(matmul(softmax(matmul(x, transpose(table))), table))), {x, table})),
            "");
  device::Caps small;
  small.onchip_bytes = 100;  // not even a few columns of a row
  EXPECT_EQ(reason({matmul(softmax(s), in(2))}, small), "they do not come out as phases");
}

// -- Random programs --

struct RandomAttention {
  support::RandomStream r;
  int64_t next = 0;
  std::vector<Tensor> inputs;

  Tensor in(const Sizes& sizes) { return inputs.emplace_back(input(next++, sizes)); }
  Tensor weights(const Tensor& s) {
    switch (r.below(7)) {
      case 0: return exp(s - logsumexp(s, {-1}, true));
      case 1: {
        const Tensor e = exp(minimum(s, 3));
        return e / (sum(e, -1, true) + 1);
      }
      case 2: {
        const Tensor e = square(relu(s));
        return e / (sum(e, {-1}, true) + 0.5);
      }
      case 3: return s - mean(s, {-1}, true);
      case 4: {
        const Tensor e = exp(minimum(s, 2));
        return e / sum(e, -1, true);
      }
      case 5: return exp(minimum(s, 2));
      default: return softmax(s);
    }
  }
  std::vector<Tensor> program() {
    const int64_t batch = 1 + r.below(2), rows = 16 + r.below(5), depth = 1 + r.below(4);
    const int64_t columns = r.one_in(2) ? rows : 16 + r.below(5);
    const Tensor q = in({batch, rows, depth}), k = in({r.one_in(4) ? 1 : batch, columns, depth});
    const Tensor v = in({batch, columns, 1 + r.below(3)});
    Tensor s = matmul(r.one_in(4) ? tanh(q) : q, transpose(k));
    if (r.one_in(2)) s = s * 0.5;
    if (r.one_in(4)) s = tanh(s) * 2;
    if (r.one_in(4)) s = s + in({rows, columns});
    if (r.one_in(4)) s = s + matmul(in({batch, rows, 2}), transpose(in({batch, columns, 2})));
    if (r.one_in(3)) s = where(tri(rows, columns, 0, boolean), s, -4);
    Tensor p = weights(s);
    if (r.one_in(4)) p = p * cast(in({rows, columns}) < 1, f32);
    std::vector<Tensor> out = {matmul(p, v)};
    if (r.one_in(4)) out[0] = out[0] / (sum(square(p), -1, true) + 1);
    if (r.one_in(4)) out.push_back(matmul(transpose(p), in({batch, rows, 2})));
    if (r.one_in(4)) out.push_back(max(s, {-1}, false));
    if (r.one_in(4)) out.push_back(sum(p * s, {-1}, false));
    if (r.one_in(6)) out.push_back(sum(p, {0}, false));
    if (r.one_in(3)) out[0] = out[0] * 0.5 + in(out[0].sizes());
    return out;
  }
};

void check(uint64_t seed, size_t& without) {
  RandomAttention random{support::RandomStream(seed * 31 + 7)};
  std::vector<Tensor> results = random.program();
  if (random.r.one_in(2)) {
    Tensor loss = sum(square(results[0]));
    for (size_t i = 1; i < results.size(); ++i) loss = loss + sum(results[i]);
    for (const Tensor& t : gradients(loss, random.inputs)) results.push_back(t);
  }
  ir::Graph& g = ir::default_graph();
  const ir::Graph::Scope scope(g);
  std::vector<Node> roots;
  for (const Tensor& t : results) roots.push_back(node_of(t));
  const std::string where = "ANNEAL_FUZZ_SEED=" + std::to_string(seed) + "\n" + ir::print(g, roots);
  const Schedule s = make_schedule(g, roots, {});
  for (const Decision& d : s.scopes.log)
    if (d.fused && d.reason.starts_with("pairs are ")) {
      ++without;
      break;
    }
  const interp::Bindings bindings = small_bindings(g, roots, seed);
  const Values wanted = interp::evaluate(g, roots, bindings);
  ASSERT_EQ(schedule_differs(g, wanted, s, bindings), "") << where;
  const int64_t onchip = 700 << random.r.below(4);
  ASSERT_EQ(schedule_differs(g, wanted, s, bindings, interp::Mode::kExact, RunOn::kLoops, onchip), "")
      << where;
}

TEST(PairsFuzz, ProgramsLikeAttention) {
  const auto seeds = test::seeds(0.01);
  size_t without = 0;
  for (const uint64_t seed : seeds)
    if (!testing::Test::HasFatalFailure()) check(seed, without);
  EXPECT_GE(2 * without, seeds.size());
}

}  // namespace
}  // namespace anneal::schedule
