// SPDX-License-Identifier: MIT
//
// .npz archives: bytes that numpy wrote, what is written here, and archives made to do harm.
#include "io/npz.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "io/deflate.h"
#include "io/test_bytes.h"
#include "io/test_folder.h"

namespace anneal::io {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// numpy.savez_compressed(f, a=arange(3, dtype='<i2'), **{'x/y': array(True)}): a zip64 field in front of the
// data.
const std::string kNumpys = from_hex(
    "504b0304140000000800000021006acff2514a0000008600000005001400612e6e70790100100086000000000000004a00000000"
    "000000"
    "9bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a4aea3a09e965f54529498179f5f94920a12774bcc294e058a176724"
    "16a402"
    "f91ac63a9a3a0ab50a14002e06064606260600504b030414000000080000002100822df8d3430000008100000007001400782f79"
    "2e6e70"
    "7901001000810000000000000043000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e9364a8aea3a09e965f"
    "545294"
    "98179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a14012e4600504b01021403140000000800000021006acff2"
    "514a00"
    "000086000000050000000000000000000000800100000000612e6e7079504b0102140314000000080000002100822df8d3430000"
    "008100"
    "0000070000000000000000000000800181000000782f792e6e7079504b0506000000000200020068000000fd0000000000");

std::string npz_message(const std::string& file, const ZipLimits& limits = {}) {
  const Result<NamedArrays> read = parse_npz(std::as_bytes(std::span(file)), "f", nullptr, limits);
  return read.ok() ? "accepted" : read.message();
}

const std::vector<int16_t> kShorts = {1, 2, 3, 4, 5, 6};

TensorView shorts(std::string name) {
  return {std::move(name), i16, {2, 3}, std::as_bytes(std::span(kShorts))};
}

std::string written_file(std::span<const TensorView> tensors, bool compress) {
  const TestFolder folder;
  const Result<void> written = write_npz(folder.path("a.npz"), tensors, compress);
  EXPECT_TRUE(written.ok()) << written.message();
  return folder.read("a.npz");
}

TEST(Npz, ReadsWhatNumpyWrites) {
  const Result<NamedArrays> read = parse_npz(std::as_bytes(std::span(kNumpys)), "f");
  ASSERT_TRUE(read.ok()) << read.message();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].first, "a");
  EXPECT_EQ((*read)[0].second.shape, std::vector<int64_t>{3});
  EXPECT_EQ(as_text((*read)[0].second.data), std::string("\0\0\1\0\2\0", 6));
  EXPECT_EQ((*read)[1].first, "x/y");  // a name, not a path
  EXPECT_EQ((*read)[1].second.dtype, boolean);
}

