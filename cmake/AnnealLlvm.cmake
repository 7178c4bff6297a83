# SPDX-License-Identifier: MIT
# LLVM 19 as the shared library, for the one folder that emits machine code:
#   anneal_llvm   its headers (as system headers: our warnings are not theirs) and the library
# Nothing else links this target, so nothing else can include an LLVM header. A program that ends up using none of
# that folder does not load the library either.
set(ANNEAL_LLVM_FOLDERS cpu)

# Clang's check of the types of called functions looks in front of their code, where code made at run time has nothing.
function(anneal_calls_machine_code target)
  if(ANNEAL_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set_target_properties(${target} PROPERTIES ANNEAL_CALLS_MACHINE_CODE ON)
  endif()
endfunction()

function(anneal_find_llvm)
  find_package(LLVM 19.1 CONFIG REQUIRED HINTS /usr/lib/llvm-19)
  find_library(ANNEAL_LLVM_LIBRARY NAMES LLVM-19 PATHS ${LLVM_LIBRARY_DIRS} REQUIRED NO_DEFAULT_PATH)
  add_library(anneal_llvm INTERFACE)
  target_include_directories(anneal_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
  target_link_libraries(anneal_llvm INTERFACE
    -Wl,--push-state,--as-needed ${ANNEAL_LLVM_LIBRARY} -Wl,--pop-state)
  # It calls LLVM and does nothing else, but LLVM's templates there take the compiler long.
  set_property(SOURCE src/cpu/jit.cc APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:Release>:-O1>)
  set_property(SOURCE src/cpu/jit.cc PROPERTY SKIP_PRECOMPILE_HEADERS ON)
endfunction()
