// SPDX-License-Identifier: MIT
// When m or n is tiny, each element of the large operand is used only a few times: packing it would cost more
// than the products. It is read once, straight through its hole, against the tiny operand, which waits in the
// first-level cache; results wait there too and go through the result hole when k is done.
//   dot:   for each row of the large operand, along k: plan.chains vectors of partial sums
//   axpy:  for every few k, along the rows: result += value of the tiny operand * row of the large one
#include <vector>

#include "cpu/contract_code.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

constexpr int kAhead = 2;  // kAxpy: how many groups of rows are on their way from memory

struct Rows {
  Contract& c;
  Item item{};
  Value *results, *tiny;
  Value *begin, *end;  // of the long axis in this item

  const ContractPlan& plan() const { return c.plan; }
  bool long_is_n() const { return plan().long_axis == Axis::kN; }
  int64_t item_size() const { return long_is_n() ? plan().item_n : plan().item_m; }
  Value* extent() const { return long_is_n() ? c.n : c.m; }
  Value* result_at(int t, Value* row) const { return c.at(c.at(results, t * item_size()), row); }
  Value* tiny_at(int t, Value* k) const { return c.at(c.at(tiny, t * plan().a_row), k); }

  Value* large(Value* row, Value* k, Value* mask) const {
    OperandAt where{.b = item.b,
                    .row = row,
                    .k = k,
                    .along = Axis::kK,
                    .lanes = static_cast<unsigned>(plan().lanes),
                    .mask = mask};
    if (plan().path == ContractPath::kAxpy) where.along = plan().long_axis;
    return c.operand(!long_is_n(), where);
  }

  // The tiny operand's values for a block of k, zeros up to plan.k_unroll.
  void stage_tiny(const KBlock& block) const {
    Code& code = c.code;
    const int lanes = plan().lanes;
    Value* padded = code.round_up(block.count, std::max(plan().k_unroll, lanes));
    code.loop(code.i64(0), code.i64(plan().tiny), 1, [&](Value* t) {
      Value* to = c.at(tiny, code.mul(t, plan().a_row));
      OperandAt where{.b = item.b, .row = t, .along = Axis::kK, .lanes = static_cast<unsigned>(lanes)};
      Value* whole = code.round_down_pow2(block.count, lanes);
      code.loop(code.i64(0), whole, lanes, [&](Value* k) {
        where.k = code.add(block.k0, k);
        c.store(c.operand(long_is_n(), where), c.at(to, k));
      });
      code.loop(whole, padded, lanes, [&](Value* k) {
        where.k = code.add(block.k0, k);
        where.mask = c.mask_of(code.sub(block.count, k));
        c.store(c.operand(long_is_n(), where), c.at(to, k));
      });
    });
  }

  void zero_results() const {
    Code& code = c.code;
    code.loop(code.i64(0), code.i64(plan().tiny * item_size()), plan().lanes,
              [&](Value* i) { c.store(c.zero(), c.at(results, i)); });
  }

  void finish() const {
    Code& code = c.code;
    const int lanes = plan().lanes;
    ResultAt where{.b = item.b, .along = plan().long_axis, .lanes = static_cast<unsigned>(lanes)};
    Value* length = code.sub(end, begin);
    Value* whole = code.round_down_pow2(length, lanes);
    code.loop(code.i64(0), code.i64(plan().tiny), 1, [&](Value* t) {
      Value* from = c.at(results, code.mul(t, item_size()));
      const auto call = [&](Value* i, Value* mask) {
        Value* row = code.add(begin, i);
        where.m = long_is_n() ? t : row;
        where.n = long_is_n() ? row : t;
        where.mask = mask;
        where.value = c.load(c.vector(), c.at(from, i));
        c.spec.result(code, where);
      };
      code.loop(code.i64(0), whole, lanes, [&](Value* i) { call(i, nullptr); });
      code.when(code.less(whole, length), [&] { call(whole, c.mask_of(code.sub(length, whole))); });
    });
  }

  void dot_block(const KBlock& block) const {
    Code& code = c.code;
    const int lanes = plan().lanes, chains = plan().chains, tiny_count = plan().tiny;
    const int64_t step = static_cast<int64_t>(chains) * lanes;
    Value* whole = code.mul(code.CreateUDiv(block.count, code.i64(step)), step);
    Value* vectors = code.round_down_pow2(block.count, lanes);
    code.loop(begin, end, 1, [&](Value* row) {
      std::vector<Value*> sums(static_cast<size_t>(chains * tiny_count), c.zero());
      const auto products = [&](Value* k, int chain, Value* mask, std::vector<Value*>& into) {
        Value* x = large(row, code.add(block.k0, k), mask);
        for (int t = 0; t < tiny_count; ++t) {
          Value*& sum = into[static_cast<size_t>(t * chains + chain)];
          sum = c.fma(x, c.load(c.vector(), tiny_at(t, k)), sum);
        }
      };
      sums = code.fold(code.i64(0), whole, step, sums, [&](Value* k, Code::Values now) {
        for (int chain = 0; chain < chains; ++chain)
          products(code.add(k, chain * lanes), chain, nullptr, now);
        return now;
      });
      // What is left goes to the first chain; the ragged vector goes to the last, so that holes see few
      // masks.
      sums = code.fold(whole, vectors, lanes, sums, [&](Value* k, Code::Values now) {
        products(k, 0, nullptr, now);
        return now;
      });
      sums = code.fold(vectors, block.count, lanes, sums, [&](Value* k, Code::Values now) {
        products(k, chains - 1, c.mask_of(code.sub(block.count, k)), now);
        return now;
      });
      for (int t = 0; t < tiny_count; ++t) {
        std::vector<Value*> parts(sums.begin() + t * chains, sums.begin() + (t + 1) * chains);
        for (size_t n = parts.size(); n > 1; n /= 2) {
          for (size_t i = 0; i < n / 2; ++i) parts[i] = code.CreateFAdd(parts[i], parts[i + n / 2]);
        }
        Value* to = result_at(t, code.sub(row, begin));
        c.store(code.CreateFAdd(c.load(c.element, to), halves(parts[0])), to);
      }
    });
  }

