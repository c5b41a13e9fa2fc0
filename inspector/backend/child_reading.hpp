#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "attach/copy_on_write_child.hpp"
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

// What is learned of a child that was made at `moment`. kTimeout where that was in the middle of a
// change.
using ChildStudy =
    std::function<Result<Reading>(CopyOnWriteChild& child, ContextReader::Moment moment)>;

// Has the backend make a copy-on-write child and go on, studies that, and lets it end; makes
// another one where it was in the middle of a change, until `deadline` (kTimeout). The reading's
// pause is that of all of them. kUnsupported where the backend can make no child, kPermission where
// its files stay closed to us.
[[nodiscard]] Result<Reading> study_child(const Backend& backend,
                                          Gadgets& gadgets,
                                          std::chrono::steady_clock::time_point deadline,
                                          const ChildStudy& study);

// Whether an error of study_child() says that this backend gives no child to study, however often
// it is asked: freeze then takes the place of fork.
[[nodiscard]] bool gives_no_child(const Error& error);

// --method fork: the backend makes one copy-on-write child and goes on (attach/
// copy_on_write_child.hpp); the child is studied, and ends with this function. It is an image of
// one moment. Errors as those of study_child().
[[nodiscard]] Result<Reading> read_child(const Backend& backend,
                                         ContextReader& reader,
                                         Gadgets& gadgets,
                                         ChildUse use,
                                         std::chrono::steady_clock::time_point deadline);

}  // namespace palloscope
