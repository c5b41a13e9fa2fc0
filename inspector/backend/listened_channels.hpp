#pragma once

#include <span>
#include <vector>

#include "inspector/backend/hash_tables.hpp"
#include "inspector/backend/still_backend.hpp"
#include "inspector/model/explanation.hpp"

namespace palloscope {

// The channels that a session listens to, in the order of LISTEN; from 19 on, which keeps none, of
// their names.
//
// They are the List listenChannels (async.c), which pg_listening_channels() uses: a variable of its
// code is believed where it is null, or a list of as many names as it counts, each in a chunk of
// TopMemoryContext. From 19 on they are the keys of the hash table localChannelTable. Where they
// cannot be read, `unavailable` gets the reason.
[[nodiscard]] std::vector<ListenedChannel> read_listened_channels(
    const StillBackend& backend,
    std::span<const DynamicHash> tables,
    std::vector<UnavailablePart>& unavailable);

}  // namespace palloscope
