# SPDX-License-Identifier: MIT
# Compiler settings as interface targets:
#   anneal_options   language level, floating point, sanitizers; for everything
#   anneal_warnings  warnings as errors; for everything that is ours
#   anneal_fmt, anneal_json   header-only libraries, to be used from .cc files only

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/lib)
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(ANNEAL_CCACHE ccache)
if(ANNEAL_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What it must be told to accept precompiled headers. Nothing here asks for the time.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${ANNEAL_CCACHE})
endif()

# Large headers of other projects are read once for all sources of a target: anneal_read_once(TARGET <header>...).
# Sources include what they use all the same, and build without this.
option(ANNEAL_READS_ONCE "Precompile large headers" ON)
if(ANNEAL_CORE_ONLY)
  set(ANNEAL_READS_ONCE OFF)
endif()
function(anneal_read_once target)
  if(ANNEAL_READS_ONCE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# A build from scratch takes half the time if the compiler gets several sources of a target at once: their headers,
# templates and inline functions are read and compiled once. Off where one file is changed and built again all day.
# Names without linkage are then shared by neighbours, so they must differ within a folder.
option(ANNEAL_TOGETHER "Compile several sources of a target at once" ${PROJECT_IS_TOP_LEVEL})
if(ANNEAL_TOGETHER AND NOT ANNEAL_CORE_ONLY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
endif()

# For what is not worth the time that optimizing it takes.
function(anneal_plain target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

add_library(anneal_options INTERFACE)
if(ANNEAL_READS_ONCE)
  # The compiler cache looks at the text behind a precompiled header.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(anneal_options INTERFACE -fpch-preprocess)
  else()
    target_compile_options(anneal_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
target_compile_options(anneal_options INTERFACE
  # The interpreter is the definition of every op: a*b+c must not become one rounding on some machines.
  -ffp-contract=off
  # Neither errno nor floating point traps are part of that definition; results stay the same bit for bit.
  -fno-math-errno -fno-trapping-math
  # Paths in messages and binaries are relative to the repository, so that builds are the same everywhere.
  -fmacro-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/=)
# A compiler cache may make them relative to the build folder first.
file(RELATIVE_PATH anneal_from_build ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(anneal_options INTERFACE -fmacro-prefix-map=${anneal_from_build}=)
if(ANNEAL_SANITIZE)
  target_compile_options(anneal_options INTERFACE
    -fsanitize=${ANNEAL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # Behind what turns it on; see anneal_calls_machine_code.
    $<$<BOOL:$<TARGET_PROPERTY:ANNEAL_CALLS_MACHINE_CODE>>:-fno-sanitize=function>)
  target_link_options(anneal_options INTERFACE -fsanitize=${ANNEAL_SANITIZE})
endif()
if(ANNEAL_CORE_ONLY)
  target_compile_options(anneal_options INTERFACE -fno-exceptions -fno-rtti)
endif()

add_library(anneal_warnings INTERFACE)
target_compile_options(anneal_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror
  # {.seed = 7} leaves the other members at their defaults on purpose.
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # These five follow the optimizer, and GCC 12 reports correct library code (std::string, std::vector, std::variant).
  target_compile_options(anneal_warnings INTERFACE
    -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
endif()

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A class that only one source knows may have members of types that only this source knows.
  target_compile_options(anneal_warnings INTERFACE -Wno-subobject-linkage)
endif()

if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  # Extents are int64_t everywhere; a tensor that fits in a 32-bit memory has extents that fit in its size_t.
  target_compile_options(anneal_warnings INTERFACE -Wno-shorten-64-to-32)
endif()

# The headers of host libraries must not bring the host's C headers into a build for another target: such a build
# gets a folder of its own that holds links to the wanted libraries and nothing else.
function(anneal_header_only name header folder)
  add_library(${name} INTERFACE)
  if(CMAKE_CROSSCOMPILING)
    set(private ${CMAKE_BINARY_DIR}/private_include)
    find_path(ANNEAL_${name}_DIR ${header} NO_CMAKE_FIND_ROOT_PATH PATHS /usr/include /usr/local/include REQUIRED)
    file(MAKE_DIRECTORY ${private})
    file(CREATE_LINK ${ANNEAL_${name}_DIR}/${folder} ${private}/${folder} SYMBOLIC)
    target_include_directories(${name} SYSTEM INTERFACE ${private})
  else()
    find_path(ANNEAL_${name}_DIR ${header} REQUIRED)
    target_include_directories(${name} SYSTEM INTERFACE ${ANNEAL_${name}_DIR})
  endif()
endfunction()

anneal_header_only(anneal_fmt fmt/format.h fmt)
if(NOT ANNEAL_CORE_ONLY)
  anneal_header_only(anneal_json nlohmann/json.hpp nlohmann)
endif()
