// SPDX-License-Identifier: MIT
//
// Text is cut into words before pairs are merged, so that no token reaches over the end of a word. The
// pattern is GPT-2's: contractions, letters, digits and other characters, each with at most one space in
// front, and runs of white space that leave their last one to the word behind. Tested by words_test.cc.
#pragma once

#include <cstddef>
#include <string_view>

namespace anneal::text {

// The words of a text, one after the other; together they are the text. Bytes that are not UTF-8 are words of
// their own, a run of them one word. The pattern is compiled once a process.
class Words {
 public:
  explicit Words(std::string_view text);
  ~Words();
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;

  bool next(std::string_view& word);

 private:
  void find_segment();

  std::string_view text_;
  size_t at_ = 0, segment_end_ = 0;  // up to there it is UTF-8
  void* match_ = nullptr;
};

}  // namespace anneal::text
