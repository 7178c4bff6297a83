// SPDX-License-Identifier: MIT
//
// GPT-2's own vocabulary on 10000 strings of all kinds, against another implementation: the npm package
// js-tiktoken, which `./dev test` installs where there is a network. Its golden subset is in bpe_test.cc.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "anneal/tokenizer.h"
#include "io/test_folder.h"
#include "support/flags.h"
#include "tests/support/test_golden.h"
#include "text/test_vocabulary.h"

namespace anneal::text {
namespace {

constexpr int kStrings = 10000;

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

TEST(BpeReference, TenThousandStringsAreEncodedAlike) {
  const std::string root = test::golden_path("../..");
  if (!std::filesystem::exists(root + "/build/npm/node_modules/js-tiktoken"))
    GTEST_SKIP() << "js-tiktoken is not installed in build/npm";
  if (io::run_command("node --version").status != 0) GTEST_SKIP() << "there is no node";
  const io::TestFolder folder;
  const std::string script = "node '" + root + "/tests/bpe_reference.mjs' ";
  const std::string seed = support::flag_text(support::Flag::kFuzzSeed);
  const io::CommandOutput made =
      io::run_command(script + "gpt2 '" + folder.path() + "' " + std::to_string(kStrings) + " " + seed);
  ASSERT_EQ(made.status, 0) << made.text;

  const Bpe bpe = Bpe::load(folder.path("vocab.json"), folder.path("merges.txt"));
  EXPECT_EQ(bpe.size(), 50257);
  EXPECT_EQ(bpe.id_of("<|endoftext|>"), 50256);
  std::istringstream cases(folder.read("cases.txt"));
  int count = 0, wrong = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const EncodedText wanted = encoded_text(line);
    if (bpe.encode(wanted.text) == wanted.ids && bpe.decode(wanted.ids) == wanted.text) continue;
    if (++wrong <= 5) ADD_FAILURE() << "seed " << seed << ": " << io::printable(wanted.text, 1000);
  }
  EXPECT_EQ(count, kStrings);
  EXPECT_EQ(wrong, 0);

  // Random ids, most of whose bytes are not UTF-8.
  std::istringstream ids(folder.read("ids.txt"));
  std::string decoded;
  for (std::string line; std::getline(ids, line);) {
    const EncodedText list = encoded_text("00 " + line);
    decoded += hex_of(bpe.decode(list.ids)) + "\n";
  }
  folder.write("decoded.txt", decoded);
  const io::CommandOutput compared = io::run_command(script + "decoded '" + folder.path() + "'");
  EXPECT_EQ(compared.status, 0) << compared.text;
  EXPECT_EQ(compared.text, std::to_string(kStrings / 10) + " decoded\n");
}

}  // namespace
}  // namespace anneal::text
