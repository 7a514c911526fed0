// One rank does not come to MPI: the others must not wait for ever.

#include "lockstep/comm/launcher.hpp"
#include "lockstep/comm/mpi.hpp"

int main() {
  if (lockstep::read_launch().rank != 0) return 0;
  const lockstep::MpiSession session(std::chrono::seconds(1));
}
