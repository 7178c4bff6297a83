// SPDX-License-Identifier: MIT
#include "cpu/code_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cpu/calibrate.h"
#include "cpu/test_cpu.h"
#include "support/flags.h"

namespace anneal::cpu {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct CodeStoreTest : CpuTest, testing::Test {
  fs::path folder = fs::temp_directory_path() / ("anneal_code_store_test_" + std::to_string(::getpid()));
  ObjectCache cache{folder, 1 << 20};
  CodeStoreTest() { fs::remove_all(folder); }
  ~CodeStoreTest() override { fs::remove_all(folder); }

  Program negated(int64_t n) {
    const Node i = range(0, n);
    return map(slot(0, f32, n), i, b.neg(b.load(slot(1, f32, n), i)), 8);
  }
  device::CodeStore::Found find(CpuDevice& device, const Program& program) {
    return device.code_store()->find(graph, std::span(&program, 1))[0];
  }
};

TEST_F(CodeStoreTest, WhatBecameOfAnObjectIsTold) {
  CpuDevice device(process_pool(), cache);
  const Program program = negated(16);
  EXPECT_EQ(find(device, program).why, "never compiled");
  device.compile(graph, std::span(&program, 1));
  EXPECT_TRUE(find(device, program).there);
  const device::CodeStore::Totals t = device.code_store()->totals();
  EXPECT_EQ(std::tuple(t.entries, t.stored, t.misses, t.hits), std::tuple(1u, 1u, 1u, 0u));
  EXPECT_GT(t.bytes, 100u);
  fs::path object;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".o") object = entry.path();
  fs::resize_file(object, 60);
  EXPECT_THAT(find(device, program).why, HasSubstr("unreadable"));
  fs::remove(object);
  EXPECT_THAT(find(device, program).why, HasSubstr("evicted"));
  EXPECT_EQ(find(device, negated(17)).why, "never compiled");
}

TEST_F(CodeStoreTest, ReasonsComeFromTheNearestEntry) {
  const JournalEntry wanted{"p", "o", "c", "avx2 x", 2};
  Journal::Contents j;
  j.entries = {{"q", "o", "c", "avx2 x", 2}};
  EXPECT_EQ(why_missing(j, wanted), "never compiled");
  j.entries.push_back({"p", "o1", "d", "avx2 x", 2});
  EXPECT_EQ(why_missing(j, wanted), "compiled by another version of the compiler");
  j.entries.push_back({"p", "o2", "c", "avx512 y", 2});
  EXPECT_EQ(why_missing(j, wanted), "compiled for another target: avx512 y, this is avx2 x");
  j.entries.push_back({"p", "o3", "c", "avx2 x", 1});
  EXPECT_EQ(why_missing(j, wanted), "compiled for 1 threads, this is for 2");
  j.entries.push_back(wanted);
  EXPECT_THAT(why_missing(j, wanted), HasSubstr("evicted"));
}

TEST_F(CodeStoreTest, ClearingSaysWhatItTookAndLeavesTheRest) {
  CpuDevice device(process_pool(), cache);
  const Program programs[] = {negated(16), negated(32)};
  device.compile(graph, programs);
  std::ofstream(folder / "mine.txt") << "text";
  const device::CodeStore::Totals t = device.code_store()->clear();
  EXPECT_EQ(t.entries, 2u);
  EXPECT_EQ(t.problem, "");
  EXPECT_TRUE(fs::exists(folder / "mine.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  EXPECT_EQ(device.code_store()->totals().entries, 0u);
}

TEST_F(CodeStoreTest, AFolderThatIsNoneIsToldAndCompilingGoesOn) {
  std::ofstream(folder) << "a file";
  CpuDevice device(process_pool(), cache);
  const Program program = negated(16);
  EXPECT_EQ(device.compile(graph, std::span(&program, 1)).size(), 1u);
  EXPECT_THAT(device.code_store()->totals().problem, HasSubstr("is a file, not a folder"));
  EXPECT_THAT(find(device, program).why, HasSubstr("is a file, not a folder"));
}

TEST_F(CodeStoreTest, ALongJournalLosesItsOlderHalf) {
  fs::create_directories(folder);
  Journal journal(folder);
  {
    std::ofstream file(journal.path());
    for (int i = 0; i < 40000; ++i) file << "object old" << i << " object compiler 1 target text\n";
  }
  const auto before = fs::file_size(journal.path());
  journal.append({{"new", "o", "c", "t t", 1}}, {});
  EXPECT_LT(fs::file_size(journal.path()), before * 2 / 3);
  const Journal::Contents j = journal.read();
  ASSERT_FALSE(j.entries.empty());
  EXPECT_EQ(j.entries.back().program, "new");
  EXPECT_EQ(j.entries.back().target, "t t");
}

TEST_F(CodeStoreTest, FiguresOfTheMachineAreKeptByItsDescription) {
  device::Caps caps;
  caps.description = "one machine";
  const device::Measured m{1e10, 2e10, 3e10, 4e10, 1e-6};
  EXPECT_FALSE(kept_figures(folder, caps));
  keep_figures(folder, caps, m);
  const auto kept = kept_figures(folder, caps);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->contract_flops, 4e10);
  EXPECT_EQ(kept->launch_seconds, 1e-6);
  caps.description = "another";
  EXPECT_FALSE(kept_figures(folder, caps));
  for (const auto& entry : fs::directory_iterator(folder)) std::ofstream(entry.path()) << "nan 1 2 3";
  caps.description = "one machine";
  EXPECT_FALSE(kept_figures(folder, caps));
}

TEST_F(CodeStoreTest, ADeviceIsMeasuredOnceAndThenTheSame) {
  CpuDevice device(process_pool(), cache);
  const device::Caps first = calibrated(device, folder), second = calibrated(device, folder);
  EXPECT_EQ(first.memory_bandwidth, second.memory_bandwidth);
  EXPECT_EQ(first.contract_flops, second.contract_flops);
  EXPECT_EQ(first.launch_seconds, second.launch_seconds);
  EXPECT_TRUE(kept_figures(folder, device.caps()));
  EXPECT_EQ(calibrated(device, {}).memory_bandwidth, device.caps().memory_bandwidth);
}

}  // namespace
}  // namespace anneal::cpu
