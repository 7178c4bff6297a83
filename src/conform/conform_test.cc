// SPDX-License-Identifier: MIT
#include "conform/conform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "anneal/error.h"
#include "io/safetensors.h"

namespace anneal::conform {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

// A set in a folder of its own: tensors a, b (f32 [2,3]), s (their sum), ones and the upstream good.gout.
class ConformTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() / (std::string("anneal_conform_") + info->name());
    std::filesystem::create_directories(folder_);
    add("a", {2, 3}, {1, 2, 3, 4, 5, 6});
    add("b", {2, 3}, {6, 5, 4, 3, 2, 1});
    add("s", {2, 3}, {7, 7, 7, 7, 7, 7});
    add("ones", {2, 3}, {1, 1, 1, 1, 1, 1});
    add("good.gout", {2, 3}, {1, 1, 1, 1, 1, 1});
    add("beside.gout", {2, 3}, {1, 1, 1, 1, 1, 1});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void add(const std::string& name, std::vector<int64_t> shape, std::vector<float> values) {
    data_.push_back(std::move(values));
    tensors_.push_back({name, f32, std::move(shape), {}});
  }

  std::string path() const { return (folder_ / "set").string(); }
  void write_json(const std::string& text) { std::ofstream(path() + ".json") << text; }
  void write_tensors() {
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].data = std::as_bytes(std::span(data_[i]));
    ASSERT_TRUE(io::write_safetensors(path() + ".safetensors", tensors_).ok());
  }

  static Json good() {
    return Json{{"name", "good"},       {"op", "add"},  {"args", Json::object()},
                {"inputs", {"a", "b"}}, {"out", {"s"}}, {"grads", {"ones", "ones"}}};
  }
  static Json beside() {  // another one; names are not repeated
    Json entry = good();
    entry["name"] = "beside";
    return entry;
  }
  ConformReport run(const Json& set, const ConformOptions& options = {}) {
    write_json(set.dump());
    write_tensors();
    return run_conform(path(), options);
  }
  // The message of the one entry, which must fail, while a good one beside it passes.
  std::string failure(const Json& entry) {
    const ConformReport report = run(Json::array({entry, beside()}));
    EXPECT_EQ(report.failed, 1u) << entry.dump();
    EXPECT_EQ(report.passed, 1u) << entry.dump();
    return report.entries[0].message;
  }
  std::string failure_with(const char* key, const Json& value) {
    Json entry = good();
    entry[key] = value;
    return failure(entry);
  }

  std::filesystem::path folder_;
  std::vector<io::TensorView> tensors_;
  std::vector<std::vector<float>> data_;
};

TEST_F(ConformTest, AGoodEntryPasses) {
  const ConformReport report = run(Json::array({good()}));
  EXPECT_EQ(report.passed, 1u);
  EXPECT_EQ(report.failed, 0u);
  EXPECT_LE(report.entries[0].error, 1);
}

TEST_F(ConformTest, WrongValuesAndGradientsAreNamedWithFigureAndTolerance) {
  EXPECT_THAT(failure_with("out", {"a"}), HasSubstr("out 0: relative error"));
  EXPECT_THAT(failure_with("out", {"a"}), HasSubstr("tolerance 2e-05"));
  EXPECT_THAT(failure_with("grads", {nullptr, "a"}), HasSubstr("grad 1: relative error"));
}

TEST_F(ConformTest, NullGradientsAreNotChecked) {
  Json entry = good();
  entry["grads"] = {nullptr, nullptr};
  EXPECT_EQ(run(Json::array({entry})).passed, 1u);
}

TEST_F(ConformTest, OptionalOutputsAndGradientsMayBeLeftOut) {
  add("row", {3}, {2, 3, 1});
  add("sorted", {3}, {1, 2, 3});
  add("order", {3}, {2, 0, 1});
  add("greatest", {}, {3});
  const auto sorted = [](const char* name, const Json& out) {
    return Json{{"name", name}, {"op", "sort"}, {"inputs", {"row"}}, {"out", out}};
  };
  Json bare = good();  // neither arguments nor gradients
  bare.erase("args");
  bare.erase("grads");
  Json nulls = beside();
  nulls["args"] = nullptr;
  nulls["grads"] = nullptr;
  const Json set =
      Json::array({bare, nulls, sorted("values", {"sorted"}), sorted("both", {"sorted", "order"}),
                   sorted("order_only", {nullptr, "order"}), sorted("values_null", {"sorted", nullptr})});
  const ConformReport report = run(set);
  for (const EntryResult& entry : report.entries) EXPECT_EQ(entry.message, "") << entry.name;
  EXPECT_EQ(report.passed, set.size());
  EXPECT_THAT(failure(sorted("wrong", {nullptr, "row"})), HasSubstr("out 1: "));
  EXPECT_THAT(failure(sorted("nothing", {nullptr, nullptr})), HasSubstr("there is nothing to compare with"));
  Json min_max{{"name", "half"}, {"op", "aminmax"}, {"inputs", {"row"}}, {"out", {"greatest"}}};
  EXPECT_THAT(failure(min_max), HasSubstr("1 outputs in the set, the op gives 2"));
}

