// SPDX-License-Identifier: MIT
// Creation and movement against index arithmetic written out by hand.
#include <gtest/gtest.h>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// -- Creation --

TEST(Creation, Constants) {
  EXPECT_TYPE(full({2, 3}, 7), "i32[2,3]");
  EXPECT_TYPE(full({2}, 1.5), "f32[2]");
  EXPECT_TYPE(full({2}, true), "bool[2]");
  EXPECT_TYPE(full({}, 7, f16), "f16");
  EXPECT_VALUES(full({2}, 7, f16), {7, 7});
  EXPECT_VALUES(full({2}, data({3}, {})), {3, 3});
  EXPECT_TYPE(zeros({2, 0}), "f32[2,0]");
  EXPECT_VALUES(ones({3}, i64), {1, 1, 1});
  EXPECT_TYPE(zeros_like(ones({2}, bf16)), "bf16[2]");
  EXPECT_VALUES(full_like(tensor({1, 2}), 9), {9, 9});
  EXPECT_VALUES(ones_like(tensor({1.f, 2.f})), {1, 1});
  EXPECT_VALUES(eye(2), {1, 0, 0, 1});
  EXPECT_VALUES(eye(2, 3), {1, 0, 0, 0, 1, 0});
  EXPECT_TYPE(eye(2, i32), "i32[2,2]");
  EXPECT_VALUES(tri(2, 3), {1, 0, 0, 1, 1, 0});
  EXPECT_VALUES(tri(2, 3, 1), {1, 1, 0, 1, 1, 1});
  EXPECT_VALUES(tri(2, 3, -1), {0, 0, 0, 1, 0, 0});
}

TEST(Creation, Ranges) {
  EXPECT_EQ(ints(arange(4)), (Ints{0, 1, 2, 3}));
  EXPECT_TYPE(arange(4), "i32[4]");
  EXPECT_TYPE(arange(4, f16), "f16[4]");
  EXPECT_VALUES(arange(0), Doubles{});
  EXPECT_VALUES(arange(1, 2, 0.25, f64), {1, 1.25, 1.5, 1.75});
  EXPECT_VALUES(arange(3, 0, -1, f64), {3, 2, 1});
  EXPECT_VALUES(arange(3, 5, -1, f64), Doubles{});
  EXPECT_VALUES(arange(2, 7, 2, i32), {2, 4, 6});
  EXPECT_CLOSE(arange(0, 1, 0.1, f32), 1e-7, {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9});
  EXPECT_VALUES(linspace(0, 1, 5, f64), {0, 0.25, 0.5, 0.75, 1});
  EXPECT_VALUES(linspace(2, 2, 1, f64), {2});
  EXPECT_VALUES(linspace(1, 0, 2, f64), {1, 0});
  EXPECT_VALUES(linspace(0, 1, 0, f64), Doubles{});
  EXPECT_EQ(values(linspace(0.1, 0.7, 7, f64)).back(), 0.7);  // both ends are exact
  EXPECT_EQ(values(linspace(0.1, 0.7, 7, f64)).front(), 0.1);
  EXPECT_THAT(failure([] { return arange(0, 1, 0); }), HasSubstr("arange: the step must not be 0"));
  EXPECT_THAT(failure([] { return arange(300, u8); }), HasSubstr("arange: the number 299 does not fit u8"));
  EXPECT_THAT(failure([] { return arange(dim("long", 300, 400), u8); }),
              HasSubstr("arange: the number 299 does not fit u8"));
  EXPECT_THAT(failure([] { return arange(0, 300, 100, i8); }),
              HasSubstr("arange: the number 200 does not fit i8"));
  EXPECT_THAT(failure([] { return arange(-2, 2, 1, u8); }), HasSubstr("the number -2 does not fit u8"));
  EXPECT_THAT(failure([] { return arange(0, 2, 0.5, i32); }), HasSubstr("the number 0.5 does not fit i32"));
  EXPECT_EQ(ints(arange(256, u8))[255], 255);
  EXPECT_EQ(ints(arange(250, 256, 5, u8)), (Ints{250, 255}));
  EXPECT_THAT(failure([] { return arange(0, kNan); }), HasSubstr("arange: the stop is NaN"));
  EXPECT_THAT(failure([] { return arange(kNan, 1); }), HasSubstr("arange: the start is NaN"));
  EXPECT_THAT(failure([] { return arange(0, 1, kNan); }), HasSubstr("arange: the step is NaN"));
  EXPECT_THAT(failure([] { return arange(0, 1e30, 1); }), HasSubstr("arange: too many steps"));
  EXPECT_THAT(failure([] { return linspace(0, 1, -1); }),
              HasSubstr("linspace: a count of -1: it cannot be negative"));
}

