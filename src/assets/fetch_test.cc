// SPDX-License-Identifier: MIT
//
// Downloads from a server with faults (tests/asset_server.py) on this machine: what is kept is what was
// published, or there is an error and nothing is kept.
#include "assets/fetch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "assets/sha256.h"
#include "io/test_folder.h"
#include "support/flags.h"
#include "tests/support/test_golden.h"

namespace anneal::assets {
namespace {

// One server for all tests; each has a file of its own there, by its name.
class Fetch : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_folder =
        (std::filesystem::path(testing::TempDir()) / ("anneal_server_" + std::to_string(::getpid())))
            .string();
    std::filesystem::remove_all(server_folder);
    std::filesystem::create_directories(server_folder);
    ::setenv("no_proxy", "127.0.0.1", 1);
    const std::string script = test::golden_path("../asset_server.py");
    server = ::fork();
    if (server == 0) {
      ::execlp("python3", "python3", script.c_str(), server_folder.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    constexpr int kTries = 3000;
    for (int i = 0; i < kTries && !std::filesystem::exists(server_folder + "/port"); ++i) ::usleep(10'000);
    std::ifstream(server_folder + "/port") >> port;
  }
  static void TearDownTestSuite() {
    if (server > 0) {
      ::kill(server, SIGKILL);
      ::waitpid(server, nullptr, 0);
    }
    std::filesystem::remove_all(server_folder);
  }

  void SetUp() override {
    ASSERT_FALSE(port.empty()) << "python3 tests/asset_server.py does not start";
    content_.resize(300'000);
    for (size_t i = 0; i < content_.size(); ++i) content_[i] = static_cast<char>(i * 2654435761u >> 13);
    name_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(server_folder + "/" + name_, std::ios::binary) << content_;
    Sha256 sum;
    sum.add(std::as_bytes(std::span(content_)));
    sum_ = sum.finish();
    options_.folder = folder_.path("cache");
    options_.first_pause_ms = 1;
    options_.attempts = 3;
  }

  // The file of this test by way of a fault.
  Asset asset(const std::string& fault) {
    url_ = "http://127.0.0.1:" + port + "/" + fault + "/" + name_;
    return {"set/data", url_, content_.size(), sum_};
  }
  std::string fetched(const Asset& what) const {
    const io::Result<std::string> path = fetch(what, options_);
    return path.ok() ? "ok" : path.message();
  }
  std::string fetched(const std::string& fault) { return fetched(asset(fault)); }

  // "/FAULT RANGE" of each request for this file.
  std::vector<std::string> requests() const {
    std::ifstream log(server_folder + "/log");
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) {
      const size_t at = line.find("/" + name_ + " ");
      if (at != std::string::npos) lines.push_back(line.erase(at, name_.size() + 1));
    }
    return lines;
  }
  void expect_whole() const {
    EXPECT_TRUE(folder_.read("cache/set/data") == content_) << "the file is not whole";
  }
  // Only the lock may be left.
  void expect_nothing() const {
    for (const char* name : {"cache/set/data", "cache/set/data.part"})
      EXPECT_FALSE(std::filesystem::exists(folder_.path(name))) << name;
  }

  static inline std::string server_folder, port;
  static inline pid_t server = -1;

  io::TestFolder folder_;
  std::string name_, content_, sum_, url_;
  FetchOptions options_;
};

TEST_F(Fetch, AFileComesOnce) {
  std::vector<uint64_t> seen;
  options_.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.size, content_.size());
    seen.push_back(progress.have);
  };
  EXPECT_EQ(fetched("plain"), "ok");
  expect_whole();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), content_.size());
  EXPECT_EQ(fetched("plain"), "ok");
  EXPECT_EQ(requests().size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("cache/set/data.part")));
}

TEST_F(Fetch, WhatBreaksOffGoesOn) {
  EXPECT_EQ(fetched("drop"), "ok");
  expect_whole();
  const std::vector<std::string> log = requests();
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[0], "/drop -");
  EXPECT_EQ(log[1], "/drop bytes=100000-");
  EXPECT_EQ(log[2], "/drop bytes=166666-");
}

TEST_F(Fetch, WithoutRangesItBeginsAnew) {
  EXPECT_EQ(fetched("dropnorange"), "ok");
  expect_whole();
  EXPECT_EQ(requests().size(), 4u);
}

