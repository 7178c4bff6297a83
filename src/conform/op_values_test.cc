// SPDX-License-Identifier: MIT
// What the arguments of reference entries mean: one small call for each form, with values worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "conform/ops.h"
#include "interp/arrays.h"
#include "programs/session.h"

namespace anneal::conform {
namespace {

using Json = nlohmann::json;

struct Value {
  std::vector<int64_t> shape;
  std::vector<double> elements;
};

Tensor to_tensor(const Value& v, DType t = f32) {
  const auto array = interp::array_from(t, v.shape, v.elements);
  return from_bytes(array->bytes, v.shape, t);
}

struct Case {
  const char* op;
  const char* args;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
};

constexpr double kInf = HUGE_VAL;
const Value kRow{{3}, {1, 2, 3}};
const Value kGrid{{2, 3}, {1, 2, 3, 4, 5, 6}};
const Value kImage{{1, 1, 2, 2}, {1, 2, 3, 4}};

const Case kCases[] = {
    // Scalars as arguments
    {"add", R"({"other": 2, "alpha": 3})", {kRow}, {{{3}, {7, 8, 9}}}},
    {"sub_scalar", R"({"scalar": 0.5})", {kRow}, {{{3}, {0.5, 1.5, 2.5}}}},
    {"rsub", R"({"other": 10})", {kRow}, {{{3}, {9, 8, 7}}}},
    {"div", R"({"other": 2, "rounding_mode": "floor"})", {{{2}, {-3, 3}}}, {{{2}, {-2, 1}}}},
    {"div", R"({"other": 2, "rounding_mode": "trunc"})", {{{2}, {-3, 3}}}, {{{2}, {-1, 1}}}},
    {"round", R"({"decimals": 1})", {{{2}, {1.26, -1.24}}}, {{{2}, {1.3, -1.2}}}},
    {"clamp", R"({"min": 2})", {kRow}, {{{3}, {2, 2, 3}}}},
    {"threshold", R"({"threshold": 1.5, "value": -9})", {kRow}, {{{3}, {-9, 2, 3}}}},
    {"softshrink", R"({"lambd": 1.5})", {{{3}, {-2, 1, 2}}}, {{{3}, {-0.5, 0, 0.5}}}},
    {"glu", R"({"dim": 0})", {{{4}, {2, 4, 0, 0}}}, {{{2}, {1, 2}}}},
    {"prelu", "{}", {{{2, 2}, {-1, 2, -3, -4}}, {{2}, {0.5, 0.25}}}, {{{2, 2}, {-0.5, 2, -1.5, -1}}}},
    {"lerp", R"({"weight": 0.5})", {{{2}, {0, 2}}, {{2}, {2, 4}}}, {{{2}, {1, 3}}}},
    {"addcmul", R"({"value": 2})", {{{1}, {1}}, {{1}, {3}}, {{1}, {4}}}, {{{1}, {25}}}},
    {"nan_to_num", R"({"nan": 7, "posinf": 8})", {{{3}, {NAN, kInf, 1}}}, {{{3}, {7, 8, 1}}}},

    // Reductions
    {"sum", R"({"dim": -1})", {kGrid}, {{{2}, {6, 15}}}},
    {"sum", R"({"dim": [0, 1], "keepdim": true})", {kGrid}, {{{1, 1}, {21}}}},
    {"var", R"({"unbiased": false})", {kRow}, {{{}, {2.0 / 3}}}},
    {"std", R"({"correction": 1})", {kRow}, {{{}, {1}}}},
    {"norm", R"({"p": 1})", {{{2}, {3, -4}}}, {{{}, {7}}}},
    {"norm", R"({"p": "inf"})", {{{2}, {3, -4}}}, {{{}, {4}}}},
    {"norm", "{}", {{{2}, {3, -4}}}, {{{}, {5}}}},
    {"max", R"({"dim": 1})", {kGrid}, {{{2}, {3, 6}}, {{2}, {2, 2}}}},
    {"max", "{}", {kRow, {{1}, {2}}}, {{{3}, {2, 2, 3}}}},
    {"sort", R"({"descending": true})", {kRow}, {{{3}, {3, 2, 1}}, {{3}, {2, 1, 0}}}},
    {"topk", R"({"k": 2, "largest": false})", {kRow}, {{{2}, {1, 2}}, {{2}, {0, 1}}}},
    {"cummax", R"({"dim": 0})", {{{4}, {1, 3, 2, 3}}}, {{{4}, {1, 3, 3, 3}}, {{4}, {0, 1, 1, 3}}}},
    {"kthvalue", R"({"k": 2})", {kGrid}, {{{2}, {2, 5}}, {{2}, {1, 1}}}},
    {"median", "{}", {{{4}, {4, 1, 3, 2}}}, {{{}, {2}}}},
    {"logcumsumexp", R"({"dim": 0})", {{{2}, {0, 0}}}, {{{2}, {0, std::log(2.0)}}}},
    {"count_nonzero", "{}", {{{3}, {0, 2, 0}}}, {{{}, {1}}}},

    // Movement
    {"slice", R"({"spec": [[1, null], [null, null, -1]]})", {kGrid}, {{{1, 3}, {6, 5, 4}}}},
    {"slice", R"({"spec": [null, 0]})", {kGrid}, {{{2}, {1, 4}}}},
    {"pad", R"({"pad": [1, 0]})", {kGrid}, {{{2, 4}, {0, 1, 2, 3, 0, 4, 5, 6}}}},
    {"pad",
     R"({"pads": [[0, 0], [0, 1]], "mode": "replicate"})",
     {kGrid},
     {{{2, 4}, {1, 2, 3, 3, 4, 5, 6, 6}}}},
    {"split", R"({"split_size": 2, "dim": 1})", {kGrid}, {{{2, 2}, {1, 2, 4, 5}}, {{2, 1}, {3, 6}}}},
    {"unbind", R"({"dim": 1})", {{{1, 2}, {1, 2}}}, {{{1}, {1}}, {{1}, {2}}}},
    {"roll", R"({"shifts": 1})", {kGrid}, {{{2, 3}, {6, 1, 2, 3, 4, 5}}}},
    {"transpose", R"({"dim0": 0, "dim1": 1})", {kGrid}, {{{3, 2}, {1, 4, 2, 5, 3, 6}}}},
    {"rot90", "{}", {{{2, 2}, {1, 2, 3, 4}}}, {{{2, 2}, {2, 4, 1, 3}}}},
    {"select", R"({"dim": 1, "index": -1})", {kGrid}, {{{2}, {3, 6}}}},
    {"repeat_interleave", R"({"repeats": 2})", {{{2}, {1, 2}}}, {{{4}, {1, 1, 2, 2}}}},
    {"pixel_shuffle", R"({"upscale_factor": 2})", {{{1, 4, 1, 1}, {1, 2, 3, 4}}}, {kImage}},
    {"pixel_unshuffle", R"({"downscale_factor": 2})", {kImage}, {{{1, 4, 1, 1}, {1, 2, 3, 4}}}},
    {"linspace", R"({"start": 0, "end": 1, "steps": 3})", {}, {{{3}, {0, 0.5, 1}}}},
    {"tri", R"({"n": 2, "m": 3, "diagonal": 1})", {}, {{{2, 3}, {1, 1, 0, 1, 1, 1}}}},

    // Matrices
    {"addmm", R"({"beta": 2, "alpha": 3})", {{{1, 1}, {1}}, {{1, 1}, {2}}, {{1, 1}, {5}}}, {{{1, 1}, {32}}}},
    {"linear", "{}", {{{1, 2}, {1, 2}}, {{1, 2}, {3, 4}}, {{1}, {5}}}, {{{1, 1}, {16}}}},
    {"diagonal", R"({"offset": 1})", {kGrid}, {{{2}, {2, 6}}}},
    {"diag_embed", "{}", {{{2}, {1, 2}}}, {{{2, 2}, {1, 0, 0, 2}}}},
    {"kron", "{}", {{{1, 2}, {1, 2}}, {{1, 2}, {3, 4}}}, {{{1, 4}, {3, 4, 6, 8}}}},
    {"cross", "{}", {{{3}, {1, 0, 0}}, {{3}, {0, 1, 0}}}, {{{3}, {0, 0, 1}}}},
    {"tensordot", R"({"dims": 1})", {kGrid, {{3}, {1, 1, 1}}}, {{{2}, {6, 15}}}},
    {"cdist", "{}", {{{1, 2}, {0, 0}}, {{2, 2}, {3, 4, 0, 1}}}, {{{1, 2}, {5, 1}}}},

    // Layers
    {"conv1d",
     R"({"padding": "same"})",
     {{{1, 1, 3}, {1, 2, 3}}, {{1, 1, 3}, {1, 1, 1}}},
     {{{1, 1, 3}, {3, 6, 5}}}},
    {"avg_pool1d",
     R"({"kernel_size": 2, "stride": 2, "padding": 1, "count_include_pad": false})",
     {{{1, 1, 2}, {2, 4}}},
     {{{1, 1, 2}, {2, 4}}}},
    {"adaptive_avg_pool1d", R"({"output_size": 2})", {{{1, 1, 3}, {1, 2, 3}}}, {{{1, 1, 2}, {1.5, 2.5}}}},
    {"interpolate_linear",
     R"({"size": 3, "align_corners": true})",
     {{{1, 1, 2}, {0, 2}}},
     {{{1, 1, 3}, {0, 1, 2}}}},
    {"interpolate_linear", R"({"scale_factor": 2})", {{{1, 1, 2}, {0, 4}}}, {{{1, 1, 4}, {0, 1, 3, 4}}}},
    {"interpolate", R"({"scale": 2, "mode": "nearest"})", {{{1, 1, 2}, {1, 2}}}, {{{1, 1, 4}, {1, 1, 2, 2}}}},
    {"batch_norm",
     R"({"eps": 0})",
     {{{2, 1}, {3, 5}}, {{1}, {1}}, {{1}, {4}}, {{1}, {2}}, {{1}, {10}}},
     {{{2, 1}, {12, 14}}}},
    {"instance_norm", R"({"eps": 0})", {{{1, 1, 2}, {1, 3}}}, {{{1, 1, 2}, {-1, 1}}}},
    {"layer_norm", R"({"normalized_shape": [2], "eps": 0})", {{{1, 2}, {1, 3}}}, {{{1, 2}, {-1, 1}}}},
    {"normalize", R"({"dim": 0})", {{{2}, {3, 4}}}, {{{2}, {0.6, 0.8}}}},
    {"cosine_similarity", R"({"dim": 0})", {{{2}, {1, 0}}, {{2}, {1, 1}}}, {{{}, {std::sqrt(0.5)}}}},

    // Losses
    {"mse_loss", R"({"reduction": "sum"})", {{{2}, {1, 2}}, {{2}, {0, 0}}}, {{{}, {5}}}},
    {"l1_loss", R"({"reduction": "none"})", {{{2}, {1, -2}}, {{2}, {0, 0}}}, {{{2}, {1, 2}}}},
    {"huber_loss", R"({"delta": 2})", {{{2}, {1, 3}}, {{2}, {0, 0}}}, {{{}, {(0.5 + 4) / 2}}}},
    {"smooth_l1_loss", R"({"beta": 2})", {{{2}, {1, 3}}, {{2}, {0, 0}}}, {{{}, {(0.25 + 2) / 2}}}},
    {"kl_div",
     R"({"reduction": "batchmean", "log_target": true})",
     {{{2, 1}, {0, 0}}, {{2, 1}, {1, 1}}},
     {{{}, {std::exp(1.0)}}}},
    {"binary_cross_entropy", "{}", {{{1}, {0.25}}, {{1}, {1}}}, {{{}, {std::log(4.0)}}}},
    {"cross_entropy", "{}", {{{1, 2}, {0, 0}}, {{1, 2}, {0.5, 0.5}}}, {{{}, {std::log(2.0)}}}},
    {"soft_margin_loss", "{}", {{{1}, {0}}, {{1}, {1}}}, {{{}, {std::log(2.0)}}}},
    {"gaussian_nll_loss", "{}", {{{1}, {3}}, {{1}, {1}}, {{1}, {1}}}, {{{}, {2}}}},
};

TEST(OpValues, ArgumentsMeanWhatTheySay) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(std::string(c.op) + " " + c.args);
    const Json json = Json::parse(c.args);
    const Args args(json);
    std::vector<Tensor> inputs;
    for (const Value& v : c.inputs) inputs.push_back(to_tensor(v));
    const Outputs out = find_op(c.op).apply({inputs, args});
    EXPECT_TRUE(args.unused().empty());
    ASSERT_EQ(out.values.size(), c.outputs.size());
    const std::vector<programs::Array> arrays = programs::evaluate_together(out.values);
    for (size_t i = 0; i < arrays.size(); ++i) {
      EXPECT_EQ(arrays[i]->shape, c.outputs[i].shape);
      const std::vector<double> got = interp::doubles_of(*arrays[i]);
      ASSERT_EQ(got.size(), c.outputs[i].elements.size());
      for (size_t j = 0; j < got.size(); ++j)
        EXPECT_NEAR(got[j], c.outputs[i].elements[j], 2e-6 * std::max(1.0, std::abs(got[j])));
    }
  }
}

