// SPDX-License-Identifier: MIT
#include "bundles/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anneal::bundles {
namespace {

using testing::HasSubstr;

const std::string kSum(64, 'a');

Manifest sample_manifest() {
  Manifest m{
      .kind = Kind::kGenerate, .state = State::kFailed, .message = "no \"room\"\n", .model = "nanogpt"};
  m.version = "0.1.0", m.git_rev = "abc-dirty", m.compiler = "GNU 12", m.device = "cpu",
  m.adapter = "8 threads";
  m.kernels = 7, m.kernels_hash = kSum, m.sym_binds = {{"batch", {1, 1024}}};
  m.created_at = "2026-01-31T23:59:59Z", m.duration_ms = 12, m.steps = 3, m.last_loss = 0.1;
  m.checkpoint = "checkpoint.safetensors";
  return m;
}

Config sample_config() {
  Config c{.verb = "train", .model = "mlp", .device = "cpu"};
  c.settings = {
      {"steps", int64_t{300}}, {"lr", 0.1}, {"nan_trap", true}, {"data", std::string("/a b/\u00e4")}};
  c.data = {{"/a b/\u00e4", kSum}, {"", kSum}};
  c.prompt = {0, 5, 2147483647};
  c.start = "start.safetensors", c.resumed_from = "x.ckpt", c.flags = {{"ANNEAL_THREADS", "2"}};
  return c;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(BundleManifest, ComesBackFromItsText) {
  Manifest m = sample_manifest();
  EXPECT_EQ(*parse_manifest(manifest_text(m), "m"), m);
  m.last_loss.reset(), m.message.clear(), m.checkpoint.clear(), m.sym_binds.clear();
  EXPECT_EQ(*parse_manifest(manifest_text(m), "m"), m);
}

TEST(BundleConfig, ComesBackFromItsText) {
  const Config c = sample_config();
  EXPECT_EQ(*parse_config(config_text(c), "c"), c);
  EXPECT_EQ(c.get<int64_t>("steps", 1), 300);
  EXPECT_EQ(c.get<int64_t>("lr", 1), 1) << "another type";
  EXPECT_EQ(c.get<double>("none", 2.5), 2.5);
}

TEST(BundleManifest, WhatDoesNotFitIsNamed) {
  const std::string good = manifest_text(sample_manifest());
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"\"bundle_version\": 1", "\"bundle_version\": 2", "version 2; this program reads version 1"},
      {"\"bundle_version\": 1", "\"bundle_version\": \"1\"", "this program reads version 1"},
      {"\"bundle_version\": 1,", "", "\"bundle_version\" is missing"},
      {"\"steps\": 3", "\"steps\": \"3\"", "\"steps\" must be an integer"},
      {"\"steps\": 3", "\"steps\": -3", "\"steps\" must be an integer from 0 up"},
      {"\"steps\": 3", "\"steps\": 18446744073709551615", "\"steps\" must be"},
      {"\"steps\": 3,", "", "\"steps\" is missing"},
      {"\"model\": \"nanogpt\"", "\"model\": \"../x\"", "no name"},
      {"checkpoint.safetensors", "../../secret", "no name of a file in the bundle"},
      {"checkpoint.safetensors", "/etc/passwd", "no name of a file in the bundle"},
      {"checkpoint.safetensors", ".hidden", "no name of a file in the bundle"},
      {"\"generate\"", "\"dance\"", "not one of train, generate, saved"},
      {"\"failed\"", "\"odd\"", "not one of running, completed, stopped, failed"},
      {"\"min\": 1", "\"min\": []", "\"min\" must be"},
      {"\"last_loss\": 0.1", "\"last_loss\": \"x\"", "a number or null"},
      {kSum.c_str(), "aa", "a SHA-256"},
      {"nanogpt", "nano\xff", "not valid JSON"},
  };
  for (const auto& [from, to, message] : cases) {
    const auto parsed = parse_manifest(replaced(good, from, to), "the/manifest.json");
    ASSERT_FALSE(parsed.ok()) << to;
    EXPECT_THAT(parsed.message(), HasSubstr("the/manifest.json: "));
    EXPECT_THAT(parsed.message(), HasSubstr(message));
  }
  for (size_t length = 0; length + 2 < good.size(); ++length)
    EXPECT_FALSE(parse_manifest(std::string_view(good).substr(0, length), "m").ok()) << length;
  for (const char* other : {"[]", "3", "null", "\"x\""})
    EXPECT_FALSE(parse_manifest(other, "m").ok()) << other;
}

TEST(BundleConfig, WhatDoesNotFitIsNamed) {
  const std::string good = config_text(sample_config());
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"\"steps\": 300", "\"steps\": [300]", "\"steps\" must be a number, a text, true or false"},
      {"\"start.safetensors\"", "\"a/b\"", "no name of a file in the bundle"},
      {"\"/a b/\u00e4\",\n   \"sha256\"", "\"relative\",\n   \"sha256\"", "an absolute path"},
      {"2147483647", "2147483648", "numbers of tokens"},
      {"\"ANNEAL_THREADS\": \"2\"", "\"ANNEAL_THREADS\": 2", "must be a text"},
      {"\"bundle_version\": 1", "\"bundle_version\": 7", "version 7"},
      {"\"data\": [", "\"data\": [3,", "data: an object is needed"},
  };
  for (const auto& [from, to, message] : cases) {
    const auto parsed = parse_config(replaced(good, from, to), "c");
    ASSERT_FALSE(parsed.ok()) << to;
    EXPECT_THAT(parsed.message(), HasSubstr(message));
  }
}

TEST(BundleManifest, PlainNamesStayInTheirFolder) {
  for (const char* good : {"a", "checkpoint.safetensors", "K0001.ir", "a..b", "A-_9"})
    EXPECT_TRUE(is_plain_name(good)) << good;
  for (const char* bad : {"", ".", "..", ".a", "a/b", "/a", "a\\b", "a b", "\u00e4", "a\n"})
    EXPECT_FALSE(is_plain_name(bad)) << bad;
  EXPECT_FALSE(is_plain_name(std::string(500, 'a')));
}

}  // namespace
}  // namespace anneal::bundles
