// SPDX-License-Identifier: MIT
// Messages: what went wrong and what would fit, the operands with the place where each was made, and the
// user's line.
#include <gtest/gtest.h>

#include <thread>

#include "anneal/random.h"
#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// "src/tensor/error_test.cc:12", for the line it stands on and its neighbours.
std::string place(int line) { return std::string(__FILE__) + ":" + std::to_string(line); }
#define HERE place(__LINE__)
#define LINE_ABOVE place(__LINE__ - 1)
#define LINE_BELOW place(__LINE__ + 1)

TEST(ErrorMessage, HasItsThreeParts) {
  // A type of its own, so that no other test has made these nodes.
  const Tensor x = input(0, {256, 641}, f32, "x");
  const std::string x_line = LINE_ABOVE;
  const Tensor w = input(1, {32, 64}, f32, "l2.weight");
  const std::string w_line = LINE_ABOVE;
  const Tensor h = relu(x);
  const std::string h_line = LINE_ABOVE;
  std::string line;
  const std::string message = failure([&] {
    line = LINE_BELOW;
    return matmul(h, w);
  });
  EXPECT_THAT(message, StartsWith("error[shape] matmul: inner dimensions differ, 641 and 32; the second "
                                  "operand must have 641 rows\n"));
  EXPECT_THAT(message, HasSubstr("\n  f32[256,641]  from relu  " + h_line + "\n"));
  EXPECT_THAT(message, HasSubstr("\n  f32[32,64]  l2.weight  from input  " + w_line + "\n"));
  EXPECT_THAT(message, EndsWith("  " + line));
}

TEST(ErrorMessage, BlamesTheLineOfTheUser) {
  const Tensor x = ones({2, 3}), v = ones({4});
  std::string line;
  const std::pair<std::string, std::function<void()>> calls[] = {
      {HERE, [&] { x + v; }},
      {HERE, [&] { add(x, v); }},
      {HERE, [&] { x.reshape({7}); }},
      {HERE, [&] { reshape(x, {7}); }},
      {HERE, [&] { x.permute({0}); }},
      {HERE, [&] { x.sum(5); }},
      {HERE, [&] { mean(x, 5); }},
      {HERE, [&] { softmax(x, 5); }},
      {HERE, [&] { x.slice({9}); }},
      {HERE, [&] { x[9]; }},
      {HERE, [&] { x.to(f32).size(4); }},
      {HERE, [&] { layer_norm(x, v); }},
      {HERE, [&] { conv2d(x, v); }},
      {HERE, [&] { cat({x, v}); }},
      {HERE, [&] { stack({x, v}); }},
      {HERE, [&] { einsum("ij->k", {x}); }},
      {HERE, [&] { cross_entropy(x, v); }},
      {HERE, [&] { x.item<float>(); }},
      {HERE, [&] { Tensor().item<float>(); }},
      {HERE, [&] { Tensor().shape(); }},
      {HERE, [&] { Tensor().dtype(); }},
      {HERE, [&] { Tensor().str(); }},
      {HERE, [&] { ones({dim("Q", 1, 2)}).shape(); }},
      {HERE, [&] { ones({dim("Q", 1, 2)}).to_vector<float>(); }},
      {HERE, [&] { ones({dim("Q", 1, 2)}).realize(); }},
      {HERE, [&] { gradients(x, {x}); }},
      {HERE, [&] { grad([](const Tensor& t) { return t; })(x); }},
      {HERE, [&] { jvp({x}, {x}, {v}); }},
      {HERE, [&] { zeros({-1}); }},
      {HERE, [&] { full({-1}, 2); }},
      {HERE, [&] { arange(0, 1, 0); }},
      {HERE, [&] { from_data(std::vector<float>{1}, {2}); }},
      {HERE, [&] { tensor({{1, 2}, {3}}); }},
      {HERE, [&] { rand({2}, {.dtype = i32}); }},
      {HERE, [&] { Rng(1).randint(2, 1, {2}); }},
      {HERE, [&] { split(x, {7}); }},
      {HERE, [&] { roll(x, {1, 2}, 0); }},
      {HERE, [&] { log_sigmoid(bitcast(x, f16)); }},
      {HERE, [&] { relu6(Tensor()); }},
      {HERE, [&] { dropout(x, 2, 0); }},
      {HERE, [&] { kthvalue(x, 9); }},
      {HERE, [&] { median(x, 4); }},
      {HERE, [&] { tensordot(x, v, 1); }},
      {HERE, [&] { diagonal(v); }},
      {HERE, [&] { hstack({x, v}); }},
      {HERE, [&] { vstack({x, v}); }},
      {HERE, [&] { prelu(x, v); }},
      {HERE, [&] { addmm(x, x, x); }},
      {HERE, [&] { linear(x, v); }},
      {HERE, [&] { index_add(x, 0, v, x); }},
      {HERE, [&] { pixel_shuffle(x, 2); }},
      {HERE, [&] { normalize(v); }},
      {HERE, [&] { binary_cross_entropy(x, v); }},
      {HERE, [&] { dim("Q", 5, 1); }},
      {HERE, [&] { dim("", 1, 5); }},
      {HERE, [&] { dim("Q", 1, 5, 0); }},
      {HERE, [t = x, &v]() mutable { t += v; }},
      {HERE, [&] { arange(0, 5, 0); }},
      {HERE, [&] { tensor({{{1, 2}}, {{3}}}); }},
  };
  for (const auto& [where, call] : calls) {
    const std::string message = failure(call);
    EXPECT_THAT(message, StartsWith("error["));
    EXPECT_THAT(message, EndsWith(" " + where)) << message;
  }
}

