// SPDX-License-Identifier: MIT
// Normalisation and attention against their definitions.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

struct Moments {
  double mean = 0, var = 0, square = 0;  // var is biased
};
Moments moments(const Doubles& v) {
  Moments m;
  for (double x : v) m.mean += x, m.square += x * x;
  m.mean /= static_cast<double>(v.size());
  m.square /= static_cast<double>(v.size());
  for (double x : v) m.var += (x - m.mean) * (x - m.mean);
  m.var /= static_cast<double>(v.size());
  return m;
}

// Elements grouped by `group_of`, each normalised within its group.
template <typename GroupOf>
Doubles normalised(const Doubles& v, const GroupOf& group_of, double eps, bool centred = true) {
  Doubles out;
  for (size_t i = 0; i < v.size(); ++i) {
    Doubles group;
    for (size_t j = 0; j < v.size(); ++j)
      if (group_of(j) == group_of(i)) group.push_back(v[j]);
    const Moments m = moments(group);
    out.push_back(centred ? (v[i] - m.mean) / std::sqrt(m.var + eps) : v[i] / std::sqrt(m.square + eps));
  }
  return out;
}

TEST(Norm, LayerAndRms) {
  const Doubles v = spread_values(24);
  const Tensor x = data(v, {2, 3, 4}), w = spread({4}, 5), b = spread({4}, 9);
  const Doubles rows = normalised(v, [](size_t i) { return i / 4; }, 1e-5);
  EXPECT_VALUES(layer_norm(x), rows);
  EXPECT_VALUES(layer_norm(x, {}, {}, 0.1, 2), normalised(v, [](size_t i) { return i / 12; }, 0.1));
  EXPECT_VALUES(rms_norm(x), normalised(v, [](size_t i) { return i / 4; }, 1e-6, false));
  Doubles scaled = rows;
  for (size_t i = 0; i < 24; ++i) scaled[i] = rows[i] * values(w)[i % 4] + values(b)[i % 4];
  EXPECT_VALUES(layer_norm(x, w, b), scaled);
  EXPECT_TYPE(layer_norm(ones({2, 4}, f16)), "f16[2,4]");
  EXPECT_TYPE(layer_norm(ones({2, 4}, i32)), "f32[2,4]");
  EXPECT_VALUES(layer_norm(data({1000, -1000, 1000, -1000}, {1, 4}, f16)),
                {1, -1, 1, -1});  // squares are beyond f16
  EXPECT_THAT(failure([&] { return layer_norm(x, {}, {}, 1e-5, 4); }),
              HasSubstr("layer_norm: 4 axes of a tensor of rank 3"));
  EXPECT_THAT(failure([&] { return rms_norm(x, {}, 1e-5, 0); }),
              HasSubstr("rms_norm: 0 axes of a tensor of rank 3"));
  EXPECT_THAT(failure([&] { return layer_norm(x, ones({3})); }),
              HasSubstr("layer_norm: the weight of shape [3] does not fit [2,3,4]"));
}

TEST(Norm, EpsIsNotNegative) {
  const Tensor x = ones({2, 4}), v = ones({4});
  const std::pair<const char*, std::function<Tensor()>> calls[] = {
      {"layer_norm", [&] { return layer_norm(x, {}, {}, -1); }},
      {"rms_norm", [&] { return rms_norm(x, {}, -1); }},
      {"group_norm", [&] { return group_norm(x, 2, {}, {}, -1); }},
      {"batch_norm", [&] { return batch_norm(x, v, v, {}, {}, -1); }},
      {"batch_norm_train", [&] { return batch_norm_train(x, {}, {}, -1).out; }},
  };
  for (const auto& [name, f] : calls)
    EXPECT_THAT(failure(f), HasSubstr(std::string(name) + ": eps is -1: it must not be negative"));
  EXPECT_THAT(failure([&] { return layer_norm(x, {}, {}, kNan); }), HasSubstr("eps is nan"));
}

