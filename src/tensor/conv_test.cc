// SPDX-License-Identifier: MIT
// Convolution, pooling and interpolation against loops over output, channel and window.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::HasSubstr;

// Row-major positions of a shape, in order.
std::vector<Ints> positions(const Ints& shape) {
  std::vector<Ints> out;
  Ints at(shape.size(), 0);
  for (int64_t d : shape)
    if (d == 0) return out;
  while (true) {
    out.push_back(at);
    size_t i = shape.size();
    while (i > 0 && ++at[i - 1] == shape[i - 1]) at[--i] = 0;
    if (i == 0) return out;
  }
}

struct Array {
  explicit Array(const Tensor& t) : shape(t.shape()), v(values(t)) {}
  explicit Array(Ints s) : shape(std::move(s)) { v.assign(positions(shape).size(), 0); }
  double& at(const Ints& p) {
    size_t flat = 0;
    for (size_t i = 0; i < p.size(); ++i)
      flat = flat * static_cast<size_t>(shape[i]) + static_cast<size_t>(p[i]);
    return v[flat];
  }
  Ints shape;
  Doubles v;
};

bool inside(const Ints& p, const Ints& shape) {
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] < 0 || p[i] >= shape[i]) return false;
  return true;
}

int64_t each(const std::vector<int64_t>& v, size_t i) { return v[v.size() == 1 ? 0 : i]; }

struct ConvCase {
  Ints x, w;
  ConvOptions o;
};

Array conv_of(const Tensor& xt, const Tensor& wt, const ConvOptions& o) {
  Array x(xt), w(wt);
  const size_t axes = x.shape.size() - 2;
  Ints shape{x.shape[0], w.shape[0]}, kernel(w.shape.begin() + 2, w.shape.end());
  for (size_t i = 0; i < axes; ++i)
    shape.push_back((x.shape[2 + i] + 2 * each(o.padding, i) - each(o.dilation, i) * (kernel[i] - 1) - 1) /
                        each(o.stride, i) +
                    1);
  Array out(shape);
  const int64_t ins = w.shape[1], outs = w.shape[0] / o.groups;
  for (const Ints& p : positions(shape))
    for (int64_t c = 0; c < ins; ++c)
      for (const Ints& k : positions(kernel)) {
        Ints from{p[0], p[1] / outs * ins + c}, weight{p[1], c};
        for (size_t i = 0; i < axes; ++i) {
          from.push_back(p[2 + i] * each(o.stride, i) - each(o.padding, i) + k[i] * each(o.dilation, i));
          weight.push_back(k[i]);
        }
        if (inside(from, x.shape)) out.at(p) += x.at(from) * w.at(weight);
      }
  return out;
}

Tensor conv(const Tensor& x, const Tensor& w, const std::optional<Tensor>& bias, const ConvOptions& o) {
  return x.rank() == 3   ? conv1d(x, w, bias, o)
         : x.rank() == 4 ? conv2d(x, w, bias, o)
                         : conv3d(x, w, bias, o);
}

const ConvCase kConvs[] = {
    {{2, 3, 7}, {4, 3, 3}, {}},
    {{1, 2, 7}, {2, 2, 3}, {.stride = {2}, .padding = {1}}},
    {{1, 2, 9}, {2, 2, 3}, {.stride = {3}, .padding = {2}, .dilation = {2}}},
    {{1, 4, 6}, {6, 2, 2}, {.groups = 2}},
    {{1, 4, 6}, {4, 1, 3}, {.padding = {1}, .groups = 4}},
    {{1, 1, 3}, {1, 1, 3}, {}},
    {{1, 1, 1}, {1, 1, 3}, {.padding = {1}}},
    {{0, 2, 5}, {3, 2, 2}, {}},
    {{2, 2, 5, 4}, {3, 2, 3, 2}, {}},
    {{1, 2, 6, 5}, {2, 2, 2, 3}, {.stride = {2, 1}, .padding = {0, 1}, .dilation = {1, 2}}},
    {{1, 4, 5, 5}, {2, 2, 3, 3}, {.stride = {2}, .padding = {1}, .groups = 2}},
    {{1, 2, 4, 4}, {2, 2, 1, 1}, {.stride = {2}}},
    {{1, 2, 5, 7}, {2, 2, 1, 1}, {.padding = {1, 0}, .dilation = {3}}},
    {{1, 2, 9, 8}, {2, 2, 2, 2}, {.stride = {4, 2}, .padding = {1, 0}}},
    {{2, 1, 11}, {2, 1, 3}, {.stride = {4}, .dilation = {2}}},
    {{1, 2, 3, 4, 3}, {2, 2, 2, 2, 2}, {.stride = {1, 2, 1}, .padding = {1, 0, 1}}},
};

