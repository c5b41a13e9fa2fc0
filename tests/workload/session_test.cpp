#include "workload/session.hpp"

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/session.hpp"
#include "tests/workload/driver_fixture.hpp"
#include "workload/session_pool.hpp"

namespace palloscope::workload {
namespace {

using palloscope::test::PostgresServer;
using test::read_journal;
using test::TemporaryPath;
using testing::HasSubstr;
using testing::Not;

class WorkloadSession : public testing::Test {
  protected:
    [[nodiscard]] Session open() {
        auto session = Session::open(settings_, bookkeeping_);
        if (!session) {
            throw std::runtime_error(session.error().message);
        }
        return std::move(*session);
    }

    static void terminate(int backend_pid) {
        palloscope::test::Session::connect(PostgresServer::shared("15").dsn())
            .exec(fmt::format("SELECT pg_terminate_backend({})", backend_pid));
    }

    [[nodiscard]] Execution last_execution() const { return read_journal(file_.text()).back(); }

    TemporaryPath file_{"session"};
    Journal journal_{std::move(*Journal::open(file_.path()))};
    Counters counters_;
    Bookkeeping bookkeeping_{.journal = journal_, .counters = counters_};
    SessionSettings settings_{.conninfo = PostgresServer::shared("15").dsn(),
                              .name = "session-1",
                              .default_application_name = "puma: cluster worker 0"};
};

TEST_F(WorkloadSession, JournalsEachStatementByItsForm) {
    Session session = open();
    const auto rows = session.run("login/role", "SELECT 'hunter2', generate_series(1, 3)");
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->count(), 3);
    EXPECT_EQ(rows->value(0, 0), "hunter2");
    EXPECT_EQ(rows->value(3, 0), "");
    const Execution execution = last_execution();
    EXPECT_EQ(execution.seq, 1);
    EXPECT_EQ(execution.backend_pid, session.backend_pid());
    EXPECT_EQ(execution.session, "session-1");
    EXPECT_EQ(execution.step, "login/role");
    EXPECT_EQ(execution.form.text, "SELECT $1, generate_series($2, $3)");
    EXPECT_EQ(execution.rows, 3);
    EXPECT_EQ(execution.error, std::nullopt);
    EXPECT_EQ(counters_.statements, 1U);
    EXPECT_THAT(file_.text(), Not(HasSubstr("hunter2")));
}

TEST_F(WorkloadSession, PreparesAStatementThatStaysAndJournalsItOnce) {
    Session session = open();
    const auto rows = session.run_prepared("search", "S_1", "SELECT $1::text, 7", {"hunter2"});
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->value(0, 0), "hunter2");
    EXPECT_EQ(counters_.statements, 1U);
    const Execution execution = last_execution();
    EXPECT_EQ(execution.form.text, "SELECT $1::text, $2");
    EXPECT_EQ(execution.rows, 1);
    EXPECT_THAT(file_.text(), Not(HasSubstr("hunter2")));
    const auto kept = session.run("kept", "SELECT name FROM pg_prepared_statements");
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->value(0, 0), "S_1");
    // The name is taken: the Parse fails, and nothing is executed.
    ASSERT_FALSE(session.run_prepared("search", "S_1", "SELECT 1", {}));
    EXPECT_EQ(last_execution().error, "42P05");
}

TEST_F(WorkloadSession, KnowsWhetherATransactionIsOpen) {
    Session session = open();
    EXPECT_FALSE(session.in_transaction());
    ASSERT_TRUE(session.run("begin", "BEGIN"));
    EXPECT_TRUE(session.in_transaction());
    ASSERT_FALSE(session.run("fail", "SELECT 1 / 0"));
    EXPECT_TRUE(session.in_transaction());
    ASSERT_TRUE(session.run("end", "ROLLBACK"));
    EXPECT_FALSE(session.in_transaction());
}

TEST_F(WorkloadSession, TimesEachStatement) {
    Session session = open();
    const auto now = [] {
        return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch())
            .count();
    };
    const auto before = now();
    ASSERT_TRUE(session.run("sleep", "SELECT pg_sleep(0.02)"));
    const Execution execution = last_execution();
    EXPECT_GE(execution.started_at_ns, before);
    EXPECT_GE(execution.ended_at_ns - execution.started_at_ns, 20'000'000);
    EXPECT_LE(execution.ended_at_ns, now());
}

TEST_F(WorkloadSession, CountsTheRowsThatAStatementAffects) {
    Session session = open();
    ASSERT_TRUE(session.run("make", "CREATE TEMPORARY TABLE t (id int)"));
    EXPECT_EQ(last_execution().rows, 0);
    ASSERT_TRUE(session.run("fill", "INSERT INTO t SELECT generate_series(1, 5)"));
    EXPECT_EQ(last_execution().rows, 5);
}