TEST(Norm, GroupAndBatch) {
  const Doubles v = spread_values(48);
  const Tensor x = data(v, {2, 4, 3, 2}), w = spread({4}, 5), b = spread({4}, 9);
  EXPECT_VALUES(group_norm(x, 2), normalised(v, [](size_t i) { return i / 12; }, 1e-5));
  EXPECT_VALUES(group_norm(x, 4), normalised(v, [](size_t i) { return i / 6; }, 1e-5));
  EXPECT_VALUES(group_norm(x, 1), normalised(v, [](size_t i) { return i / 24; }, 1e-5));
  const auto channel = [](size_t i) { return i / 6 % 4; };
  const Doubles normal = normalised(v, channel, 1e-5);
  const BatchNorm batch = batch_norm_train(x);
  EXPECT_VALUES(batch.out, normal);
  for (size_t c = 0; c < 4; ++c) {
    Doubles group;
    for (size_t i = 0; i < 48; ++i)
      if (channel(i) == c) group.push_back(v[i]);
    EXPECT_NEAR(values(batch.mean)[c], moments(group).mean, 1e-12);
    EXPECT_NEAR(values(batch.var)[c], moments(group).var, 1e-12);
  }
  Doubles scaled = normal;
  for (size_t i = 0; i < 48; ++i) scaled[i] = normal[i] * values(w)[channel(i)] + values(b)[channel(i)];
  EXPECT_VALUES(batch_norm_train(x, w, b).out, scaled);
  EXPECT_VALUES(batch_norm(x, batch.mean, batch.var, w, b), scaled);
  EXPECT_VALUES(batch_norm_train(counting({3, 2})).out,
                normalised({0, 1, 2, 3, 4, 5}, [](size_t i) { return i % 2; }, 1e-5));
  EXPECT_TYPE(group_norm(ones({1, 2, 2}, bf16), 1), "bf16[1,2,2]");
  EXPECT_THAT(failure([&] { return group_norm(x, 3); }),
              HasSubstr("group_norm: 4 channels do not divide into 3 groups"));
  EXPECT_THAT(failure([&] { return group_norm(ones({3}), 1); }),
              HasSubstr("group_norm: takes [batch, channels, ...], not f32[3]"));
  EXPECT_THAT(failure([&] { return group_norm(x, 2, ones({3})); }),
              HasSubstr("group_norm: a vector of 4 channels is needed, not f32[3]"));
  EXPECT_THAT(failure([&] { return batch_norm(x, ones({4}), ones({1, 4})); }),
              HasSubstr("batch_norm: a vector of 4 channels is needed, not f32[1,4]"));
  EXPECT_THAT(failure([&] { return batch_norm_train(x, Tensor()).out; }),
              HasSubstr("a weight or bias is an empty tensor"));
}

TEST(NormGradient, MatchesDifferences) {
  const Tensor x = spread({2, 4, 3}), w = spread({4}, 5), b = spread({4}, 9), row = spread({3}, 2);
  EXPECT_EQ(
      gradient_differences([](const Ins& in) { return layer_norm(in[0], in[1], in[2]); }, {x, row, row}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return layer_norm(in[0], {}, {}, 1e-5, 2); }, {x}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return rms_norm(in[0], in[1]); }, {x, row}), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return group_norm(in[0], 2, in[1], in[2]); }, {x, w, b}),
            "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return batch_norm_train(in[0], in[1], in[2]).out; },
                                 {x, w, b}),
            "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return batch_norm(in[0], in[1], square(in[2]), in[1]); },
                                 {x, w, b}),
            "");
}

// -- Attention --

Doubles attention_of(const Doubles& q, const Doubles& k, const Doubles& v, size_t nq, size_t nk, size_t size,
                     size_t width, double scale, const std::function<double(size_t, size_t)>& bias) {
  Doubles out;
  for (size_t i = 0; i < nq; ++i) {
    Doubles weights(nk);
    double total = 0;
    for (size_t j = 0; j < nk; ++j) {
      double score = 0;
      for (size_t d = 0; d < size; ++d) score += q[i * size + d] * k[j * size + d];
      weights[j] = std::exp(score * scale + bias(i, j));
      total += weights[j];
    }
    for (size_t d = 0; d < width; ++d) {
      double sum = 0;
      for (size_t j = 0; j < nk; ++j) sum += weights[j] * v[j * width + d];
      out.push_back(total == 0 ? 0 : sum / total);
    }
  }
  return out;
}

TEST(Attention, MatchesTheDefinition) {
  const Tensor q = spread({3, 4}, 1), k = spread({5, 4}, 20), v = spread({5, 2}, 50);
  const auto expected = [&](double scale, const std::function<double(size_t, size_t)>& bias) {
    return attention_of(values(q), values(k), values(v), 3, 5, 4, 2, scale, bias);
  };
  EXPECT_VALUES(scaled_dot_product_attention(q, k, v), expected(0.5, [](size_t, size_t) { return 0.0; }));
  EXPECT_VALUES(scaled_dot_product_attention(q, k, v, {.scale = 2.0}),
                expected(2, [](size_t, size_t) { return 0.0; }));
  EXPECT_VALUES(scaled_dot_product_attention(q, k, v, {.causal = true}),
                expected(0.5, [](size_t i, size_t j) { return j > i ? -kInf : 0; }));
  const Tensor added = spread({3, 5}, 80), keep = added > 0.2;
  EXPECT_VALUES(scaled_dot_product_attention(q, k, v, {.mask = added}),
                expected(0.5, [&](size_t i, size_t j) { return values(added)[i * 5 + j]; }));
  EXPECT_VALUES(scaled_dot_product_attention(q, k, v, {.mask = keep}), expected(0.5, [&](size_t i, size_t j) {
                  return values(added)[i * 5 + j] > 0.2 ? 0 : -kInf;
                }));
}

