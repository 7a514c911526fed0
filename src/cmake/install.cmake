# What `cmake --install` puts where. The component `program` is what one trains with, `development` what one builds against.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY LOCKSTEP_LIBRARIES)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
install(TARGETS ${libraries} EXPORT lockstep ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT lockstep NAMESPACE lockstep:: FILE lockstep-targets.cmake DESTINATION ${package} COMPONENT development)
install(DIRECTORY include/lockstep ${PROJECT_BINARY_DIR}/include/lockstep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN *.hpp)

list(JOIN LOCKSTEP_DEPENDENCIES "\" \"" LOCKSTEP_DEPENDENCIES)
configure_package_config_file(src/cmake/lockstep-config.cmake.in lockstep-config.cmake INSTALL_DESTINATION ${package}
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(lockstep-config-version.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/lockstep-config.cmake ${PROJECT_BINARY_DIR}/lockstep-config-version.cmake
        src/cmake/FindRandom123.cmake src/cmake/Findlibcsv.cmake src/cmake/Findlibhdf5.cmake src/cmake/Findlibzip.cmake
        src/cmake/FindxxHash.cmake
  DESTINATION ${package}
  COMPONENT development)

# For those who build without CMake, by mpicxx: the static libraries, each before those that it uses.
set(LOCKSTEP_PC_LIBRARIES)
foreach(library IN LISTS libraries)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(PREPEND LOCKSTEP_PC_LIBRARIES -l${library})
  endif()
endforeach()
list(APPEND LOCKSTEP_PC_LIBRARIES -lcsv)
list(JOIN LOCKSTEP_PC_LIBRARIES " " LOCKSTEP_PC_LIBRARIES)
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(src/cmake/lockstep.pc.in lockstep.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

if(PROJECT_IS_TOP_LEVEL)
  install(TARGETS lockstep_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep COMPONENT program)
  install(PROGRAMS launch/supervise.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep/launch COMPONENT program)
  install(FILES launch/environment.sh launch/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep/launch
          COMPONENT program)
  install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)
  install(FILES include/lockstep/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/lockstep-dev COMPONENT development)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/lockstep-dev RENAME copyright COMPONENT development)
endif()
