#pragma once

#include <cstddef>
#include <vector>

#include "attach/remote_address.hpp"

namespace palloscope {

// A block of a context. What lies from `free` to `end` was never given out.
struct ContextBlock {
    std::size_t context;  // index in the tree
    RemoteAddress begin;
    RemoteAddress free;
    RemoteAddress end;

    bool operator==(const ContextBlock&) const = default;
};

// Where the contexts of a tree lie in the backend, for who wants to know what is in them.
struct ContextPlaces {
    std::vector<RemoteAddress> contexts;  // one for each context of the tree
    std::vector<ContextBlock> blocks;     // those of one context together, in the tree's order
};

}  // namespace palloscope
