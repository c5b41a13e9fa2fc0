#pragma once

#include <string>
#include <vector>

#include "inspector/model/snapshot.hpp"
#include "tests/support/postgres_server.hpp"

namespace palloscope::test {

struct UnderFireResult {
    int asked = 0;
    int taken = 0;
    int refused = 0;   // no consistent or safe moment came: said so, and nothing shown
    int compared = 0;  // with what MemoryContextStats printed under the same stop
    std::vector<std::string> harms;

    // One line for a person.
    std::string summary(Method method) const;
};

// Takes `snapshots` snapshots of backends that never rest: pgbench, tables made and dropped, sorts
// and growing strings, Conjur's policy loads. Looks, in rounds of some seconds, whether anything
// was harmed: a transaction that failed, a program that ended badly, a word in the server's log, a
// process left stopped or traced, a zombie. Every hundredth snapshot is followed by one in which
// our walk and MemoryContextStats look at the same stopped backend, and must agree. Ends with the
// first harm. `server` must have been started with kQuietLog.
UnderFireResult run_under_fire(const PostgresServer& server, Method method, int snapshots);

}  // namespace palloscope::test
