# SPDX-License-Identifier: MIT
# The project's documentation as a string of the program (src/training/sources.h), so that there is always a text
# to train on. Written again when one of the files changes.

set(ANNEAL_DOCUMENTATION_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/generated/documentation.cc)
file(GLOB ANNEAL_DOCUMENTATION_FILES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/*.md ${CMAKE_CURRENT_SOURCE_DIR}/docs/*.md ${CMAKE_CURRENT_SOURCE_DIR}/src/*/*.md)
list(FILTER ANNEAL_DOCUMENTATION_FILES EXCLUDE REGEX "docs/tutorial\\.md$")  # mostly what programs print
list(SORT ANNEAL_DOCUMENTATION_FILES)
add_custom_command(
  OUTPUT ${ANNEAL_DOCUMENTATION_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${ANNEAL_DOCUMENTATION_SOURCE} "-DFILES=${ANNEAL_DOCUMENTATION_FILES}"
    -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/write_documentation.cmake
  DEPENDS ${ANNEAL_DOCUMENTATION_FILES} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/write_documentation.cmake
  VERBATIM)
