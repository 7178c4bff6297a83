# SPDX-License-Identifier: MIT
# Writes OUTPUT, a source file that gives the text of FILES. Literals are cut into parts: compilers bound their
# length.

set(text "// Generated from the project's documentation.\n#include \"training/sources.h\"\n\n")
string(APPEND text "namespace anneal::training {\n\nconst std::string& documentation() {\n")
string(APPEND text "  static const std::string& text = *new std::string(\n")
foreach(file IN LISTS FILES)
  file(READ ${file} content HEX)
  string(LENGTH "${content}" length)
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${content}" ${at} 4000 part)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" part "${part}")
    string(APPEND text "      \"${part}\"\n")
    math(EXPR at "${at} + 4000")
  endwhile()
  string(APPEND text "      \"\\n\"\n")
endforeach()
string(APPEND text "  );\n  return text;\n}\n\n}  // namespace anneal::training\n")
file(WRITE ${OUTPUT} "${text}")
