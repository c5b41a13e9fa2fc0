#pragma once

#include <chrono>
#include <string>

#include "attach/error.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/context_reader.hpp"
#include "inspector/backend/gadgets.hpp"

namespace palloscope {

// What is done with a copy-on-write child of a backend.
enum class ChildUse {
    kWalk,  // its memory is read
    kCall,  // and then it calls MemoryContextStats itself, of which the tree is taken
};

// --method fork: the backend makes one copy-on-write child and goes on (attach/
// copy_on_write_child.hpp); the child is studied, and ends with this function. It is an image of
// one moment, which can be in the middle of a change: then another one is made, until `deadline`
// (kTimeout). kUnsupported where the backend can make no child.
[[nodiscard]] Result<Reading> read_child(const Backend& backend,
                                         ContextReader& reader,
                                         Gadgets& gadgets,
                                         ChildUse use,
                                         std::chrono::steady_clock::time_point deadline);

}  // namespace palloscope
