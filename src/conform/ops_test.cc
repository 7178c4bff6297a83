// SPDX-License-Identifier: MIT
#include "conform/ops.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "anneal/error.h"
#include "programs/session.h"

namespace anneal::conform {
namespace {

TEST(Ops, NamesAreUniqueAndFound) {
  std::set<std::string_view> seen;
  for (std::string_view name : op_names()) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    const OpEntry& found = find_op(name);
    EXPECT_NE(found.apply, nullptr) << name;
    EXPECT_EQ(&find_op(found.name), &found) << name;  // a second name leads to a first one
  }
  EXPECT_EQ(find_op("pow_scalar").name, "pow");
  EXPECT_THROW(find_op("pow_scala"), Error);
}

Tensor some(const std::vector<int64_t>& shape, DType t) {
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  return cast(reshape(arange(count, i32), Sizes(shape)), t);
}

// Calls that fit or do not: a value or an Error, nothing else.
TEST(Ops, StrangeCallsAreErrorsAtWorst) {
  const nlohmann::json arguments[] = {
      nlohmann::json::object(),
      {{"axis", -1},
       {"k", 1},
       {"groups", 1},
       {"kernel", 2},
       {"classes", 3},
       {"value", 2},
       {"output_size", 2},
       {"scale", 2},
       {"shape", {-1}}},
      {{"axis", 5},
       {"k", -3},
       {"groups", 0},
       {"kernel", 0},
       {"classes", -1},
       {"stride", 0},
       {"output_size", 0},
       {"scale", 0},
       {"shape", {-5}},
       {"reps", -1},
       {"sizes", {9}},
       {"chunks", 0},
       {"repeats", -1},
       {"pads", {{-9, -9}}},
       {"dims", {7, 7}},
       {"upscale_factor", 0},
       {"n", -1}},
  };
  const std::vector<int64_t> shapes[] = {{}, {0}, {3}, {2, 3}, {2, 4, 6}, {2, 4, 6, 6}};
  size_t values = 0, errors = 0;
  for (std::string_view name : op_names()) {
    const OpEntry& op = find_op(name);
    for (const nlohmann::json& json : arguments)
      for (const auto& shape : shapes)
        for (DType t : {f32, i32, boolean})
          for (size_t n = op.min_inputs; n <= std::min<size_t>(op.max_inputs, 4); ++n) {
            const Args args(json);
            const std::vector<Tensor> inputs(n, some(shape, t));
            try {
              programs::evaluate_together(op.apply({inputs, args}).values);
              ++values;
            } catch (const Error& error) {
              EXPECT_NE(error.code(), ErrorCode::kInternal) << name << ": " << error.message();
              ++errors;
            }
          }
  }
  EXPECT_GT(values, errors / 4);
}

}  // namespace
}  // namespace anneal::conform