TEST_F(ConformTest, AnUnknownOpIsAFailureWithTheNearestName) {
  EXPECT_THAT(failure_with("op", "softmx"), HasSubstr("\"softmx\"; the nearest is softmax"));
}

TEST_F(ConformTest, MissingTensorsAreNamed) {
  EXPECT_THAT(failure_with("inputs", {"a", "absent"}), HasSubstr("there is no tensor \"absent\""));
  EXPECT_THAT(failure_with("out", {"absent"}), HasSubstr("there is no tensor \"absent\""));
  EXPECT_THAT(failure_with("grads", {"absent"}), HasSubstr("there is no tensor \"absent\""));
  EXPECT_THAT(failure_with("name", "no_upstream"), HasSubstr("no_upstream.gout"));
}

TEST_F(ConformTest, ShapesAreCompared) {
  add("flat", {6}, {7, 7, 7, 7, 7, 7});
  EXPECT_THAT(failure_with("out", {"flat"}), HasSubstr("shape [2,3], reference [6]"));
  EXPECT_THAT(failure_with("inputs", {"flat", "a"}), HasSubstr("do not broadcast"));
}

TEST_F(ConformTest, CountsAreChecked) {
  EXPECT_THAT(failure_with("inputs", {"a", "b", "s"}), HasSubstr("add takes 1 to 2 inputs, not 3"));
  EXPECT_THAT(failure_with("out", {"s", "s"}), HasSubstr("2 outputs in the set, the op gives 1"));
  EXPECT_THAT(failure_with("out", Json::array()), HasSubstr("\"out\" is empty"));
  EXPECT_THAT(failure_with("grads", {"ones", "ones", "ones"}), HasSubstr("more gradients than inputs"));
}

TEST_F(ConformTest, ArgumentsAreChecked) {
  EXPECT_THAT(failure_with("args", {{"axes", 0}}), HasSubstr("no argument \"axes\""));
  EXPECT_THAT(failure_with("args", {{"alpha", "much"}}), HasSubstr("argument alpha"));
  EXPECT_THAT(failure_with("args", {1, 2}), HasSubstr("\"args\" is not an object"));
  Json entry = good();
  entry["op"] = "sum";
  entry["inputs"] = {"a"};
  entry["args"] = {{"axes", {0, "x"}}};
  EXPECT_THAT(failure(entry), HasSubstr("argument axis: integers are needed"));
  entry["args"] = {{"axis", 7}};
  EXPECT_THAT(failure(entry), HasSubstr("out of range"));
}

TEST_F(ConformTest, MalformedEntriesFailAlone) {
  for (const Json& junk : {Json(nullptr), Json(3), Json("text"), Json::array(), Json::object(),
                           Json{{"name", 1}}, Json{{"name", "x"}}})
    EXPECT_FALSE(failure(junk).empty());
  for (const char* key : {"name", "op", "inputs", "out", "grads", "args"})
    for (const Json& junk : {Json(3), Json("text"), Json{{"a", 1}}, Json{1, 2}, Json(-1.5)}) {
      Json entry = good();
      entry[key] = junk;
      write_json(Json::array({entry, beside()}).dump());
      write_tensors();
      const ConformReport report = run_conform(path());
      EXPECT_EQ(report.failed, 1u) << entry.dump();
    }
}

TEST_F(ConformTest, UnknownFieldsAreRefusedAndGradientsCounted) {
  Json entry = good();
  entry["grad"] = entry["grads"];
  EXPECT_THAT(failure(entry), HasSubstr("unknown field, \"grad\""));
  Json bare = good();
  bare["name"] = "bare";
  bare.erase("grads");
  const ConformReport report = run(Json::array({good(), bare}));
  ASSERT_EQ(report.passed, 2u);
  EXPECT_EQ(report.entries[0].gradients, 2u);
  EXPECT_EQ(report.entries[1].gradients, 0u);
}

