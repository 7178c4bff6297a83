// SPDX-License-Identifier: MIT
#include "cpu/contract_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "support/check.h"

namespace anneal::cpu {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// The largest register tile of each instruction set: accumulators, one row of B and a broadcast of A fit in
// the registers. Columns in vectors, so that f64 has half as many.
struct RegisterTile {
  const char* name;
  int vector_bytes, rows, vectors;
};
constexpr RegisterTile kRegisterTiles[] = {
    {"generic", 16, 4, 2},  // kGeneric
    {"neon", 16, 8, 3},     // kNeon
    {"avx2", 32, 6, 2},     // kAvx2
    {"avx512", 64, 14, 2},  // kAvx512
};

const RegisterTile& register_tile(Isa isa) {
  ANNEAL_CHECK(static_cast<size_t>(isa) < std::size(kRegisterTiles));
  return kRegisterTiles[static_cast<size_t>(isa)];
}

constexpr int64_t kKBlock = 512;          // a multiple of every vector's lanes
constexpr int64_t kTinyMax = 8;           // extents up to this take kDot or kAxpy
constexpr int64_t kItemRowsMax = 1024;    // bounds the tiles that wait for the next block of k
constexpr int64_t kItemColumnsMax = 512;  // B's block, k_block x columns, is read from the second-level cache
constexpr int64_t kLongItem = 512;   // kDot, kAxpy: fewest elements of an item where there are two a thread
constexpr int64_t kShortItem = 128;  // and where there is one
constexpr int64_t kAxpyItemMax = 4096;       // results that wait in the first-level cache
constexpr int64_t kPrefetchMax = 256 << 10;  // bytes of operands that can be on their way beside those in use
constexpr int64_t kDotBlock = 4096;  // k_block of kDot: the tiny operand waits in the first-level cache

// Rows of the register tile: the tallest, or the one that cuts a known m into pieces with the least waste.
int tile_rows(int64_t m, int tallest) {
  if (m == kUnknownExtent || m <= 0) return tallest;
  if (m <= tallest) return static_cast<int>(m);
  int best = tallest;
  double least = 1e300;
  for (int rows = tallest; rows > tallest / 2; --rows) {
    // A shorter tile has fewer products for each row of B that it loads: half a row's worth.
    const double cost = static_cast<double>(ceil_div(m, rows)) * (rows + 0.5);
    if (cost < least * 0.995) {
      least = cost;
      best = rows;
    }
  }
  return best;
}

// The cut into items that finishes first, in units of one multiply-add of a register tile's width: packing
// costs about as much as kPackA columns for each element of A, and as kPackB rows for each of B.
void choose_items(const ContractShape& shape, ContractPlan& plan) {
  constexpr double kPackA = 8, kPackB = 12;
  constexpr int64_t kGuess = 512;  // of an extent that is not known
  const int64_t m = shape.m == kUnknownExtent ? kGuess : std::max<int64_t>(shape.m, 1);
  const int64_t n = shape.n == kUnknownExtent ? kGuess : std::max<int64_t>(shape.n, 1);
  const int64_t batch =
      shape.batch == kUnknownExtent ? plan.machine.threads : std::max<int64_t>(shape.batch, 1);
  const int64_t threads = plan.machine.threads;
  const int64_t columns_max = std::max<int64_t>(kItemColumnsMax * 4 / plan.element_bytes(), plan.nr);
  const int64_t least_rows = ceil_div(m, kItemRowsMax), least_columns = ceil_div(n, columns_max);
  double best = 1e300;
  for (int64_t rows = least_rows; rows <= least_rows + 2 * threads; ++rows) {
    for (int64_t columns = least_columns; columns <= least_columns + 2 * threads; ++columns) {
      const int64_t item_m = round_up(ceil_div(m, rows), plan.mr),
                    item_n = round_up(ceil_div(n, columns), plan.nr);
      const int64_t items = batch * ceil_div(m, item_m) * ceil_div(n, item_n);
      const double area = static_cast<double>(item_m) * static_cast<double>(item_n);
      const double cost = area + kPackA * static_cast<double>(item_m) + kPackB * static_cast<double>(item_n);
      const double total = cost * static_cast<double>(ceil_div(items, threads));
      if (total < best * 0.999) {
        best = total;
        plan.item_m = item_m;
        plan.item_n = item_n;
      }
    }
  }
}

void plan_tiles(const ContractShape& shape, ContractPlan& plan) {
  const RegisterTile& tile = register_tile(plan.machine.isa);
  plan.path = ContractPath::kTiles;
  int vectors = tile.vectors;
  if (shape.n >= 0)
    vectors = static_cast<int>(std::clamp<int64_t>(ceil_div(shape.n, plan.lanes), 1, vectors));
  plan.nr = vectors * plan.lanes;
  plan.mr = tile_rows(shape.m, tile.rows);
  plan.k_unroll = 2;
  plan.kc = kKBlock;
  if (shape.k != kUnknownExtent) plan.kc = std::max<int64_t>(plan.k_block(shape.k), plan.k_unroll);
  plan.one_k_block = shape.k != kUnknownExtent && shape.k <= plan.kc;
  choose_items(shape, plan);
  plan.prefetch = shape.batch != 1 && plan.one_k_block && shape.m > 0 && shape.m <= plan.item_m &&
                  shape.n > 0 && shape.n <= plan.item_n &&
                  (shape.m + shape.n) * shape.k * plan.element_bytes() <= kPrefetchMax;
  plan.mc = std::min<int64_t>(plan.item_m, round_up(48, plan.mr));

  // Panels begin at different cache sets: powers of two between them would make them evict each other.
  const int64_t line = 64 / plan.element_bytes();
  // Few different distances, so that few different kernels are needed.
  plan.a_row =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(plan.kc, 64)))) + line;
  const int64_t kc = round_up(plan.kc, 16);
  const int64_t bytes = plan.element_bytes();
  int64_t at = 0;
  const auto place = [&](int64_t elements) {
    const int64_t begin = at;
    at = round_up(at + elements * bytes, 64);
    return begin;
  };
  plan.b_panels = place(plan.item_n / plan.nr * (kc * plan.nr + 2 * line));
  plan.a_panels = place(plan.mc / plan.mr * std::max(plan.mr * plan.a_row, kc * plan.mr + 2 * line));
  plan.tiles = place(plan.one_k_block ? plan.mr * plan.nr : plan.item_m * plan.item_n);
  plan.rows = place(plan.nr * 64);  // one strip of B on its way through a transposition
  plan.a_sum = place(plan.traits.a_sums ? plan.item_m / plan.mr * round_up(plan.mr, plan.lanes) : 0);
  plan.b_sum = place(plan.traits.b_sums ? plan.item_n : 0);
  plan.scratch_bytes = at;
}

