// SPDX-License-Identifier: MIT
// The terminal of a program that runs for a while: frames of a few lines that replace each other, lines that
// stay above them, keys without waiting, and its width as it is now. Where the output is no terminal nothing
// is drawn. Tested by tests/terminal_smoke.py.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace anneal::terminal {

// What can be shown. Colours say nothing that the text does not say too.
struct Style {
  bool colour = false;   // off with NO_COLOR, or on a terminal that has none
  bool unicode = false;  // by the locale
};

class Terminal {
 public:
  // Takes the terminal until it goes: keys arrive one by one and are not echoed. Interrupts (Ctrl-C, SIGTERM)
  // end nothing from now on; they are told by interrupted().
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Whether there is one to draw on: the output is a terminal that can move its cursor.
  static bool is_there();

  Style style() const;
  int width() const;  // in characters
  // In the place of the last frame. Each line must be at most as wide as the terminal.
  void frame(const std::vector<std::string>& lines);
  // Above the frame, for good.
  void print(const std::string& line);
  // The key that was pressed, or 0.
  char key();
  static bool interrupted();

 private:
  struct Saved;
  std::unique_ptr<Saved> saved_;
  std::vector<std::string> shown_;
};

}  // namespace anneal::terminal
