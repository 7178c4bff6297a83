// SPDX-License-Identifier: MIT
// Packing: the operands' holes are evaluated here and nowhere else. Every loop that calls a hole does so in one
// place for whole vectors and in one for ragged ones, since a hole may be a lot of code.
#include <vector>

#include "cpu/contract_code.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

constexpr int64_t kRowsAtATime = 8;  // of k: long enough runs to write, few enough to read side by side
constexpr int64_t kStrip = 64;       // of k: a strip of panel width x kStrip fits in the first-level cache

// Rounds a count of k up to what the kernel reads.
Value* padded(Contract& c, Value* count) { return c.code.round_up(count, c.plan.k_unroll); }

// values[i] lane j -> values[j] lane i, for as many vectors as lanes. First quads (or pairs) of lanes within 128
// bits, which every machine has instructions for, then those 128-bit pieces against each other.
void transpose(Contract& c, std::vector<Value*>& values) {
  const int lanes = c.plan.lanes;
  const int piece = static_cast<int>(16 / c.plan.element_bytes());
  const auto exchange = [&](int step) {
    // Rows i and i + step swap the off-diagonal step x step blocks.
    std::vector<int> low, high;
    for (int l = 0; l < lanes; ++l) {
      const bool upper = (l & step) != 0;
      low.push_back(upper ? lanes + l - step : l);
      high.push_back(upper ? lanes + l : l + step);
    }
    for (int i = 0; i < lanes; ++i) {
      if ((i & step) != 0) continue;
      Value* a = values[static_cast<size_t>(i)];
      Value* b = values[static_cast<size_t>(i + step)];
      values[static_cast<size_t>(i)] = c.code.CreateShuffleVector(a, b, low);
      values[static_cast<size_t>(i + step)] = c.code.CreateShuffleVector(a, b, high);
    }
  };
  // Interleaving the low halves and the high halves of each piece is one step in another order of rows.
  const auto interleave = [&](int distance, int unit) {
    std::vector<int> low, high;
    for (int l = 0; l < lanes; ++l) {
      const int base = l / piece * piece, within = l % piece;
      const int source = within / unit % 2, index = within / (2 * unit) * unit + within % unit;
      low.push_back(source * lanes + base + index);
      high.push_back(source * lanes + base + index + piece / 2);
    }
    std::vector<Value*> out(values.size());
    for (int i = 0; i < lanes; ++i) {
      if ((i & distance) != 0) continue;
      Value* a = values[static_cast<size_t>(i)];
      Value* b = values[static_cast<size_t>(i + distance)];
      out[static_cast<size_t>(i)] = c.code.CreateShuffleVector(a, b, low);
      out[static_cast<size_t>(i + distance)] = c.code.CreateShuffleVector(a, b, high);
    }
    values = out;
  };
  if (piece == 4) {
    interleave(1, 1);
    interleave(2, 2);
    // Now row 4q + j holds column {0, 2, 1, 3}[j] of each piece.
    for (int q = 0; q < lanes; q += 4) std::swap(values[static_cast<size_t>(q + 1)], values[static_cast<size_t>(q + 2)]);
  } else {
    interleave(1, 1);
  }
  for (int step = piece; step < lanes; step *= 2) exchange(step);
}

}  // namespace

