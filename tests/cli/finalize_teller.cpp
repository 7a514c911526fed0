// Loaded into the program before MPI (LD_PRELOAD), as a profiler is: tells on standard error when MPI is
// finalised.

#include <cstdio>

// NOLINTBEGIN(readability-identifier-naming): the names are MPI's
extern "C" int PMPI_Finalize();

extern "C" int MPI_Finalize() {
  std::fputs("MPI_Finalize\n", stderr);
  return PMPI_Finalize();
}
// NOLINTEND(readability-identifier-naming)