// kDot and kAxpy, when one of m and n is tiny.
void plan_rows(const ContractShape& shape, Axis long_axis, ContractPlan& plan) {
  const bool along_k = (long_axis == Axis::kN ? plan.traits.b_along : plan.traits.a_along) == Axis::kK;
  plan.path = along_k ? ContractPath::kDot : ContractPath::kAxpy;
  plan.long_axis = long_axis;
  plan.tiny = static_cast<int>(long_axis == Axis::kN ? shape.m : shape.n);
  // Vectors of 64 bytes on every machine, so that the order of the sums is the same on all of them.
  plan.lanes = 64 / static_cast<int>(plan.element_bytes());
  plan.chains = plan.tiny == 1 ? 4 : plan.tiny <= 4 ? 2 : 1;  // at most eight sums in flight
  plan.k_unroll = along_k ? plan.chains * plan.lanes : 4;
  plan.kc = kDotBlock;
  if (shape.k != kUnknownExtent) plan.kc = std::max<int64_t>(plan.k_block(shape.k), plan.lanes);
  plan.one_k_block = shape.k != kUnknownExtent && shape.k <= plan.kc;
  const int64_t extent = long_axis == Axis::kN ? shape.n : shape.m;
  const int64_t batch = shape.batch == kUnknownExtent ? 1 : std::max<int64_t>(shape.batch, 1);
  // Two items a thread, if they are not too small, or one: the whole is bound by memory, and threads are not
  // equally fast.
  int64_t item = kLongItem;
  if (extent != kUnknownExtent) {
    const int64_t share = ceil_div(extent * batch, plan.machine.threads), half = ceil_div(share, 2);
    item = round_up(half >= kLongItem ? half : share, plan.lanes * 4);
    item = std::clamp(item, kShortItem, kAxpyItemMax);
  }
  if (extent != kUnknownExtent) item = std::min(item, round_up(std::max<int64_t>(extent, 1), plan.lanes));
  (long_axis == Axis::kN ? plan.item_n : plan.item_m) = item;
  (long_axis == Axis::kN ? plan.item_m : plan.item_n) = plan.tiny;
  const int64_t bytes = plan.element_bytes();
  plan.tiles = 0;                                      // tiny x item results
  plan.rows = round_up(plan.tiny * item * bytes, 64);  // the tiny operand, padded with zeros
  plan.a_row = round_up(plan.kc, plan.k_unroll) + plan.lanes;
  plan.scratch_bytes = plan.rows + plan.tiny * plan.a_row * bytes;
}