TEST(Creation, FromData) {
  EXPECT_EQ(ints(tensor({1, 2, 3})), (Ints{1, 2, 3}));
  EXPECT_TYPE(tensor({{1.f, 2.f}, {3.f, 4.f}}), "f32[2,2]");
  EXPECT_VALUES(tensor({{1.f, 2.f}, {3.f, 4.f}}), {1, 2, 3, 4});
  EXPECT_EQ(tensor({true, false, true}).to_vector<bool>(), (Bools{true, false, true}));
  EXPECT_TYPE(tensor({{true}, {false}}), "bool[2,1]");
  EXPECT_EQ((from_data(std::vector<int8_t>{-1, 1}, {2}).to_vector<int8_t>()), (std::vector<int8_t>{-1, 1}));
  EXPECT_TYPE(from_data(std::vector<double>{}, {0, 3}), "f64[0,3]");
  EXPECT_TYPE(from_data(std::vector<float>{5}, {}), "f32");
  EXPECT_THAT(failure([] { return from_data(std::vector<float>{1, 2, 3}, {2}); }),
              HasSubstr("from_data: 3 elements for a shape of 2"));
  EXPECT_THAT(failure([] { return tensor({{1, 2}, {3}}); }),
              HasSubstr("tensor: the rows have different lengths"));
  const std::vector<std::byte> bytes(6);
  EXPECT_TYPE(from_bytes(bytes, {3}, bf16), "bf16[3]");
  EXPECT_THAT(failure([&] { return from_bytes(bytes, {1}, f32); }), HasSubstr("from_data: "));
  EXPECT_THAT(failure([&] { return from_bytes(bytes, {1}, DType::kIndex); }),
              HasSubstr("error[dtype] from_data: index is not an element type of data"));
  EXPECT_THAT(failure([] { return from_data(std::vector<float>{}, {-1}); }),
              HasSubstr("from_data: negative extent -1 on axis 0"));
}

TEST(Creation, ValuesComeOutInAnyType) {
  const Tensor t = data({1.7, -2.2, 300}, {3}, f32);
  EXPECT_EQ(t.to_vector<int32_t>(), (std::vector<int32_t>{1, -2, 300}));
  EXPECT_EQ(t.to_vector<uint8_t>(), (std::vector<uint8_t>{1, 0, 255}));
  EXPECT_EQ(t.to_vector<bool>(), (Bools{true, true, true}));
  EXPECT_EQ(from_data(std::vector<uint64_t>{UINT64_MAX}, {}).item<double>(), 0x1p64);
  EXPECT_EQ(tensor({7}).item<float>(), 7.0f);
  EXPECT_EQ(data({0.1}, {}, f16).item<float>(), 0.0999755859375f);
  EXPECT_EQ(data({0.1}, {}).realize().item<double>(), 0.1);
  EXPECT_EQ((tensor({1.0f}) / 3).item<double>({.in_f64 = true}), 1.0 / 3);
}

// -- Shapes --

TEST(Movement, Reshape) {
  const Tensor x = counting({2, 6});
  EXPECT_EQ(x.reshape({3, 4}).shape(), (Ints{3, 4}));
  EXPECT_EQ(x.reshape({-1, 3}).shape(), (Ints{4, 3}));
  EXPECT_EQ(view(x, {-1}).shape(), (Ints{12}));
  EXPECT_VALUES(x.reshape({3, 4}), values(x));
  EXPECT_EQ(data({5}, {}).reshape({1, 1, 1}).shape(), (Ints{1, 1, 1}));
  EXPECT_EQ(zeros({0, 3}).reshape({-1, 3}).shape(), (Ints{0, 3}));
  EXPECT_EQ(x.flatten().shape(), (Ints{12}));
  EXPECT_EQ(counting({2, 3, 4}).flatten(1).shape(), (Ints{2, 12}));
  EXPECT_EQ(counting({2, 3, 4}).flatten(0, -2).shape(), (Ints{6, 4}));
  EXPECT_EQ(data({5}, {}).flatten().shape(), (Ints{1}));
  EXPECT_EQ(unflatten(x, 1, {2, -1}).shape(), (Ints{2, 2, 3}));
  EXPECT_EQ(unflatten(x, -2, {1, 2}).shape(), (Ints{1, 2, 6}));
  EXPECT_THAT(failure([&] { return x.reshape({5, 3}); }),
              HasSubstr("reshape: [2,6] has 12 elements, [5,3] has 15"));
  EXPECT_THAT(failure([&] { return x.reshape({-1, 5}); }),
              HasSubstr("reshape: 12 elements do not divide by 5, the product of the other extents"));
  EXPECT_THAT(failure([&] { return x.reshape({-1, -1}); }), HasSubstr("reshape: only one extent can be -1"));
  EXPECT_THAT(failure([&] { return x.reshape({-2, 6}); }),
              HasSubstr("reshape: negative extent -2 on axis 0"));
  EXPECT_THAT(failure([&] { return zeros({0}).reshape({-1, 0}); }), HasSubstr("do not divide by 0"));
  EXPECT_THAT(failure([&] { return x.flatten(1, 0); }),
              HasSubstr("flatten: the first axis lies behind the last"));
  EXPECT_THAT(failure([&] { return unflatten(x, 1, {4, -1}); }),
              HasSubstr("unflatten: axis 1 of f64[2,6] has extent 6, which 4 does not divide"));
  EXPECT_THAT(failure([&] { return unflatten(x, 1, {0, -1}); }), HasSubstr("which 0 does not divide"));
}

