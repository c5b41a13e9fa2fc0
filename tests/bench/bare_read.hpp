#pragma once

#include <chrono>
#include <cstdint>

#include "tests/support/session.hpp"

namespace palloscope::test {

struct BareRead {
    std::uint64_t bytes = 0;
    std::chrono::microseconds time{};
};

// How long one process_vm_readv(2) of the [heap] of the session's backend, where most of its
// contexts lie, takes here, in the median, while that is held stopped amid the queries of a client:
// about what a pause to copy its contexts costs at least, whoever copies. Throws std::runtime_error
// where it cannot be measured.
BareRead bare_read(Session& session);

}  // namespace palloscope::test