bool is_tiny(int64_t extent) { return extent >= 1 && extent <= kTinyMax; }

}  // namespace

int64_t ContractPlan::k_block(int64_t k) const {
  const int64_t largest = path == ContractPath::kTiles ? kKBlock : kDotBlock;
  const int64_t blocks = std::max<int64_t>(ceil_div(k, largest), 1);
  return std::max<int64_t>(round_up(ceil_div(k, blocks), 16), 16);
}

int64_t ContractPlan::items(const ContractShape& shape) const {
  ANNEAL_CHECK(shape.batch >= 0 && shape.m >= 0 && shape.n >= 0 && shape.k >= 0);
  return shape.batch * ceil_div(shape.m, item_m) * ceil_div(shape.n, item_n);
}

ContractPlan contract_plan(const ContractShape& shape, const ContractMachine& machine,
                           const ContractTraits& traits) {
  ContractPlan plan;
  plan.machine = machine;
  plan.machine.threads = std::max(machine.threads, 1);
  plan.traits = traits;
  plan.lanes = register_tile(machine.isa).vector_bytes / static_cast<int>(plan.element_bytes());
  const bool sums = traits.a_sums || traits.b_sums;
  if (!sums && is_tiny(shape.m) && !(is_tiny(shape.n) && shape.n < shape.m)) {
    plan.path = ContractPath::kDot;
    plan_rows(shape, Axis::kN, plan);
  } else if (!sums && is_tiny(shape.n)) {
    plan.path = ContractPath::kDot;
    plan_rows(shape, Axis::kM, plan);
  } else {
    plan_tiles(shape, plan);
  }
  return plan;
}

std::string to_string(const ContractPlan& plan) {
  const char* isa = register_tile(plan.machine.isa).name;
  const char* type = plan.traits.f64 ? "f64" : "f32";
  const double mib = static_cast<double>(plan.scratch_bytes) / (1 << 20);
  if (plan.path == ContractPath::kTiles) {
    return fmt::format("tiles {} {} {}x{} kc={}{} mc={} item={}x{} scratch={:.2f} MiB", isa, type, plan.mr,
                       plan.nr, plan.kc, plan.one_k_block ? " (one)" : "", plan.mc, plan.item_m, plan.item_n,
                       mib);
  }
  return fmt::format("{} {} {} {} x {} lanes={} kc={}{} item={} scratch={:.2f} MiB",
                     plan.path == ContractPath::kDot ? "dot" : "axpy", isa, type, plan.tiny,
                     plan.long_axis == Axis::kN ? "n" : "m", plan.lanes, plan.kc,
                     plan.one_k_block ? " (one)" : "", plan.long_axis == Axis::kN ? plan.item_n : plan.item_m,
                     mib);
}

}  // namespace anneal::cpu
