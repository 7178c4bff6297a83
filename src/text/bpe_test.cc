// SPDX-License-Identifier: MIT
//
// Byte pair encoding with a small vocabulary: texts that another implementation encoded, texts that are no
// texts, and files that do not fit each other.
#include "anneal/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <thread>

#include "anneal/error.h"
#include "io/test_folder.h"
#include "text/test_vocabulary.h"

namespace anneal::text {
namespace {

using Ids = std::vector<int32_t>;

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message().substr(error.message().find(' ') + 1);  // behind its kind
  }
  return "no error";
}

TEST(Bpe, EncodesAsTheReferenceDid) {
  const SmallVocabulary small = small_vocabulary();
  ASSERT_GT(small.cases.size(), 150u);
  for (const EncodedText& wanted : small.cases) {
    EXPECT_EQ(small.bpe.encode(wanted.text), wanted.ids) << io::printable(wanted.text);
    EXPECT_EQ(small.bpe.decode(wanted.ids), wanted.text);
  }
}

// All of them in one text, which remembers words, and with words that are longer than those remembered.
TEST(Bpe, OneTextOfAllIsTheirConcatenation) {
  const SmallVocabulary small = small_vocabulary();
  std::string text;
  Ids ids;
  for (int round = 0; round < 3; ++round) {
    for (const EncodedText& one : small.cases) {
      const std::string part = "\xff" + one.text;  // a byte that joins nothing to what is in front of it
      text += part;
      const Ids own = small.bpe.encode(part);
      ids.insert(ids.end(), own.begin(), own.end());
    }
  }
  EXPECT_EQ(small.bpe.encode(text), ids);
}

TEST(Bpe, AnyBytesComeBack) {
  const Bpe bpe = small_vocabulary().bpe;
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random(seed);
    std::string text(random() % 100, ' ');
    for (char& c : text)
      c = static_cast<char>(random() % 3 == 0 ? random() : "the re\n\xc3\xa9\xe6"[random() % 10]);
    ASSERT_EQ(bpe.decode(bpe.encode(text)), text) << "seed " << seed;
    ASSERT_EQ(bpe.decode(bpe.encode(text, Bpe::Special::kRecognize)), text) << "seed " << seed;
  }
}

TEST(Bpe, SpecialTokensAreTextUnlessAskedFor) {
  const Bpe bpe = small_vocabulary().bpe;
  const auto end = static_cast<int32_t>(bpe.size() - 1);
  EXPECT_EQ(bpe.id_of("<|endoftext|>"), end);
  EXPECT_EQ(bpe.encode("<|endoftext|>", Bpe::Special::kRecognize), Ids{end});
  const Ids as_text = bpe.encode("<|endoftext|>");
  EXPECT_GT(as_text.size(), 3u);
  EXPECT_EQ(std::count(as_text.begin(), as_text.end(), end), 0);
  EXPECT_EQ(bpe.decode(as_text), "<|endoftext|>");
  EXPECT_EQ(bpe.decode(bpe.encode("a<|endoftext|><|endoftext|>b<|endoftext", Bpe::Special::kRecognize)),
            "a<|endoftext|><|endoftext|>b<|endoftext");
  const Ids mixed = bpe.encode("a<|endoftext|>b", Bpe::Special::kRecognize);
  EXPECT_EQ(mixed, (Ids{*bpe.id_of("a"), end, *bpe.id_of("b")}));
}

TEST(Bpe, TheLongestSpecialTokenWins) {
  std::string merges;
  std::string vocab = vocab_json_of(merges);
  vocab.insert(1, "\"<x>\":300,\"<x>y\":301,");
  const Bpe bpe = Bpe::parse(vocab, merges, {"<x>", "<x>y", "absent"});
  EXPECT_EQ(bpe.encode("<x><x>y", Bpe::Special::kRecognize), (Ids{300, 301}));
  EXPECT_NE(error_of([&] { bpe.bytes_of(299); }).find("no token 299"), std::string::npos);
}

TEST(Bpe, StreamsGiveWholeCharacters) {
  const Bpe bpe = small_vocabulary().bpe;
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text = round % 2 == 0 ? "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z" : "";
    for (size_t i = random() % 12; i > 0; --i)
      text += static_cast<char>(random() % 4 == 0 ? random() : 0x80 + random() % 0x80);
    StreamDecoder stream(bpe);
    std::string out;
    for (const char& c : text) out += stream.push(*bpe.id_of(std::string_view(&c, 1)));
    const std::string held = stream.finish();
    EXPECT_LE(held.size(), 3u);
    EXPECT_EQ(out + held, text);
    EXPECT_EQ(stream.finish(), "");
  }
}

TEST(Bpe, StreamsHoldBackNoMoreThanIsOpen) {
  const Bpe bpe = small_vocabulary().bpe;
  const auto pieces = [&](std::string_view text) {
    StreamDecoder stream(bpe);
    std::vector<size_t> sizes;
    for (const char& c : text) sizes.push_back(stream.push(*bpe.id_of(std::string_view(&c, 1))).size());
    return sizes;
  };
  using Sizes = std::vector<size_t>;
  EXPECT_EQ(pieces("a\xc3\xa9"), (Sizes{1, 0, 2}));
  EXPECT_EQ(pieces("\xf0\x9f\x98\x80"), (Sizes{0, 0, 0, 4}));
  EXPECT_EQ(pieces("\xf0\x9f"
                   "a"),
            (Sizes{0, 0, 3}));
  EXPECT_EQ(pieces("\x80\xff\xc0"), (Sizes{1, 1, 1}));         // nothing completes these
  EXPECT_EQ(pieces("\xed\xa0\xe0\x80"), (Sizes{0, 2, 0, 2}));  // a surrogate and an overlong form
  EXPECT_EQ(pieces("\xe2\xe2\x82\xac"), (Sizes{0, 1, 0, 3}));
}

