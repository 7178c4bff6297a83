// SPDX-License-Identifier: MIT
// Programs that lower() would not make, one mistake each: what verify() says of them, and what running them
// says.
#include "loop/verify.h"

#include <gmock/gmock.h>

#include "interp/test_kernel.h"
#include "loop/lower.h"
#include "loop/random_kernel.h"
#include "loop/run.h"

namespace anneal::loop {
namespace {

using testing::HasSubstr;

// out[i] = sum_r x[i,r], in one loop over i and one over r.
class BrokenProgram : public testing::Test, protected interp::TestKernel {
 protected:
  BrokenProgram() {
    i_ = loop(0, 6);
    r_ = reduce(1, 5);
    load_ = b.load(slot(0, f32, 30), at(i_, 5, r_));
    sum_ = sum(load_, r_);
    store_ = b.store(slot(1, f32, 6), i_, sum_);
    program_.kernel = b.sink(std::span(&store_, 1));
    fold_loop_ = {StatementKind::kLoop, r_};
    fold_loop_.body = {{StatementKind::kLet, load_}, {StatementKind::kFold, sum_}};
    outer_ = {StatementKind::kLoop, i_};
    outer_.body = {{StatementKind::kBegin, sum_}, fold_loop_, {StatementKind::kStore, store_}};
    program_.body = {outer_};
  }
  std::string said() { return verify(graph, program_); }
  std::string failure() {
    try {
      loop::run(graph, program_, random_arrays(graph, program_.kernel, bindings, 1));
    } catch (const Error& e) {
      return e.message();
    }
    return "";
  }
  Body& inside() { return program_.body[0].body; }