TEST_F(ConformTest, NanAndInfinityMustStandInTheSamePlaces) {
  add("holes", {3}, {NAN, INFINITY, 1});
  add("other", {3}, {NAN, -INFINITY, 1});
  const Json same{{"name", "same"}, {"op", "neg"}, {"inputs", {"holes"}}, {"out", {"turned"}}};
  add("turned", {3}, {NAN, -INFINITY, -1});
  EXPECT_EQ(run(Json::array({same})).failed, 0u);
  const Json different{{"name", "different"}, {"op", "positive"}, {"inputs", {"holes"}}, {"out", {"other"}}};
  EXPECT_THAT(failure(different), HasSubstr("inf at [1], reference -inf"));
}

TEST_F(ConformTest, FiltersAndDevices) {
  Json second = good();
  second["name"] = "other";
  second["grads"] = Json::array();
  const ConformReport report = run(Json::array({good(), second}), {.filter = "^oth"});
  EXPECT_EQ(report.passed, 1u);
  EXPECT_EQ(report.skipped, 1u);
  EXPECT_THROW(run_conform(path(), {.filter = "("}), Error);
  try {
    run_conform(path(), {.device = "inter"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("the nearest is interp"));
  }
}

TEST_F(ConformTest, WhatIsNoSetIsAnError) {
  EXPECT_THROW(run_conform(path()), Error);  // no files
  write_tensors();
  for (const char* text : {"", "{", "{}", "3", "[1,]"}) {
    write_json(text);
    EXPECT_THROW(run_conform(path()), Error) << text;
  }
  write_json("[]");
  EXPECT_EQ(run_conform(path()).entries.size(), 0u);
  try {
    run(Json::array({good(), good()}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("two entries are called \"good\""));
  }
  std::filesystem::remove(path() + ".safetensors");
  EXPECT_THROW(run_conform(path()), Error);
}

// -- Models --

class ModelTest : public ConformTest {
 protected:
  void SetUp() override {
    ConformTest::SetUp();
    // loss = (w * 2 - 1)^2, w = 1; sgd with lr 0.1: w -> 0.6
    add("m.param.0.weight", {1, 1}, {1});
    add("m.x", {1, 1}, {2});
    add("m.y", {1, 1}, {1});
    add("m.logits", {1, 1}, {2});
    add("m.grad.0.weight", {1, 1}, {4});
    add("m.losses", {2}, {1, 0.04F});
  }
  static Json model() {
    return Json{
        {"name", "m"},
        {"op", "model"},
        {"args", {{"layers", "Linear(1,1,bias=False)"}, {"loss", "mse_loss"}, {"opt", "sgd lr=0.1"}}}};
  }
  std::string model_failure(const char* key, const char* value) {
    Json entry = model();
    entry["args"][key] = value;
    return failure(entry);
  }
};

TEST_F(ModelTest, LogitsGradientsAndLossesAreChecked) {
  EXPECT_EQ(run(Json::array({model()})).passed, 1u);
  EXPECT_THAT(model_failure("opt", "sgd lr=0.2"), HasSubstr("loss 1: relative error"));
  EXPECT_THAT(model_failure("layers", "Linear(1,1,bias=False) ReLU Tanh"),
              HasSubstr("logits: relative error"));
}

TEST_F(ModelTest, TextsAreChecked) {
  EXPECT_THAT(model_failure("layers", "Linar(1,1)"), HasSubstr("the nearest is Linear"));
  EXPECT_THAT(model_failure("layers", "Linear(1,2)"),
              HasSubstr("parameter 0.weight has shape [1,1], the model needs [2,1]"));
  EXPECT_THAT(model_failure("layers", "ReLU"), HasSubstr("does not use the parameter 0.weight"));
  EXPECT_THAT(model_failure("layers", "Linear(1,1) Linear(1,1)"), HasSubstr("no parameter 1.weight"));
  EXPECT_THAT(model_failure("opt", "adamx"), HasSubstr("no optimizer 'adamx'"));
  EXPECT_THAT(model_failure("opt", "sgd rate=1"), HasSubstr("no setting rate"));
  EXPECT_THAT(model_failure("loss", "mse_los"), HasSubstr("mse_loss"));
  Json entry = model();
  entry["args"] = {{"arch", "post-LN GPT; V=1"}};
  EXPECT_THAT(failure(entry), HasSubstr("the nearest is \"pre-LN GPT\""));
  entry["args"] = {{"arch", "pre-LN GPT; V=1 heads=1"}};
  EXPECT_THAT(failure(entry), HasSubstr("no parameter wte.weight"));
  entry.erase("args");
  EXPECT_THAT(failure(entry), HasSubstr("args"));
}

}  // namespace
}  // namespace anneal::conform
