#pragma once

#include <string>

namespace lockstep {

/// From here on no signal is delivered to the calling thread or to a thread that it starts: what arrives
/// waits for take_signals. To be called in the first line of main, before there are other threads. Local.
///
/// A handler that runs on a thread that computes stands in the way of the whole step, and finds locks of
/// libraries held. The system runs a handler only on a thread that does not block its signal, whoever has
/// installed the handler and with whatever flags; so all threads that compute block all signals, those of
/// OpenMP and of MPI too, which inherit the mask of the thread that starts them. Not blocked are the faults
/// of a thread's own instructions (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT), which can't
/// wait, and SIGPIPE, which comes of a thread's own write.
void hold_signals();

/// Starts the thread that takes the signals that hold_signals holds back. On it the system does with each
/// what it would have done: its default action, nothing, or a handler that a library has installed. While a
/// StopSignals lives, those become requests. Without a thread to be had, which is warned of, signals act on
/// the caller again. Once in a process. Local.
void take_signals();

/// While it lives, SIGTERM, SIGINT, SIGHUP and SIGUSR1 (with which batch systems warn of a time limit) no
/// longer end the process but become requested_stop; a second SIGINT ends it at once. A SIGHUP that was
/// ignored when hold_signals was called stays ignored, as nohup wants it. Local.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

/// The last signal that became a request, or 0. Local.
int requested_stop();

/// Whether the parent of this process, its launcher, has sent it SIGTERM, which became a request. Local.
bool parent_asks_to_end();

/// From here on output that nobody reads (SIGPIPE) is an error of the write and not the end of the process.
/// Local.
void survive_lost_readers();

/// From here on a file beyond the limit of its size (SIGXFSZ) is an error of the write and not the end of the
/// process. Local.
void survive_size_limits();

/// For a child process that works for its parent, which has blocked all signals for the fork: from here on
/// none has a handler, and those that ask for an end are held back as by hold_signals, since the parent
/// answers them. Local.
void leave_signals_to_parent();

/// "SIGTERM"; "Ctrl-C (SIGINT)".
std::string signal_name(int signal);

}  // namespace lockstep