void pack_across(Contract& c, bool is_a, Value* b, const PanelSet& panels, const KBlock& block) {
  Code& code = c.code;
  const int lanes = c.plan.lanes;
  const int vectors = (panels.width + lanes - 1) / lanes;
  Value* extent = is_a ? c.m : c.n;
  Value* count = code.ceil_div(code.sub(panels.r1, panels.r0), code.i64(panels.width));
  const auto element = [&](Value* panel, Value* k, Value* lane) {
    return c.at(panel, code.add(code.mul(k, panels.width), lane));
  };
  OperandAt where{.b = b, .along = is_a ? Axis::kM : Axis::kN, .lanes = static_cast<unsigned>(lanes)};
  // Where the width is not a multiple of the lanes, a vector's end lies in the next k, which is written later.
  code.loop(code.i64(0), block.count, kRowsAtATime, [&](Value* k_begin) {
    Value* k_end = code.min(code.add(k_begin, kRowsAtATime), block.count);
    code.loop(code.i64(0), count, 1, [&](Value* p) {
      Value* panel = c.at(panels.base, code.mul(p, panels.stride));
      Value* row = code.add(panels.r0, code.mul(p, panels.width));
      Value* whole = code.CreateICmpSLE(code.add(row, vectors * lanes), extent);
      code.either(
          whole,
          [&] {
            code.loop(k_begin, k_end, 1, [&](Value* k) {
              where.k = code.add(block.k0, k);
              where.mask = nullptr;
              for (int j = 0; j < vectors; ++j) {
                where.row = code.add(row, j * lanes);
                c.store(c.operand(is_a, where), element(panel, k, code.i64(j * lanes)));
              }
            });
          },
          [&] {
            code.loop(code.i64(0), code.i64(vectors * lanes), lanes, [&](Value* lane) {
              where.row = code.add(row, lane);
              Value* mask = c.mask_of(code.sub(extent, where.row));
              code.loop(k_begin, k_end, 1, [&](Value* k) {
                where.k = code.add(block.k0, k);
                where.mask = mask;
                c.store(c.operand(is_a, where), element(panel, k, lane));
              });
            });
          });
    });
  });
  code.loop(code.i64(0), count, 1, [&](Value* p) {
    Value* panel = c.at(panels.base, code.mul(p, panels.stride));
    code.loop(block.count, padded(c, block.count), 1, [&](Value* k) {
      for (int j = 0; j < vectors; ++j) c.store(c.zero(), element(panel, k, code.i64(j * lanes)));
    });
  });
}

// Evaluates row `row` of an operand along k for [k0 + from, k0 + to) into `to_memory`, zeros up to a whole vector.
static void evaluate_row(Contract& c, bool is_a, Value* b, Value* row, Value* k0, Value* from, Value* to,
                         Value* to_memory) {
  Code& code = c.code;
  const int lanes = c.plan.lanes;
  OperandAt where{.b = b, .row = row, .along = Axis::kK, .lanes = static_cast<unsigned>(lanes)};
  Value* length = code.sub(to, from);
  Value* whole = code.round_down_pow2(length, lanes);
  code.loop(code.i64(0), whole, lanes, [&](Value* i) {
    where.k = code.add(k0, code.add(from, i));
    where.mask = nullptr;
    c.store(c.operand(is_a, where), c.at(to_memory, i));
  });
  code.when(code.less(whole, length), [&] {
    where.k = code.add(k0, code.add(from, whole));
    where.mask = c.mask_of(code.sub(length, whole));
    c.store(c.operand(is_a, where), c.at(to_memory, whole));
  });
}

static void zero_row(Contract& c, Value* length, Value* to_memory) {
  c.code.loop(c.code.i64(0), length, c.plan.lanes, [&](Value* i) { c.store(c.zero(), c.at(to_memory, i)); });
}

void pack_rows(Contract& c, Value* b, const PanelSet& panels, const KBlock& block) {
  Code& code = c.code;
  Value* zero = code.i64(0);
  Value* rows = code.sub(panels.r1, panels.r0);
  const auto to = [&](Value* r) { return c.at(panels.base, code.mul(r, c.plan.a_row)); };
  code.loop(zero, rows, 1, [&](Value* r) {
    evaluate_row(c, true, b, code.add(panels.r0, r), block.k0, zero, block.count, to(r));
  });
  code.loop(rows, code.round_up(rows, panels.width), 1, [&](Value* r) { zero_row(c, block.count, to(r)); });
}

