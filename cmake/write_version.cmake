# SPDX-License-Identifier: MIT
# Run at build time by anneal_version_stamp: fills version.cc.in with the current commit.
execute_process(
  COMMAND git describe --always --dirty --abbrev=12 --exclude=*
  WORKING_DIRECTORY ${SOURCE_DIR}
  OUTPUT_VARIABLE COMMIT ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT COMMIT)
  set(COMMIT "unknown")  # not a git checkout, or nothing committed yet
endif()
configure_file(${INPUT} ${OUTPUT} @ONLY)