TEST(Npz, WritesAndReadsBack) {
  for (const bool compress : {false, true}) {
    const TestFolder folder;
    const TensorView tensors[] = {shorts("b"), shorts("../../a"), shorts("\u00e9"), {"none", f64, {0}, {}}};
    ASSERT_TRUE(write_npz(folder.path("a.npz"), tensors, compress).ok());
    const Result<NamedArrays> read = read_npz(folder.path("a.npz"));
    ASSERT_TRUE(read.ok()) << read.message();
    ASSERT_EQ(read->size(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ((*read)[i].first, tensors[i].name);
      EXPECT_EQ((*read)[i].second.dtype, tensors[i].dtype);
      EXPECT_EQ((*read)[i].second.shape, tensors[i].shape);
      EXPECT_EQ(as_text((*read)[i].second.data), as_text(tensors[i].data));
    }
    EXPECT_EQ(folder.files(), 1u);
  }
}

TEST(Npz, EqualContentGivesEqualBytes) {
  const TensorView tensors[] = {shorts("a"), shorts("b")};
  EXPECT_EQ(written_file(tensors, true), written_file(tensors, true));
}

TEST(Npz, NamesAreChecked) {
  const TestFolder folder;
  const auto message = [&](std::span<const TensorView> tensors) {
    const Result<void> written = write_npz(folder.path("a.npz"), tensors);
    return written.ok() ? "accepted" : written.message();
  };
  const TensorView twice[] = {shorts("a"), shorts("a")};
  EXPECT_NE(message(twice).find("there are two of this name"), std::string::npos);
  EXPECT_NE(message(std::vector{shorts("")}).find("cannot be that of a member"), std::string::npos);
  EXPECT_NE(message(std::vector{shorts("\xff")}).find("cannot be that of a member"), std::string::npos);
  EXPECT_NE(message(std::vector{TensorView{"x", bf16, {0}, {}}}).find("numpy has no element type bf16"),
            std::string::npos);
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Npz, EveryPrefixAndEveryFlippedByteIsRefusedOrHarmless) {
  for (const bool compress : {false, true}) {
    const std::string file = written_file(std::vector{shorts("a"), shorts("b")}, compress);
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_NE(npz_message(file.substr(0, size)), "accepted");
    for (size_t i = 0; i < file.size(); ++i) {
      std::string wrong = file;
      wrong[i] = static_cast<char>(wrong[i] ^ 0x55);
      const Result<NamedArrays> read = parse_npz(std::as_bytes(std::span(wrong)), "f");
      if (!read.ok()) continue;  // else the byte was one of a date or another field without a meaning here
      for (const auto& [name, array] : *read) EXPECT_EQ(as_text(array.data), as_text(shorts("").data)) << i;
    }
  }
}

// The file with a 4-byte number of the table changed, in the entry of the first member.
std::string with_table_number(std::string file, size_t at, uint32_t value) {
  const size_t table = file.find(std::string("PK\1\2"));
  for (size_t i = 0; i < 4; ++i) file[table + at + i] = static_cast<char>(value >> (8 * i) & 0xff);
  return file;
}

TEST(Npz, DeclaredSizesAreBounded) {
  const std::string packed = written_file(std::vector{shorts("a")}, true);
  EXPECT_NE(npz_message(with_table_number(packed, 24, 0x7fffffff)).find("cannot hold the 2147483647"),
            std::string::npos);
  EXPECT_NE(npz_message(with_table_number(packed, 24, 141)).find("not the 141 declared"), std::string::npos);
  EXPECT_NE(npz_message(with_table_number(packed, 24, 139)).find("more than the 139 bytes declared"),
            std::string::npos);
  EXPECT_NE(npz_message(packed, {.max_unfolded = 139}).find("unfolds to more than 139 bytes"),
            std::string::npos);
  EXPECT_EQ(npz_message(packed, {.max_unfolded = 140}), "accepted");
  const std::string stored = written_file(std::vector{shorts("a")}, false);
  EXPECT_NE(npz_message(with_table_number(stored, 24, 141)).find("bytes are stored for a content of"),
            std::string::npos);
}

TEST(Npz, ABombIsRefusedBeforeItIsUnfolded) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  EXPECT_EQ(unfolded_limit(1000), 256 * kMiB);
  EXPECT_EQ(unfolded_limit(10 * kMiB), 1000 * kMiB);
  EXPECT_EQ(unfolded_limit(~uint64_t{0}), ~uint64_t{0});
  const std::vector<std::byte> zeros(4 * kMiB);
  const std::vector<int64_t> shape = {static_cast<int64_t>(zeros.size())};
  const TensorView tensors[] = {{"a", u8, shape, zeros}, {"b", u8, shape, zeros}};
  const std::string file = written_file(tensors, true);
  EXPECT_LT(file.size() * 500, 2 * zeros.size());
  EXPECT_EQ(npz_message(file), "accepted");  // below what is always allowed
  EXPECT_NE(npz_message(file, {.max_unfolded = 8 * kMiB}).find("unfolds to more than 8388608 bytes"),
            std::string::npos);
}

TEST(Npz, MembersInTheSamePlaceAreRefused) {
  const std::string file = written_file(std::vector{shorts("a")}, false);
  const size_t table = file.find(std::string("PK\1\2")), end = file.find(std::string("PK\5\6"));
  const std::string entry = file.substr(table, end - table);
  std::string last = file.substr(end);
  last[8] = last[10] = 2;
  last[12] = static_cast<char>(2 * entry.size());
  EXPECT_NE(
      npz_message(file.substr(0, table) + entry + entry + last).find("two members lie in the same place"),
      std::string::npos);
}

TEST(Npz, OtherMethodsAndEncryptionAreNamed) {
  const std::string file = written_file(std::vector{shorts("a")}, false);
  EXPECT_NE(npz_message(with_table_number(file, 8, 1)).find("is encrypted"), std::string::npos);
  EXPECT_NE(npz_message(with_table_number(file, 8, 14u << 16)).find("compressed by lzma (method 14)"),
            std::string::npos);
}

TEST(Npz, MembersThatAreNoArraysAreNamed) {
  const TestFolder folder;
  ZipWriter zip(false);
  zip.add("folder/", "", {});
  zip.add("note.txt", "hello", {});
  std::string file;
  for (const std::span<const std::byte> part : zip.parts()) file += as_text(part);
  EXPECT_EQ(npz_message(file), "f: member \"note.txt\": not a .npy file: it begins otherwise");
}

