// SPDX-License-Identifier: MIT
// Packing: the operands' holes are evaluated here and nowhere else. Every loop that calls a hole does so in
// one place for whole vectors and in one for ragged ones, since a hole may be a lot of code.
#include <vector>

#include "cpu/contract_code.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

constexpr int64_t kRowsAtATime = 8;  // of k: long enough runs to write, few enough to read side by side
constexpr int64_t kStrip = 64;       // of k: a strip of panel width x kStrip fits in the first-level cache

// Rounds a count of k up to what the kernel reads.
Value* padded(Contract& c, Value* count) { return c.code.round_up(count, c.plan.k_unroll); }

// Rows of a transposition: as many as there are elements in 128 bits, for which every machine has
// instructions.
int quad(const Contract& c) { return static_cast<int>(16 / c.plan.element_bytes()); }

// rows[i] lane l -> element i of piece l % quad, l / quad: afterwards, values[j] holds for each g the 128
// bits that are column g * quad + j of the rows.
void interleave_rows(Contract& c, std::vector<Value*>& rows) {
  const int lanes = c.plan.lanes, piece = quad(c);
  // Interleaves units of elements from the low halves of the pieces of rows i and i + distance, and from the
  // high.
  const auto interleave = [&](int distance) {
    const int unit = distance;
    std::vector<int> low, high;
    for (int l = 0; l < lanes; ++l) {
      const int base = l / piece * piece, within = l % piece;
      const int source = within / unit % 2, index = within / (2 * unit) * unit + within % unit;
      low.push_back(source * lanes + base + index);
      high.push_back(source * lanes + base + index + piece / 2);
    }
    const std::vector<Value*> in = rows;
    for (size_t i = 0; i < in.size(); ++i) {
      const size_t other = i + static_cast<size_t>(distance);
      if ((i & static_cast<size_t>(distance)) != 0) continue;
      rows[i] = c.code.CreateShuffleVector(in[i], in[other], low);
      rows[other] = c.code.CreateShuffleVector(in[i], in[other], high);
    }
  };
  interleave(1);
  if (piece == 4) {
    interleave(2);
    std::swap(rows[1], rows[2]);  // the columns came out as 0, 2, 1, 3
  }
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
  // Where the width is not a multiple of the lanes, a vector's end lies in the next k, which is written
  // later.
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
            code.loop(k_begin, k_end, 1, [&](Value* k) {
              where.k = code.add(block.k0, k);
              code.loop(code.i64(0), code.i64(vectors * lanes), lanes, [&](Value* lane) {
                where.row = code.add(row, lane);
                where.mask = c.mask_of(code.sub(extent, where.row));
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

// Evaluates row `row` of an operand along k for [k0 + from, k0 + to) into `to_memory`, zeros up to a whole
// vector.
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
  const int lanes = c.plan.lanes, piece = quad(c);
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
        code.loop(zero, code.i64(panels.width), piece, [&](Value* r) {
          std::vector<Value*> values;
          Value* from = c.at(strip_row(r), code.sub(k, k_begin));
          for (int i = 0; i < piece; ++i) values.push_back(c.load(c.vector(), c.at(from, i * kStrip)));
          interleave_rows(c, values);
          Value* to = c.at(panel, code.add(code.mul(k, panels.width), r));
          for (int i = 0; i < lanes; ++i) {
            std::vector<int> part;
            for (int j = 0; j < piece; ++j) part.push_back(i / piece * piece + j);
            Value* column = code.CreateShuffleVector(values[static_cast<size_t>(i % piece)], part);
            c.store(column, c.at(to, i * panels.width));
          }
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
    const auto parts =
        code.fold(code.i64(0), block.count, c.plan.lanes, {c.zero()}, [&](Value* k, Code::Values so_far) {
          return Code::Values{code.CreateFAdd(so_far[0], c.load(c.vector(), c.at(from, k)))};
        });
    c.store(code.CreateFAdd(before, code.CreateFAddReduce(zero, parts[0])), to);
  });
}

}  // namespace anneal::cpu
