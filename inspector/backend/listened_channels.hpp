#pragma once

#include <vector>

#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// The channels that a session listens to, in the order of LISTEN.
//
// They are the List listenChannels (async.c), which pg_listening_channels() uses: a variable of its
// code is believed where it is null, or a list of as many names as it counts, each in a chunk of
// TopMemoryContext. Where there is none of either, `unavailable` gets the reason.
[[nodiscard]] std::vector<ListenedChannel> read_listened_channels(
    const StillBackend& backend, std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
