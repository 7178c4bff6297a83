// SPDX-License-Identifier: MIT
//
// Reading, mapping and replacing files, and what is said when the system refuses.
#include "io/file_bytes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#endif

#include "io/test_bytes.h"

namespace anneal::io {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// An empty folder of its own for each test.
class FileBytesTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fs::path(testing::TempDir()) / ("anneal_file_bytes_" + std::to_string(getpid()) + test);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t files_in_folder() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(FileBytesTest, MapAndReadGiveTheSameBytes) {
  std::string content(300000, 'x');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 >> 4);
  std::ofstream(path("data"), std::ios::binary) << content;
  const auto mapped = FileBytes::map(path("data"));
  const auto read = FileBytes::read(path("data"), content.size());
  ASSERT_TRUE(mapped.ok() && read.ok());
  EXPECT_EQ(as_text((*mapped)->bytes()), content);
  EXPECT_EQ(as_text((*read)->bytes()), content);
}

TEST_F(FileBytesTest, EmptyFile) {
  std::ofstream(path("empty"), std::ios::binary).flush();
  const auto mapped = FileBytes::map(path("empty"));
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE((*mapped)->bytes().empty());
}

TEST_F(FileBytesTest, MissingFileAndFolderAreNamed) {
  const auto missing = FileBytes::map(path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.message(), path("missing") + ": cannot open: No such file or directory");
  const auto folder = FileBytes::map(folder_.string());
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.message(), folder_.string() + ": cannot read: Is a directory");
}

TEST_F(FileBytesTest, ReadStopsAtTheLimit) {
  std::ofstream(path("data"), std::ios::binary) << "0123456789";
  EXPECT_TRUE(FileBytes::read(path("data"), 10).ok());
  const auto too_large = FileBytes::read(path("data"), 9);
  ASSERT_FALSE(too_large.ok());
  EXPECT_EQ(too_large.message(), path("data") + ": the file is larger than the limit of 9 bytes");
}

