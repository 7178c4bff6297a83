// SPDX-License-Identifier: MIT
// Losses against their definitions, element by element; dropout.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

struct LossOfPairs {
  const char* name;
  std::function<Tensor(In, In, Reduction)> f;
  std::function<double(double, double)> expected;
};
double huber_of(double d, double delta) {
  return std::abs(d) <= delta ? 0.5 * d * d : delta * (std::abs(d) - 0.5 * delta);
}
const LossOfPairs kLosses[] = {
    {"mse", [](In a, In b, Reduction r) { return mse_loss(a, b, r); },
     [](double a, double b) { return (a - b) * (a - b); }},
    {"l1", [](In a, In b, Reduction r) { return l1_loss(a, b, r); },
     [](double a, double b) { return std::abs(a - b); }},
    {"huber", [](In a, In b, Reduction r) { return huber_loss(a, b, 0.5, r); },
     [](double a, double b) { return huber_of(a - b, 0.5); }},
    {"smooth l1", [](In a, In b, Reduction r) { return smooth_l1_loss(a, b, 0.5, r); },
     [](double a, double b) { return huber_of(a - b, 0.5) / 0.5; }},
    {"smooth l1, beta 0", [](In a, In b, Reduction r) { return smooth_l1_loss(a, b, 0, r); },
     [](double a, double b) { return std::abs(a - b); }},
    {"bce", [](In a, In b, Reduction r) { return bce_with_logits(a, sigmoid(b), r); },
     [](double a, double b) {
       const double p = 1 / (1 + std::exp(-a)), t = 1 / (1 + std::exp(-b));
       return -t * std::log(p) - (1 - t) * std::log(1 - p);
     }},
    {"kl", [](In a, In b, Reduction r) { return kl_div(a, exp(b), r); },
     [](double a, double b) { return std::exp(b) * (b - a); }},
    {"kl of logs", [](In a, In b, Reduction r) { return kl_div(a, b, r, true); },
     [](double a, double b) { return std::exp(b) * (b - a); }},
};

TEST(Loss, ElementwiseOnes) {
  const Tensor a = spread({2, 3}, 1), b = spread({2, 3}, 70);
  for (const LossOfPairs& l : kLosses) {
    Doubles each;
    double total = 0;
    for (size_t i = 0; i < 6; ++i) {
      each.push_back(l.expected(values(a)[i], values(b)[i]));
      total += each.back();
    }
    EXPECT_EQ(differences(values(l.f(a, b, Reduction::kNone)), each, 1e-12), "") << l.name;
    EXPECT_NEAR(l.f(a, b, Reduction::kSum).item<double>(), total, 1e-12) << l.name;
    EXPECT_NEAR(l.f(a, b, Reduction::kMean).item<double>(), total / 6, 1e-12) << l.name;
    EXPECT_EQ(
        gradient_differences([&](const Ins& in) { return l.f(in[0], in[1], Reduction::kMean); }, {a, b}), "")
        << l.name;
  }
  EXPECT_THAT(failure([&] { return huber_loss(a, b, 0); }), HasSubstr("huber_loss: delta must be positive"));
}

TEST(Loss, SpecialPoints) {
  EXPECT_VALUES(kl_div(tensor({-1.0, -2.0}), tensor({0.0, 1.0}), Reduction::kNone), {0, 2});
  EXPECT_VALUES(bce_with_logits(tensor({1000.0, -1000.0, 1000.0}), tensor({1.0, 0.0, 0.0}), Reduction::kNone),
                {0, 0, 1000});
  const Tensor x = alias(tensor({0.0}));
  const Tensor slope = gradients(sum(bce_with_logits(x, 0.5)), {x})[0];
  EXPECT_VALUES(slope, {0});
  EXPECT_VALUES(gradients(sum(slope), {x})[0], {0.25});
  EXPECT_TYPE(mse_loss(tensor({1, 2}), tensor({3, 5})), "f32");
}

// -- Classes --

struct ClassCase {
  Ints scores, targets;
  int class_axis;
};