TEST(Conv, MatchesLoops) {
  for (const ConvCase& c : kConvs) {
    SCOPED_TRACE(testing::PrintToString(c.x) + " by " + testing::PrintToString(c.w));
    const Tensor x = spread(c.x, 1), w = spread(c.w, 40), bias = spread({c.w[0]}, 7);
    Array expected = conv_of(x, w, c.o);
    const Tensor y = conv(x, w, {}, c.o);
    EXPECT_EQ(y.shape(), expected.shape);
    EXPECT_VALUES(y, expected.v);
    for (const Ints& p : positions(expected.shape)) expected.at(p) += values(bias)[static_cast<size_t>(p[1])];
    EXPECT_VALUES(conv(x, w, bias, c.o), expected.v);
    EXPECT_EQ(
        gradient_differences([&](const std::vector<Tensor>& in) { return conv(in[0], in[1], in[2], c.o); },
                             {x, w, bias}),
        "");
  }
}

TEST(Conv, TypesAndErrors) {
  EXPECT_TYPE(conv2d(ones({1, 1, 3, 3}, f16), ones({1, 1, 2, 2}, f16)), "f16[1,1,2,2]");
  EXPECT_TYPE(conv1d(ones({1, 1, 3}, i32), ones({1, 1, 2}, f32)), "f32[1,1,2]");
  const Tensor x = ones({1, 4, 5, 5}), w = ones({2, 4, 3, 3});
  EXPECT_THAT(failure([&] { return conv2d(ones({4, 5, 5}), w); }),
              HasSubstr("conv2d: takes [batch, channels, ...] of rank 4, not f32[4,5,5]"));
  EXPECT_THAT(failure([&] { return conv2d(x, ones({2, 4, 3})); }),
              HasSubstr("conv2d: takes a weight of rank 4, not f32[2,4,3]"));
  EXPECT_THAT(failure([&] { return conv2d(x, ones({2, 3, 3, 3})); }),
              HasSubstr("conv2d: the weight takes 3 channels (3 in each of 1 groups), x has 4"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, {}, {.groups = 3}); }),
              HasSubstr("conv2d: 2 output channels do not divide into 3 groups"));
  EXPECT_THAT(failure([&] { return conv2d(x, ones({2, 4, 6, 3})); }),
              HasSubstr("conv2d: a window of 6 does not fit in axis 2, which has 5 elements with padding"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, {}, {.stride = {1, 2, 3}}); }),
              HasSubstr("conv2d: stride has 3 values for 2 axes"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, {}, {.stride = {0}}); }),
              HasSubstr("conv2d: stride is 0: at least 1"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, {}, {.padding = {-1}}); }),
              HasSubstr("conv2d: padding is -1: at least 0"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, ones({3})); }),
              HasSubstr("conv2d: the bias must be [2], not f32[3]"));
  EXPECT_THAT(failure([&] { return conv2d(x, w, Tensor()); }),
              HasSubstr("conv2d: the bias is an empty tensor"));
  EXPECT_THAT(failure([&] { return conv2d(Tensor(), w); }),
              HasSubstr("conv2d: operand 1 is an empty tensor"));
}

// -- Transposed --

