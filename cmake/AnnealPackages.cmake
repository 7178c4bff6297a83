# SPDX-License-Identifier: MIT
# Libraries of the system for the folders that read files and text, one target each:
#   anneal_zlib    deflate, for npz and gzip (src/io)
#   anneal_pcre2   the pattern that cuts text into words (src/text)
#   anneal_curl    downloads, and SHA-256 of what came (src/assets): for the tool alone, not in libanneal.a
# Which folder gets which is said here. What the installed library needs of them, annealConfig.cmake.in looks for.
set(ANNEAL_SYSTEM_LIBRARIES_io anneal_zlib)
set(ANNEAL_SYSTEM_LIBRARIES_text anneal_pcre2)
set(ANNEAL_SYSTEM_LIBRARIES_assets anneal_curl)

# anneal_system_library(NAME HEADER LIBRARY...)
function(anneal_system_library name header)
  find_path(ANNEAL_${name}_HEADERS ${header} REQUIRED)
  add_library(${name} INTERFACE)
  target_include_directories(${name} SYSTEM INTERFACE ${ANNEAL_${name}_HEADERS})
  foreach(library IN LISTS ARGN)
    find_library(ANNEAL_LIBRARY_${library} ${library} REQUIRED)
    target_link_libraries(${name} INTERFACE ${ANNEAL_LIBRARY_${library}})
  endforeach()
endfunction()

function(anneal_find_packages)
  anneal_system_library(anneal_zlib zlib.h z)
  anneal_system_library(anneal_pcre2 pcre2.h pcre2-8)
  anneal_system_library(anneal_curl curl/curl.h curl crypto)
endfunction()
