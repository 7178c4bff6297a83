// SPDX-License-Identifier: MIT
// Products of tensors against loops: matmul of all ranks, einsum with every kind of letter.
#include <gtest/gtest.h>

#include <map>

#include "tensor/test_tensors.h"

namespace anneal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// einsum by brute force: a loop over all letters.
Doubles einsum_of(const std::vector<std::string>& letters, const std::string& output,
                  const std::vector<Tensor>& operands, std::map<char, int64_t>* extents_out = nullptr) {
  std::map<char, int64_t> extents;
  std::vector<Doubles> v;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Ints shape = operands[i].shape();
    for (size_t d = 0; d < shape.size(); ++d)
      extents[letters[i][d]] = std::max(extents[letters[i][d]], shape[d]);
    v.push_back(values(operands[i]));
  }
  if (extents_out != nullptr) *extents_out = extents;
  size_t count = 1;
  for (char c : output) count *= static_cast<size_t>(extents[c]);
  Doubles out(count, 0.0);
  std::map<char, int64_t> at;
  for (const auto& [c, n] : extents) at[c] = 0;
  const auto offset = [&](const std::string& word, const Ints& shape) {
    int64_t flat = 0;
    for (size_t d = 0; d < word.size(); ++d) flat = flat * shape[d] + (shape[d] == 1 ? 0 : at[word[d]]);
    return static_cast<size_t>(flat);
  };
  Ints out_shape;
  for (char c : output) out_shape.push_back(extents[c]);
  while (true) {
    double product = 1;
    for (size_t i = 0; i < operands.size(); ++i) product *= v[i][offset(letters[i], operands[i].shape())];
    out[offset(output, out_shape)] += product;
    auto it = at.begin();
    while (it != at.end() && ++it->second == extents[it->first]) it++->second = 0;
    if (it == at.end()) return out;
  }
}

struct Product {
  const char* equation;
  std::vector<std::string> letters;  // with "..." spelled out as X, Y, Z
  const char* output;
  std::vector<Ints> shapes;
};
const Product kProducts[] = {
    {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 3}, {3, 4}}},
    {"ij,jk", {"ij", "jk"}, "ik", {{2, 3}, {3, 4}}},
    {"ba", {"ba"}, "ab", {{2, 3}}},
    {"ij->", {"ij"}, "", {{2, 3}}},
    {"ij->j", {"ij"}, "j", {{2, 3}}},
    {"ii->i", {"ii"}, "i", {{3, 3}}},
    {"ii", {"ii"}, "", {{3, 3}}},
    {"iij->ij", {"iij"}, "ij", {{3, 3, 2}}},
    {"iii->i", {"iii"}, "i", {{2, 2, 2}}},
    {"ijij->ji", {"ijij"}, "ji", {{2, 3, 2, 3}}},
    {"i,j->ij", {"i", "j"}, "ij", {{2}, {3}}},
    {"i,i->", {"i", "i"}, "", {{4}, {4}}},
    {"i,i->i", {"i", "i"}, "i", {{4}, {4}}},
    {"bij,bjk->bik", {"bij", "bjk"}, "bik", {{2, 2, 3}, {2, 3, 2}}},
    {"...ij,...jk->...ik", {"Xij", "Xjk"}, "Xik", {{2, 2, 3}, {2, 3, 2}}},
    {"...ij,jk->...ik", {"XYij", "jk"}, "XYik", {{2, 3, 2, 2}, {2, 2}}},
    {"...i,...i->...", {"Xi", "YXi"}, "YX", {{3, 2}, {2, 3, 2}}},
    {"...i,...i", {"Xi", "Xi"}, "X", {{3, 2}, {3, 2}}},
    {"i...->...i", {"iX"}, "Xi", {{2, 3}}},
    {"...->...", {"X"}, "X", {{3}}},
    {" i j , j k -> i k ", {"ij", "jk"}, "ik", {{2, 3}, {3, 4}}},
    {"ij,jk,kl->il", {"ij", "jk", "kl"}, "il", {{2, 3}, {3, 2}, {2, 4}}},
    {"ij,ik,il->jkl", {"ij", "ik", "il"}, "jkl", {{2, 2}, {2, 3}, {2, 2}}},
    {"a,b,c,d,e->edcba", {"a", "b", "c", "d", "e"}, "edcba", {{2}, {1}, {2}, {3}, {2}}},
    {"Ab,bA->A", {"Ab", "bA"}, "A", {{2, 3}, {3, 2}}},
    {"bi,i->b", {"bi", "i"}, "b", {{3, 1}, {4}}},
    {",i->i", {"", "i"}, "i", {{}, {3}}},
};

