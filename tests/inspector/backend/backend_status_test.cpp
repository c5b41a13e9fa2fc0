#include "inspector/backend/backend_status.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "inspector/model/time_text.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/session.hpp"

namespace palloscope {
namespace {

using test::PostgresServer;
using test::Session;

class BackendStatusOnEveryVersion : public testing::TestWithParam<std::string> {
  protected:
    // What we read of the backend of `session`.
    Result<BackendStatus> status_of(const Session& session) {
        backend_ = Backend::open(session.backend_pid());
        return find_backend_status(*backend_).and_then([&](RemoteAddress entry) {
            return read_backend_status(backend_->memory(), entry, backend_->server_version_num());
        });
    }

    Session connect() { return Session::connect(PostgresServer::shared(GetParam()).dsn()); }

    // One value that pg_stat_activity has of `of`.
    static std::string told(Session& by, const Session& of, const std::string& what) {
        return by
            .exec("SELECT " + what +
                  " FROM pg_stat_activity WHERE pid = " + std::to_string(of.backend_pid()))
            .at(0)
            .at(0)
            .value_or("");
    }

    // The same of a moment, in microseconds of Unix time.
    static std::int64_t told_us(Session& by, const Session& of, const std::string& column) {
        return std::stoll(told(by, of, "(extract(epoch FROM " + column + ") * 1000000)::bigint"));
    }

    Result<Backend> backend_ = failure(Error::Kind::kGone, "not opened");
};

TEST_P(BackendStatusOnEveryVersion, IsWhatTheServerItselfTells) {
    Session watched = connect();
    Session watching = connect();
    const std::array<std::string, 4> statements{
        "SELECT 41 + 1", "BEGIN", "SELECT 'a text of some length, with ''quotes'''", "COMMIT"};
    for (const std::string& statement : statements) {
        watched.exec(statement);
        const auto status = status_of(watched);
        ASSERT_TRUE(status) << status.error().message;
        EXPECT_FALSE(status->changing());
        EXPECT_EQ(status->state, told(watching, watched, "state"));
        EXPECT_EQ(backend_->memory().read_string(status->query, 1024), statement);
        EXPECT_EQ(status->statement_started_at_ns / 1000,
                  told_us(watching, watched, "query_start"));
        EXPECT_EQ(status->state_began_at_ns / 1000, told_us(watching, watched, "state_change"));
        const std::string begun = told(watching, watched, "xact_start");
        EXPECT_EQ(status->in_transaction_block(), !begun.empty());
        if (!begun.empty()) {
            EXPECT_EQ(status->transaction_started_at_ns / 1000,
                      told_us(watching, watched, "xact_start"));
        }
    }
    EXPECT_EQ(told(watching, watching, "state"), "active");
}

TEST_P(BackendStatusOnEveryVersion, CountsEachReport) {
    Session session = connect();
    session.exec("SELECT 1");
    const auto before = status_of(session);
    session.exec("SELECT 2");
    const auto after = status_of(session);
    ASSERT_TRUE(before && after);
    EXPECT_GT(after->changes, before->changes);
    EXPECT_EQ(after->changes % 2, 0U);
    EXPECT_GT(after->statement_started_at_ns, before->statement_started_at_ns);
    EXPECT_GE(after->state_began_at_ns, after->statement_started_at_ns);
}

INSTANTIATE_TEST_SUITE_P(Postgres,
                         BackendStatusOnEveryVersion,
                         testing::ValuesIn(test::server_versions()),
                         [](const auto& param) { return "v" + param.param; });

}  // namespace
}  // namespace palloscope
