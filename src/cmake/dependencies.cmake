# Finds what Lockstep needs. The package's configuration file finds the same for those who use the installed libraries, and is
# made of this list: what find_package takes, a package a line. Those without a package of their own have a Find module here.
set(LOCKSTEP_DEPENDENCIES
    "Threads"
    "OpenMP COMPONENTS CXX"
    "MPI COMPONENTS CXX"
    "Eigen3 3.4 NO_MODULE"
    "Boost 1.74 CONFIG"
    "ZLIB"
    "PNG"
    "JPEG"
    "fmt"
    "nlohmann_json 3.10"
    "libcsv"
    "libhdf5"
    "libzip"
    "Random123"
    "xxHash")

list(PREPEND CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/src/cmake)
foreach(package IN LISTS LOCKSTEP_DEPENDENCIES)
  separate_arguments(package UNIX_COMMAND ${package})
  find_package(${package} REQUIRED)
endforeach()
if(PROJECT_IS_TOP_LEVEL) # the program's own
  find_package(Boost 1.74 CONFIG REQUIRED COMPONENTS program_options)
endif()