  Node i_, r_, load_, sum_, store_;
  Statement fold_loop_, outer_;
  Program program_;
};

TEST_F(BrokenProgram, IsFineBeforeItIsBroken) {
  EXPECT_EQ(said(), "");
  EXPECT_EQ(failure(), "");
  program_.grid = {{i_, 1}};
  program_.body = outer_.body;
  EXPECT_EQ(said(), "");
  EXPECT_EQ(failure(), "");
  program_.grid = {{i_, 4}};
  program_.body = {outer_};
  EXPECT_EQ(said(), "");
  EXPECT_EQ(failure(), "");
}

TEST_F(BrokenProgram, RangesHaveOneValue) {
  program_.body = outer_.body;
  EXPECT_THAT(said(), HasSubstr("range has no value where it is used"));
  EXPECT_THAT(failure(), HasSubstr("has no value where it is used"));
  program_.body = {outer_};
  program_.grid = {{i_, 1}};
  EXPECT_THAT(said(), HasSubstr("range has a value already"));
  EXPECT_THAT(failure(), HasSubstr("has a value already"));
  program_.grid = {{i_, 0}};
  EXPECT_THAT(said(), HasSubstr("chunks of 0"));
  program_.grid = {{i_, 2}, {i_, 2}};
  EXPECT_THAT(said(), HasSubstr("two axes of the grid"));
}

TEST_F(BrokenProgram, FoldsBeginAndEnd) {
  inside() = {fold_loop_, {StatementKind::kStore, store_}};
  EXPECT_THAT(said(), HasSubstr("is folded but not begun"));
  EXPECT_THAT(failure(), HasSubstr("is folded before it begins"));
  inside() = {{StatementKind::kBegin, sum_}, {StatementKind::kStore, store_}, fold_loop_};
  EXPECT_THAT(said(), HasSubstr("is used before its fold is done"));
  EXPECT_THAT(failure(), HasSubstr("is used after 0 of 5 elements"));
  inside() = {{StatementKind::kBegin, sum_}, fold_loop_, fold_loop_, {StatementKind::kStore, store_}};
  EXPECT_THAT(said(), HasSubstr("is folded twice"));
  EXPECT_THAT(failure(), HasSubstr("is used after 10 of 5 elements"));
  // Begun outside of the rows: the second one goes on with the first one's sum.
  program_.body = {{StatementKind::kBegin, sum_}, outer_};
  inside();
  program_.body[1].body.erase(program_.body[1].body.begin());
  EXPECT_THAT(said(), HasSubstr("is not folded in loops over its ranges"));
  EXPECT_THAT(failure(), HasSubstr("is used after 10 of 5 elements"));
}

TEST_F(BrokenProgram, StatementsStandOnceAtTheirPoints) {
  inside().push_back({StatementKind::kStore, store_});
  EXPECT_THAT(said(), HasSubstr("stands 2 times"));
  EXPECT_THAT(failure(), HasSubstr("was carried out at 12 of 6 points"));
  inside().resize(2);
  EXPECT_THAT(said(), HasSubstr("stands 0 times"));
  EXPECT_THAT(failure(), HasSubstr("was carried out at 0 of 6 points"));
  Statement more{StatementKind::kLoop, r_};
  more.body = {{StatementKind::kStore, store_}};
  inside().push_back(more);
  EXPECT_THAT(said(), HasSubstr("is not reached once for each point"));
  EXPECT_THAT(failure(), HasSubstr("was carried out at 30 of 6 points"));
}

TEST_F(BrokenProgram, LoadsHaveALetBeforeStores) {
  inside()[1].body.erase(inside()[1].body.begin());
  EXPECT_THAT(said(), HasSubstr("load is used without a let"));
  inside()[1].body = {{StatementKind::kFold, sum_}, {StatementKind::kLet, load_}};
  EXPECT_THAT(said(), HasSubstr("load is used without a let"));
}

TEST_F(BrokenProgram, VectorsDoNotNest) {
  inside()[1].loop = LoopKind::kVector;
  inside()[1].lanes = 4;
  EXPECT_EQ(said(), "");
  program_.body[0].loop = LoopKind::kVector;
  program_.body[0].lanes = 4;
  EXPECT_THAT(said(), HasSubstr("is a vector loop inside another"));
  inside()[1].loop = LoopKind::kSerial;
  EXPECT_THAT(said(), HasSubstr("has wrong lanes"));
}

TEST_F(BrokenProgram, ScansRunInTheirOwnSerialLoop) {
  const Node i = loop(0, 6),
             scan = b.scan_store(slot(1, f32, 6), i, b.load(slot(0, f32, 6), i), i, ReduceOp::kAdd, false);
  program_ = lower(graph, b.sink(std::span(&scan, 1)));
  EXPECT_EQ(said(), "");
  program_.body[1].loop = LoopKind::kVector;
  EXPECT_THAT(said(), HasSubstr("serial loops over the ranges that it binds"));
  program_.body[1].loop = LoopKind::kSerial;
  program_.body.erase(program_.body.begin());
  EXPECT_THAT(said(), HasSubstr("is not begun in front of its loop"));
  EXPECT_THAT(failure(), HasSubstr("is stored before it begins"));
}

TEST_F(BrokenProgram, ItemsMustNotMeet) {
  // Rows of the scatter meet in element 0; split into items they race.
  const Node i = loop(0, 4), s = slot(0, f32, 1), yes = b.constant_int(1, DType::kBool);
  const Node scatter =
      b.scatter_store(s, b.index(0), b.cast(i, f32), yes, std::span(&i, 1), ir::ScatterMode::kAdd);
  program_ = lower(graph, b.sink(std::span(&scatter, 1)));
  EXPECT_EQ(failure(), "");
  program_.grid = {{i, 1}};
  program_.body = program_.body[0].body;
  EXPECT_THAT(failure(), HasSubstr("is written by item"));
  // In place, back to front: one item reads what another one writes.
  const Node t = slot(0, f32, 4), back = b.load(t, b.sub(b.index(3), i)), reversed = b.store(t, i, back);
  program_ = {b.sink(std::span(&reversed, 1)),
              {{i, 1}},
              {{StatementKind::kLet, back}, {StatementKind::kStore, reversed}}};
  EXPECT_THAT(failure(),
              testing::AnyOf(HasSubstr("is loaded after it was written"), HasSubstr("and read by another")));
}

}  // namespace
}  // namespace anneal::loop
