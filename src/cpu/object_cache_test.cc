// SPDX-License-Identifier: MIT
#include "cpu/object_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "anneal_cache_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::error_code error;
    fs::permissions(folder_, fs::perms::owner_all, error);
    fs::remove_all(folder_, error);
  }
  static std::vector<std::byte> object(size_t size, int seed = 1) {
    std::vector<std::byte> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + static_cast<size_t>(seed));
    return bytes;
  }
  fs::path only_file() const { return fs::directory_iterator(folder_)->path(); }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
  static constexpr support::Key kKey{1, 2};
  static constexpr uint64_t kLimit = 1 << 20;
};

TEST_F(CacheTest, GivesBackWhatWasStored) {
  ObjectCache cache(folder_ / "made" / "on_demand", kLimit);
  EXPECT_FALSE(cache.find(kKey));
  cache.store(kKey, object(1000));
  EXPECT_EQ(cache.find(kKey), object(1000));
  EXPECT_EQ(ObjectCache(cache.folder(), kLimit).find(kKey), object(1000)) << "another process";
  EXPECT_FALSE(cache.find({2, 1}));
  const ObjectCache::Statistics s = cache.statistics();
  EXPECT_EQ(s.hits, 1u);
  EXPECT_EQ(s.misses, 2u);
  EXPECT_EQ(s.stored, 1u);
  EXPECT_EQ(s.bytes_written, 1000u);
}

TEST_F(CacheTest, DamagedFilesAreRejectedAndRemoved) {
  using Damage = void (*)(const fs::path&);
  const Damage damages[] = {
      [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) - 1); },
      [](const fs::path& p) { fs::resize_file(p, 10); },
      [](const fs::path& p) { fs::resize_file(p, 0); },
      [](const fs::path& p) { std::ofstream(p, std::ios::app) << "more"; },
      [](const fs::path& p) { std::fstream(p).seekp(200).put('?'); },  // in the object
      [](const fs::path& p) { std::fstream(p).seekp(3).put('?'); },    // in the magic
      [](const fs::path& p) { std::fstream(p).seekp(8).put('?'); },    // in the key
      [](const fs::path& p) { std::fstream(p).seekp(24).put('?'); },   // in the size
      [](const fs::path& p) {
        std::ofstream(p) << "a file of something else, long enough to have a header as well";
      },
  };
  for (const Damage damage : damages) {
    ObjectCache cache(folder_, kLimit);
    cache.store(kKey, object(1000));
    damage(only_file());
    EXPECT_FALSE(cache.find(kKey));
    EXPECT_EQ(cache.statistics().rejected, 1u);
    EXPECT_NE(cache.statistics().last_problem, "");
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(CacheTest, OldFilesGoFirst) {
  ObjectCache cache(folder_, 10'000);
  for (uint64_t i = 0; i < 9; ++i) {
    cache.store({i, i}, object(1000));
    const fs::path file = folder_ / (support::key_text({i, i}) + ".o");
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(100 - i));
  }
  EXPECT_TRUE(cache.find({0, 0})) << "used: now the youngest";
  for (uint64_t i = 9; i < 12; ++i) cache.store({i, i}, object(1000));
  EXPECT_TRUE(cache.find({0, 0}));
  EXPECT_TRUE(cache.find({11, 11}));
  EXPECT_FALSE(cache.find({1, 1}));
  EXPECT_GT(cache.statistics().evicted, 0u);
  uint64_t total = 0;
  for (const auto& e : fs::directory_iterator(folder_)) total += e.file_size();
  EXPECT_LE(total, 10'000u + 2'000u);
  cache.store({50, 50}, object(20'000));
  EXPECT_FALSE(cache.find({50, 50})) << "larger than the whole cache";
}

TEST_F(CacheTest, AFolderThatCannotBeWrittenIsNoError) {
  for (const fs::path& folder :
       {fs::path("/proc/anneal"), fs::path("/dev/null/anneal"), fs::path("/dev/full")}) {
    ObjectCache cache(folder, kLimit);
    cache.store(kKey, object(10));
    EXPECT_FALSE(cache.find(kKey));
    EXPECT_NE(cache.statistics().last_problem, "") << folder;
  }
  ObjectCache none({}, kLimit);
  none.store(kKey, object(10));
  EXPECT_FALSE(none.find(kKey));
}

TEST_F(CacheTest, EightProcessesAtOnce) {
  constexpr int kProcesses = 8, kKeys = 20;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ObjectCache cache(folder_, 20'000);  // small: they also evict each other's
      bool ok = true;
      for (int i = 0; i < 300; ++i) {
        const auto k = static_cast<uint64_t>((i * 7 + p) % kKeys);
        if (const auto found = cache.find({k, k})) ok = ok && *found == object(2000, static_cast<int>(k));
        cache.store({k, k}, object(2000, static_cast<int>(k)));
      }
      ::_exit(ok && cache.statistics().rejected == 0 ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  for (const auto& e : fs::directory_iterator(folder_)) EXPECT_EQ(e.path().extension(), ".o");
}

}  // namespace
}  // namespace anneal::cpu
