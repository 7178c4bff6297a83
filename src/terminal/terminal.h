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
  // Takes the terminal until it goes: keys arrive one by one and are not echoed. Who stops the program with
  // Ctrl-Z, or ends it with Ctrl-\, has the terminal as it was. There is one at a time.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Whether there is one to draw on: the output is a terminal that can move its cursor, and not of a program
  // in the background.
  static bool is_there();
  // Gives the terminal back as it was, from a signal handler too; nothing where none is taken.
  static void let_go();

  Style style() const;
  int width() const;  // in characters
  // In the place of the last frame. Each line must be at most as wide as the terminal. Lines that there is no
  // room for are left out, the last ones first; nothing is drawn from the background.
  void frame(const std::vector<std::string>& lines);
  // Above the frame, for good.
  void print(const std::string& line);
  // The key that was pressed, or 0.
  char key();

 private:
  struct Saved;
  std::unique_ptr<Saved> saved_;
  std::vector<std::string> shown_;
};

}  // namespace anneal::terminal
