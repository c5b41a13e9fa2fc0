#pragma once

#include <chrono>
#include <cstdint>

#include "tests/support/session.hpp"

namespace palloscope::test {

// How long one process_vm_readv(2) of so many bytes of the session's backend takes here, in the
// median, while that is held stopped amid the queries of a client: what a pause to copy them costs
// at least, whoever copies. Of its [heap], where its contexts lie, all at once; less is read where
// that is smaller. Throws std::runtime_error where it cannot be measured.
std::chrono::microseconds bare_read(Session& session, std::uint64_t bytes);

}  // namespace palloscope::test
