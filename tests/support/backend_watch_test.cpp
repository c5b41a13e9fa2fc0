#include "tests/support/backend_watch.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process_state.hpp"

namespace palloscope::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class BackendWatchTest : public testing::Test {
  protected:
    PostgresServer server = PostgresServer::start("15", kQuietLog);
    Session session = Session::connect(server.dsn());
    BackendWatch watch = BackendWatch(server, session);
};

TEST_F(BackendWatchTest, FindsNoHarmWhereNothingHappened) {
    EXPECT_THAT(watch.harms(), IsEmpty());
}

TEST_F(BackendWatchTest, NoticesADescriptorLeftOpen) {
    // The backend keeps the file of a table that it has written to.
    session.exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    EXPECT_THAT(watch.harms(), Contains(HasSubstr("is left open")));
}

TEST_F(BackendWatchTest, NoticesALineInTheLog) {
    session.exec("SET client_min_messages = error; SET log_min_messages = info");
    session.exec("DO $$ BEGIN RAISE INFO 'planted'; END $$");
    EXPECT_THAT(watch.harms(), Contains(HasSubstr("planted")));
}

TEST_F(BackendWatchTest, NoticesACrashedBackend) {
    kill(session.backend_pid(), SIGKILL);
    ASSERT_TRUE(eventually(
        [&] { return server.log().find("was terminated by signal 9") != std::string::npos; }));
    const std::vector<std::string> harms = watch.harms();
    EXPECT_THAT(harms, Contains("the backend does not answer"));
    EXPECT_THAT(harms, Contains(HasSubstr("was terminated by signal 9")));
}

}  // namespace
}  // namespace palloscope::test
