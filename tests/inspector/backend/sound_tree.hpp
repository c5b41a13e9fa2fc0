#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attach/error.hpp"
#include "inspector/model/context_tree.hpp"

namespace palloscope::test {

// The first promise of walk_contexts() that its answer breaks, of memory that may be damaged in any
// way: a tree whose figures and parents agree, in a process of `process_bytes`, or an error of the
// kinds that mean "does not fit". None where all hold.
std::optional<std::string> broken_promise(const Result<ContextTree>& tree,
                                          std::uint64_t process_bytes);

// The same of an error.
std::optional<std::string> broken_promise(const Error& error);

}  // namespace palloscope::test
