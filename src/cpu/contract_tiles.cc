// SPDX-License-Identifier: MIT
// The packed path. Of the five loops around the register tile, the two outermost are the work items. Within
// one:
//   for each block of k:          pack B: the item's columns; they stay in the second-level cache
//     for each mc rows:           pack A
//       for each panel of A:      it stays in the first-level cache
//         for each panel of B:    register tile; after the last block of k, the result hole
// Partial sums of a k that needs several blocks wait in the thread's scratch, a register tile in one piece.
#include "cpu/contract_code.h"

namespace anneal::cpu {
namespace {

using llvm::Value;

struct Tiles {
  Contract& c;
  llvm::Function* kernel;
  Item item{};
  Value *b_panels, *a_panels, *tiles, *a_sums, *b_sums;

  const ContractPlan& plan() const { return c.plan; }

  // Calls the result hole for the tile's rows and columns that exist.
  void finish_tile(Value* tile, Value* m, Value* n, Value* a_sums_here, Value* b_sums_here) {
    Code& code = c.code;
    const int lanes = plan().lanes;
    Value* rows = code.min(code.sub(item.m1, m), code.i64(plan().mr));
    Value* columns = code.min(code.sub(item.n1, n), code.i64(plan().nr));
    Value* whole = code.round_down_pow2(columns, lanes);
    ResultAt where{.b = item.b, .along = Axis::kN, .lanes = static_cast<unsigned>(lanes)};
    const auto call = [&](Value* i, Value* j, Value* mask) {
      where.n = code.add(n, j);
      where.mask = mask;
      where.value = c.load(c.vector(), c.at(tile, code.add(code.mul(i, plan().nr), j)));
      if (plan().traits.b_sums) where.b_sum = c.load(c.vector(), c.at(b_sums_here, j));
      c.spec.result(code, where);
    };
    code.loop(code.i64(0), rows, 1, [&](Value* i) {
      where.m = code.add(m, i);
      if (plan().traits.a_sums) {
        Value* sum = c.load(c.element, c.at(a_sums_here, i));
        where.a_sum = code.CreateVectorSplat(static_cast<unsigned>(lanes), sum);
      }
      code.loop(code.i64(0), whole, lanes, [&](Value* j) { call(i, j, nullptr); });
      code.when(code.less(whole, columns), [&] { call(i, whole, c.mask_of(code.sub(columns, whole))); });
    });
  }

  // Calls the hole for finished sums of the rows [r0, r1), panels of `width`.
  void finish_sums(const SumHole& hole, Value* sums, Value* r0, Value* r1, int width) {
    Code& code = c.code;
    const int64_t stride = sum_stride(plan(), width);
    SumAt where{.b = item.b, .lanes = static_cast<unsigned>(plan().lanes)};
    Value* panels = code.ceil_div(code.sub(r1, r0), code.i64(width));
    code.loop(code.i64(0), panels, 1, [&](Value* p) {
      Value* row = code.add(r0, code.mul(p, width));
      Value* count = code.min(code.sub(r1, row), code.i64(width));
      code.loop(code.i64(0), count, plan().lanes, [&](Value* lane) {
        where.row = code.add(row, lane);
        where.value = c.load(c.vector(), c.at(sums, code.add(code.mul(p, stride), lane)));
        where.mask = c.mask_of(code.sub(count, lane));
        hole(code, where);
      });
    });
  }

  // A part of an operand that will be packed soon.
  struct Ahead {
    Value *b, *row0, *row1, *k0, *k1;
  };

