# SPDX-License-Identifier: MIT
# src/support/version.h is answered by a generated file. The commit is looked up at every build, and the file is
# written only when its text changes: a new commit costs one small compilation.

set(ANNEAL_VERSION_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/generated/version.cc)
add_custom_target(anneal_version_stamp
  COMMAND ${CMAKE_COMMAND}
    -DSOURCE_DIR=${CMAKE_CURRENT_SOURCE_DIR}
    -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/cmake/version.cc.in
    -DOUTPUT=${ANNEAL_VERSION_SOURCE}
    -DVERSION=${PROJECT_VERSION}
    "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${ANNEAL_VERSION_SOURCE}
  COMMENT "Looking up the commit"
  VERBATIM)