TEST(ErrorMessage, NamesWhatTheUserCalled) {
  const Tensor x = ones({2, 3});
  EXPECT_THAT(failure([&] { return stack({x, ones({2, 4})}); }),
              StartsWith("error[shape] stack: tensor 1 has shape [2,4], not [2,3]\n"));
  EXPECT_THAT(failure([&] { return layer_norm(x, ones({4})); }),
              StartsWith("error[shape] layer_norm: the weight of shape [4] does not fit [2,3]\n"));
  EXPECT_THAT(failure([&] { return rms_norm(x, ones({3, 2})); }),
              StartsWith("error[shape] rms_norm: the weight of shape [3,2] does not fit [2,3]\n"));
  EXPECT_THAT(failure([&] { return argmax(ones({0})); }), StartsWith("error[shape] argmax: "));
  // An op inside that finds the mistake comes after the function that was called.
  EXPECT_THAT(failure([&] { return mse_loss(x, ones({4})); }),
              StartsWith("error[shape] mse_loss: sub: shapes [2,3] and [4] do not broadcast"));
  EXPECT_THAT(failure([&] { return x.reshape({int64_t{1} << 62, 4}); }),
              StartsWith("error[limit] reshape: "));
  EXPECT_THAT(failure([&] { return x + ones({4}); }), Not(HasSubstr("add: add")));
}

TEST(ErrorMessage, OfMemoryNamesTheLineToo) {
  const std::string message = failure(
      [] { return (ones({dim("N", 1, int64_t{1} << 50)}) + 1).str({.dims = {{"N", int64_t{1} << 50}}}); });
  EXPECT_THAT(message, HasSubstr("exceeds the limit"));
  EXPECT_THAT(message, HasSubstr("\n  made by "));
}