TEST(Loss, CrossEntropyInEveryLayout) {
  const ClassCase cases[] = {{{4, 3}, {4}, 1},
                             {{3}, {}, 0},
                             {{2, 3, 2}, {2, 2}, 1},
                             {{2, 3, 2, 2}, {2, 2, 2}, 1},
                             {{2, 4, 3}, {2, 4}, 2}};
  for (const ClassCase& c : cases)
    for (double smoothing : {0.0, 0.2}) {
      SCOPED_TRACE(testing::PrintToString(c.scores));
      const Tensor x = spread(c.scores, 3);
      const Tensor rows = movedim(x, {c.class_axis}, {-1});
      const Doubles v = values(rows);
      const auto classes = static_cast<size_t>(c.scores[static_cast<size_t>(c.class_axis)]);
      const size_t count = v.size() / classes;
      std::vector<int64_t> labels;
      for (size_t i = 0; i < count; ++i)
        labels.push_back(i == 1 ? -100 : static_cast<int64_t>((i * 2 + 1) % classes));
      Doubles each;
      double total = 0, kept = 0;
      for (size_t i = 0; i < count; ++i) {
        double sum_exp = 0, mean_score = 0;
        for (size_t k = 0; k < classes; ++k) {
          sum_exp += std::exp(v[i * classes + k]);
          mean_score += v[i * classes + k] / static_cast<double>(classes);
        }
        const bool ignored = labels[i] == -100;
        const double lse = std::log(sum_exp),
                     chosen = ignored ? 0 : v[i * classes + static_cast<size_t>(labels[i])];
        each.push_back(ignored ? 0 : (1 - smoothing) * (lse - chosen) + smoothing * (lse - mean_score));
        total += each.back();
        kept += ignored ? 0 : 1;
      }
      const Tensor t = from_data(labels, c.targets);
      const auto loss = [&](Reduction r) {
        return cross_entropy(x, t, {.label_smoothing = smoothing, .reduction = r});
      };
      EXPECT_VALUES(loss(Reduction::kNone), each);
      EXPECT_EQ(loss(Reduction::kNone).shape(), c.targets);
      EXPECT_NEAR(loss(Reduction::kSum).item<double>(), total, 1e-12);
      EXPECT_NEAR(loss(Reduction::kMean).item<double>(), total / kept, 1e-12);
      if (smoothing == 0) {
        const Tensor logs = log_softmax(x, c.class_axis);
        EXPECT_VALUES(nll_loss(logs, t, -100, Reduction::kNone), each);
        EXPECT_NEAR(nll_loss(logs, t).item<double>(), total / kept, 1e-12);
      }
      EXPECT_EQ(
          gradient_differences(
              [&](const Ins& in) { return cross_entropy(in[0], t, {.label_smoothing = smoothing}); }, {x}),
          "");
    }
}

TEST(Loss, LabelsOfEveryIntegerType) {
  const Tensor x = spread({2, 200}, 3);
  for (DType t : {u8, i16, i32, i64, u64}) {
    // As u8 the number 156 has the bits of -100, which is the default of what is ignored.
    const Tensor labels = data({156, 7}, {2}, t);
    EXPECT_NEAR(cross_entropy(x, labels).item<double>(),
                cross_entropy(x, data({156, 7}, {2}, i64)).item<double>(), 1e-12)
        << dtype_name(t);
  }
  EXPECT_VALUES(
      cross_entropy(x, data({156, 7}, {2}, u8), {.ignore_index = 156, .reduction = Reduction::kNone})
          .slice({0}),
      {0});
}

TEST(Loss, ATargetThatIsNoClassGivesNan) {
  const Tensor x = spread({5, 3}, 3);
  const Doubles targets{2, 3, -1, -100, 0};
  for (DType t : {i8, i32, i64})
    for (double smoothing : {0.0, 0.1}) {
      const auto loss = [&](Reduction r) {
        return cross_entropy(x, data(targets, {5}, t), {.label_smoothing = smoothing, .reduction = r});
      };
      const Doubles each = values(loss(Reduction::kNone));
      EXPECT_TRUE(std::isnan(each[1]) && std::isnan(each[2]));
      EXPECT_TRUE(each[0] > 0 && each[3] == 0 && each[4] > 0);
      EXPECT_TRUE(std::isnan(loss(Reduction::kMean).item<double>()));
      EXPECT_TRUE(std::isnan(loss(Reduction::kSum).item<double>()));
    }
  EXPECT_VALUES(nll_loss(ones({5, 3}, f64), data(targets, {5}, i32), -100, Reduction::kNone),
                {-1, kNan, kNan, 0, -1});
  EXPECT_VALUES(nll_loss(ones({5, 3}, f64), data(targets, {5}, i32), 3, Reduction::kNone),
                {-1, 0, kNan, kNan, -1});
  // More classes than the type of the targets can name; a number of classes that is known at run time only.
  EXPECT_VALUES(nll_loss(ones({2, 300}), data({7, 255}, {2}, u8), -100, Reduction::kNone), {-1, -1});
  const Extent classes = dim("target_classes", 1, 8);
  const Tensor scores = zeros({3, classes});
  EXPECT_EQ(differences(values(nll_loss(scores, data({0, 3, 4}, {3}, i32), -100, Reduction::kNone),
                               {.dims = {{"target_classes", 4}}}),
                        {0, 0, kNan}, 0),
            "");
}

TEST(Loss, CrossEntropyErrors) {
  EXPECT_THAT(failure([] { return cross_entropy(ones({2, 3}), ones({2})); }),
              HasSubstr("error[dtype] cross_entropy: the targets are f32[2], they must be class numbers, or "
                        "probabilities of the shape of f32[2,3]"));
  EXPECT_THAT(failure([] { return cross_entropy(ones({2, 3}), ones({2, 3}, i32)); }),
              HasSubstr("cross_entropy: targets i32[2,3] for scores f32[2,3]: the targets have every axis "
                        "but the classes"));
  EXPECT_THAT(failure([] { return cross_entropy(ones({2, 3}), ones({3}, i32)); }),
              HasSubstr("cross_entropy: targets i32[3] do not fit scores f32[2,3]"));
  EXPECT_THAT(failure([] { return nll_loss(ones({2, 3, 4}), ones({3, 4}, i32)); }),
              HasSubstr("nll_loss: targets i32[3,4] do not fit"));
  EXPECT_THAT(failure([] { return cross_entropy(ones({2, 3}), ones({2}, i32), {.label_smoothing = 1.5}); }),
              HasSubstr("cross_entropy: label_smoothing must lie in [0, 1]"));
}