TEST(Movement, AxesOfExtentOne) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(x.unsqueeze(0).shape(), (Ints{1, 2, 3}));
  EXPECT_EQ(x.unsqueeze(-1).shape(), (Ints{2, 3, 1}));
  EXPECT_EQ(x.unsqueeze(2).shape(), (Ints{2, 3, 1}));
  EXPECT_EQ(counting({1, 2, 1, 3}).squeeze().shape(), (Ints{2, 3}));
  EXPECT_EQ(counting({1, 2, 1, 3}).squeeze(0).shape(), (Ints{2, 1, 3}));
  EXPECT_EQ(counting({1, 2, 1, 3}).squeeze({-2, 1}).shape(), (Ints{1, 2, 3}));
  EXPECT_THAT(failure([&] { return x.unsqueeze(3); }), HasSubstr("unsqueeze: axis 3 is out of range"));
  EXPECT_THAT(failure([&] { return x.squeeze(2); }),
              HasSubstr("squeeze: axis 2 is out of range: a tensor of rank 2 has axes -2 to 1"));
}

TEST(Movement, Permutations) {
  const Tensor x = counting({2, 3, 4});
  Doubles expected;
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) expected.push_back(12 * i + 4 * j + k);
  EXPECT_VALUES(x.permute({2, 0, 1}), expected);
  EXPECT_VALUES(x.permute({-1, 0, -2}), expected);
  EXPECT_VALUES(movedim(x, {2}, {0}), expected);
  EXPECT_VALUES(movedim(x, {0, 1}, {1, 2}), expected);
  EXPECT_EQ(x.transpose().shape(), (Ints{2, 4, 3}));
  EXPECT_EQ(x.transpose(0, -1).shape(), (Ints{4, 3, 2}));
  EXPECT_VALUES(counting({2, 2}).transpose(), {0, 2, 1, 3});
  EXPECT_THAT(failure([&] { return x.permute({0, 1}); }),
              HasSubstr("permute: 2 axes for a tensor of rank 3"));
  EXPECT_THAT(failure([&] { return x.permute({0, 1, -2}); }), HasSubstr("permute: axis -2 is named twice"));
  EXPECT_THAT(failure([&] { return x.permute({0, 1, 3}); }), HasSubstr("permute: axis 3 is out of range"));
  EXPECT_THAT(failure([&] { return movedim(x, {0, 0}, {1, 2}); }),
              HasSubstr("movedim: an axis is named twice"));
  EXPECT_THAT(failure([&] { return movedim(x, {0}, {1, 2}); }),
              HasSubstr("movedim: as many axes must be moved as there are places"));
  EXPECT_THAT(failure([] { return data({1}, {}).transpose(); }),
              HasSubstr("transpose: axis -2 of a scalar, which has none"));
}

