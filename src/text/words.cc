// SPDX-License-Identifier: MIT
#include "text/words.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <limits>
#include <string>

#include "anneal/error.h"
#include "io/message.h"

namespace anneal::text {
namespace {

// White space is what Unicode calls so. PCRE2's own \s has U+180E as well, which is not any more.
#define ANNEAL_WHITE \
  "\\x{9}-\\x{d} \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
// Possessive where nothing could follow: such runs are not gone through again.
constexpr char kWordPattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d"
    "| ?\\p{L}++| ?\\p{N}++| ?[^" ANNEAL_WHITE
    "\\p{L}\\p{N}]++"
    "|[" ANNEAL_WHITE "]+(?![^" ANNEAL_WHITE "])|[" ANNEAL_WHITE "]+";
#undef ANNEAL_WHITE

std::string pcre_message(int code) {
  char text[256] = {};
  pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof(text));
  return text;
}

// Read by all threads; what a match needs besides is made for each Words.
class WordPattern {
 public:
  WordPattern() {
    int error = 0;
    PCRE2_SIZE place = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kWordPattern), PCRE2_ZERO_TERMINATED,
                          PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &error, &place, nullptr);
    if (code_ == nullptr)
      raise(ErrorCode::kInternal, io::concat("the pattern of words: ", pcre_message(error), ", at ", place));
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);  // without it, matching is slower and the same
    limits_ = pcre2_match_context_create(nullptr);
    if (limits_ != nullptr) pcre2_set_match_limit(limits_, std::numeric_limits<uint32_t>::max());
  }
  ~WordPattern() {
    pcre2_match_context_free(limits_);
    pcre2_code_free(code_);
  }
  WordPattern(const WordPattern&) = delete;
  WordPattern& operator=(const WordPattern&) = delete;

  const pcre2_code* code() const { return code_; }
  pcre2_match_context* limits() const { return limits_; }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_context* limits_ = nullptr;
};

const WordPattern& word_pattern() {
  static const WordPattern pattern;
  return pattern;
}

}  // namespace

Words::Words(std::string_view text) : text_(text) {
  match_ = pcre2_match_data_create_from_pattern(word_pattern().code(), nullptr);
  if (match_ == nullptr) raise(ErrorCode::kMemory, "there is no memory to cut text into words");
}

Words::~Words() { pcre2_match_data_free(static_cast<pcre2_match_data*>(match_)); }

void Words::find_segment() {
  segment_end_ = at_;
  while (segment_end_ < text_.size()) {
    const size_t length = io::utf8_length(text_, segment_end_);
    if (length == 0) return;
    segment_end_ += length;
  }
}

bool Words::next(std::string_view& word) {
  if (at_ == text_.size()) return false;
  if (at_ == segment_end_) find_segment();
  const size_t start = at_;
  if (at_ == segment_end_) {
    while (at_ < text_.size() && io::utf8_length(text_, at_) == 0) ++at_;
    segment_end_ = at_;
  } else {
    auto* match = static_cast<pcre2_match_data*>(match_);
    const int found = pcre2_match(word_pattern().code(), reinterpret_cast<PCRE2_SPTR>(text_.data()),
                                  segment_end_, at_, PCRE2_NO_UTF_CHECK, match, word_pattern().limits());
    const size_t end = found > 0 ? pcre2_get_ovector_pointer(match)[1] : start;
    if (end == start)
      raise(ErrorCode::kInternal, io::concat("no word at byte ", start, ": ", pcre_message(found)));
    at_ = end;
  }
  word = text_.substr(start, at_ - start);
  return true;
}

}  // namespace anneal::text