// Indices and truth values are integers in a set.
TEST(OpValues, IntegerOperands) {
  const Json axis0{{"dim", 0}};
  const Args args(axis0);
  const auto evaluate = [](const Tensor& t) {
    return interp::doubles_of(*programs::evaluate_together({t})[0]);
  };
  const Tensor x = to_tensor(kRow), at = to_tensor({{2}, {2, 0}}, i32), v = to_tensor({{2}, {10, 20}});
  EXPECT_EQ(evaluate(find_op("gather").apply({{x, at}, args}).values[0]), (std::vector<double>{3, 1}));
  EXPECT_EQ(evaluate(find_op("scatter").apply({{x, at, v}, args}).values[0]),
            (std::vector<double>{20, 2, 10}));
  EXPECT_EQ(evaluate(find_op("index_add").apply({{x, at, v}, args}).values[0]),
            (std::vector<double>{21, 2, 13}));
  EXPECT_EQ(evaluate(find_op("index_copy").apply({{x, at, v}, args}).values[0]),
            (std::vector<double>{20, 2, 10}));
  const Json fill{{"value", -1}};
  const Tensor mask = to_tensor({{3}, {0, 2, 0}}, i32);
  EXPECT_EQ(evaluate(find_op("masked_fill").apply({{x, mask}, Args(fill)}).values[0]),
            (std::vector<double>{1, -1, 3}));
  EXPECT_EQ(evaluate(find_op("logical_or").apply({{mask, mask}, args}).values[0]),
            (std::vector<double>{0, 1, 0}));
}

}  // namespace
}  // namespace anneal::conform