TEST_F(FileBytesTest, ReplaceJoinsTheParts) {
  const std::vector<std::span<const std::byte>> parts = {as_bytes("one "), {}, as_bytes("two")};
  ASSERT_TRUE(replace_file(path("out"), parts).ok());
  EXPECT_EQ(as_text((*FileBytes::map(path("out")))->bytes()), "one two");
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(FileBytesTest, ReplaceLeavesTheOldContentToThoseWhoMappedIt) {
  const std::vector<std::span<const std::byte>> first = {as_bytes("first")};
  const std::vector<std::span<const std::byte>> second = {as_bytes("second")};
  ASSERT_TRUE(replace_file(path("out"), first).ok());
  const auto mapped = FileBytes::map(path("out"));
  ASSERT_TRUE(mapped.ok());
  ASSERT_TRUE(replace_file(path("out"), second).ok());
  EXPECT_EQ(as_text((*mapped)->bytes()), "first");
  EXPECT_EQ(as_text((*FileBytes::map(path("out")))->bytes()), "second");
}

TEST_F(FileBytesTest, FailedReplaceLeavesNothingBehind) {
  const std::vector<std::span<const std::byte>> parts = {as_bytes("text")};
  const Result<void> no_folder = replace_file(path("missing/out"), parts);
  ASSERT_FALSE(no_folder.ok());
  EXPECT_EQ(no_folder.message(),
            path("missing/out.anneal-tmp0") + ": cannot create: No such file or directory");
  fs::create_directory(folder_ / "taken");
  const Result<void> is_folder = replace_file(path("taken"), parts);
  ASSERT_FALSE(is_folder.ok());
  EXPECT_EQ(is_folder.message(), path("taken") + ": cannot replace: Is a directory");
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(FileBytesTest, WhetherAFileCouldBeReplacedIsKnownBefore) {
  std::ofstream(path("there"), std::ios::binary) << "old";
  fs::create_directory(folder_ / "taken");
  EXPECT_TRUE(check_replaceable(path("there")).ok());
  EXPECT_TRUE(check_replaceable(path("absent")).ok());
  EXPECT_TRUE(check_replaceable("/dev/null").ok());
  EXPECT_EQ(check_replaceable(path("missing/out")).message(),
            path("missing/out.anneal-tmp0") + ": cannot create: No such file or directory");
  EXPECT_EQ(check_replaceable(path("taken")).message(), path("taken") + ": cannot write: Is a directory");
  EXPECT_EQ(check_replaceable(path("absent/")).message(), path("absent/") + ": cannot write: Is a directory");
  EXPECT_FALSE(check_replaceable("").ok());
  EXPECT_EQ(as_text((*FileBytes::map(path("there")))->bytes()), "old");
  EXPECT_EQ(files_in_folder(), 2u);
}

TEST_F(FileBytesTest, ANewFileIsNobodyElses) {
  const Result<bool> first = create_new_file(path("new")), second = create_new_file(path("new"));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(*first);
  EXPECT_FALSE(*second);
  EXPECT_FALSE(create_new_file(path("missing/new")).ok());
}

#if defined(__linux__)

TEST_F(FileBytesTest, TheFileOfALivingWriterStaysThatOfADeadOneGoes) {
  const std::vector<std::span<const std::byte>> parts = {as_bytes("mine")};
  for (const char* name : {"out.anneal-tmp0", "out.anneal-tmp1", "out.anneal-tmp7", "out.anneal"})
    std::ofstream(path(name), std::ios::binary) << "busy";
  const int living = ::open(path("out.anneal-tmp0").c_str(), O_RDONLY);
  ASSERT_EQ(::flock(living, LOCK_EX), 0);
  ASSERT_TRUE(replace_file(path("out"), parts).ok());
  EXPECT_EQ(as_text((*FileBytes::map(path("out")))->bytes()), "mine");
  EXPECT_EQ(as_text((*FileBytes::map(path("out.anneal-tmp0")))->bytes()), "busy");
  EXPECT_TRUE(fs::exists(path("out.anneal")));
  EXPECT_EQ(files_in_folder(), 3u);
  ::close(living);
  ASSERT_TRUE(replace_file(path("out"), parts).ok());
  EXPECT_EQ(files_in_folder(), 2u);
}

TEST_F(FileBytesTest, WhatIsNoRegularFileIsWrittenTo) {
  const std::vector<std::span<const std::byte>> parts = {as_bytes("text")};
  fs::create_symlink("/dev/null", path("out"));
  ASSERT_TRUE(replace_file(path("out"), parts).ok());
  EXPECT_TRUE(fs::is_symlink(path("out")));
  fs::create_symlink("/dev/full", path("full"));
  EXPECT_EQ(replace_file(path("full"), parts).message(),
            path("full") + ": cannot write: No space left on device");
}

TEST_F(FileBytesTest, AnEndlessDeviceStopsAtTheLimit) {
  const auto endless = FileBytes::read("/dev/zero", 1000);
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.message(), "/dev/zero: the file is larger than the limit of 1000 bytes");
}

TEST_F(FileBytesTest, RunningOutOfSpaceIsReportedAndTheOldFileStays) {
  const std::vector<std::span<const std::byte>> first = {as_bytes("first")};
  ASSERT_TRUE(replace_file(path("out"), first).ok());
  const std::string large(1 << 16, 'x');
  const std::vector<std::span<const std::byte>> parts = {as_bytes(large)};

  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight = {1000, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const Result<void> written = replace_file(path("out"), parts);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.message(), path("out.anneal-tmp0") + ": cannot write: File too large");
  EXPECT_EQ(as_text((*FileBytes::map(path("out")))->bytes()), "first");
  EXPECT_EQ(files_in_folder(), 1u);
}

#endif

}  // namespace
}  // namespace anneal::io