  // Fetches piece `index` of `count` of it: a piece with every register tile, so that memory never has to
  // hurry.
  void prefetch(bool is_a, const Ahead& ahead, Value* index, Value* count) {
    const PrefetchHole& hole = is_a ? c.spec.a_prefetch : c.spec.b_prefetch;
    if (!hole) return;
    Code& code = c.code;
    OperandAt where{.b = ahead.b, .along = is_a ? plan().traits.a_along : plan().traits.b_along};
    const bool along_k = where.along == Axis::kK;
    const int64_t line = 64 / plan().element_bytes();
    where.lanes = static_cast<unsigned>(line);
    Value* outer0 = along_k ? ahead.row0 : ahead.k0;
    Value* outer = code.sub(along_k ? ahead.row1 : ahead.k1, outer0);
    const auto piece = [&](Value* i) { return code.add(outer0, code.CreateUDiv(code.mul(outer, i), count)); };
    code.loop(piece(index), piece(code.add(index, 1)), 1, [&](Value* o) {
      code.loop(along_k ? ahead.k0 : ahead.row0, along_k ? ahead.k1 : ahead.row1, line, [&](Value* i) {
        where.row = along_k ? o : i;
        where.k = along_k ? i : o;
        hole(code, where);
      });
    });
  }

  // During the register tiles of the rows up to m_end: the next rows of A, or a whole next small product.
  void prefetch_ahead(const KBlock& block, Value* m_end, Value* index, Value* count) {
    Code& code = c.code;
    if (!plan().prefetch) {
      Value* rows_end = code.min(code.add(m_end, plan().mc), item.m1);
      prefetch(true, {item.b, m_end, rows_end, block.k0, code.add(block.k0, block.count)}, index, count);
      return;
    }
    Value* next = code.min(code.add(item.b, 1), code.sub(c.batch, code.i64(1)));
    prefetch(true, {next, code.i64(0), c.m, code.i64(0), c.k}, index, count);
    prefetch(false, {next, code.i64(0), c.n, code.i64(0), c.k}, index, count);
  }

  void rows_of_a(const KBlock& block, Value* first, Value* last) {
    Code& code = c.code;
    const bool along_k = plan().traits.a_along == Axis::kK;
    const int64_t line = 64 / plan().element_bytes();
    Value* groups = code.ceil_div(block.count, code.i64(plan().k_unroll));
    Value* k_padded = code.mul(groups, plan().k_unroll);
    Value* a_stride =
        along_k ? code.i64(plan().mr * plan().a_row) : code.add(code.mul(k_padded, plan().mr), 2 * line);
    Value* b_stride = b_panel_stride(block);
    Value* b_count = code.ceil_div(code.sub(item.n1, item.n0), code.i64(plan().nr));
    code.loop(item.m0, item.m1, plan().mc, [&](Value* m_begin) {
      Value* m_end = code.min(code.add(m_begin, plan().mc), item.m1);
      const PanelSet a_set{a_panels, a_stride, m_begin, m_end, plan().mr};
      if (along_k) {
        pack_rows(c, item.b, a_set, block);
      } else {
        pack_across(c, true, item.b, a_set, block);
      }
      Value* panel0 = code.CreateUDiv(code.sub(m_begin, item.m0), code.i64(plan().mr));
      Value* sums = nullptr;
      if (plan().traits.a_sums) {
        sums = c.at(a_sums, code.mul(panel0, sum_stride(plan(), plan().mr)));
        (along_k ? sum_rows : sum_panels)(c, sums, a_set, block, first);
      }
      Value* a_count = code.ceil_div(code.sub(m_end, m_begin), code.i64(plan().mr));
      code.loop(code.i64(0), a_count, 1, [&](Value* pa) {
        Value* a_panel = c.at(a_panels, code.mul(pa, a_stride));
        Value* m = code.add(m_begin, code.mul(pa, plan().mr));
        code.loop(code.i64(0), b_count, 1, [&](Value* pb) {
          Value* tile = tiles;
          if (!plan().one_k_block) {
            Value* index = code.add(code.mul(code.add(panel0, pa), b_count), pb);
            tile = c.at(tiles, code.mul(index, plan().mr * plan().nr));
          }
          Value* b_panel = c.at(b_panels, code.mul(pb, b_stride));
          const bool small = plan().prefetch;  // then one product goes on over all rows of A
          Value* panels = small ? code.ceil_div(code.sub(item.m1, item.m0), code.i64(plan().mr)) : a_count;
          Value* index = code.add(code.mul(small ? code.add(panel0, pa) : pa, b_count), pb);
          prefetch_ahead(block, m_end, index, code.mul(panels, b_count));
          code.CreateCall(kernel, {a_panel, b_panel, groups, tile, code.CreateNot(first)});
          const auto finish = [&] {
            Value* n = code.add(item.n0, code.mul(pb, plan().nr));
            Value* a_here =
                sums == nullptr ? nullptr : c.at(sums, code.mul(pa, sum_stride(plan(), plan().mr)));
            Value* b_here = b_sums == nullptr ? nullptr : c.at(b_sums, code.mul(pb, plan().nr));
            finish_tile(tile, m, n, a_here, b_here);
          };
          if (plan().one_k_block) {
            finish();
          } else {
            code.when(last, finish);
          }
        });
      });
    });
  }

