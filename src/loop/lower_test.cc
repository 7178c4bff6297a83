// SPDX-License-Identifier: MIT
// Kernels written by hand: the shape of the program that each becomes, and that it computes what the kernel
// does, whatever the sizes of items and vectors.
#include "loop/lower.h"

#include <gmock/gmock.h>

#include "interp/test_kernel.h"
#include "loop/print.h"
#include "loop/random_kernel.h"
#include "loop/run.h"
#include "loop/verify.h"

namespace anneal::loop {
namespace {

using testing::HasSubstr;
using testing::Not;

class Lower : public testing::Test, protected interp::TestKernel {
 protected:
  // Checks that all programs do what the kernel does, and gives the text of the usual one.
  std::string lowered(const std::vector<Node>& statements, const std::vector<int64_t>& sizes = {0}) {
    EXPECT_EQ(ir::verify(graph, statements, ir::Stage::kKernel), "");
    const Node kernel = b.sink(statements);
    for (const int64_t size : sizes) {
      bindings.vars = {{"N", size}};
      for (const int32_t lanes : {16, 4, 1})
        for (const int64_t work : {1 << 15, 200, 1}) expect_same(kernel, {.lanes = lanes, .item_work = work});
    }
    return print(graph, lower(graph, kernel));
  }
  void expect_same(Node kernel, const LowerOptions& options) {
    const interp::KernelArrays expected = random_arrays(graph, kernel, bindings, 11),
                               actual = copies(expected);
    interp::run_kernel(graph, std::span(&kernel, 1), expected, bindings);
    const Program program = lower(graph, kernel, options);
    const std::string text = print(graph, program);
    ASSERT_EQ(verify(graph, program), "");
    try {
      loop::run(graph, program, actual, bindings, {.mode = interp::Mode::kExact, .shuffle_seed = 5});
    } catch (const Error& e) {
      FAIL() << e.message() << "\n" << text;
    }
    for (size_t i = 0; i < actual.size(); ++i) {
      const auto& [number, array] = actual[i];
      for (size_t k = 0; k < static_cast<size_t>(array->shape[0]); ++k)
        ASSERT_EQ(interp::element(*array, k), interp::element(*expected[i].second, k))
            << "element " << k << " of slot " << number << "\n"
            << text;
    }
  }
};

TEST_F(Lower, CutsALongAxisByTheWork) {
  const Node i = loop(0, 1000000);
  const Node kernel = b.sink(
      std::vector<Node>{b.store(slot(1, f32, 1000000), i, unary(Op::Exp, b.load(slot(0, f32, 1000000), i)))});
  EXPECT_EQ(print(graph, lower(graph, kernel)),
            "grid r0:0..1000000 by 4096\n"
            "  for r0:0..1000000 vector 16\n"
            "    let %4 = load slot 0 [r0] : f32\n"
            "    store slot 1 [r0] = exp(%4)\n");
}

TEST_F(Lower, SoftmaxIsThreeLoopsARow) {
  const Node i = loop(0, 12), j = loop(1, 37), r = reduce(2, 37), in = slot(0, f32, 12 * 37);
  const Node x = b.load(in, at(i, 37, r)), y = b.load(in, at(i, 37, j)), most = greatest(x, r);
  const Node total = sum(unary(Op::Exp, b.sub(x, most)), r);
  EXPECT_EQ(
      lowered({b.store(slot(1, f32, 12 * 37), at(i, 37, j), b.div(unary(Op::Exp, b.sub(y, most)), total))}),
      "grid\n"
      "  for r0:0..12\n"
      "    let %4 = r0 * 37 : index\n"
      "    begin %12 max\n"
      "    for r2:0..37 vector 16\n"
      "      let %11 = load slot 0 [(%4 + r2)] : f32\n"
      "      fold %12 with %11\n"
      "    begin %17 add\n"
      "    for r2:0..37 vector 16\n"
      "      let %11 = load slot 0 [(%4 + r2)] : f32\n"
      "      fold %17 with exp((%11 - %12))\n"
      "    for r1:0..37 vector 16\n"
      "      let %6 = %4 + r1 : index\n"
      "      let %8 = load slot 0 [%6] : f32\n"
      "      store slot 1 [%6] = div(exp((%8 - %12)), %17)\n");
}

TEST_F(Lower, SumsOfColumnsGoByVectorsOfColumns) {
  const Node j = loop(1, 70), r = reduce(2, 9);
  EXPECT_EQ(lowered({b.store(slot(1, f32, 70), j, sum(b.load(slot(0, f32, 9 * 70), at(r, 70, j)), r))}),
            "grid\n"
            "  for r1:0..70 vector 16\n"
            "    begin %9 add\n"
            "    for r2:0..9\n"
            "      let %8 = load slot 0 [((r2 * 70) + r1)] : f32\n"
            "      fold %9 with %8\n"
            "    store slot 1 [r1] = %9\n");
}

TEST_F(Lower, ProductsOfMatricesGoByVectorsOfTheContiguousSide) {
  const Node n = loop(0, 2), i = loop(1, 5), j = loop(2, 20), k = reduce(3, 7);
  const Node x = b.load(slot(0, f32, 70), at(at(n, 5, i), 7, k));
  const Node out = slot(3, f32, 200), to = at(at(n, 5, i), 20, j);
  const Node y = b.load(slot(1, f32, 280), at(at(n, 7, k), 20, j));
  const std::string text = lowered({b.store(out, to, sum(b.mul(x, y), k))});
  EXPECT_THAT(text, HasSubstr("for r2:0..20 vector 16\n"));
  EXPECT_THAT(text, HasSubstr("for r3:0..7\n"));
  // Both operands are contiguous along k when the second one is transposed.
  const Node transposed = b.load(slot(2, f32, 280), at(at(n, 20, j), 7, k));
  const std::string other = lowered({b.store(out, to, sum(b.mul(x, transposed), k))});
  EXPECT_THAT(other, HasSubstr("for r3:0..7 vector 8\n"));
  EXPECT_THAT(other, HasSubstr("for r2:0..20\n"));
}

TEST_F(Lower, StatementsShareLoopsAndFolds) {
  // Layer norm that also gives mean and spread.
  const Node i = loop(0, 6), j = loop(1, 20), r = reduce(2, 20), in = slot(0, f32, 120);
  const Node x = b.load(in, at(i, 20, r)), y = b.load(in, at(i, 20, j));
  const Node mean = b.mul(sum(x, r), number(0.05)), from_mean = b.sub(x, mean);
  const Node spread = b.mul(sum(b.mul(from_mean, from_mean), r), number(0.05));
  const Node scaled = b.mul(b.sub(y, mean), unary(Op::Recip, unary(Op::Sqrt, b.add(spread, number(1e-5)))));
  const std::string text =
      lowered({b.store(slot(1, f32, 6), i, mean), b.store(slot(2, f32, 6), i, spread),
               b.store(slot(3, f32, 120), at(i, 20, j), b.mul(scaled, b.load(slot(4, f32, 20), j)))});
  const auto count = [&](std::string_view part) {
    size_t n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("for r0"), 1u) << text;
  EXPECT_EQ(count("begin"), 2u) << text;
  EXPECT_EQ(count("for r2"), 2u) << text;
  EXPECT_EQ(count("for r1"), 1u) << text;
}

TEST_F(Lower, FoldsThatDoNotNeedEachOtherShareALoop) {
  const Node i = loop(0, 6), r = reduce(2, 20), x = b.load(slot(0, f32, 120), at(i, 20, r));
  const std::string text =
      lowered({b.store(slot(1, f32, 6), i, sum(x, r)), b.store(slot(2, f32, 6), i, greatest(x, r))});
  EXPECT_EQ(text.find("for r2"), text.rfind("for r2")) << text;
}

TEST_F(Lower, CrossEntropyOfPickedClasses) {
  const Node i = loop(0, 5), r = reduce(1, 33), in = slot(0, f32, 5 * 33);
  const Node x = b.load(in, at(i, 33, r)), most = greatest(x, r);
  const Node label = b.cast(b.load(slot(1, i32, 5), i), DType::kIndex);
  const Node is_class = b.make(Op::And, {b.le(b.index(0), label), b.lt(label, b.index(33))});
  const Node picked = b.load(in, at(i, 33, label), is_class);
  const Node total = b.add(unary(Op::Log, sum(unary(Op::Exp, b.sub(x, most)), r)), most);
  lowered({b.store(slot(2, f32, 5), i, b.sub(total, picked)), b.store(slot(3, f32, 5), i, total)});
}

TEST_F(Lower, TransposesPadsAndGathers) {
  const Node i = loop(0, 17), j = loop(1, 23), x = slot(0, f32, 17 * 23);
  EXPECT_THAT(lowered({b.store(slot(1, f32, 17 * 23), at(j, 17, i), b.load(x, at(i, 23, j)))}),
              HasSubstr("vector 16"));
  const Node k = loop(2, 20), before = b.sub(k, b.index(2));
  const Node inside = b.make(Op::And, {b.le(b.index(0), before), b.lt(before, b.index(17))});
  lowered({b.store(slot(2, f32, 20 * 23), at(k, 23, j), b.load(x, at(before, 23, j), inside))});
  const Node token = b.cast(b.load(slot(3, i32, 20), k), DType::kIndex);
  const Node known = b.make(Op::And, {b.le(b.index(0), token), b.lt(token, b.index(17))});
  // The row is looked up once; its elements are contiguous.
  EXPECT_EQ(lowered({b.store(slot(4, f32, 20 * 23), at(k, 23, j), b.load(x, at(token, 23, j), known))}),
            "grid\n"
            "  for r2:0..20\n"
            "    let %4 = r2 * 23 : index\n"
            "    let %9 = load slot 3 [r2] : i32\n"
            "    let %10 = cast<index>(%9) : index\n"
            "    let %11 = %10 * 23 : index\n"
            "    let %17 = and(lt(%10, 17), lt(-1, %10)) : bool\n"
            "    for r1:0..23 vector 16\n"
            "      let %18 = load slot 0 [(%11 + r1)] if %17 : f32\n"
            "      store slot 4 [(%4 + r1)] = %18\n");
}

TEST_F(Lower, ScansRunInOrderInsideVectors) {
  const Node i = loop(0, 6), j = loop(1, 18), x = b.load(slot(0, f32, 108), at(i, 18, j));
  for (const bool reverse : {false, true})
    lowered({b.scan_store(slot(1, f32, 108), at(i, 18, j), x, j, ReduceOp::kMax, reverse)});
  EXPECT_EQ(lowered({b.scan_store(slot(1, f32, 108), at(i, 18, j), x, i, ReduceOp::kAdd, true)}),
            "grid\n"
            "  for r1:0..18 vector 16\n"
            "    begin %9 add\n"
            "    for r0:0..6 reverse\n"
            "      let %6 = (r0 * 18) + r1 : index\n"
            "      let %8 = load slot 0 [%6] : f32\n"
            "      store slot 1 [%6] = next %9 with %8\n");
}

TEST_F(Lower, TextHasTheNumbersOfTheKernelsText) {
  const Node n = b.var("N", 1, 9), i = loop(0, Dim(n)), x = b.load(slot(0, f32, Dim(n)), i);
  const Program program =
      lower(graph, b.sink(std::vector<Node>{b.store(slot(1, f32, Dim(n)), i, unary(Op::Exp, x))}));
  const std::string text = print(graph, program), kernel = ir::print(graph, std::span(&program.kernel, 1));
  const size_t at = text.find("let %") + 4;
  const std::string made = text.substr(at, text.find(' ', at) - at);
  EXPECT_THAT(kernel, HasSubstr(made + " = load"));
}

TEST_F(Lower, ScattersSplitBetweenRowsOnly) {
  // The gradient of an embedding: zeros, then rows added in order. Columns are independent.
  const Node token = loop(0, 9), column = loop(1, 40), row = loop(2, 6), table = slot(0, f32, 240);
  const Node to = b.cast(b.load(slot(1, i32, 9), token), DType::kIndex);
  const Node inside = b.make(Op::And, {b.le(b.index(0), to), b.lt(to, b.index(6))});
  const std::vector<Node> kernel = {
      b.store(table, at(row, 40, column), number(0)),
      b.scatter_store(table, at(to, 40, column), b.load(slot(2, f32, 360), at(token, 40, column)), inside,
                      std::span(&token, 1), ir::ScatterMode::kAdd)};
  lowered(kernel);
  EXPECT_EQ(
      print(graph, lower(graph, b.sink(kernel), {.lanes = 4, .item_work = 1})).find("grid r1:0..40 by 16\n"),
      0u);
  // Alone, without other ranges: one item.
  const std::string alone = lowered({b.scatter_store(slot(3, i32, 6), to, b.constant_int(1, i32), inside,
                                                     std::span(&token, 1), ir::ScatterMode::kAdd)});
  EXPECT_EQ(alone.find("grid\n"), 0u);
  EXPECT_THAT(alone, Not(HasSubstr("vector")));
}

TEST_F(Lower, SortsMakeTheirKeysInside) {
  const Node i = loop(0, 4), j = loop(1, 7), r = reduce(2, 5);
  const Node key = sum(b.load(slot(0, f32, 140), at(at(i, 7, j), 5, r)), r);
  EXPECT_EQ(lowered({b.sort_store(slot(1, i32, 28), at(i, 7, j), key, j, true)}),
            "grid\n"
            "  for r0:0..4\n"
            "    let %4 = r0 * 7 : index\n"
            "    let %9 = r0 * 35 : index\n"
            "    sort descending into slot 1 for r1:0..7\n"
            "      let %12 = %9 + (r1 * 5) : index\n"
            "      begin %16 add\n"
            "      for r2:0..5 vector 8\n"
            "        let %15 = load slot 0 [(%12 + r2)] : f32\n"
            "        fold %16 with %15\n"
            "      key %16 to [(%4 + r1)]\n");
}

TEST_F(Lower, EveryTypeAndExtent) {
  const Node n = b.var("N", 0, 40);
  for (const DType t : {f16, bf16, f64, i8, u64, DType::kBool}) {
    const Node i = loop(0, Dim(n)), j = loop(1, 3), r = reduce(2, Dim(n));
    const Dim three_n = Dim(b.mul(n, b.index(3)));
    const Node x = slot(0, t, three_n), most = greatest(b.load(x, at(r, 3, j)), r);
    const std::vector<Node> kernel = {
        b.store(slot(1, t, three_n), b.add(b.mul(j, n), i), b.make(Op::Max, {b.load(x, at(i, 3, j)), most})),
        b.store(slot(2, t, 3), j, most)};
    lowered(kernel, {0, 1, 3, 40});
  }
}

TEST_F(Lower, LoopsThatMayBeEmptyStay) {
  // Rules know that the only value of r is 0; with N = 0 it has none, and slots no elements.
  const Node n = b.var("N", 0, 1), r = loop(0, Dim(n)), i = loop(1, 5), k = reduce(2, Dim(n));
  const Node x = b.load(slot(0, f32, Dim(b.mul(n, b.index(5)))), at(r, 5, i));
  lowered({b.store(slot(1, f32, Dim(b.mul(n, b.index(5)))), at(r, 5, i), x),
           b.store(slot(2, f32, 5), i, sum(b.load(slot(3, f32, Dim(n)), k), k))},
          {0, 1});
}

TEST_F(Lower, UpdatesInPlace) {
  const Node i = loop(0, 50), m = slot(0, f32, 50), p = slot(1, f32, 50), g = b.load(slot(2, f32, 50), i);
  const Node moment = b.add(b.mul(b.load(m, i), number(0.5)), g);
  const std::string text = lowered({b.store(m, i, moment), b.store(p, i, b.sub(b.load(p, i), moment))});
  EXPECT_LT(text.rfind("load"), text.find("store")) << text;
}

TEST_F(Lower, RefusesWhatIsNoKernel) {
  const Node sink = b.sink(std::vector<Node>{b.store(slot(0, f32, 4), reduce(0, 4), number(1))});
  try {
    lower(graph, sink);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("of kind reduce"));
  }
}

TEST_F(Lower, AProductIsNotedAndPrinted) {
  const Node i = loop(0, 64), j = loop(1, 48), k = reduce(2, 32);
  const Node x = b.load(slot(0, f32, 64 * 32), at(i, 32, k)), y = b.load(slot(1, f32, 32 * 48), at(k, 48, j));
  const Node kernel = b.sink(
      std::vector<Node>{b.store(slot(2, f32, 64 * 48), at(i, 48, j), unary(Op::Exp, sum(b.mul(x, y), k)))});
  Program program = lower_loops(graph, kernel);
  EXPECT_EQ(print_contractions(graph, program), "");
  note_contractions(graph, program);
  const std::string text = print_contractions(graph, program);
  EXPECT_EQ(text.substr(0, text.find("%0 =")),
            "# contraction %18 = sum over r35:0..32 of %12 * %16, m r33:0..64, n r34:0..48\n");
}

}  // namespace
}  // namespace anneal::loop
