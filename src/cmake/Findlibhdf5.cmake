# The C library of HDF5 without MPI, beside which Debian has one for each MPI, while CMake's own module takes any of them
# and needs a C compiler: the target libhdf5::hdf5.
find_path(libhdf5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial)
find_library(libhdf5_LIBRARY NAMES hdf5_serial hdf5)
mark_as_advanced(libhdf5_INCLUDE_DIR libhdf5_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libhdf5 REQUIRED_VARS libhdf5_LIBRARY libhdf5_INCLUDE_DIR)
if(libhdf5_FOUND AND NOT TARGET libhdf5::hdf5)
  add_library(libhdf5::hdf5 UNKNOWN IMPORTED)
  set_target_properties(libhdf5::hdf5 PROPERTIES IMPORTED_LOCATION "${libhdf5_LIBRARY}"
                                                 INTERFACE_INCLUDE_DIRECTORIES "${libhdf5_INCLUDE_DIR}")
endif()
