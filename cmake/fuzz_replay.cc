// SPDX-License-Identifier: MIT
// A main for fuzz targets without libFuzzer: replays the files named on the command line (a folder means the
// files in it, in order of name), then a fixed set of made-up inputs. Says which input it is at when one
// brings it down.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

// An input that aborts the process must have been named before: there is no afterwards.
void run_one(const std::string& name, const std::vector<uint8_t>& bytes) {
  std::printf("\r%-70s", name.c_str());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::vector<fs::path> files_of(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    const fs::path path = argv[i];
    if (fs::is_directory(path)) {
      for (const fs::directory_entry& entry : fs::directory_iterator(path)) files.push_back(entry.path());
    } else if (fs::exists(path)) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// xorshift: small, and the same on every machine.
uint64_t next_random(uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<fs::path> files = files_of(argc, argv);
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    run_one(file.filename().string(), {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  }
  constexpr int kMadeUp = 300;
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (int i = 0; i < kMadeUp; ++i) {
    std::vector<uint8_t> bytes(next_random(state) % 512);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(next_random(state) >> 32);
    run_one("made-up input " + std::to_string(i), bytes);
  }
  std::printf("\r%-70s\n%zu stored and %d made-up inputs\n", "", files.size(), kMadeUp);
  return 0;
}