TEST(Movement, Expand) {
  EXPECT_VALUES(counting({3, 1}).expand({3, 2}), {0, 0, 1, 1, 2, 2});
  EXPECT_VALUES(counting({2}).expand({2, 2}), {0, 1, 0, 1});
  EXPECT_VALUES(counting({2, 1}).expand({2, -1, 2}), {0, 0, 1, 1, 0, 0, 1, 1});
  EXPECT_EQ(broadcast_to(data({1}, {}), {2, 3}).shape(), (Ints{2, 3}));
  EXPECT_EQ(counting({1}).expand({0}).shape(), (Ints{0}));
  EXPECT_THAT(failure([] { return counting({3}).expand({4}); }),
              HasSubstr("expand: [3] does not expand: axis 0 has 3, neither 1 nor 4"));
  EXPECT_THAT(failure([] { return counting({3, 1}).expand({3}); }),
              HasSubstr("expand: to rank 1 from rank 2"));
  EXPECT_THAT(failure([] { return counting({3}).expand({-1, 3}); }),
              HasSubstr("expand: -1 stands for no extent on a new axis"));
}

// -- Slices --

// Python's slice of 0..n-1.
Doubles python_slice(int64_t n, std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step) {
  Doubles out;
  const auto at = [&](std::optional<int64_t> v, int64_t open, int64_t low, int64_t high) {
    if (!v) return open;
    return std::clamp(*v < 0 ? *v + n : *v, low, high);
  };
  if (step > 0)
    for (int64_t i = at(start, 0, 0, n), e = at(stop, n, 0, n); i < e; i += step)
      out.push_back(static_cast<double>(i));
  else
    for (int64_t i = at(start, n - 1, -1, n - 1), e = at(stop, -1, -1, n - 1); i > e; i += step)
      out.push_back(static_cast<double>(i));
  return out;
}

TEST(Movement, SlicesFollowPython) {
  const std::optional<int64_t> bounds[] = {std::nullopt, -9, -5, -2, -1, 0, 1, 3, 4, 5, 9};
  for (int64_t n : {0, 1, 5})
    for (const auto& start : bounds)
      for (const auto& stop : bounds)
        for (int64_t step : {1, 2, 3, 7, -1, -2, -3, -7}) {
          Index index(_);
          index.start.value = start;
          index.stop.value = stop;
          index.step = step;
          const Tensor got = counting({n}).slice({index});
          EXPECT_EQ(values(got), python_slice(n, start, stop, step))
              << n << ": " << start.value_or(999) << ' ' << stop.value_or(999) << ' ' << step;
        }
}

TEST(Movement, SlicesOfSeveralAxes) {
  const Tensor x = counting({3, 4});
  EXPECT_VALUES(x.slice({{1, 3}, {0, _, 2}}), {4, 6, 8, 10});
  EXPECT_VALUES(x.slice({_, 1}), {1, 5, 9});
  EXPECT_EQ(x.slice({_, 1}).shape(), (Ints{3}));
  EXPECT_VALUES(x.slice({-1, -2}), {10});
  EXPECT_EQ(x.slice({-1, -2}).rank(), 0);
  EXPECT_VALUES(x.slice({{_, _, -1}, {_, 2}}), {8, 9, 4, 5, 0, 1});
  EXPECT_VALUES(x[2], {8, 9, 10, 11});
  EXPECT_VALUES(x[-3][1], {1});
  EXPECT_VALUES(counting({3}).slice({{_, _, INT64_MAX}}), {0});
  EXPECT_VALUES(counting({3}).slice({{_, _, INT64_MIN + 1}}), {2});
  EXPECT_THAT(failure([&] { return x.slice({3}); }),
              HasSubstr("slice: position 3 is out of range for axis 0 of 3"));
  EXPECT_THAT(failure([&] { return x[-4]; }),
              HasSubstr("operator[]: position -4 is out of range for axis 0 of 3\n"));
  EXPECT_THAT(failure([&] { return x[1.5]; }), HasSubstr("operator[]: takes an integer"));
  EXPECT_THAT(failure([&] { return x.slice({_, _, _}); }),
              HasSubstr("slice: 3 indices for a tensor of rank 2"));
  EXPECT_THAT(failure([&] { return x.slice({{0, 1, 0}}); }), HasSubstr("slice: the step of axis 0 is 0"));
}

TEST(Movement, Narrow) {
  const Tensor x = counting({3, 4});
  EXPECT_VALUES(narrow(x, 1, 1, 2), {1, 2, 5, 6, 9, 10});
  EXPECT_VALUES(narrow(x, -2, 2, 1), {8, 9, 10, 11});
  EXPECT_EQ(narrow(x, 0, 3, 0).shape(), (Ints{0, 4}));
  EXPECT_THAT(failure([&] { return narrow(x, 1, 3, 2); }),
              HasSubstr("narrow: elements 3 to 5 of axis 1, which has 4"));
  EXPECT_THAT(failure([&] { return narrow(x, 1, -1, 2); }), HasSubstr("narrow: elements -1 to 1 of axis 1"));
  EXPECT_THAT(failure([&] { return narrow(x, 1, 1, -1); }), HasSubstr("narrow: the length -1 is negative"));
}

