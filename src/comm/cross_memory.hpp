#pragma once

namespace lockstep {

/// Whether processes of this program may copy from each other's memory, which a container or the system's
/// ptrace scope may refuse. Tried between this process and a child. Local.
bool can_copy_across_processes();

}  // namespace lockstep
