// SPDX-License-Identifier: MIT
#include "bundles/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

#include "io/test_folder.h"
#include "support/flags.h"

namespace anneal::bundles {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BundleStore : public testing::Test {
 protected:
  io::TestFolder folder;

  // A bundle with the least that one has.
  std::string make(const std::string& id, State state = State::kCompleted) {
    fs::create_directories(folder.path(id) + "/kernels");
    Manifest m{.state = state, .model = "mlp", .device = "cpu", .kernels_hash = std::string(64, '0')};
    folder.write(id + "/manifest.json", manifest_text(m));
    folder.write(id + "/config.json", config_text({.verb = "train", .model = "mlp", .device = "cpu"}));
    folder.write(id + "/events.ndjson", event_line({0, "started", 0, ""}));
    return folder.path(id);
  }
};

const std::string kFirst = "20260131T235959.000Z-mlp-0a1b2c",
                  kSecond = "20260201T000000.001Z-my-gpt.2-ffffff";

TEST_F(BundleStore, IdsHaveAForm) {
  for (const std::string& good : {kFirst, kSecond}) EXPECT_TRUE(is_id(good)) << good;
  for (const char* bad : {"", "20260131T235959.000Z-mlp-0a1b2", "20260131T235959.000Z--0a1b2c", "last",
                          "../..", "20260131T235959.000Z-m/p-0a1b2c", "2026x131T235959.000Z-mlp-0a1b2c"})
    EXPECT_FALSE(is_id(bad)) << bad;
}

TEST_F(BundleStore, NewOnesDoNotCollide) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& list : made)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) list.push_back(create_bundle(folder.path("runs"), "mlp")->id);
    });
  for (std::thread& t : threads) t.join();
  std::set<std::string> ids;
  for (const auto& list : made) ids.insert(list.begin(), list.end());
  EXPECT_EQ(ids.size(), 80u);
  for (const std::string& id : ids) EXPECT_TRUE(is_id(id)) << id;
}

TEST_F(BundleStore, APlaceThatCannotBeMadeIsAFailure) {
  folder.write("file", "");
  EXPECT_THAT(create_bundle(folder.path("file/runs"), "mlp").message(), HasSubstr("ANNEAL_RUN_DIR"));
}

TEST_F(BundleStore, TheFolderIsThatOfTheFlags) {
  using support::Flag;
  const std::string run_dir = support::flag_text(Flag::kRunDir), cache = support::flag_text(Flag::kCacheDir);
  support::set_flag(Flag::kRunDir, "");
  support::set_flag(Flag::kCacheDir, "/c");
  EXPECT_EQ(*run_folder(), "/c/runs");
  support::set_flag(Flag::kCacheDir, "off");
  EXPECT_THAT(run_folder().message(), HasSubstr("ANNEAL_RUN_DIR"));
  support::set_flag(Flag::kRunDir, "/r");
  EXPECT_EQ(*run_folder(), "/r");
  support::set_flag(Flag::kRunDir, run_dir);
  support::set_flag(Flag::kCacheDir, cache);
}

TEST_F(BundleStore, AreFoundByWhatNamesOneAlone) {
  const std::string runs = folder.path();
  EXPECT_THAT(find_bundle(runs, "last").message(), HasSubstr("there are no run bundles"));
  make(kFirst), make(kSecond);
  for (const std::string name : {kFirst.c_str(), "20260131", "0a1b2c", "20260131T235959.000Z-mlp"})
    EXPECT_EQ(fs::path(*find_bundle(runs, name)).filename(), kFirst) << name;
  EXPECT_EQ(fs::path(*find_bundle(runs, "last")).filename(), kSecond);
  EXPECT_EQ(*find_bundle(runs, "a/b/"), "a/b");
  EXPECT_THAT(find_bundle(runs, "2026").message(),
              HasSubstr("begins the names of 2 run bundles:\n  " + kFirst));
  EXPECT_THAT(find_bundle(runs, "zz").message(), HasSubstr("there is no run bundle 'zz'"));
  for (const char* bad : {"", "..", ".", "a b", "\xff"}) EXPECT_FALSE(find_bundle(runs, bad).ok()) << bad;
}

TEST_F(BundleStore, LinksAreNotFollowed) {
  const std::string good = make(kFirst);
  ASSERT_TRUE(read_bundle(good).ok()) << read_bundle(good).message();
  folder.write("secret", "step,loss,wall_ms\n1,1,1\n");
  fs::create_symlink(folder.path("secret"), good + "/loss.csv");
  const auto bundle = read_bundle(good);
  EXPECT_THAT(losses_of(*bundle).message(), HasSubstr("symbolic link"));
  EXPECT_FALSE(has_file(*bundle, "loss.csv"));
  for (const char* bad : {"../secret", "/etc/passwd", "..", "a/b", ""})
    EXPECT_FALSE(read_file_of(*bundle, bad).ok()) << bad;
  fs::create_symlink(folder.path("secret"), good + "/kernels/K0000.ir");
  EXPECT_THAT(kernels_of(*bundle).message(), HasSubstr("symbolic link"));
  fs::create_directory_symlink(good, folder.path(kSecond));
  EXPECT_THAT(read_bundle(folder.path(kSecond)).message(), HasSubstr("symbolic link"));
  EXPECT_THAT(remove_bundle(folder.path(), kSecond).message(), HasSubstr("symbolic link"));
  fs::remove(good + "/manifest.json");
  fs::create_symlink(folder.path("secret"), good + "/manifest.json");
  EXPECT_THAT(read_bundle(good).message(), HasSubstr("symbolic link"));
}

TEST_F(BundleStore, AreListedInOrderDamagedOnesToo) {
  make(kSecond, State::kRunning), make(kFirst);
  folder.write(kSecond + "/loss.csv", "step,loss,wall_ms\n1,0.5,1\n2,0.25,2\n3,0.1");
  fs::create_directories(folder.path("20260101T000000.000Z-mlp-000000"));
  fs::create_directories(folder.path("notes"));
  const auto all = list_bundles(folder.path());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_THAT((*all)[0].problem, HasSubstr("manifest.json: there is no such file"));
  EXPECT_EQ((*all)[1].id, kFirst);
  EXPECT_EQ((*all)[1].bundle.state(), "completed");
  EXPECT_EQ((*all)[2].bundle.state(), "killed");
  EXPECT_EQ((*all)[2].bundle.manifest.steps, 2);
  EXPECT_EQ((*all)[2].bundle.manifest.last_loss, 0.25);
  EXPECT_GT((*all)[2].bytes, 100u);
  EXPECT_TRUE(list_bundles(folder.path("absent"))->empty());
}

TEST_F(BundleStore, AreRemovedUnlessTheyRun) {
  const std::string good = make(kFirst);
  folder.write("precious", "x");
  fs::create_symlink(folder.path("precious"), good + "/link");
  EXPECT_FALSE(remove_bundle(folder.path(), "..").ok());
  EXPECT_FALSE(remove_bundle(folder.path(), "precious").ok());
  fs::remove(good + "/events.ndjson");
  {
    LineFile events;
    ASSERT_TRUE(events.create(good + "/events.ndjson").ok());
    events.lock();
    EXPECT_EQ(read_bundle(good)->is_alive, true);
    EXPECT_THAT(remove_bundle(folder.path(), kFirst).message(), HasSubstr("is running"));
  }
  EXPECT_TRUE(remove_bundle(folder.path(), kFirst).ok());
  EXPECT_FALSE(fs::exists(good));
  EXPECT_TRUE(fs::exists(folder.path("precious")));
}

}  // namespace
}  // namespace anneal::bundles
