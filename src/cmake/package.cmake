# `cpack` in the build folder makes Debian packages: lockstep, the program, and lockstep-dev, headers and libraries.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Lockstep maintainers <lockstep@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME lockstep)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "Trains neural networks under MPI
 A run on many ranks is the single-process run with the same batch, bit for bit.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS dataset-fashion-mnist)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME lockstep-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers and static libraries of Lockstep
 For programs with units, losses, optimizers or data of their own.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libopenmpi-dev, libeigen3-dev, libboost-dev, libfmt-dev, nlohmann-json3-dev, libcsv-dev, zlib1g-dev, libpng-dev, libjpeg-dev, libzip-dev, libhdf5-dev, libxxhash-dev, librandom123-dev")
include(CPack)
