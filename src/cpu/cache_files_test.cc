// SPDX-License-Identifier: MIT
#include "cpu/cache_files.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "cpu/calibrate.h"
#include "cpu/code_store.h"
#include "cpu/object_cache.h"

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHash = "0123456789abcdef0123456789abcdef";

TEST(CacheFiles, NamesAreExact) {
  const std::string h = kHash;
  const std::map<std::string, CacheFile> kinds = {
      {h + ".o", CacheFile::kObject},
      {"journal", CacheFile::kJournal},
      {"measured-" + h, CacheFile::kFigures},
      {h + ".12.0.tmp", CacheFile::kFresh},
      {"journal.12.tmp", CacheFile::kFresh},
      {"probe.12.tmp", CacheFile::kFresh},
      {"measured-" + h + ".12.tmp", CacheFile::kFresh},
  };
  for (const auto& [name, kind] : kinds) EXPECT_EQ(kind_of_name(name), kind) << name;
  std::string capital = h;
  capital.back() = 'F';
  for (const std::string& other : {std::string("main.o"),
                                   std::string("x.tmp"),
                                   std::string("measured-mine"),
                                   h,
                                   h + "0.o",
                                   "0" + h + ".o",
                                   h.substr(1) + ".o",
                                   h + ".o.o",
                                   capital + ".o",
                                   h + ".o.tmp",
                                   h + ".12.tmp",
                                   h + ".12.0.1.tmp",
                                   h + "..0.tmp",
                                   h + ".a.0.tmp",
                                   std::string("journal.tmp"),
                                   std::string("journal.1.2.tmp"),
                                   std::string("journal2"),
                                   std::string("probe"),
                                   std::string("probe.1"),
                                   std::string("measured-"),
                                   "measured-" + h + ".tmp",
                                   "measured-" + h + ".1.tmp.tmp",
                                   std::string("measured-1.tmp"),
                                   std::string()})
    EXPECT_EQ(kind_of_name(other), CacheFile::kOther) << other;
}

struct CacheFilesTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("anneal_cache_files_test_" + std::to_string(::getpid()));
  CacheFilesTest() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~CacheFilesTest() override { fs::remove_all(folder); }
  fs::path file(const std::string& name, size_t size = 3000, bool old = true) {
    std::ofstream(folder / name) << std::string(size, 'x');
    if (old) fs::last_write_time(folder / name, fs::file_time_type::clock::now() - std::chrono::hours(99));
    return folder / name;
  }
  fs::path pipe(const std::string& name) {
    EXPECT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
    return folder / name;
  }
};

// Of the names that extensions and prefixes would take for the cache's.
TEST_F(CacheFilesTest, WhatIsNotOursIsNeitherCountedNorTakenAway) {
  const std::string key = support::key_text({7, 7});
  std::vector<fs::path> mine;
  for (const std::string& name : {std::string("main.o"), std::string("draft.tmp"), std::string("journal"),
                                  std::string("measured-flow"), key + ".o", std::string("x.1.2.tmp")})
    mine.push_back(file(name));
  fs::create_directories(folder / (support::key_text({8, 8}) + ".o") / "inner");
  mine.push_back(folder / (support::key_text({8, 8}) + ".o") / "inner");
  const fs::path target = file("target.txt");
  fs::create_symlink(target, folder / (support::key_text({9, 9}) + ".o"));
  mine.push_back(folder / (support::key_text({9, 9}) + ".o"));

  ObjectCache cache(folder, 5000);
  Journal journal(folder);
  const std::vector<std::byte> object(1000);
  for (uint64_t i = 100; i < 140; ++i) cache.store({i, i}, object);
  EXPECT_GT(cache.statistics().evicted, 20u);
  EXPECT_TRUE(cache.find({139, 139})) << "what is not ours takes no room";
  EXPECT_TRUE(cache.find({138, 138}));
  journal.append({{"p", "o", "c", "t t", 1}}, {});
  file(key + ".99999.0.tmp");  // left by a process that was killed
  const device::CodeStore::Totals there = folder_totals(cache, journal), taken = clear_folder(cache, journal);
  EXPECT_GT(there.entries, 1u);
  EXPECT_EQ(there.entries, taken.entries);
  EXPECT_EQ(there.bytes, taken.bytes);
  EXPECT_EQ(taken.problem, "");
  for (const fs::path& path : mine) EXPECT_TRUE(fs::exists(path)) << path;
  EXPECT_EQ(read_regular(folder / "journal"), std::string(3000, 'x')) << "nothing is written to it either";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 9);
  EXPECT_EQ(folder_totals(cache, journal).entries, 0u);
}

TEST_F(CacheFilesTest, AnAbandonedFileGoesWithTheNextStore) {
  const fs::path ours = file(std::string(kHash) + ".99999.0.tmp"), mine = file("mine.tmp"),
                 fresh = file(std::string(kHash) + ".99999.1.tmp", 10, false);
  ObjectCache cache(folder, 5000);
  cache.store({1, 1}, std::vector<std::byte>(10));
  EXPECT_FALSE(fs::exists(ours));
  EXPECT_TRUE(fs::exists(mine));
  EXPECT_TRUE(fs::exists(fresh)) << "another process may be writing it";
}

// Each would wait for ever where it opened one: the alarm ends the test then.
TEST_F(CacheFilesTest, PipesSocketsAndDevicesAreNotWaitedFor) {
  ::alarm(60);
  const fs::path object = pipe(support::key_text({1, 1}) + ".o"), lines = pipe("journal");
  const int s = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const fs::path socket = folder / (support::key_text({2, 2}) + ".o");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(socket.string().size(), sizeof address.sun_path);
  std::copy_n(socket.c_str(), socket.string().size(), address.sun_path);
  ASSERT_EQ(::bind(s, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(s);
  fs::create_symlink("/dev/zero", folder / (support::key_text({3, 3}) + ".o"));

  ObjectCache cache(folder, 5000);
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_FALSE(cache.find({i, i}));
    EXPECT_EQ(cache.look({i, i}), ObjectCache::State::kDamaged);
    cache.store({i, i}, std::vector<std::byte>(10));
    EXPECT_FALSE(cache.find({i, i}));
  }
  EXPECT_NE(cache.statistics().last_problem.find("not a regular file"), std::string::npos);
  for (uint64_t i = 10; i < 30; ++i) cache.store({i, i}, std::vector<std::byte>(1000));  // evicts
  Journal journal(folder);
  journal.append({{"p", "o", "c", "t t", 1}}, {});
  EXPECT_TRUE(journal.read().entries.empty());
  device::Caps caps;
  const device::Measured m{1e10, 2e10, 3e10, 4e10, 1e-6};
  keep_figures(folder, caps, m);
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(kFiguresPrefix)) {
      const fs::path figures = entry.path();
      fs::remove(figures);
      pipe(figures.filename().string());
      break;
    }
  EXPECT_FALSE(kept_figures(folder, caps));
  EXPECT_GT(clear_folder(cache, journal).entries, 0u);
  EXPECT_TRUE(fs::exists(object) && fs::exists(lines) && fs::exists(socket));
  ::alarm(0);
}

}  // namespace
}  // namespace anneal::cpu