TEST_F(Fetch, TheSameBytesAgainAreNoProgress) {
  EXPECT_NE(fetched("cutnorange").find("(attempt 4)"), std::string::npos);  // one that brings something
  EXPECT_EQ(requests().size(), 4u);
}

TEST_F(Fetch, AHostThatNobodyKnowsIsTriedOnce) {
  ::setenv("no_proxy", "*", 1);
  const std::string message = fetched({"set/data", "http://host.invalid/x", content_.size(), sum_});
  ::setenv("no_proxy", "127.0.0.1", 1);
  EXPECT_NE(message.find("cannot download"), std::string::npos) << message;
  EXPECT_EQ(message.find("(attempt"), std::string::npos) << message;
}

TEST_F(Fetch, ARangeThatWasNotAskedForIsNotTaken) {
  EXPECT_EQ(fetched("badrange"), "ok");
  expect_whole();
}

TEST_F(Fetch, ALaterProcessGoesOnWhereTheFirstEnded) {
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data.part", content_.substr(0, 200'000));
  EXPECT_EQ(fetched("plain"), "ok");
  expect_whole();
  EXPECT_EQ(requests(), (std::vector<std::string>{"/plain bytes=200000-"}));
}

TEST_F(Fetch, APartThatIsWholeOrTooLong) {
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data.part", content_);
  EXPECT_EQ(fetched("plain"), "ok");
  EXPECT_EQ(requests().size(), 0u);
  std::filesystem::remove(folder_.path("cache/set/data"));
  folder_.write("cache/set/data.part", content_ + "x");
  EXPECT_EQ(fetched("plain"), "ok");
  expect_whole();
  EXPECT_EQ(requests(), (std::vector<std::string>{"/plain -"}));
}

TEST_F(Fetch, FailuresThatPassAreTriedAgain) {
  EXPECT_EQ(fetched("500twice"), "ok");
  expect_whole();
  EXPECT_EQ(requests().size(), 3u);
}

TEST_F(Fetch, FailuresThatStayAreGivenUp) {
  const std::string message = fetched("500");
  EXPECT_NE(message.find("cannot download " + url_), std::string::npos) << message;
  EXPECT_NE(message.find("500"), std::string::npos) << message;
  EXPECT_NE(message.find("(attempt 3)"), std::string::npos) << message;
  EXPECT_NE(message.find("put " + url_ + " at " + folder_.path("cache/set/data")), std::string::npos)
      << message;
  EXPECT_EQ(requests().size(), 3u);
  EXPECT_NE(fetched("nothing").find("(attempt 3)"), std::string::npos);
}

TEST_F(Fetch, ARefusalIsNotTriedAgain) {
  EXPECT_NE(fetched("404").find("404"), std::string::npos);
  EXPECT_NE(fetched("circle").find("redirects"), std::string::npos);
  const std::vector<std::string> log = requests();
  EXPECT_EQ(std::count(log.begin(), log.end(), "/404 -"), 1);
  EXPECT_NE(fetched({"set/data", "file:///etc/passwd", 10, sum_}).find("cannot download"), std::string::npos);
  EXPECT_NE(fetched("file").find("cannot download"), std::string::npos);
  EXPECT_NE(fetched({"set/data", "http://127.0.0.1:1/x", 10, sum_}).find("cannot download"),
            std::string::npos);
}

TEST_F(Fetch, WrongBytesAreRemoved) {
  const std::string message = fetched("wrong");
  EXPECT_NE(message.find("is not what was published"), std::string::npos) << message;
  EXPECT_NE(message.find(sum_), std::string::npos) << message;
  EXPECT_EQ(requests().size(), 1u);
  expect_nothing();
  EXPECT_NE(fetched("short").find("299990 bytes"), std::string::npos);
  expect_nothing();
  EXPECT_NE(fetched("long").find("more than 300000 bytes"), std::string::npos);
  expect_nothing();
}

TEST_F(Fetch, AWrongStartIsRemovedWithTheRest) {
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data.part", std::string(1000, 'x'));
  EXPECT_NE(fetched("plain").find("is not what was published"), std::string::npos);
  expect_nothing();
  EXPECT_EQ(fetched("plain"), "ok");
}