  // The sum of a vector's lanes: the upper half is added to the lower until one lane is left.
  Value* halves(Value* vector) const {
    for (int n = plan().lanes / 2; n >= 1; n /= 2) {
      std::vector<int> low, high;
      for (int i = 0; i < n; ++i) {
        low.push_back(i);
        high.push_back(n + i);
      }
      vector = c.code.CreateFAdd(c.code.CreateShuffleVector(vector, low),
                                 c.code.CreateShuffleVector(vector, high));
    }
    return c.code.CreateExtractElement(vector, uint64_t{0});
  }

  void axpy_rows(Value* row0, Value* k0, Value* k, int steps, Value* mask) const {
    Code& code = c.code;
    std::vector<Value*> sums;
    Value* here = code.sub(row0, begin);
    for (int t = 0; t < plan().tiny; ++t) sums.push_back(c.load(c.vector(), result_at(t, here)));
    for (int u = 0; u < steps; ++u) {
      Value* ku = code.add(k, u);
      Value* x = large(row0, code.add(k0, ku), mask);
      for (int t = 0; t < plan().tiny; ++t) {
        Value* y = c.load(c.element, tiny_at(t, ku));
        y = code.CreateVectorSplat(static_cast<unsigned>(plan().lanes), y);
        sums[static_cast<size_t>(t)] = c.fma(x, y, sums[static_cast<size_t>(t)]);
      }
    }
    for (int t = 0; t < plan().tiny; ++t) c.store(sums[static_cast<size_t>(t)], result_at(t, here));
  }

  // Asks for rows that come soon: each begins somewhere else in memory, and hardware takes a while to follow.
  void fetch_rows(Value* row, const std::vector<Value*>& ks) const {
    const PrefetchHole& hole = long_is_n() ? c.spec.b_prefetch : c.spec.a_prefetch;
    if (!hole) return;
    for (Value* k : ks)
      hole(c.code, {.b = item.b,
                    .row = row,
                    .k = k,
                    .along = plan().long_axis,
                    .lanes = static_cast<unsigned>(plan().lanes)});
  }

  void axpy_block(const KBlock& block) const {
    Code& code = c.code;
    const int lanes = plan().lanes;
    Value* length = code.sub(end, begin);
    Value* whole = code.add(begin, code.round_down_pow2(length, lanes));
    Value* whole_k = code.round_down_pow2(block.count, plan().k_unroll);
    code.loop(code.i64(0), whole_k, plan().k_unroll, [&](Value* k) {
      Value* last = code.sub(block.count, code.i64(1));
      std::vector<Value*> ahead;
      for (int u = 0; u < plan().k_unroll; ++u)
        ahead.push_back(code.add(block.k0, code.min(code.add(k, plan().k_unroll * kAhead + u), last)));
      code.loop(begin, whole, lanes, [&](Value* row) {
        fetch_rows(row, ahead);
        axpy_rows(row, block.k0, k, plan().k_unroll, nullptr);
      });
    });
    // The last few k for all rows, and all k for the ragged vector: one step at a time under a mask.
    code.loop(code.i64(0), block.count, 1, [&](Value* k) {
      Value* first = code.CreateSelect(code.less(k, whole_k), whole, begin);
      code.loop(first, end, lanes,
                [&](Value* row) { axpy_rows(row, block.k0, k, 1, c.mask_of(code.sub(end, row))); });
    });
  }
};

void emit_rows(Contract& c, bool dot) {
  Code& code = c.code;
  Rows rows{.c = c, .results = c.scratch_at(c.plan.tiles), .tiny = c.scratch_at(c.plan.rows)};
  Value* size = k_block_size(c);
  for_each_item(c, [&](const Item& item) {
    rows.item = item;
    const bool n = c.plan.long_axis == Axis::kN;
    rows.begin = n ? item.n0 : item.m0;
    rows.end = n ? item.n1 : item.m1;
    rows.zero_results();
    code.loop(code.i64(0), code.ceil_div(c.k, size), 1, [&](Value* i) {
      Value* k0 = code.mul(i, size);
      const KBlock block{k0, code.min(code.sub(c.k, k0), size)};
      rows.stage_tiny(block);
      dot ? rows.dot_block(block) : rows.axpy_block(block);
    });
    rows.finish();
  });
}

}  // namespace

void emit_dot(Contract& c) { emit_rows(c, true); }
void emit_axpy(Contract& c) { emit_rows(c, false); }

}  // namespace anneal::cpu