TEST(ErrorMessage, DoesNotNameWhatTheFunctionIsMadeOf) {
  const Tensor x = ones({2, 3});
  EXPECT_THAT(failure([&] { return index_add(x, 0, tensor({0}), ones({1, 4})); }),
              StartsWith("error[shape] index_add: values f32[1,4] for f32[2,3]: off axis 0 they must not be "
                         "larger\n"));
  EXPECT_THAT(failure([&] { return unflatten(x, 1, {2, 2}); }),
              StartsWith("error[shape] unflatten: [2,3] has 6 elements, [2,2,2] has 8\n"));
  EXPECT_THAT(failure([&] { return x[5]; }),
              StartsWith("error[argument] operator[]: position 5 is out of range for axis 0 of 2"));
  EXPECT_THAT(failure([&] { return categorical(ones({2, 0}), 1); }),
              StartsWith("error[shape] categorical: axis 1 is empty: there is no element to choose\n"));
  EXPECT_THAT(failure([&] { return max_pool2d(ones({3})); }),
              StartsWith("error[shape] max_pool2d: takes at least 2 axes, not f32[3]\n"));
  EXPECT_THAT(failure([&] { return avg_pool2d(ones({3})); }), StartsWith("error[shape] avg_pool2d: takes"));
  EXPECT_THAT(failure([&] { return pad_replicate(ones({0}), {{1, 0}}); }),
              HasSubstr("on axis 0 of 0: an empty axis has no edge to repeat: only 0 and 0 fit"));
  EXPECT_THAT(failure([&] { return pad_replicate(x, {{-1, 0}}); }), HasSubstr("they must not be negative"));
}

TEST(ErrorMessage, SpeaksOfWhatTheUserWrote) {
  const Tensor x = ones({2, 3}), y = ones({4, 5});
  EXPECT_THAT(failure([&] { return scaled_dot_product_attention(x, y, y); }),
              StartsWith("error[shape] scaled_dot_product_attention: the head sizes differ, 3 of the queries "
                         "and 5 of the keys: k must be [..., length, 3]\n"));
  EXPECT_THAT(failure([&] { return scaled_dot_product_attention(x, x, ones({4, 3})); }),
              HasSubstr("the lengths differ, 2 keys and 4 values"));
  EXPECT_THAT(failure([&] { return scaled_dot_product_attention(x, x, x, {.mask = zeros({3, 7})}); }),
              AllOf(HasSubstr("the mask of shape [3,7] does not fit the scores [2,2]"),
                    HasSubstr("\n  f32[3,7]  from zeros")));
  EXPECT_THAT(failure([&] { return einsum("ij,jk->ik", {x, y}); }),
              StartsWith("error[shape] einsum: letter 'j' stands for different extents, 3 in operand 0 and 4 "
                         "in operand 1\n"));
  EXPECT_THAT(failure([&] { return einsum("...i,...i", {ones({2, 1, 3}), ones({4, 7, 3})}); }),
              HasSubstr("an axis of \"...\" stands for different extents, 2 in operand 0 and 4"));
  EXPECT_THAT(failure([&] { return unsqueeze(x, 5); }),
              HasSubstr("axis 5 is out of range: the result of rank 3 has axes -3 to 2"));
  EXPECT_THAT(failure([&] { return linear(x, ones({4, 3}), ones({5})); }),
              AllOf(StartsWith("error[shape] linear: the bias must be [4], not f32[5]\n"),
                    HasSubstr("\n  f32[5]  from ones")));
  EXPECT_THAT(failure([&] { return layer_norm(x, ones({7})); }), HasSubstr("\n  f32[7]  from ones"));
  EXPECT_THAT(failure([&] { return layer_norm(x, ones({3}), Tensor()); }), HasSubstr("the bias is an empty"));
  EXPECT_THAT(failure([&] { return conv1d(ones({1, 2, 5}), ones({2, 2, 3}), ones({9})); }),
              HasSubstr("\n  f32[9]  from ones"));
  // The sources of an op inside are not the user's.
  for (const std::string& message : {failure([&] { return ~x; }), failure([&] { return bitcast(x, f16); })})
    EXPECT_THAT(message, AllOf(HasSubstr("\n  f32[2,3]  from ones"), Not(HasSubstr("from expand"))));
}

TEST(ErrorMessage, OfARunNamesTheLineOfTheOp) {
  const Extent b = dim("B", 1, 8);
  const Tensor sum = zeros({b, 4}) + zeros({5, 4});
  const std::string line = LINE_ABOVE;
  EXPECT_THAT(
      failure([&] { return sum.to_vector<float>({.dims = {{"B", 4}}}); }),
      AllOf(HasSubstr("expand: from [5,4] to [4,4]\n  made by add  " + line + "\n"), Not(HasSubstr("%"))));
}