TEST_F(WorkloadSession, JournalsTheSqlstateOfAStatementThatFails) {
    Session session = open();
    const auto rows = session.run("divide", "SELECT 1 / 0");
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind, Error::Kind::kFailed);
    EXPECT_EQ(rows.error().message, "session-1: divide failed with SQLSTATE 22012");
    EXPECT_EQ(last_execution().error, "22012");
    EXPECT_EQ(counters_.errors, 1U);
    EXPECT_FALSE(session.lost());
}

TEST_F(WorkloadSession, KeepsLiteralsOutOfItsErrorsToo) {
    Session session = open();
    const auto rows = session.run("cast", "SELECT CAST('hunter2' AS integer)");
    ASSERT_FALSE(rows);
    EXPECT_THAT(rows.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(file_.text(), Not(HasSubstr("hunter2")));
}

TEST_F(WorkloadSession, MakesALiteralOfAnyText) {
    Session session = open();
    for (const std::string_view text : {"", "it's", "back\\slash", "$$", "%s {0}", "ü\n"}) {
        const auto rows = session.run("echo", "SELECT " + session.literal(text));
        ASSERT_TRUE(rows) << text;
        EXPECT_EQ(rows->value(0, 0), text);
    }
}

TEST_F(WorkloadSession, CommitsATransactionThatWentWell) {
    Session session = open();
    EXPECT_TRUE(session.transaction("work", [&] {
        return session.run({{"work/make", "CREATE TEMPORARY TABLE kept (id int)"}});
    }));
    EXPECT_EQ(last_execution().step, "work/commit");
    EXPECT_TRUE(session.run("look", "SELECT FROM kept"));
}

TEST_F(WorkloadSession, RollsATransactionInErrorBack) {
    Session session = open();
    const auto done = session.transaction("work", [&] {
        return session.run({{"work/make", "CREATE TEMPORARY TABLE kept (id int)"},
                            {"work/divide", "SELECT 1 / 0"},
                            {"work/never", "SELECT 1"}});
    });
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message, HasSubstr("work/divide failed with SQLSTATE 22012"));
    EXPECT_EQ(last_execution().step, "work/rollback");
    EXPECT_EQ(last_execution().error, std::nullopt);
    EXPECT_THAT(file_.text(), Not(HasSubstr("work/never")));
    EXPECT_FALSE(session.run("look", "SELECT FROM kept"));
}

TEST_F(WorkloadSession, JournalsAConnectionThatWasLostBetweenTwoStatements) {
    Session session = open();
    const int backend_pid = session.backend_pid();
    terminate(backend_pid);
    const auto done = session.transaction("work", [] { return Result<>(); });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, Error::Kind::kGone);
    EXPECT_TRUE(session.lost());
    EXPECT_EQ(last_execution().step, "work/begin");
    // The server's reason, if it came after the statement was sent.
    EXPECT_THAT(*last_execution().error, testing::AnyOf("57P01", "08006"));
    EXPECT_EQ(last_execution().backend_pid, backend_pid);
    // Further statements are no crash either.
    EXPECT_FALSE(session.run("after", "SELECT 1"));
    EXPECT_EQ(last_execution().error, "08006");
}

TEST_F(WorkloadSession, JournalsWhyTheServerEndedAConnectionDuringAStatement) {
    Session session = open();
    const auto rows = session.run("end", "SELECT pg_terminate_backend(pg_backend_pid())");
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind, Error::Kind::kGone);
    EXPECT_EQ(last_execution().error, "57P01");
}

TEST_F(WorkloadSession, ConnectsUnderTheNameOfItsScenarioUnlessToldOtherwise) {
    const auto name_of = [](Session session) {
        const auto rows = session.run("name", "SHOW application_name");
        return rows ? std::string(rows->value(0, 0)) : rows.error().message;
    };
    EXPECT_EQ(name_of(open()), "puma: cluster worker 0");
    settings_.conninfo += " application_name=mine";
    EXPECT_EQ(name_of(open()), "mine");
    settings_.application_name = "chosen";
    EXPECT_EQ(name_of(open()), "chosen");
}

