// SPDX-License-Identifier: MIT
#include "terminal/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "support/flags.h"

namespace anneal::terminal {

using support::Flag;

namespace {

constexpr int kPlainWidth = 80;  // where the terminal does not say

volatile std::sig_atomic_t g_interrupted = 0;
void note_interrupt(int) { g_interrupted = 1; }

// LC_ALL before LC_CTYPE before LANG, as the C library has it.
bool is_utf8() {
  for (const Flag flag : {Flag::kLcAll, Flag::kLcCtype, Flag::kLang}) {
    const std::string_view value = support::flag_text(flag);
    if (value.empty()) continue;
    constexpr std::string_view kNames[] = {"UTF-8", "utf-8", "UTF8", "utf8"};
    return std::any_of(std::begin(kNames), std::end(kNames),
                       [&](std::string_view n) { return value.find(n) != value.npos; });
  }
  return false;
}

}  // namespace

struct Terminal::Saved {
  termios input = {};
  bool has_input = false;
  struct sigaction interrupt = {}, terminate = {};
};

bool Terminal::is_there() {
  const std::string& kind = support::flag_text(Flag::kTerm);
  return isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb";
}

Terminal::Terminal() : saved_(std::make_unique<Saved>()) {
  saved_->has_input = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &saved_->input) == 0;
  if (saved_->has_input) {
    termios raw = saved_->input;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;  // read() returns at once
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  g_interrupted = 0;
  struct sigaction note = {};
  note.sa_handler = note_interrupt;
  sigemptyset(&note.sa_mask);
  sigaction(SIGINT, &note, &saved_->interrupt);
  sigaction(SIGTERM, &note, &saved_->terminate);
  std::fputs("\x1b[?25l", stdout);  // no cursor
  std::fflush(stdout);
}

Terminal::~Terminal() {
  std::fputs("\x1b[?25h", stdout);
  std::fflush(stdout);
  if (saved_->has_input) tcsetattr(STDIN_FILENO, TCSANOW, &saved_->input);
  sigaction(SIGINT, &saved_->interrupt, nullptr);
  sigaction(SIGTERM, &saved_->terminate, nullptr);
}

Style Terminal::style() const {
  return {.colour = support::flag_text(Flag::kNoColor).empty(), .unicode = is_utf8()};
}

int Terminal::width() const {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kPlainWidth;
}

// Up to the first line of the last frame and down over it. A terminal that became narrower has wrapped those
// lines; what is left of them is cleared with all below.
void Terminal::frame(const std::vector<std::string>& lines) {
  std::string out;
  if (!shown_.empty()) out = "\x1b[" + std::to_string(shown_.size()) + "F";
  out += "\x1b[J";
  for (const std::string& line : lines) out += line + "\n";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
  shown_ = lines;
}

void Terminal::print(const std::string& line) {
  const std::vector<std::string> below = std::move(shown_);
  std::string out;
  if (!below.empty()) out = "\x1b[" + std::to_string(below.size()) + "F\x1b[J";
  out += line + "\n";
  std::fwrite(out.data(), 1, out.size(), stdout);
  shown_.clear();
  frame(below);
}

char Terminal::key() {
  char c = 0;
  return saved_->has_input && read(STDIN_FILENO, &c, 1) == 1 ? c : '\0';
}

bool Terminal::interrupted() { return g_interrupted != 0; }

}  // namespace anneal::terminal
