# SPDX-License-Identifier: MIT
# Makes find_package(anneal) work: one archive, the public headers, and the command line tool if it was built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/anneal)
install(TARGETS anneal EXPORT anneal ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT anneal NAMESPACE anneal:: FILE annealTargets.cmake DESTINATION ${package_dir})
configure_file(cmake/annealConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/annealConfig.cmake COPYONLY)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/annealConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/annealConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/annealConfigVersion.cmake
  DESTINATION ${package_dir})
install(DIRECTORY include/anneal DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET anneal_cli)
  install(TARGETS anneal_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