// -- Dropout --

TEST(Dropout, KeepsTheMean) {
  const Tensor x = ones({10000}), y = dropout(x, 0.25, 7);
  const Doubles v = values(y);
  const auto kept = static_cast<double>(std::count_if(v.begin(), v.end(), [](double e) { return e != 0; }));
  EXPECT_NEAR(kept / 10000, 0.75, 0.02);
  for (double e : v) EXPECT_TRUE(e == 0 || std::abs(e - 4.0 / 3) < 1e-6);
  EXPECT_EQ(v, values(dropout(x, 0.25, 7)));
  EXPECT_NE(v, values(dropout(x, 0.25, 8)));
  EXPECT_VALUES(dropout(ones({3}), 0, 1), {1, 1, 1});
  EXPECT_VALUES(dropout(ones({3}), 1, 1), {0, 0, 0});
  EXPECT_THAT(failure([&] { return dropout(x, 1.5, 1); }), HasSubstr("dropout: p must lie in [0, 1]"));
  EXPECT_EQ(gradient_differences([](const Ins& in) { return dropout(in[0], 0.5, 3); }, {spread({8})}), "");
}

TEST(LossMade, Values) {
  const Tensor x = tensor({0.5, -1.0}), y = tensor({1.0, -1.0});
  EXPECT_CLOSE(binary_cross_entropy(tensor({0.25, 0.5}), tensor({1.0, 0.0}), Reduction::kNone), 1e-12,
               {std::log(4.0), std::log(2.0)});
  EXPECT_VALUES(binary_cross_entropy(tensor({0.0, 1.0}), tensor({1.0, 0.0}), Reduction::kSum), {200});
  EXPECT_CLOSE(soft_margin_loss(x, y), 1e-12,
               {(std::log1p(std::exp(-0.5)) + std::log1p(std::exp(-1.0))) / 2});
  EXPECT_CLOSE(poisson_nll_loss(x, y, true, 1e-8, Reduction::kNone), 1e-12,
               {std::exp(0.5) - 0.5, std::exp(-1.0) - 1});
  EXPECT_CLOSE(poisson_nll_loss(tensor({2.0}), tensor({3.0}), false, 0), 1e-12, {2 - 3 * std::log(2.0)});
  EXPECT_CLOSE(gaussian_nll_loss(tensor({3.0}), tensor({1.0}), tensor({2.0})), 1e-12,
               {(std::log(2.0) + 2) / 2});
  EXPECT_THAT(failure([&] { return gaussian_nll_loss(x, y, y, 0); }), HasSubstr("eps must be positive"));
  // Probabilities instead of class numbers: a row of one 1 is its class.
  const Tensor scores = spread({3, 4}), classes = tensor({2, 0, 3});
  for (double smoothing : {0.0, 0.25})
    EXPECT_CLOSE(cross_entropy(scores, one_hot(classes, 4, f64), {.label_smoothing = smoothing}), 1e-12,
                 values(cross_entropy(scores, classes, {.label_smoothing = smoothing})));
  EXPECT_CLOSE(cross_entropy(zeros({2, 4, 3}), full({2, 4, 3}, 0.25)), 1e-6, {std::log(4.0)});
}

TEST(LossMade, Gradients) {
  const Tensor x = spread({3, 4}), y = spread({3, 4}, 9);
  const Ins two{x, y};
  for (const auto& f : std::vector<std::function<Tensor(const Ins&)>>{
           [](const Ins& in) {
             return binary_cross_entropy(sigmoid(in[0]), sigmoid(in[1]), Reduction::kNone);
           },
           [](const Ins& in) { return soft_margin_loss(in[0], sign(in[1])); },
           [](const Ins& in) { return poisson_nll_loss(in[0], in[1]); },
           [](const Ins& in) { return poisson_nll_loss(exp(in[0]), in[1], false); },
           [](const Ins& in) { return gaussian_nll_loss(in[0], in[1], exp(in[0])); },
           [](const Ins& in) { return cross_entropy(in[0], softmax(in[1]), {.label_smoothing = 0.1}); }})
    EXPECT_EQ(gradient_differences(f, two, 1e-6), "");
  const Tensor p = alias(tensor({0.0, 1.0, 0.5}));
  EXPECT_VALUES(gradients(binary_cross_entropy(p, tensor({0.0, 1.0, 1.0}), Reduction::kSum), {p})[0],
                {1, -1, -2});
}

}  // namespace
}  // namespace anneal