TEST(Bpe, FilesThatDoNotFitEachOtherAreNamed) {
  const std::string vocab = vocab_json_of("a b\n");
  const auto message = [](const std::string& vocab_json, const std::string& merges) {
    return error_of([&] { Bpe::parse(vocab_json, merges); });
  };
  EXPECT_EQ(message(vocab, "a b\n"), "no error");
  EXPECT_EQ(message(vocab, "#version: 0.2\r\na b\r\n\n"), "no error");
  EXPECT_EQ(
      message(vocab, "a b\na c\n"),
      "Bpe::parse: merges:2: \"a c\": \"ac\" is not in vocabulary: the two files do not belong together");
  EXPECT_EQ(
      message(vocab, "#version: 0.2\na bc\n"),
      "Bpe::parse: merges:2: \"a bc\": \"bc\" is not in vocabulary: the two files do not belong together");
  EXPECT_EQ(message(vocab, "a b\na b\n"), "Bpe::parse: merges:2: \"a b\": the same merge stands further up");
  for (const char* line : {"ab", "a b c", "a  b"})
    EXPECT_NE(message(vocab, line).find("two tokens with a space between are needed"), std::string::npos)
        << line;
  EXPECT_NE(message(vocab, "a b\n\n\na b").find("merges:2: \"\""), std::string::npos);
  EXPECT_NE(message(vocab, " b").find("\"\" is not in vocabulary"), std::string::npos);
}

TEST(Bpe, VocabulariesThatAreNone) {
  const auto message = [](const std::string& vocab_json) {
    return error_of([&] { Bpe::parse(vocab_json, ""); });
  };
  const std::string good = vocab_json_of("");
  const auto with = [&](const std::string& entry) { return message("{" + entry + "," + good.substr(1)); };
  EXPECT_NE(message("[]").find("must be an object of numbers"), std::string::npos);
  EXPECT_NE(message("{").find("vocabulary"), std::string::npos);
  EXPECT_NE(message("{\"a\":0}").find("there is no token for byte 0"), std::string::npos);
  EXPECT_NE(with("\"xy\":-1").find("whole number"), std::string::npos);
  EXPECT_NE(with("\"xy\":1.5").find("whole number"), std::string::npos);
  EXPECT_NE(with("\"xy\":99999999999").find("above the limit"), std::string::npos);
  EXPECT_NE(with("\"xy\":5").find("has id 5 too"), std::string::npos);
  EXPECT_NE(with("\"x y\":500").find("stands for no byte"), std::string::npos);
  EXPECT_NE(with("\"\\u65e5\":500").find("stands for no byte"), std::string::npos);
  EXPECT_NE(with("\"\":500").find("empty"), std::string::npos);
  EXPECT_EQ(with("\"xy\":500"), "no error");
}

TEST(Bpe, FilesAreLoaded) {
  const io::TestFolder folder;
  const SmallVocabulary small = small_vocabulary();
  folder.write("vocab.json", small.vocab_json);
  folder.write("merges.txt", small.merges);
  const Bpe bpe = Bpe::load(folder.path("vocab.json"), folder.path("merges.txt"));
  EXPECT_EQ(bpe.encode("there"), small.bpe.encode("there"));
  const std::string missing = error_of([&] { Bpe::load(folder.path("vocab.json"), folder.path("no.txt")); });
  EXPECT_EQ(missing, "Bpe::load: " + folder.path("no.txt") + ": cannot open: No such file or directory");
}

TEST(Bpe, IdsOutOfRangeAreRefused) {
  const Bpe bpe = small_vocabulary().bpe;
  for (const int32_t id : {-1, static_cast<int32_t>(bpe.size()), INT32_MAX})
    EXPECT_NE(error_of([&] { bpe.decode(std::vector<int32_t>{id}); }).find("there is no token"),
              std::string::npos);
}

TEST(Bpe, ThreadsShareOne) {
  const SmallVocabulary small = small_vocabulary();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&small] {
      for (const EncodedText& wanted : small.cases) EXPECT_EQ(small.bpe.encode(wanted.text), wanted.ids);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(Bpe, LongWordsTakeNoLongerThanTheirLength) {
  const Bpe bpe = small_vocabulary().bpe;
  std::string text;
  while (text.size() < 2'000'000) text += "there";
  const Ids ids = bpe.encode(text);  // one word; merging it pair by pair would take hours
  EXPECT_EQ(bpe.decode(ids), text);
  EXPECT_LT(ids.size(), text.size() / 2);
}

TEST(Bpe, OfBytesIsTheBytes) {
  const Bpe bytes = Bpe::of_bytes();
  EXPECT_EQ(bytes.size(), 257);
  EXPECT_EQ(bytes.id_of("<|endoftext|>"), 256);
  std::string all;
  std::vector<int32_t> ids;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
    ids.push_back(byte);
  }
  EXPECT_EQ(bytes.encode(all), ids);
  EXPECT_EQ(bytes.decode(ids), all);
}

}  // namespace
}  // namespace anneal::text