TEST(Conv, TransposedMatchesLoops) {
  struct Case {
    Ints x, w;
    ConvTransposeOptions o;
  };
  const Case cases[] = {
      {{2, 3, 4}, {3, 2, 3}, {}},
      {{1, 2, 4}, {2, 3, 3}, {.stride = {2}, .padding = {1}, .output_padding = {1}}},
      {{1, 2, 3}, {2, 3, 2}, {.stride = {3}, .dilation = {2}}},
      {{1, 4, 3}, {4, 2, 2}, {.stride = {2}, .groups = 2}},
      {{1, 1, 3}, {1, 1, 1}, {.stride = {2}, .padding = {1}}},
      {{1, 2, 3, 2}, {2, 2, 2, 3}, {.stride = {2, 1}, .padding = {0, 1}, .output_padding = {1, 0}}},
      {{1, 4, 2, 2}, {4, 1, 3, 3}, {.stride = {2}, .padding = {1}, .dilation = {2}, .groups = 4}},
      {{1, 2, 2, 2, 2}, {2, 1, 2, 2, 2}, {.stride = {2}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.x) + " by " + testing::PrintToString(c.w));
    const Tensor xt = spread(c.x, 1), wt = spread(c.w, 40);
    Array x(xt), w(wt);
    const size_t axes = c.x.size() - 2;
    const int64_t ins = c.x[1] / c.o.groups, outs = c.w[1];
    Ints shape{c.x[0], outs * c.o.groups};
    for (size_t i = 0; i < axes; ++i)
      shape.push_back((c.x[2 + i] - 1) * each(c.o.stride, i) - 2 * each(c.o.padding, i) +
                      each(c.o.dilation, i) * (c.w[2 + i] - 1) + each(c.o.output_padding, i) + 1);
    Array expected(shape);
    for (const Ints& p : positions(c.x))
      for (const Ints& k : positions(c.w)) {
        if (k[0] != p[1]) continue;
        Ints to{p[0], p[1] / ins * outs + k[1]};
        for (size_t i = 0; i < axes; ++i)
          to.push_back(p[2 + i] * each(c.o.stride, i) - each(c.o.padding, i) +
                       k[2 + i] * each(c.o.dilation, i));
        if (inside(to, shape)) expected.at(to) += x.at(p) * w.at(k);
      }
    const auto f = [&](const std::vector<Tensor>& in) {
      return axes == 1   ? conv_transpose1d(in[0], in[1], in[2], c.o)
             : axes == 2 ? conv_transpose2d(in[0], in[1], in[2], c.o)
                         : conv_transpose3d(in[0], in[1], in[2], c.o);
    };
    const Tensor none = zeros({shape[1]}, f64), bias = spread({shape[1]}, 9);
    EXPECT_EQ(f({xt, wt, none}).shape(), shape);
    EXPECT_VALUES(f({xt, wt, none}), expected.v);
    EXPECT_EQ(gradient_differences(f, {xt, wt, bias}), "");
  }
  const Tensor x = ones({1, 4, 5}), w = ones({4, 2, 3});
  EXPECT_THAT(failure([&] { return conv_transpose1d(x, w, {}, {.output_padding = {1}}); }),
              HasSubstr("conv_transpose1d: output_padding must be smaller than the stride or the dilation"));
  EXPECT_THAT(failure([&] { return conv_transpose1d(x, ones({3, 2, 3})); }),
              HasSubstr("conv_transpose1d: the weight takes 3 channels, x has 4"));
  EXPECT_THAT(failure([&] { return conv_transpose1d(x, w, {}, {.groups = 3}); }),
              HasSubstr("conv_transpose1d: 4 input channels do not divide into 3 groups"));
  EXPECT_THAT(failure([&] { return conv_transpose2d(x, w); }),
              HasSubstr("conv_transpose2d: takes x and weight of rank 4"));
}

// -- Pooling --