TEST(Linalg, EinsumMatchesLoops) {
  for (const Product& p : kProducts) {
    std::vector<Tensor> operands;
    for (size_t i = 0; i < p.shapes.size(); ++i) operands.push_back(spread(p.shapes[i], 10 * i + 1));
    std::map<char, int64_t> extents;
    const Doubles expected = einsum_of(p.letters, p.output, operands, &extents);
    const Tensor got = einsum(p.equation, operands);
    EXPECT_EQ(differences(values(got), expected, 1e-12), "") << p.equation;
    Ints shape;
    for (const char* c = p.output; *c != 0; ++c) shape.push_back(extents[*c]);
    EXPECT_EQ(got.shape(), shape) << p.equation;
    EXPECT_EQ(
        gradient_differences([&](const std::vector<Tensor>& in) { return einsum(p.equation, in); }, operands),
        "")
        << p.equation;
  }
}

TEST(Linalg, EinsumRefusesWhatMakesNoSense) {
  const Tensor x = counting({2, 3});
  EXPECT_THAT(failure([&] { return einsum("ij,jk->ik", {x}); }),
              HasSubstr("einsum: \"ij,jk->ik\" names 2 operands, there are 1"));
  EXPECT_THAT(failure([&] { return einsum("ijk->i", {x}); }),
              HasSubstr("einsum: operand 0 has rank 2, the equation names 3 axes"));
  EXPECT_THAT(failure([&] { return einsum("...ijk->i", {x}); }), HasSubstr("operand 0 has rank 2"));
  EXPECT_THAT(failure([&] { return einsum("ij->ik", {x}); }),
              HasSubstr("einsum: the result names 'k', which no operand has"));
  EXPECT_THAT(failure([&] { return einsum("ij->kikl", {x}); }),
              HasSubstr("einsum: the result names 'k', 'l', which no operand has"));
  EXPECT_THAT(failure([&] { return einsum("ij->ijji", {x}); }),
              HasSubstr("einsum: the result names 'j', 'i' more than once"));
  EXPECT_THAT(failure([&] { return einsum("ij->ii", {x}); }),
              HasSubstr("einsum: the result names 'i' more than once"));
  EXPECT_THAT(failure([&] { return einsum("i1->i", {x}); }),
              HasSubstr("einsum: \"i1->i\": unexpected '1' at 1"));
  EXPECT_THAT(failure([&] { return einsum("ij-i", {x}); }), HasSubstr("unexpected '-' at 2"));
  EXPECT_THAT(failure([&] { return einsum("ii->i", {x}); }),
              HasSubstr("einsum: letter 'i' stands for different extents, 2 and 3"));
  EXPECT_THAT(failure([&] { return einsum("ij,ij->", {x, counting({3, 2})}); }), HasSubstr("einsum"));
  EXPECT_THAT(failure([&] { return einsum("", {}); }), HasSubstr("einsum: needs at least one operand"));
  EXPECT_THAT(failure([&] { return einsum("i->i", {Tensor()}); }),
              HasSubstr("einsum: operand 1 is an empty tensor"));
}

// -- matmul --

