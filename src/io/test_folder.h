// SPDX-License-Identifier: MIT
// An empty folder of its own for a test, gone afterwards; and the tools that a test may find on the machine.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace anneal::io {

class TestFolder {
 public:
  TestFolder() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("anneal_") + test->test_suite_name() + "_" + test->name() + "_" +
                       std::to_string(::getpid());
    for (char& c : name)
      if (c == '/') c = '_';
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path(const std::string& name = {}) const { return (folder_ / name).string(); }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path folder_;
};

// What a shell command prints, errors included, and how it ended.
struct CommandOutput {
  int status = -1;
  std::string text;
};
inline CommandOutput run_command(const std::string& command) {
  CommandOutput out;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  char piece[4096];
  while (const size_t count = std::fread(piece, 1, sizeof(piece), pipe)) out.text.append(piece, count);
  out.status = ::pclose(pipe);
  return out;
}

// A Python with numpy, or empty.
inline std::string python_with_numpy() {
  for (const char* python : {"python3", "/usr/bin/python3"})
    if (run_command(std::string(python) + " -c 'import numpy'").status == 0) return python;
  return {};
}

}  // namespace anneal::io
