#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {

// Remembers how a session's backend and its server look, and says later what harm was done to them.
// Server and session must outlive it, and nobody else may use the server meanwhile: its log must
// not change. Start it with kQuietLog.
//
//     BackendWatch watch(server, session);
//     … inspect the backend …
//     EXPECT_THAT(watch.harms(), testing::IsEmpty());
class BackendWatch {
  public:
    BackendWatch(const PostgresServer& server, Session& session);

    // A sentence for each of these that does not hold: the backend answers; it is in state S or R,
    // without a tracer; it has the same descriptors (standard error among them) and no child; the
    // postmaster is the same process; the server's log has not changed, so that it tells of no
    // restart and of no memory context.
    std::vector<std::string> harms();

  private:
    const PostgresServer& server_;
    Session& session_;
    std::map<int, std::string> descriptors_;
    std::uint64_t postmaster_start_time_;
    std::string log_;
};

// Settings under which an undisturbed server logs nothing.
inline const std::vector<std::string> kQuietLog{"log_checkpoints=off", "autovacuum=off"};

}  // namespace palloscope::test
