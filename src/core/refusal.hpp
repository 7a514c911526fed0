#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// How a message goes on that says what the system refused with the errno `error`: "(File too large); raise
/// the limit …". A limit, permission or lack that the errno tells of has its own advice, which names the
/// limit; for anything else it is `advice`.
std::string because(int error, std::string_view advice);

}  // namespace lockstep