void pack_transposed(Contract& c, Value* b, const PanelSet& panels, const KBlock& block) {
  Code& code = c.code;
  const int lanes = c.plan.lanes;
  Value* zero = code.i64(0);
  Value* strip = c.scratch_at(c.plan.rows);
  const auto strip_row = [&](Value* r) { return c.at(strip, code.mul(r, kStrip)); };
  Value* count = code.ceil_div(code.sub(panels.r1, panels.r0), code.i64(panels.width));
  code.loop(zero, count, 1, [&](Value* p) {
    Value* panel = c.at(panels.base, code.mul(p, panels.stride));
    Value* row = code.add(panels.r0, code.mul(p, panels.width));
    Value* rows = code.min(code.sub(panels.r1, row), code.i64(panels.width));
    code.loop(zero, block.count, kStrip, [&](Value* k_begin) {
      Value* k_end = code.min(code.add(k_begin, kStrip), block.count);
      code.loop(zero, rows, 1, [&](Value* r) {
        evaluate_row(c, false, b, code.add(row, r), block.k0, k_begin, k_end, strip_row(r));
      });
      code.loop(rows, code.i64(panels.width), 1,
                [&](Value* r) { zero_row(c, code.sub(k_end, k_begin), strip_row(r)); });
      code.loop(k_begin, k_end, lanes, [&](Value* k) {
        code.loop(zero, code.i64(panels.width), lanes, [&](Value* r) {
          std::vector<Value*> values;
          Value* from = c.at(strip_row(r), code.sub(k, k_begin));
          for (int i = 0; i < lanes; ++i) values.push_back(c.load(c.vector(), c.at(from, i * kStrip)));
          transpose(c, values);
          Value* to = c.at(panel, code.add(code.mul(k, panels.width), r));
          for (int i = 0; i < lanes; ++i) c.store(values[static_cast<size_t>(i)], c.at(to, i * panels.width));
        });
      });
    });
  });
}

int64_t sum_stride(const ContractPlan& plan, int width) {
  return (width + plan.lanes - 1) / plan.lanes * plan.lanes;
}

void sum_panels(Contract& c, Value* sums, const PanelSet& panels, const KBlock& block, Value* first) {
  Code& code = c.code;
  const int64_t stride = sum_stride(c.plan, panels.width);
  Value* count = code.ceil_div(code.sub(panels.r1, panels.r0), code.i64(panels.width));
  code.loop(code.i64(0), count, 1, [&](Value* p) {
    Value* panel = c.at(panels.base, code.mul(p, panels.stride));
    code.loop(code.i64(0), code.i64(stride), c.plan.lanes, [&](Value* lane) {
      Value* to = c.at(sums, code.add(code.mul(p, stride), lane));
      Value* before = code.CreateSelect(first, c.zero(), c.load(c.vector(), to));
      const auto sum = code.fold(code.i64(0), block.count, 1, {c.zero()}, [&](Value* k, Code::Values so_far) {
        Value* from = c.at(panel, code.add(code.mul(k, panels.width), lane));
        return Code::Values{code.CreateFAdd(so_far[0], c.load(c.vector(), from))};
      });
      c.store(code.CreateFAdd(before, sum[0]), to);
    });
  });
}

void sum_rows(Contract& c, Value* sums, const PanelSet& panels, const KBlock& block, Value* first) {
  Code& code = c.code;
  llvm::Constant* zero = llvm::ConstantFP::get(c.element, 0);
  code.loop(code.i64(0), code.sub(panels.r1, panels.r0), 1, [&](Value* r) {
    Value* from = c.at(panels.base, code.mul(r, c.plan.a_row));
    Value* width = code.i64(panels.width);
    Value* panel = code.mul(code.CreateUDiv(r, width), sum_stride(c.plan, panels.width));
    Value* to = c.at(sums, code.add(panel, code.CreateURem(r, width)));
    Value* before = code.CreateSelect(first, zero, c.load(c.element, to));
    // Rows are padded with zeros to whole vectors.
    const auto parts = code.fold(code.i64(0), block.count, c.plan.lanes, {c.zero()}, [&](Value* k, Code::Values so_far) {
      return Code::Values{code.CreateFAdd(so_far[0], c.load(c.vector(), c.at(from, k)))};
    });
    c.store(code.CreateFAdd(before, code.CreateFAddReduce(zero, parts[0])), to);
  });
}

}  // namespace anneal::cpu