TEST(Movement, FlipAndRoll) {
  const Tensor x = counting({2, 3});
  EXPECT_VALUES(flip(x, 1), {2, 1, 0, 5, 4, 3});
  EXPECT_VALUES(flip(x, {0, -1}), {5, 4, 3, 2, 1, 0});
  EXPECT_VALUES(flip(x, {}), {5, 4, 3, 2, 1, 0});
  EXPECT_VALUES(roll(x, {1}, 1), {2, 0, 1, 5, 3, 4});
  EXPECT_VALUES(roll(x, {-1}, 1), {1, 2, 0, 4, 5, 3});
  EXPECT_VALUES(roll(x, {7, 1}, {1, 0}), {5, 3, 4, 2, 0, 1});
  EXPECT_VALUES(roll(x, {2}, {}), {4, 5, 0, 1, 2, 3});
  EXPECT_VALUES(roll(x, {3}, 1), values(x));
  EXPECT_EQ(roll(zeros({0, 2}), {1}, 0).shape(), (Ints{0, 2}));
  EXPECT_THAT(failure([&] { return roll(x, {1, 2}, {}); }),
              HasSubstr("roll: several shifts need their axes"));
  EXPECT_THAT(failure([&] { return roll(x, {1, 2}, 0); }),
              HasSubstr("roll: as many shifts as axes are needed"));
}

// -- Padding --

TEST(Movement, Pad) {
  const Tensor x = counting({2, 2});
  EXPECT_VALUES(pad(x, {{1, 0}, {0, 1}}, 9), {9, 9, 9, 0, 1, 9, 2, 3, 9});
  EXPECT_VALUES(pad(x, {{-1, 0}}), {2, 3});
  EXPECT_VALUES(pad(x, {{0, 0}, {-1, 2}}, -1), {1, -1, -1, 3, -1, -1});
  EXPECT_EQ(pad(x, {{-1, -1}}).shape(), (Ints{0, 2}));
  EXPECT_VALUES(pad(x, {}), values(x));
  EXPECT_VALUES(pad(tensor({1, 2}), {{1, 1}}), {0, 1, 2, 0});
  EXPECT_VALUES(pad(zeros({0}), {{1, 1}}, 3), {3, 3});
  EXPECT_THAT(failure([&] { return pad(x, {{-2, -1}}); }),
              HasSubstr("pad: cuts 3 elements from axis 0 of 2"));
  EXPECT_THAT(failure([&] { return pad(x, {{0, 0}, {0, 0}, {1, 1}}); }),
              HasSubstr("pad: 3 amounts for a tensor of rank 2"));
  EXPECT_THAT(failure([&] { return pad(x, {{1, 1}}, ones({2})); }),
              HasSubstr("pad: the value must be a scalar"));
}

TEST(Movement, PadWithItself) {
  const Tensor x = counting({4});
  EXPECT_VALUES(pad_reflect(x, {{3, 2}}), {3, 2, 1, 0, 1, 2, 3, 2, 1});
  EXPECT_VALUES(pad_replicate(x, {{2, 1}}), {0, 0, 0, 1, 2, 3, 3});
  EXPECT_VALUES(pad_reflect(counting({2, 2}), {{0, 1}, {1, 0}}), {1, 0, 1, 3, 2, 3, 1, 0, 1});
  EXPECT_VALUES(pad_replicate(counting({2, 2}), {{1, 0}, {0, 1}}), {0, 1, 1, 0, 1, 1, 2, 3, 3});
  EXPECT_VALUES(pad_circular(x, {{2, 1}}), {2, 3, 0, 1, 2, 3, 0});
  EXPECT_VALUES(pad_circular(counting({2, 2}), {{1, 0}, {0, 2}}), {2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3});
  EXPECT_THAT(failure([&] { return pad_circular(x, {{5, 0}}); }), HasSubstr("it goes around once at most"));
  EXPECT_THAT(
      failure([&] { return pad_reflect(x, {{4, 0}}); }),
      HasSubstr(
          "pad_reflect: amounts 4 and 0 on axis 0 of 4: reflection reaches at most the extent minus 1"));
  EXPECT_THAT(failure([&] { return pad_replicate(x, {{-1, 0}}); }),
              HasSubstr("pad_replicate: amounts -1 and 0 on axis 0 of 4"));
  EXPECT_THAT(failure([&] { return pad_replicate(x, {{1, 0}, {1, 0}}); }),
              HasSubstr("pad_replicate: more amounts than axes"));
}