// Archives as those of more than 4 GiB are, but small: every number stands in 64 bits.
std::string large_archive(bool compress) {
  ZipWriter zip(compress, 0);
  for (const char* name : {"a.npy", "b.npy"}) zip.add(name, *npy_header(shorts("")), shorts("").data);
  std::string file;
  for (const std::span<const std::byte> part : zip.parts()) file += as_text(part);
  return file;
}

TEST(Npz, LargeArchivesHaveNumbersOf64Bits) {
  for (const bool compress : {false, true}) {
    const std::string file = large_archive(compress);
    const Result<NamedArrays> read = parse_npz(std::as_bytes(std::span(file)), "f");
    ASSERT_TRUE(read.ok()) << read.message();
    ASSERT_EQ(read->size(), 2u);
    EXPECT_EQ(as_text((*read)[1].second.data), as_text(shorts("").data));
    for (size_t size = 0; size < file.size(); ++size)
      EXPECT_NE(npz_message(file.substr(0, size)), "accepted") << size;
    for (size_t i = 0; i < file.size(); ++i) {
      std::string wrong = file;
      wrong[i] = static_cast<char>(wrong[i] ^ 0x55);
      const Result<NamedArrays> found = parse_npz(std::as_bytes(std::span(wrong)), "f");
      if (!found.ok()) continue;
      for (const auto& [name, array] : *found) EXPECT_EQ(as_text(array.data), as_text(shorts("").data)) << i;
    }
  }
}

TEST(Npz, NumpyReadsLargeArchives) {
  const std::string python = python_with_numpy();
  if (python.empty()) GTEST_SKIP() << "there is no python3 with numpy";
  const TestFolder folder;
  for (const bool compress : {false, true}) {
    folder.write("a.npz", large_archive(compress));
    folder.write("t.py",
                 "import numpy as np, zipfile\n"
                 "assert zipfile.ZipFile('a.npz').testzip() is None\n"
                 "z = np.load('a.npz', allow_pickle=False)\n"
                 "assert sorted(z) == ['a', 'b'] and z['b'].tolist() == [[1, 2, 3], [4, 5, 6]]\n"
                 "zipfile.ZIP64_LIMIT = 10\n"
                 "np.savez('b.npz', c=z['a'])\n");
    const CommandOutput run = run_command("cd '" + folder.path() + "' && " + python + " t.py");
    ASSERT_EQ(run.status, 0) << run.text;
    const Result<NamedArrays> back = read_npz(folder.path("b.npz"));
    ASSERT_TRUE(back.ok()) << back.message();
    EXPECT_EQ(as_text((*back)[0].second.data), as_text(shorts("").data));
  }
}

TEST(Npz, NumpyReadsWhatIsWrittenAndIsRead) {
  const std::string python = python_with_numpy();
  if (python.empty()) GTEST_SKIP() << "there is no python3 with numpy";
  for (const bool compress : {false, true}) {
    const TestFolder folder;
    const TensorView tensors[] = {shorts("a"), shorts("x/\u00e9")};
    ASSERT_TRUE(write_npz(folder.path("a.npz"), tensors, compress).ok());
    folder.write("t.py",
                 "import numpy as np, zipfile\n"
                 "assert zipfile.ZipFile('a.npz').testzip() is None\n"
                 "z = np.load('a.npz', allow_pickle=False)\n"
                 "assert sorted(z) == ['a', 'x/\\u00e9'], sorted(z)\n"
                 "assert z['a'].dtype == '<i2' and z['a'].tolist() == [[1, 2, 3], [4, 5, 6]]\n"
                 "np.savez('b.npz', z=z['a'].T, big=z['a'].astype('>u4'))\n");
    const CommandOutput run = run_command("cd '" + folder.path() + "' && " + python + " t.py");
    ASSERT_EQ(run.status, 0) << run.text;
    const Result<NamedArrays> back = read_npz(folder.path("b.npz"));
    ASSERT_TRUE(back.ok()) << back.message();
    ASSERT_EQ(back->size(), 2u);
    EXPECT_EQ((*back)[0].second.shape, (std::vector<int64_t>{3, 2}));
    EXPECT_EQ(as_text((*back)[0].second.data), std::string("\1\0\4\0\2\0\5\0\3\0\6\0", 12));
    EXPECT_EQ((*back)[1].second.dtype, u32);
  }
}

}  // namespace
}  // namespace anneal::io
