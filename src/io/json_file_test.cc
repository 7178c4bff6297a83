// SPDX-License-Identifier: MIT
//
// What parse_json accepts, what it refuses, and the text of each refusal.
#include "io/json_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace anneal::io {
namespace {

std::string message_for(std::string_view text, const JsonLimits& limits = {}) {
  const Result<nlohmann::json> parsed = parse_json(text, "in", limits);
  return parsed.ok() ? "accepted" : parsed.message();
}

std::string repeated(std::string_view piece, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += piece;
  return text;
}

TEST(JsonFile, BuildsTheDocument) {
  const std::string text =
      R"( {"a": [1, -2, 2.5, true, null, "x\n\u00e9"], "b": {"c": {}, "d": []}, "": 0} )";
  const Result<nlohmann::json> parsed = parse_json(text, "in");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, nlohmann::json::parse(text));
  EXPECT_TRUE((*parsed)["a"][0].is_number_unsigned());
  EXPECT_TRUE((*parsed)["a"][1].is_number_integer());
  EXPECT_EQ((*parsed)["a"][5], "x\n\u00e9");
}

TEST(JsonFile, ScalarsMayStandAlone) {
  EXPECT_EQ(*parse_json("7", "in"), 7);
  EXPECT_EQ(*parse_json("\"x\"", "in"), "x");
  EXPECT_EQ(*parse_json("null", "in"), nullptr);
}

TEST(JsonFile, SyntaxErrorsNameTheByte) {
  EXPECT_EQ(message_for(""),
            "in: byte 0: not valid JSON: syntax error while parsing value - unexpected end of input; "
            "expected '[', '{', or a literal");
  EXPECT_TRUE(message_for("{\"a\": 1,}").starts_with("in: byte 8: not valid JSON: "))
      << message_for("{\"a\": 1,}");
  EXPECT_TRUE(message_for("[1 2]").starts_with("in: byte 3: not valid JSON: ")) << message_for("[1 2]");
  EXPECT_TRUE(message_for("{} x").starts_with("in: byte 3: not valid JSON: ")) << message_for("{} x");
  EXPECT_TRUE(message_for("[1, NaN]").starts_with("in: byte 4: not valid JSON: ")) << message_for("[1, NaN]");
  EXPECT_EQ(message_for("[1e999]"), "in: byte 5: not valid JSON: number overflow parsing '1e999'");
}

TEST(JsonFile, BytesThatAreNotTextAreRefused) {
  EXPECT_NE(message_for("\"\xff\"").find("ill-formed UTF-8 byte; last read: '\"\\xff'"), std::string::npos)
      << message_for("\"\xff\"");
  EXPECT_NE(message_for("\"\xed\xa0\x80\"").find("ill-formed UTF-8"), std::string::npos);
  EXPECT_NE(message_for("\xff\xfe{\0}").find("not valid JSON"), std::string::npos);
  EXPECT_EQ(message_for(std::string_view("{}\0 anything", 12)), "in: byte 2: not valid JSON: a zero byte");
}

TEST(JsonFile, NamesStandOnce) {
  EXPECT_EQ(message_for(R"({"a": 1, "a": 2})"), "in: byte 9: the name \"a\" stands twice in one object");
  EXPECT_EQ(message_for(R"({"x": {"a": 1, "b": 2, "\u0061": 3}})"),
            "in: byte 23: the name \"a\" stands twice in one object");
  EXPECT_EQ(message_for(R"({"\\\"": 1, "\\\"": 2})"),
            "in: byte 12: the name \"\\\"\" stands twice in one object");
  EXPECT_EQ(message_for(R"({"": 1,"":2})"), "in: byte 7: the name \"\" stands twice in one object");
  EXPECT_EQ(message_for(R"([{"a": 1}, {"a": {"a": 2}}])"), "accepted");
}

TEST(JsonFile, NestingIsLimited) {
  const JsonLimits limits = {.max_depth = 3};
  EXPECT_EQ(message_for("[[[1]]]", limits), "accepted");
  EXPECT_EQ(message_for("[[[[1]]]]", limits), "in: byte 3: nested deeper than 3 levels");
  EXPECT_EQ(message_for(R"({"a":[{"b":{}}]})", limits), "in: byte 11: nested deeper than 3 levels");
  EXPECT_EQ(message_for("1", {.max_depth = 0}), "accepted");
  EXPECT_EQ(message_for("[]", {.max_depth = 0}), "in: byte 0: nested deeper than 0 levels");
}

TEST(JsonFile, AMillionBracketsAreRefusedEarly) {
  EXPECT_EQ(message_for(repeated("[", 1000000)), "in: byte 64: nested deeper than 64 levels");
  EXPECT_EQ(message_for(repeated("{\"a\":", 1000000)), "in: byte 320: nested deeper than 64 levels");
}

TEST(JsonFile, NestingUpToTheLimitNeedsNoStack) {
  const std::string deep = repeated("[", 1000000) + repeated("]", 1000000);
  EXPECT_EQ(message_for(deep, {.max_depth = 1000000}), "accepted");
}

TEST(JsonFile, ValuesAndBytesAreLimited) {
  EXPECT_EQ(message_for("[1,2,3]", {.max_values = 4}), "accepted");
  EXPECT_TRUE(message_for("[1,2,3,4]", {.max_values = 4}).ends_with(": more than 4 values"));
  EXPECT_TRUE(message_for(R"({"a":{}})", {.max_values = 1}).ends_with(": more than 1 values"));
  EXPECT_EQ(message_for("[1,2]", {.max_bytes = 5}), "accepted");
  EXPECT_EQ(message_for("[1,2] ", {.max_bytes = 5}), "in: 6 bytes of JSON, more than the limit of 5");
}

TEST(JsonFile, OffsetsCountFromTheStartOfTheFile) {
  const Result<nlohmann::json> parsed = parse_json(R"({"a":1,"a":2})", "in", {}, 8);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.message(), "in: byte 15: the name \"a\" stands twice in one object");
}

TEST(JsonFile, LongInputGivesShortMessages) {
  EXPECT_LT(message_for("\"" + std::string(100000, 'x')).size(), 300u);
  const std::string name = "\"" + std::string(100000, 'x') + "\":1";
  EXPECT_LT(message_for("{" + name + "," + name + "}").size(), 300u);
}

TEST(JsonFile, ReadsFiles) {
  const std::string path = testing::TempDir() + std::to_string(getpid()) + "anneal_json_file_test.json";
  std::ofstream(path) << R"({"layers": 2})";
  const Result<nlohmann::json> parsed = read_json(path);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)["layers"], 2);
  std::ofstream(path) << "{";
  const Result<nlohmann::json> broken = read_json(path);
  ASSERT_FALSE(broken.ok());
  EXPECT_TRUE(broken.message().starts_with(path + ": byte 1: not valid JSON: ")) << broken.message();
  const Result<nlohmann::json> too_large = read_json(path, {.max_bytes = 0});
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.message(), path + ": the file is larger than the limit of 0 bytes");
  std::filesystem::remove(path);
  EXPECT_FALSE(read_json(path).ok());
}

}  // namespace
}  // namespace anneal::io