// -- Joining, parting, repeating --

TEST(Movement, CatAndStack) {
  const Tensor x = counting({2, 2}), y = counting({2, 1}) + 10;
  EXPECT_VALUES(cat({x, y}, 1), {0, 1, 10, 2, 3, 11});
  EXPECT_VALUES(cat({x, x, zeros({0, 2}, f64)}), {0, 1, 2, 3, 0, 1, 2, 3});
  EXPECT_EQ(cat({x, y, y}, -1).shape(), (Ints{2, 4}));
  EXPECT_TYPE(cat({ones({1}, i32), ones({1}, f16)}), "f16[2]");
  EXPECT_VALUES(stack({counting({2}), counting({2}) + 5}), {0, 1, 5, 6});
  EXPECT_VALUES(stack({counting({2}), counting({2}) + 5}, -1), {0, 5, 1, 6});
  EXPECT_EQ(stack({data({1}, {}), data({2}, {})}).shape(), (Ints{2}));
  EXPECT_THAT(failure([&] { return cat({x, y}, 0); }),
              HasSubstr("cat: tensor 1 has shape [2,1], which differs from [2,2] off axis 0"));
  EXPECT_THAT(failure([&] { return cat({x, counting({2})}, 1); }), HasSubstr("cat: tensor 1 has shape [2]"));
  EXPECT_THAT(failure([&] { return cat({}, 0); }), HasSubstr("cat: needs at least one tensor"));
  EXPECT_THAT(failure([&] { return stack({}, 0); }), HasSubstr("stack: needs at least one tensor"));
  EXPECT_THAT(failure([&] { return cat({x, x, x, x, Tensor()}); }),
              HasSubstr("cat: operand 5 is an empty tensor"));
  EXPECT_THAT(failure([&] { return stack({x, y}); }),
              HasSubstr("stack: tensor 1 has shape [2,1], not [2,2]"));
}

TEST(Movement, SplitAndChunk) {
  const Tensor x = counting({5, 2});
  const std::vector<Tensor> parts = split(x, {1, 0, 4});
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_VALUES(parts[0], {0, 1});
  EXPECT_EQ(parts[1].shape(), (Ints{0, 2}));
  EXPECT_VALUES(parts[2], {2, 3, 4, 5, 6, 7, 8, 9});
  const std::vector<Tensor> twos = split(x, 2);
  ASSERT_EQ(twos.size(), 3u);
  EXPECT_VALUES(twos[2], {8, 9});
  EXPECT_EQ(chunk(x, 2).size(), 2u);
  EXPECT_EQ(chunk(x, 2)[0].shape(), (Ints{3, 2}));
  EXPECT_EQ(chunk(x, 2, -1)[1].shape(), (Ints{5, 1}));
  EXPECT_EQ(chunk(x, 9).size(), 5u);
  EXPECT_EQ(split(zeros({0}), 3).size(), 1u);
  EXPECT_EQ(split(x, {5}).size(), 1u);
  EXPECT_THAT(failure([&] { return split(x, {1, 3}); }),
              HasSubstr("split: the sizes add up to 4, axis 0 has 5"));
  EXPECT_THAT(failure([&] { return split(x, {6, -1}); }),
              HasSubstr("split: a size of -1: it cannot be negative"));
  EXPECT_THAT(failure([&] { return split(x, 0); }), HasSubstr("split: a size of 0: it must be positive"));
  EXPECT_THAT(failure([&] { return chunk(x, 0); }), HasSubstr("chunk: 0 chunks: at least one is needed"));
}

TEST(Movement, Repetition) {
  const Tensor x = counting({2, 2});
  EXPECT_VALUES(tile(x, {2}), {0, 1, 0, 1, 2, 3, 2, 3});
  EXPECT_VALUES(tile(x, {2, 1}), {0, 1, 2, 3, 0, 1, 2, 3});
  EXPECT_EQ(tile(x, {2, 1, 3}).shape(), (Ints{2, 2, 6}));
  EXPECT_EQ(tile(x, {0, 1}).shape(), (Ints{0, 2}));
  EXPECT_VALUES(repeat_interleave(x, 2, 1), {0, 0, 1, 1, 2, 2, 3, 3});
  EXPECT_VALUES(repeat_interleave(x, 2, 0), {0, 1, 0, 1, 2, 3, 2, 3});
  EXPECT_EQ(repeat_interleave(x, 0, -1).shape(), (Ints{2, 0}));
  EXPECT_THAT(failure([&] { return tile(x, {-1}); }), HasSubstr("tile: a repetition is negative"));
  EXPECT_THAT(failure([&] { return repeat_interleave(x, -1, 0); }),
              HasSubstr("repeat_interleave: the repetition is negative"));
}