TEST(Linalg, MatmulOfEveryRank) {
  struct Case {
    Ints left, right;
    std::vector<std::string> letters;
    const char* output;
  };
  const Case cases[] = {
      {{3}, {3}, {"k", "k"}, ""},
      {{2, 3}, {3}, {"mk", "k"}, "m"},
      {{3}, {3, 4}, {"k", "kn"}, "n"},
      {{2, 3}, {3, 4}, {"mk", "kn"}, "mn"},
      {{5, 2, 3}, {3, 4}, {"bmk", "kn"}, "bmn"},
      {{2, 3}, {5, 3, 4}, {"mk", "bkn"}, "bmn"},
      {{2, 1, 2, 3}, {5, 3, 4}, {"abmk", "bkn"}, "abmn"},
      {{5, 2, 3}, {3}, {"bmk", "k"}, "bm"},
      {{3}, {5, 3, 4}, {"k", "bkn"}, "bn"},
      {{1, 1}, {1, 1}, {"mk", "kn"}, "mn"},
  };
  for (const Case& c : cases) {
    const Tensor a = spread(c.left, 3), b = spread(c.right, 31);
    std::map<char, int64_t> extents;
    const Doubles expected = einsum_of(c.letters, c.output, {a, b}, &extents);
    Ints shape;
    for (const char* l = c.output; *l != 0; ++l) shape.push_back(extents[*l]);
    EXPECT_EQ(differences(values(matmul(a, b)), expected, 1e-12), "") << c.letters[0] << ' ' << c.letters[1];
    EXPECT_EQ(matmul(a, b).shape(), shape) << c.letters[0] << ' ' << c.letters[1];
    EXPECT_EQ(
        gradient_differences([](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); }, {a, b}), "")
        << c.letters[0] << ' ' << c.letters[1];
  }
}

TEST(Linalg, MatmulTypes) {
  EXPECT_EQ(ints(matmul(tensor({{1, 2}, {3, 4}}), tensor({{1}, {10}}))), (Ints{21, 43}));
  EXPECT_TYPE(matmul(ones({2, 2}, f16), ones({2, 2}, f16)), "f16[2,2]");
  EXPECT_TYPE(matmul(ones({2, 2}, f16), ones({2, 2}, f32)), "f32[2,2]");
  EXPECT_TYPE(matmul(ones({2, 2}, boolean), ones({2, 2}, i32)), "i32[2,2]");
  EXPECT_VALUES(matmul(ones({1, 4096}, f16), ones({4096, 1}, f16)), {4096});  // summed in f32
  EXPECT_VALUES(matmul(ones({2, 0}), ones({0, 3})), {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(matmul(ones({0, 2}), ones({2, 3})).shape(), (Ints{0, 3}));
}

TEST(Linalg, MatmulSaysWhatWouldFit) {
  const auto raised = [](const Ints& a, const Ints& b) {
    return failure([&] { return matmul(counting(a), counting(b)); });
  };
  EXPECT_THAT(
      raised({2, 3}, {4, 5}),
      HasSubstr(
          "error[shape] matmul: inner dimensions differ, 3 and 4; the second operand must have 3 rows"));
  EXPECT_THAT(raised({2, 3}, {4, 3}), HasSubstr("the second operand fits transposed"));
  EXPECT_THAT(raised({4, 3}, {4, 5}), HasSubstr("the first operand fits transposed"));
  EXPECT_THAT(raised({2, 3}, {4}), HasSubstr("inner dimensions differ, 3 and 4"));
  EXPECT_THAT(raised({}, {4}), HasSubstr("matmul: an operand is a scalar; use mul"));
  EXPECT_THAT(raised({2, 2, 3}, {3, 3, 4}), AllOf(HasSubstr("do not broadcast"), HasSubstr("matmul")));
  EXPECT_THAT(failure([] { return matmul(ones({2, 2}, boolean), ones({2, 2}, boolean)); }),
              HasSubstr("matmul: takes numbers, not bool"));
}

TEST(Linalg, DotAndOuter) {
  const Tensor a = tensor({1, 2, 3}), b = tensor({4, 5, 6});
  EXPECT_VALUES(dot(a, b), {32});
  EXPECT_VALUES(outer(a, tensor({1, 10})), {1, 10, 2, 20, 3, 30});
  EXPECT_THAT(failure([&] { return dot(a, ones({2, 2})); }),
              HasSubstr("dot: takes two vectors, not i32[3] and f32[2,2]"));
  EXPECT_THAT(failure([&] { return outer(ones({}), a); }),
              HasSubstr("outer: takes two vectors, not f32 and i32[3]"));
}

}  // namespace
}  // namespace anneal