TEST_F(WorkloadSession, SaysWhyItCannotConnect) {
    settings_.conninfo = "host=/nonexistent password=hunter2";
    const auto session = Session::open(settings_, bookkeeping_);
    ASSERT_FALSE(session);
    EXPECT_THAT(session.error().message, HasSubstr("/nonexistent"));
    EXPECT_THAT(session.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(session.error().message, Not(testing::EndsWith("\n")));
}

TEST_F(WorkloadSession, FailsWhereItsJournalDoes) {
    Journal full = std::move(*Journal::open("/dev/full"));
    auto session = Session::open(settings_, {.journal = full, .counters = counters_});
    ASSERT_TRUE(session);
    EXPECT_FALSE(session->run("one", "SELECT 1"));
    EXPECT_TRUE(full.error());
}

class WorkloadSessionPool : public WorkloadSession {
  protected:
    [[nodiscard]] SessionPool::Lease take(SessionPool& pool) {
        auto lease = pool.take(stop_.get_token());
        if (!lease) {
            throw std::runtime_error(lease.error().message);
        }
        return std::move(*lease);
    }

    std::stop_source stop_;
};

TEST_F(WorkloadSessionPool, TakesTheSessionThatWasGivenBackLast) {
    SessionPool pool(settings_, /*size=*/6, Upkeep{}, bookkeeping_);
    const int first = take(pool)->backend_pid();
    EXPECT_EQ(take(pool)->backend_pid(), first);
    int second = 0;
    {
        const auto busy = take(pool);
        const auto other = take(pool);
        EXPECT_EQ(busy->backend_pid(), first);
        second = other->backend_pid();
    }
    EXPECT_NE(second, first);
    // `busy` was made before `other` and so given back after it.
    EXPECT_EQ(take(pool)->backend_pid(), first);
}

TEST_F(WorkloadSessionPool, NamesItsSessionsByTheirPlaces) {
    SessionPool pool(settings_, /*size=*/2, Upkeep{}, bookkeeping_);
    const auto first = take(pool);
    const auto second = take(pool);
    ASSERT_TRUE(first->run("one", "SELECT 1"));
    EXPECT_EQ(last_execution().session, "session-1/1");
    ASSERT_TRUE(second->run("one", "SELECT 1"));
    EXPECT_EQ(last_execution().session, "session-1/2");
}

TEST_F(WorkloadSessionPool, ReplacesALostSession) {
    SessionPool pool(settings_, /*size=*/1, Upkeep{}, bookkeeping_);
    int lost = 0;
    {
        const auto session = take(pool);
        lost = session->backend_pid();
        terminate(lost);
        EXPECT_FALSE(session->run("one", "SELECT 1"));
    }
    EXPECT_EQ(counters_.reconnects, 0U);
    EXPECT_NE(take(pool)->backend_pid(), lost);
    EXPECT_EQ(counters_.reconnects, 1U);
}

TEST_F(WorkloadSessionPool, IssuesAStatementBetweenRequests) {
    SessionPool pool(
        settings_, /*size=*/1, Upkeep{.every = 2, .statement = "DISCARD ALL"}, bookkeeping_);
    const int pid = take(pool)->backend_pid();
    EXPECT_EQ(counters_.statements, 0U);
    ASSERT_TRUE(take(pool)->run("one", "PREPARE kept AS SELECT 1"));
    EXPECT_EQ(last_execution().form.text, "DISCARD ALL");
    EXPECT_EQ(last_execution().step, "upkeep");
    const auto session = take(pool);
    EXPECT_EQ(session->backend_pid(), pid);
    EXPECT_FALSE(session->run("one", "EXECUTE kept"));
}

TEST_F(WorkloadSessionPool, ReconnectsBetweenRequests) {
    SessionPool pool(settings_, /*size=*/1, Upkeep{.every = 2, .reconnect = true}, bookkeeping_);
    const int first = take(pool)->backend_pid();
    EXPECT_EQ(take(pool)->backend_pid(), first);
    EXPECT_NE(take(pool)->backend_pid(), first);
    EXPECT_EQ(counters_.reconnects, 1U);
}

TEST_F(WorkloadSessionPool, DisturbsNoOpenTransaction) {
    SessionPool pool(settings_,
                     /*size=*/1,
                     Upkeep{.every = 1, .statement = "DISCARD ALL", .reconnect = true},
                     bookkeeping_);
    const int first = [&] {
        const auto session = take(pool);
        EXPECT_TRUE(session->run("one", "BEGIN"));
        return session->backend_pid();
    }();
    EXPECT_EQ(counters_.statements, 1U);
    ASSERT_TRUE(take(pool)->run("one", "COMMIT"));
    EXPECT_EQ(counters_.errors, 0U);
    EXPECT_NE(take(pool)->backend_pid(), first);
}

TEST_F(WorkloadSessionPool, StopsWaitingForAServerThatIsNotThere) {
    settings_.conninfo = "host=/nonexistent";
    SessionPool pool(settings_, /*size=*/1, Upkeep{}, bookkeeping_);
    testing::internal::CaptureStderr();
    std::jthread stopper([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        stop_.request_stop();
    });
    const auto lease = pool.take(stop_.get_token());
    ASSERT_FALSE(lease);
    EXPECT_EQ(lease.error().kind, Error::Kind::kInterrupted);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("trying again"));
}

TEST_F(WorkloadSessionPool, StopsWaitingForASessionThatIsOut) {
    SessionPool pool(settings_, /*size=*/1, Upkeep{}, bookkeeping_);
    const auto out = take(pool);
    const std::jthread stopper([this] { stop_.request_stop(); });
    const auto lease = pool.take(stop_.get_token());
    ASSERT_FALSE(lease);
    EXPECT_EQ(lease.error().kind, Error::Kind::kInterrupted);
}

}  // namespace
}  // namespace palloscope::workload