// -- Diagonals and triangles --

TEST(Movement, DiagonalsAndTriangles) {
  const Tensor m = counting({2, 3});
  EXPECT_VALUES(tril(m), {0, 0, 0, 3, 4, 0});
  EXPECT_VALUES(tril(m, 1), {0, 1, 0, 3, 4, 5});
  EXPECT_VALUES(triu(m), {0, 1, 2, 0, 4, 5});
  EXPECT_VALUES(triu(m, 1), {0, 1, 2, 0, 0, 5});
  EXPECT_VALUES(triu(m, -1), values(m));
  EXPECT_VALUES(tril(data({kNan, kNan, 1, kNan}, {2, 2})), {kNan, 0, 1, kNan});
  EXPECT_EQ(tril(counting({2, 3, 3})).shape(), (Ints{2, 3, 3}));
  EXPECT_VALUES(diag(m), {0, 4});
  EXPECT_VALUES(diag(m, 1), {1, 5});
  EXPECT_VALUES(diag(m, 2), {2});
  EXPECT_VALUES(diag(m, -1), {3});
  EXPECT_VALUES(diag(m, 5), Doubles{});
  EXPECT_VALUES(diag(tensor({1, 2})), {1, 0, 0, 2});
  EXPECT_VALUES(diag(tensor({1, 2}), 1), {0, 1, 0, 0, 0, 2, 0, 0, 0});
  EXPECT_VALUES(diag(tensor({1, 2}), -1), {0, 0, 0, 1, 0, 0, 0, 2, 0});
  EXPECT_EQ(diag(zeros({0}), 2).shape(), (Ints{2, 2}));
  EXPECT_VALUES(trace(counting({3, 3})), {12});
  EXPECT_THAT(failure([] { return trace(counting({3})); }), HasSubstr("trace: needs a matrix, not f64[3]"));
  EXPECT_THAT(failure([] { return tril(counting({3})); }), HasSubstr("tril: needs a matrix, not f64[3]"));
  EXPECT_THAT(failure([] { return diag(counting({1, 1, 1})); }),
              HasSubstr("diag: takes a vector or a matrix, not f64[1,1,1]"));
}

TEST(MovementGradient, MatchesDifferences) {
  const Tensor x = spread({3, 4}), v = spread({4}, 9);
  const std::function<Tensor(const Ins&)> functions[] = {
      [](const Ins& in) { return in[0].slice({{_, _, -2}, {1, _, 2}}); },
      [](const Ins& in) { return roll(in[0], {1, 2}, {0, 1}); },
      [](const Ins& in) { return pad(in[0], {{1, -1}, {-2, 2}}, in[1].slice({0})); },
      [](const Ins& in) { return pad_reflect(in[0], {{2, 1}, {0, 3}}); },
      [](const Ins& in) { return pad_replicate(in[0], {{2, 1}, {0, 3}}); },
      [](const Ins& in) { return cat({in[0], in[1].unsqueeze(0), in[0]}, 0); },
      [](const Ins& in) { return stack({in[0][1], in[1]}, 1); },
      [](const Ins& in) { return tile(in[0], {2, 1, 2}) * tile(in[1], {2}); },
      [](const Ins& in) { return repeat_interleave(in[0], 3, 1); },
      [](const Ins& in) { return diag(in[0], 1) * trace(in[0]); },
      [](const Ins& in) { return diag(in[1], -2); },
      [](const Ins& in) { return tril(in[0], -1) + triu(in[0], 1); },
      [](const Ins& in) { return movedim(in[0].reshape({3, 2, 2}), {0, 2}, {2, 0}); },
      [](const Ins& in) { return flip(in[0], 0).expand({2, 3, 4}); },
  };
  size_t number = 0;
  for (const auto& f : functions) EXPECT_EQ(gradient_differences(f, {x, v}), "") << number++;
}