  Value* b_panel_stride(const KBlock& block) {
    // A whole number of vectors of k, since a transposition writes that many.
    const int64_t line = 64 / plan().element_bytes();
    Value* k_padded = c.code.round_up(block.count, std::max(plan().lanes, plan().k_unroll));
    return c.code.add(c.code.mul(k_padded, plan().nr), 2 * line);
  }

  void k_block(Value* k0, Value* k_size) {
    Code& code = c.code;
    const KBlock block{k0, code.min(code.sub(c.k, k0), k_size)};
    Value* first = code.CreateICmpEQ(k0, code.i64(0));
    Value* last = code.CreateICmpSGE(code.add(k0, k_size), c.k);
    const PanelSet b_set{b_panels, b_panel_stride(block), item.n0, item.n1, plan().nr};
    if (plan().traits.b_along == Axis::kK) {
      pack_transposed(c, item.b, b_set, block);
    } else {
      pack_across(c, false, item.b, b_set, block);
    }
    if (plan().traits.b_sums) sum_panels(c, b_sums, b_set, block, first);
    rows_of_a(block, first, last);
  }

  void whole_item(Value* k_size) {
    Code& code = c.code;
    Value* zero = code.i64(0);
    if (plan().one_k_block) {
      k_block(zero, k_size);
    } else {
      // A k of zero is one empty block: its sums are zeros.
      Value* k_end = code.CreateSelect(code.less(zero, c.k), c.k, code.i64(1));
      Value* blocks = code.ceil_div(k_end, k_size);
      code.loop(zero, blocks, 1, [&](Value* i) { k_block(code.mul(i, k_size), k_size); });
    }
    if (c.spec.a_sum && plan().traits.a_sums) {
      code.when(code.CreateICmpEQ(item.n0, zero),
                [&] { finish_sums(c.spec.a_sum, a_sums, item.m0, item.m1, plan().mr); });
    }
    if (c.spec.b_sum && plan().traits.b_sums) {
      code.when(code.CreateICmpEQ(item.m0, zero),
                [&] { finish_sums(c.spec.b_sum, b_sums, item.n0, item.n1, plan().nr); });
    }
  }
};

}  // namespace

void emit_tiles(Contract& c, llvm::Function* kernel) {
  const ContractPlan& plan = c.plan;
  Tiles tiles{.c = c,
              .kernel = kernel,
              .b_panels = c.scratch_at(plan.b_panels),
              .a_panels = c.scratch_at(plan.a_panels),
              .tiles = c.scratch_at(plan.tiles),
              .a_sums = plan.traits.a_sums ? c.scratch_at(plan.a_sum) : nullptr,
              .b_sums = plan.traits.b_sums ? c.scratch_at(plan.b_sum) : nullptr};
  Value* k_size = k_block_size(c);
  for_each_item(c, [&](const Item& item) {
    tiles.item = item;
    tiles.whole_item(k_size);
  });
}

}  // namespace anneal::cpu