TEST(Attention, RowsThatSeeNothingGiveZero) {
  const Tensor q = spread({2, 2}, 1), k = spread({2, 2}, 5), v = spread({2, 3}, 9),
               none = tensor({{true, true}, {false, false}});
  const Doubles got = values(scaled_dot_product_attention(q, k, v, {.mask = none}));
  EXPECT_EQ(Doubles(got.begin() + 3, got.end()), (Doubles{0, 0, 0}));
  const auto f = [&](const std::vector<Tensor>& in) {
    return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = none});
  };
  EXPECT_EQ(gradient_differences(f, {q, k, v}), "");
}

TEST(Attention, BatchesHeadsAndGroups) {
  const Tensor q = spread({2, 4, 3, 2}, 1), k = spread({2, 2, 3, 2}, 90), v = spread({2, 2, 3, 2}, 200);
  const Tensor y = scaled_dot_product_attention(q, k, v, {.causal = true});
  ASSERT_EQ(y.shape(), (Ints{2, 4, 3, 2}));
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 4; ++h) {  // heads 0 and 1 share key head 0, and so on
      const Doubles expected =
          attention_of(values(q.slice({b, h})), values(k.slice({b, h / 2})), values(v.slice({b, h / 2})), 3,
                       3, 2, 2, 1 / std::sqrt(2.0), [](size_t i, size_t j) { return j > i ? -kInf : 0; });
      EXPECT_VALUES(y.slice({b, h}), expected);
    }
  EXPECT_EQ(scaled_dot_product_attention(q, k.slice({_, {0, 1}}), v.slice({_, {0, 1}})).shape(),
            (Ints{2, 4, 3, 2}));
  const auto f = [](const Ins& in) {
    return scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true});
  };
  EXPECT_EQ(gradient_differences(f, {q.slice({{0, 1}}), k.slice({{0, 1}}), v.slice({{0, 1}})}), "");
}

TEST(Attention, Errors) {
  const Tensor x = ones({3, 4});
  EXPECT_THAT(
      failure([&] { return scaled_dot_product_attention(x, x, ones({3})); }),
      HasSubstr(
          "scaled_dot_product_attention: takes [..., length, head size], not f32[3,4], f32[3,4] and f32[3]"));
  EXPECT_THAT(
      failure([&] { return scaled_dot_product_attention(x, x, x, {.mask = ones({3, 3}), .causal = true}); }),
      HasSubstr("takes a mask or causal, not both"));
  EXPECT_THAT(failure([&] {
                return scaled_dot_product_attention(ones({3, 2, 4}), ones({2, 2, 4}), ones({2, 2, 4}));
              }),
              HasSubstr("3 query heads do not divide over 2 key heads"));
  EXPECT_THAT(failure([&] { return scaled_dot_product_attention(x, ones({3, 5}), x); }),
              HasSubstr("the head sizes differ, 4 of the queries and 5 of the keys"));
}

TEST(NormMade, Values) {
  const Tensor x = spread({2, 3, 4});
  EXPECT_CLOSE(instance_norm(x), 1e-12, values(group_norm(x, 3)));
  EXPECT_CLOSE(instance_norm(x, tensor({1.0, 2.0, 3.0}), tensor({0.0, 1.0, 0.0})), 1e-12,
               values(group_norm(x, 3, tensor({1.0, 2.0, 3.0}), tensor({0.0, 1.0, 0.0}))));
  EXPECT_VALUES(normalize(tensor({3.0, 4.0}), 0), {0.6, 0.8});
  EXPECT_VALUES(normalize(tensor({3.0, -1.0}), 0, 1), {0.75, -0.25});
  EXPECT_VALUES(normalize(zeros({2}, f64), 0), {0, 0});
  EXPECT_CLOSE(cosine_similarity(tensor({1.0, 0.0}), tensor({1.0, 1.0}), 0), 1e-12, {std::sqrt(0.5)});
  EXPECT_THAT(failure([] { return instance_norm(ones({2, 3})); }),
              HasSubstr("takes [batch, channels, space...]"));
  EXPECT_THAT(failure([] { return normalize(ones({3})); }),
              HasSubstr("normalize: sum: axis 1 is out of range"));
  EXPECT_THAT(failure([] { return cosine_similarity(ones({2, 3}), ones({2, 4})); }),
              HasSubstr("cosine_similarity: mul: shapes [2,3] and [2,4] do not broadcast"));
  EXPECT_EQ(gradient_differences([](const Ins& in) { return instance_norm(in[0]); }, {x}, 1e-6), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return normalize(in[0], 2, 3); }, {x}, 1e-6), "");
  EXPECT_EQ(gradient_differences([](const Ins& in) { return cosine_similarity(in[0], in[1]); },
                                 {x, spread({2, 3, 4}, 7)}, 1e-6),
            "");
}

}  // namespace
}  // namespace anneal
