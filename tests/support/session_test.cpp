#include "tests/support/session.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"

namespace palloscope::test {
namespace {

class SessionTest : public testing::Test {
  protected:
    Session session = Session::connect(PostgresServer::shared("15").dsn());
};

TEST_F(SessionTest, ReturnsTheRowsOfTheLastStatement) {
    EXPECT_EQ(session.exec("SELECT 'first'; SELECT n, nullif(n, 2) FROM generate_series(1, 2) n"),
              (Rows{{"1", "1"}, {"2", std::nullopt}}));
}

TEST_F(SessionTest, KnowsItsBackend) {
    EXPECT_EQ(session.exec("SELECT pg_backend_pid()").at(0).at(0),
              std::to_string(session.backend_pid()));
}

TEST_F(SessionTest, ThrowsOnAnErrorAndGoesOn) {
    EXPECT_THROW(session.exec("SELECT 1/0"), std::runtime_error);
    EXPECT_TRUE(session.alive());
}

TEST_F(SessionTest, CancelsAStatementUnderWay) {
    Session observer = Session::connect(PostgresServer::shared("15").dsn());
    const std::string wait_event = "SELECT wait_event FROM pg_stat_activity WHERE pid = " +
                                   std::to_string(session.backend_pid());
    session.send("SELECT pg_sleep(100)");
    // A backend that has yet to read the statement ignores a request to cancel it.
    ASSERT_TRUE(eventually([&] { return observer.exec(wait_event) == Rows{{"PgSleep"}}; }));
    session.cancel();
    EXPECT_THROW(session.finish(), std::runtime_error);
    EXPECT_TRUE(session.alive());
}

TEST_F(SessionTest, ThrowsWhenNoAnswerComesInTime) {
    EXPECT_THROW(session.exec("SELECT pg_sleep(100)", std::chrono::milliseconds(1)),
                 std::runtime_error);
}

TEST_F(SessionTest, KnowsThatItsBackendWasTerminated) {
    Session other = Session::connect(PostgresServer::shared("15").dsn());
    other.exec("SELECT pg_terminate_backend(" + std::to_string(session.backend_pid()) + ")");
    EXPECT_FALSE(session.alive());
    EXPECT_THROW(Session::connect("host=/nowhere"), std::runtime_error);
}

}  // namespace
}  // namespace palloscope::test