struct Pooled {
  Array max, mean, mean_inside;
};
// PyTorch's definition, window by window.
Pooled pool_of(const Tensor& xt, size_t axes, const PoolOptions& o) {
  Array x(xt);
  const size_t lead = x.shape.size() - axes;
  Ints shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(lead)), kernel;
  for (size_t i = 0; i < axes; ++i) {
    kernel.push_back(each(o.kernel, i));
    const int64_t stride = o.stride.empty() ? kernel[i] : each(o.stride, i), n = x.shape[lead + i],
                  p = each(o.padding, i);
    const int64_t room = n + 2 * p - each(o.dilation, i) * (kernel[i] - 1) - 1;
    int64_t outs = (room + (o.ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (o.ceil_mode && (outs - 1) * stride >= n + p) --outs;
    shape.push_back(outs);
  }
  Pooled out{Array(shape), Array(shape), Array(shape)};
  for (const Ints& p : positions(shape)) {
    double most = -kInf, total = 0;
    int64_t within = 0, padded = 0;
    for (const Ints& k : positions(kernel)) {
      Ints from = p;
      bool in_padding = true;
      for (size_t i = 0; i < axes; ++i) {
        const int64_t stride = o.stride.empty() ? kernel[i] : each(o.stride, i);
        from[lead + i] = p[lead + i] * stride - each(o.padding, i) + k[i] * each(o.dilation, i);
        in_padding = in_padding && from[lead + i] < x.shape[lead + i] + each(o.padding, i);
      }
      padded += in_padding ? 1 : 0;
      if (!inside(from, x.shape)) continue;
      most = std::max(most, x.at(from));
      total += x.at(from);
      ++within;
    }
    out.max.at(p) = most;
    out.mean.at(p) = total / static_cast<double>(padded);
    out.mean_inside.at(p) = total / static_cast<double>(within);
  }
  return out;
}

TEST(Pool, MatchesLoops) {
  struct Case {
    Ints x;
    int axes;
    PoolOptions o;
  };
  const Case cases[] = {
      {{1, 2, 4, 6}, 2, {}},
      {{1, 1, 5, 7}, 2, {.kernel = {3, 2}, .stride = {2, 3}}},
      {{1, 1, 5, 5}, 2, {.kernel = {3}, .stride = {2}, .padding = {1}}},
      {{2, 7}, 1, {.kernel = {3}, .stride = {1}, .dilation = {2}}},
      {{2, 7}, 1, {.kernel = {2}, .ceil_mode = true}},
      {{2, 8}, 1, {.kernel = {3}, .stride = {2}, .padding = {1}, .ceil_mode = true}},
      {{2, 5}, 1, {.kernel = {3}, .stride = {3}, .padding = {1}, .ceil_mode = true}},
      {{1, 6, 5}, 2, {.kernel = {4, 2}, .stride = {3, 2}, .padding = {2, 1}, .ceil_mode = true}},
      {{3, 4, 3, 4}, 3, {.kernel = {2}, .stride = {1}}},
      {{1, 1}, 1, {.kernel = {2}, .stride = {2}, .padding = {1}, .ceil_mode = true}},
      {{4}, 1, {.kernel = {4}}},
      {{2, 11}, 1, {.kernel = {2}, .stride = {3}}},
      {{10, 9}, 2, {.kernel = {2, 3}, .stride = {4, 3}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.x) + " by " + testing::PrintToString(c.o.kernel));
    const Tensor x = spread(c.x);
    const Pooled expected = pool_of(x, static_cast<size_t>(c.axes), c.o);
    EXPECT_EQ(max_pool(x, c.axes, c.o).shape(), expected.max.shape);
    EXPECT_VALUES(max_pool(x, c.axes, c.o), expected.max.v);
    PoolOptions inside_only = c.o;
    inside_only.count_padding = false;
    EXPECT_VALUES(avg_pool(x, c.axes, inside_only), expected.mean_inside.v);
    EXPECT_VALUES(avg_pool(x, c.axes, c.o), expected.mean.v);
    const auto f = [&](const std::vector<Tensor>& in) {
      return max_pool(in[0], c.axes, c.o) * avg_pool(in[0], c.axes, c.o);
    };
    EXPECT_EQ(gradient_differences(f, {x}), "");
  }
}

TEST(Pool, OfOtherTypes) {
  EXPECT_EQ(ints(max_pool(tensor({-3, -1, -2, -5}), 1, {.stride = {2}, .padding = {1}})), (Ints{-3, -1, -5}));
  EXPECT_EQ(ints(max_pool(tensor<uint8_t>({3, 1}), 1, {.padding = {1}})), (Ints{3, 1}));
  EXPECT_EQ(max_pool(tensor({false, true, false, false}), 1, {.padding = {1}}).to_bools(),
            (Bools{false, true, false}));
  EXPECT_VALUES(max_pool(data({-3, -1}, {2}, f8e4m3), 1, {.padding = {1}}), {-3, -1});
  EXPECT_TYPE(avg_pool(tensor({1, 2}), 1, {}), "f32[1]");
  EXPECT_VALUES(max_pool2d(counting({1, 1, 4, 4})), {5, 7, 13, 15});
  EXPECT_VALUES(avg_pool2d(counting({1, 1, 4, 4})), {2.5, 4.5, 10.5, 12.5});
  EXPECT_THAT(failure([] { return max_pool2d(ones({4})); }),
              HasSubstr("max_pool2d: takes at least 2 axes, not f32[4]"));
  EXPECT_THAT(failure([] { return max_pool2d(ones({1, 1, 4, 4}), {.padding = {2}}); }),
              HasSubstr("max_pool2d: padding 2 is more than half of the kernel 2"));
  EXPECT_THAT(failure([] { return max_pool(ones({4}), 1, {.kernel = {5}}); }),
              HasSubstr("max_pool: a window of 5 does not fit in axis 0"));
  EXPECT_THAT(failure([] { return avg_pool(ones({4}), 1, {.kernel = {0}}); }),
              HasSubstr("avg_pool: kernel is 0: at least 1"));
}

TEST(Pool, AdaptiveWindowsCoverTheAxis) {
  const Tensor x = spread({2, 5, 7});
  const Array in(x);
  for (const Ints& to : {Ints{7}, Ints{3}, Ints{1}, Ints{2, 3}, Ints{5, 9}, Ints{1, 1, 2}}) {
    Ints shape = in.shape;
    const size_t lead = shape.size() - to.size();
    for (size_t i = 0; i < to.size(); ++i) shape[lead + i] = to[i];
    Array mean_of(shape), max_of(shape);
    for (const Ints& p : positions(shape)) {
      double total = 0, most = -kInf;
      int64_t count = 0;
      for (const Ints& q : positions(in.shape)) {
        bool hit = true;
        for (size_t i = 0; i < shape.size(); ++i) {
          const int64_t n = in.shape[i], m = i < lead ? n : to[i - lead];
          hit = hit && q[i] >= p[i] * n / m && q[i] < ((p[i] + 1) * n + m - 1) / m;
        }
        if (!hit) continue;
        const double v = Array(in).at(q);
        total += v;
        most = std::max(most, v);
        ++count;
      }
      mean_of.at(p) = total / static_cast<double>(count);
      max_of.at(p) = most;
    }
    EXPECT_VALUES(adaptive_avg_pool(x, to), mean_of.v);
    EXPECT_VALUES(adaptive_max_pool(x, to), max_of.v);
    EXPECT_EQ(adaptive_avg_pool(x, to).shape(), shape);
  }
  EXPECT_THAT(failure([&] { return adaptive_avg_pool(x, {0}); }),
              HasSubstr("adaptive_avg_pool: an output extent of 0 from an axis of 7"));
  EXPECT_THAT(failure([&] { return adaptive_max_pool(x, {1, 1, 1, 1}); }),
              HasSubstr("adaptive_max_pool: more output extents than axes"));
  EXPECT_EQ(
      gradient_differences([](const std::vector<Tensor>& t) { return adaptive_avg_pool(t[0], {2, 3}); }, {x}),
      "");
}

TEST(Conv, AKernelHasAnElement) {
  EXPECT_THAT(failure([] { return conv1d(ones({1, 2, 5}), ones({3, 2, 0})); }),
              HasSubstr("conv1d: axis 2 of the weight is 0: a kernel has at least one element"));
  EXPECT_THAT(failure([] { return conv2d(ones({1, 2, 5, 5}), ones({3, 2, 1, 0}), {}, {.same = true}); }),
              HasSubstr("conv2d: axis 3 of the weight is 0"));
  EXPECT_THAT(failure([] { return conv_transpose1d(ones({1, 2, 5}), ones({2, 3, 0})); }),
              HasSubstr("conv_transpose1d: axis 2 of the weight is 0"));
}

// -- Interpolation --

double sample_linear(const Doubles& v, double centre) {
  const auto n = static_cast<double>(v.size());
  const double low = std::floor(centre), part = centre - low;
  const auto at = [&](double i) { return v[static_cast<size_t>(std::min(std::max(i, 0.0), n - 1))]; };
  return at(low) * (1 - part) + at(low + 1) * part;
}

TEST(Interpolate, OneAxis) {
  for (int64_t from : {1, 2, 5, 6})
    for (int64_t to : {1, 2, 3, 5, 9, 10, 12}) {
      const Doubles v = spread_values(static_cast<size_t>(from));
      const Tensor x = data(v, {1, 1, from});
      Doubles nearest, linear, aligned;
      const double scale = static_cast<double>(from) / static_cast<double>(to);
      for (int64_t i = 0; i < to; ++i) {
        nearest.push_back(v[static_cast<size_t>(i * from / to)]);
        linear.push_back(sample_linear(v, std::max(0.0, (static_cast<double>(i) + 0.5) * scale - 0.5)));
        aligned.push_back(
            sample_linear(v, to > 1 ? static_cast<double>(i * (from - 1)) / static_cast<double>(to - 1) : 0));
      }
      SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
      EXPECT_VALUES(interpolate(x, {.size = {to}}), nearest);
      EXPECT_VALUES(interpolate(x, {.size = {to}, .mode = Interpolation::kLinear}), linear);
      EXPECT_VALUES(interpolate(x, {.size = {to}, .mode = Interpolation::kLinear, .align_corners = true}),
                    aligned);
      EXPECT_EQ(interpolate(x, {.size = {to}}).shape(), (Ints{1, 1, to}));
    }
}

TEST(Interpolate, ByAFactor) {
  const Tensor x = counting({1, 1, 4});
  EXPECT_VALUES(interpolate(x, {.scale = {2}}), {0, 0, 1, 1, 2, 2, 3, 3});
  EXPECT_VALUES(interpolate(x, {.scale = {0.5}}), {0, 2});
  EXPECT_VALUES(interpolate(x, {.scale = {0.7}}), {0, 1});  // floor(4 * 0.7) elements, at 0 and 1 / 0.7
  EXPECT_VALUES(interpolate(x, {.scale = {0.5}, .mode = Interpolation::kLinear}), {0.5, 2.5});
  EXPECT_VALUES(interpolate(x, {.scale = {1.2}}), {0, 0, 1, 2});  // of 4 elements too: at 0, 1, 2, 3 / 1.2
  EXPECT_VALUES(interpolate(x, {.scale = {1.2}, .mode = Interpolation::kLinear}),
                {0, 1.5 / 1.2 - 0.5, 2.5 / 1.2 - 0.5, 3.5 / 1.2 - 0.5});
  EXPECT_VALUES(interpolate(x, {.scale = {1}}), {0, 1, 2, 3});
  EXPECT_EQ(ints(interpolate(counting({1, 1, 2}, i32), {.scale = {2}})), (Ints{0, 0, 1, 1}));
  EXPECT_VALUES(interpolate(counting({1, 1, 2}, i32), {.scale = {2}, .mode = Interpolation::kLinear}),
                {0, 0.25, 0.75, 1});
}

TEST(Interpolate, SeveralAxesAreSeparable) {
  const Tensor x = spread({2, 1, 3, 4});
  const InterpolateOptions both{.size = {5, 2}, .mode = Interpolation::kLinear};
  Array in(x), out(Ints{2, 1, 5, 2});
  for (const Ints& p : positions(out.shape)) {
    Doubles rows;
    for (int64_t i = 0; i < 3; ++i) {
      Doubles row;
      for (int64_t j = 0; j < 4; ++j) row.push_back(in.at({p[0], 0, i, j}));
      rows.push_back(sample_linear(row, std::max(0.0, (static_cast<double>(p[3]) + 0.5) * 2 - 0.5)));
    }
    out.at(p) = sample_linear(rows, std::max(0.0, (static_cast<double>(p[2]) + 0.5) * 0.6 - 0.5));
  }
  EXPECT_VALUES(interpolate(x, both), out.v);
  EXPECT_EQ(gradient_differences([&](const std::vector<Tensor>& t) { return interpolate(t[0], both); }, {x}),
            "");
  EXPECT_EQ(gradient_differences(
                [](const std::vector<Tensor>& t) { return interpolate(t[0], {.size = {4, 7}}); }, {x}),
            "");
  EXPECT_THAT(failure([&] { return interpolate(x, {}); }),
              HasSubstr("interpolate: needs either size or scale"));
  EXPECT_THAT(failure([&] { return interpolate(x, {.size = {1}, .scale = {1}}); }),
              HasSubstr("interpolate: needs either size or scale"));
  EXPECT_THAT(failure([&] { return interpolate(x, {.size = {1, 2, 3}}); }),
              HasSubstr("interpolate: 3 values for 2 axes"));
  EXPECT_THAT(failure([&] { return interpolate(x, {.size = {0}}); }),
              HasSubstr("interpolate: an extent of 0 from an axis of 3"));
  const auto scaled = [](double scale) {
    return failure([=] { return interpolate(ones({1, 1, 3}), {.scale = {scale}}); });
  };
  EXPECT_THAT(scaled(1e300),
              HasSubstr("error[limit] interpolate: a scale of 1e+300 on an axis of 3: too many elements"));
  EXPECT_THAT(scaled(-2), HasSubstr("interpolate: a scale of -2: it must be positive and finite"));
  EXPECT_THAT(scaled(kInf), HasSubstr("interpolate: a scale of inf: it must be positive and finite"));
  EXPECT_THAT(scaled(kNan), HasSubstr("interpolate: a scale of nan: it must be positive and finite"));
  EXPECT_THAT(failure([&] { return interpolate(ones({2, 3}), {.size = {1}}); }),
              HasSubstr("interpolate: takes [batch, channels, ...], not f32[2,3]"));
}

TEST(Conv, SameKeepsTheExtents) {
  const Tensor x = data({1, 2, 3}, {1, 1, 3});
  EXPECT_VALUES(conv1d(x, ones({1, 1, 3}, f64), {}, {.same = true}), {3, 6, 5});
  EXPECT_VALUES(conv1d(x, ones({1, 1, 2}, f64), {}, {.same = true}),
                {3, 5, 3});  // the odd element at the end
  EXPECT_TYPE(conv2d(ones({1, 2, 5, 7}), ones({4, 2, 3, 2}), {}, {.dilation = {2, 3}, .same = true}),
              "f32[1,4,5,7]");
  EXPECT_EQ(gradient_differences(
                [](const std::vector<Tensor>& in) { return conv1d(in[0], in[1], {}, {.same = true}); },
                {spread({1, 2, 4}), spread({2, 2, 2}, 3)}),
            "");
  EXPECT_THAT(failure([&] { return conv1d(x, ones({1, 1, 3}, f64), {}, {.stride = {2}, .same = true}); }),
              testing::HasSubstr("conv1d: same is a padding of its own, and takes a stride of 1"));
}

}  // namespace
}  // namespace anneal