TEST(MovementMade, Values) {
  const Tensor x = counting({2, 3});
  EXPECT_VALUES(rot90(tensor({{1.0, 2.0}, {3.0, 4.0}})), {2, 4, 1, 3});
  EXPECT_VALUES(rot90(x, -1), values(rot90(x, 3)));
  EXPECT_VALUES(rot90(x, 2), values(flip(x, {0, 1})));
  EXPECT_VALUES(select(x, 1, -1), {2, 5});
  EXPECT_TYPE(expand_as(ones({3}), x), "f32[2,3]");
  EXPECT_VALUES(hstack({x, ones({2, 1})}), {0, 1, 2, 1, 3, 4, 5, 1});
  EXPECT_VALUES(hstack({tensor({1.0}), tensor({2.0, 3.0})}), {1, 2, 3});
  EXPECT_VALUES(vstack({tensor({9.0, 8.0, 7.0}), x}), {9, 8, 7, 0, 1, 2, 3, 4, 5});
  EXPECT_EQ(unbind(x, 1).size(), 3u);
  EXPECT_VALUES(unbind(x, -1)[2], {2, 5});
  EXPECT_EQ(unbind(zeros({0, 2})).size(), 0u);
  const Tensor channels = counting({1, 8, 2, 3});
  EXPECT_VALUES(pixel_shuffle(counting({1, 4, 1, 1}), 2), {0, 1, 2, 3});
  EXPECT_TYPE(pixel_shuffle(channels, 2), "f64[1,2,4,6]");
  EXPECT_VALUES(pixel_unshuffle(pixel_shuffle(channels, 2), 2), values(channels));
  EXPECT_VALUES(take(x, tensor({{5, 0}})), {5, 0});
  EXPECT_VALUES(index_add(x, 1, tensor({2, 2}), ones({2, 2}, f64)), {0, 1, 4, 3, 4, 7});
  EXPECT_VALUES(index_copy(x, 0, tensor({1}), ones({1, 3}, f64)), {0, 1, 2, 1, 1, 1});
}

TEST(MovementMade, Gradients) {
  const Tensor image = spread({1, 4, 2, 2});
  for (const auto& f : std::vector<std::function<Tensor(const Tensor&)>>{
           [](const Tensor& t) { return rot90(t, 1, 2, 3); }, [](const Tensor& t) { return select(t, 1, 2); },
           [](const Tensor& t) { return pixel_shuffle(t, 2); },
           [](const Tensor& t) { return pixel_unshuffle(t, 2); },
           [](const Tensor& t) { return unbind(t, 3)[1]; },
           [](const Tensor& t) { return hstack({t, t * t}); },
           [](const Tensor& t) { return vstack({t, t * t}); },
           [](const Tensor& t) { return take(t, tensor({3, 3, 1})); },
           [](const Tensor& t) { return index_add(t * t, 1, tensor({0, 0}), t.slice({_, {1, 3}})); },
           [](const Tensor& t) { return index_copy(t * t, 1, tensor({0}), t.slice({_, {1, 2}})); }})
    EXPECT_EQ(gradient_differences([&](const std::vector<Tensor>& in) { return f(in[0]); }, {image}), "");
}

TEST(MovementMade, Errors) {
  const Tensor x = counting({2, 3});
  EXPECT_THAT(failure([&] { return rot90(x, 1, 0, -2); }), HasSubstr("rot90: axis 0 is named twice"));
  EXPECT_THAT(failure([&] { return select(x, 0, 2); }),
              HasSubstr("select: slice: position 2 is out of range"));
  EXPECT_THAT(failure([&] { return hstack({}); }), HasSubstr("hstack: needs at least one tensor"));
  EXPECT_THAT(failure([&] { return pixel_shuffle(x, 2); }),
              HasSubstr("takes [batch, channels, height, width]"));
  EXPECT_THAT(failure([&] { return pixel_shuffle(ones({1, 6, 1, 1}), 2); }),
              HasSubstr("pixel_shuffle: axis 1 of 6 does not divide by 4"));
  EXPECT_THAT(failure([&] { return pixel_unshuffle(ones({1, 6, 2, 1}), 0); }), HasSubstr("a factor of 0"));
  EXPECT_THAT(failure([&] { return index_add(x, 0, tensor({0}), ones({2, 3})); }),
              HasSubstr("index_add: an index of 1 for values with 2 slices along axis 0"));
  EXPECT_THAT(failure([&] { return index_copy(x, 0, tensor({0}), ones({3})); }),
              HasSubstr("the ranks must be equal"));
  EXPECT_THAT(failure([&] { return take(x, ones({1})); }), HasSubstr("take: the index is f32"));
}

}  // namespace
}  // namespace anneal