TEST_F(Fetch, ADamagedFileOfTheCacheIsRemoved) {
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data", content_ + "x");
  EXPECT_NE(fetched("plain").find("is not what was published"), std::string::npos);
  expect_nothing();
  EXPECT_EQ(requests().size(), 0u);
}

TEST_F(Fetch, AStalledServerIsLeft) {
  options_.stall_seconds = 1;
  EXPECT_EQ(fetched("stall"), "ok");
  expect_whole();
  EXPECT_EQ(requests().size(), 2u);
  EXPECT_EQ(requests()[1], "/stall bytes=1000-");
}

TEST_F(Fetch, RedirectionsAreFollowed) {
  EXPECT_EQ(fetched("redirect"), "ok");
  expect_whole();
}

TEST_F(Fetch, SpaceIsAskedForFirst) {
  options_.free_space = [](const std::string&) { return uint64_t{329'999}; };
  const std::string message = fetched("plain");
  EXPECT_NE(message.find("not enough space in " + folder_.path("cache/set")), std::string::npos) << message;
  EXPECT_NE(message.find("330.0 KB are needed"), std::string::npos) << message;
  EXPECT_EQ(requests().size(), 0u);
  folder_.write("cache/set/data.part", content_.substr(0, 1));  // one byte less to come
  EXPECT_EQ(fetched("plain"), "ok");
}

TEST_F(Fetch, OfflineNamesAddressAndPath) {
  options_.offline = true;
  const std::string message = fetched("plain");
  EXPECT_EQ(message, "set/data: it is not in the cache, and ANNEAL_OFFLINE=1: put " + url_ + " at " +
                         folder_.path("cache/set/data") + " (SHA-256 " + sum_ + ")");
  EXPECT_EQ(requests().size(), 0u);
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data", content_);  // by hand
  EXPECT_EQ(fetched("plain"), "ok");
  EXPECT_EQ(requests().size(), 0u);
}

TEST_F(Fetch, WithoutAKnownSumNothingIsDownloaded) {
  Asset unknown = asset("plain");
  unknown.sha256 = {};
  EXPECT_NE(fetched(unknown).find("its SHA-256 is not known to this program: put " + url_),
            std::string::npos);
  EXPECT_EQ(requests().size(), 0u);
  std::filesystem::create_directories(folder_.path("cache/set"));
  folder_.write("cache/set/data", "anything");
  EXPECT_EQ(fetched(unknown), "ok");
}

TEST_F(Fetch, WithoutAFolder) {
  options_.folder = {};
  EXPECT_NE(fetched("plain").find("ANNEAL_CACHE_DIR is off"), std::string::npos);
  folder_.write("file", "");
  options_.folder = folder_.path("file");
  EXPECT_NE(fetched("plain").find("cannot make the folder"), std::string::npos);
}

TEST_F(Fetch, OfSeveralProcessesOneDownloads) {
  const Asset what = asset("slow");
  std::vector<pid_t> children;
  constexpr int kProcesses = 5;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(fetch(what, options_).ok() ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  expect_whole();
  EXPECT_EQ(requests().size(), 1u);
}

TEST_F(Fetch, AKilledProcessLosesNothingAndHoldsNobodyUp) {
  const Asset what = asset("slow");
  const pid_t child = ::fork();
  if (child == 0) _exit(fetch(what, options_).ok() ? 0 : 1);
  const std::string part = folder_.path("cache/set/data.part");
  std::error_code missing;
  while (!std::filesystem::exists(part) || std::filesystem::file_size(part, missing) < 50'000) ::usleep(500);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("cache/set/data")));
  EXPECT_EQ(fetched("plain"), "ok");
  expect_whole();
  ASSERT_EQ(requests().size(), 2u);
  EXPECT_TRUE(requests()[1].starts_with("/plain bytes=")) << requests()[1];
}

TEST(FetchOptionsTest, TheFolderIsInTheCache) {
  const std::string before = support::flag_text(support::Flag::kCacheDir);
  support::set_flag(support::Flag::kCacheDir, "/kept");
  EXPECT_EQ(default_options().folder, "/kept/assets");
  support::set_flag(support::Flag::kCacheDir, "off");
  EXPECT_EQ(default_options().folder, "");
  support::set_flag(support::Flag::kCacheDir, before);
}

}  // namespace
}  // namespace anneal::assets