TEST(ErrorMessage, BroadcastsSayWhichAxisAndWhatFits) {
  EXPECT_THAT(failure([] { return ones({2, 3}) + ones({4}); }),
              StartsWith("error[shape] add: shapes [2,3] and [4] do not broadcast: axis -1 has 3 and 4; "
                         "extents must be equal or 1\n"));
  EXPECT_THAT(
      failure([] { return where(ones({2, 1}, boolean), ones({3, 1}), 0); }),
      StartsWith("error[shape] where: shapes [2,1] and [3,1] and [] do not broadcast: axis -2 has 2 and 3"));
}

TEST(ErrorMessage, AxesSayTheirRange) {
  EXPECT_THAT(
      failure([] { return sum(ones({2, 3}), 2); }),
      StartsWith("error[argument] sum: axis 2 is out of range: a tensor of rank 2 has axes -2 to 1\n"));
  EXPECT_THAT(failure([] { return sum(ones({2, 3}), {0, -2}); }),
              StartsWith("error[argument] sum: axis -2 is named twice\n"));
  EXPECT_THAT(failure([] { return softmax(ones({}).reshape({1}), -2); }), HasSubstr("axes -1 to 0"));
}

TEST(ErrorMessage, ItemOfManySaysHowMany) {
  EXPECT_THAT(
      failure([] { return ones({2, 3}).item<float>(); }),
      StartsWith(
          "error[shape] item: a tensor of 6 elements has no single value: reduce it or use to_vector\n"));
  EXPECT_EQ(ones({1, 1}).item<float>(), 1);
}

TEST(ErrorMessage, GradientOfBitsNamesTheLine) {
  const Tensor x = alias(ones({2}, f16));
  const Tensor bits = bitcast(x, bf16);
  const std::string line = LINE_ABOVE;
  const std::string message = failure([&] { return gradients(sum(bits), {x}); });
  EXPECT_THAT(message, AllOf(StartsWith("error[gradient] gradients: bitcast has no gradient"),
                             HasSubstr("made at " + line)));
}

TEST(ErrorMessage, LimitsAreErrorsToo) {
  EXPECT_THAT(failure([] { return ones(Sizes(std::vector<int64_t>(17, 1))); }),
              StartsWith("error[limit] ones: shape of rank 17: at most 16"));
  EXPECT_THAT(failure([] { return ones({int64_t{1} << 40, int64_t{1} << 40}); }),
              StartsWith("error[limit] ones: shape has more than 2^63 - 1 elements"));
  EXPECT_THAT(failure([] { return ones({int64_t{1} << 40}).realize(); }), HasSubstr("error[limit]"));
  EXPECT_THAT(failure([] { return ones({int64_t{1} << 40}).to_vector<float>(); }), HasSubstr("error[limit]"));
  EXPECT_THAT(failure([] { return ones({int64_t{1} << 40}).to_vector<bool>(); }), HasSubstr("error[limit]"));
}

TEST(ErrorMessage, TheNextCallIsNotAffected) {
  const Tensor x = ones({2, 3});
  failure([&] { return x + ones({4}); });
  failure([&] { return Tensor() + 1; });
  std::string line;
  const std::string message = failure([&] {
    line = LINE_BELOW;
    return x * ones({5});
  });
  EXPECT_THAT(message, AllOf(StartsWith("error[shape] mul: shapes [2,3] and [5]"), EndsWith(line)));
}

TEST(ErrorMessage, ThreadsHaveTheirOwn) {
  std::vector<std::thread> threads;
  std::vector<std::string> messages(4);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        messages[t] = failure([&] { return ones({2, 3}) + ones({static_cast<int64_t>(t) + 4}); });
    });
  for (std::thread& t : threads) t.join();
  for (size_t t = 0; t < 4; ++t)
    EXPECT_THAT(messages[t], HasSubstr("[2,3] and [" + std::to_string(t + 4) + "]"));
}

}  // namespace
}  // namespace anneal
