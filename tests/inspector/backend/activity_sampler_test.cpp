#include "inspector/backend/activity_sampler.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/proc.hpp"
#include "inspector/sql/libpq_owners.hpp"
#include "inspector/statements/form.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/session.hpp"

namespace palloscope {
namespace {

using test::PostgresServer;
using test::Session;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ActivitySamplerOnEveryVersion : public testing::TestWithParam<std::string> {
  protected:
    Session connect() { return Session::connect(PostgresServer::shared(GetParam()).dsn()); }
};

// Adds what ended to `seen` until there is so much; false where it does not come.
bool await(ActivitySampler& sampler, std::vector<Execution>& seen, std::size_t count) {
    return test::eventually([&] {
        const auto ended = sampler.poll();
        seen.insert(seen.end(), ended->begin(), ended->end());
        return seen.size() >= count;
    });
}

TEST_P(ActivitySamplerOnEveryVersion, SeesWhatABackendRunsInItsOrderWithoutLiterals) {
    Session session = connect();
    const std::array watched{static_cast<int>(session.backend_pid())};
    ActivitySampler sampler;
    sampler.watch(watched);
    std::vector<Execution> seen;
    for (int i = 0; i < 20; ++i) {
        // The next one begins when this was seen: none is missed, however slow the machine is.
        session.exec(fmt::format("SELECT 'secret {}', {} AS c{}", i, i, i));
        ASSERT_TRUE(await(sampler, seen, static_cast<std::size_t>(i) + 1)) << i;
    }
    ASSERT_EQ(seen.size(), 20U);
    for (int i = 0; i < 20; ++i) {
        const Execution& execution = seen[static_cast<std::size_t>(i)];
        EXPECT_EQ(execution.form.text, fmt::format("SELECT $1, $2 AS c{}", i));
        EXPECT_EQ(execution.backend_pid, session.backend_pid());
        EXPECT_LE(execution.started_at_ns, execution.ended_at_ns);
        EXPECT_EQ(execution.sighting, std::nullopt) << "it was waited for";
    }
    EXPECT_TRUE(std::ranges::is_sorted(seen, {}, &Execution::ended_at_ns));
    EXPECT_THAT(sampler.notes(), IsEmpty());
    EXPECT_EQ(test::tracer_pid(session.backend_pid()), 0);
}

// Of any length, so that a text which was read while the next one came would hold two names.
std::string statement_with_one_name(int number) {
    std::string list;
    for (int i = 0; i <= number * 7 % 80; ++i) {
        list += fmt::format("{}1 AS name_{}", i == 0 ? "" : ", ", number % 1000);
    }
    return "SELECT " + list;
}

TEST_P(ActivitySamplerOnEveryVersion, NeverTellsPartsOfTwoStatements) {
    constexpr int kFewestStatements = 4000;
    constexpr int kMostStatements = 400'000;
    Session session = connect();
    const std::array watched{static_cast<int>(session.backend_pid())};
    ActivitySampler sampler;
    sampler.watch(watched);
    std::set<std::string> run;
    std::vector<Execution> seen;
    // Looks are few on a busy machine.
    for (int i = 0; i < kMostStatements && (i < kFewestStatements || seen.size() < 100); ++i) {
        const std::string query = statement_with_one_name(i);
        session.exec(query);
        run.insert(statement_form(query.substr(0, 1023)).text);
        if (i % 1000 == 999) {
            const auto ended = sampler.poll();
            seen.insert(seen.end(), ended->begin(), ended->end());
        }
    }
    ASSERT_GE(seen.size(), 100U);
    for (const Execution& execution : seen) {
        EXPECT_TRUE(run.contains(execution.form.text)) << execution.form.text;
    }
    const auto by_chance = std::ranges::count_if(
        seen, [](const Execution& execution) { return execution.sighting.has_value(); });
    EXPECT_GT(by_chance, 0) << "none was faster than the looks";
}

TEST_P(ActivitySamplerOnEveryVersion, TellsALongStatementWithItsTrueTimes) {
    Session session = connect();
    const std::array watched{static_cast<int>(session.backend_pid())};
    ActivitySampler sampler;
    sampler.watch(watched);
    session.exec("SELECT pg_sleep(0.2)");
    std::vector<Execution> seen;
    ASSERT_TRUE(await(sampler, seen, 1));
    EXPECT_EQ(seen[0].form.text, "SELECT pg_sleep($1)");
    EXPECT_GE(seen[0].ended_at_ns - seen[0].started_at_ns, 200'000'000);
}

TEST_P(ActivitySamplerOnEveryVersion, TellsTheTransactionBlockOfEachStatement) {
    Session session = connect();
    const std::array watched{static_cast<int>(session.backend_pid())};
    ActivitySampler sampler;
    sampler.watch(watched);
    std::vector<Execution> seen;
    for (const char* statement :
         {"SELECT 1", "BEGIN", "SELECT 2", "SELECT 3", "ROLLBACK", "SELECT 4"}) {
        session.exec(statement);
        ASSERT_TRUE(await(sampler, seen, seen.size() + 1)) << statement;
    }
    ASSERT_EQ(seen.size(), 6U);
    const std::optional<std::int64_t> block = seen[1].transaction_began_at_ns;
    ASSERT_TRUE(block);
    EXPECT_EQ(*block, seen[1].started_at_ns) << "BEGIN's";
    EXPECT_EQ(seen[2].transaction_began_at_ns, block);
    EXPECT_EQ(seen[3].transaction_began_at_ns, block);
    EXPECT_EQ(seen[0].transaction_began_at_ns, std::nullopt);
    EXPECT_EQ(seen[5].transaction_began_at_ns, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Postgres,
                         ActivitySamplerOnEveryVersion,
                         testing::ValuesIn(test::server_versions()),
                         [](const auto& param) { return "v" + param.param; });

TEST(ActivitySampler, SaysWhereStatementsAreNotTracked) {
    Session session = Session::connect(PostgresServer::shared("15").dsn());
    session.exec("SET track_activities = off");
    const std::array watched{static_cast<int>(session.backend_pid())};
    ActivitySampler sampler;
    sampler.watch(watched);
    std::vector<std::string> notes;
    ASSERT_TRUE(test::eventually([&] {
        session.exec("SELECT 1");
        notes = sampler.notes();
        sampler.watch(watched);
        return !notes.empty();
    }));
    EXPECT_THAT(notes, Contains(HasSubstr("track_activities is off")));
    EXPECT_THAT(*sampler.poll(), IsEmpty());
}

TEST(ActivitySampler, TellsTheLastStatementOfABackendThatGoes) {
    Session other = Session::connect(PostgresServer::shared("15").dsn());
    ActivitySampler sampler;
    std::vector<Execution> seen;
    // A statement must last until it was looked at: on a busy machine one second may be too short.
    for (int tries = 0; tries < 10 && seen.empty(); ++tries) {
        Session session = Session::connect(PostgresServer::shared("15").dsn());
        const std::array watched{static_cast<int>(session.backend_pid())};
        sampler.watch(watched);
        session.send("SELECT pg_sleep(600)");
        other.exec("SELECT pg_sleep(1)");
        other.exec(fmt::format("SELECT pg_terminate_backend({})", session.backend_pid()));
        EXPECT_THROW(session.finish(), std::exception);
        (void)await(sampler, seen, 1);
    }
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen[0].form.text, "SELECT pg_sleep($1)");
}

std::string form_of_last(const std::vector<Execution>& seen, const Session& session) {
    std::string form;
    for (const Execution& execution : seen) {
        if (execution.backend_pid == session.backend_pid()) {
            form = execution.form.text;
        }
    }
    return form;
}

TEST(ActivitySampler, SeesTheBackendsOfSeveralServersEachWithItsOwnStatements) {
    std::vector<Session> sessions;
    for (const std::string version : {"15", "16", "15", "16", "15"}) {
        sessions.push_back(Session::connect(PostgresServer::shared(version).dsn()));
    }
    std::vector<int> watched;
    for (const Session& session : sessions) {
        watched.push_back(session.backend_pid());
    }
    ActivitySampler sampler;
    sampler.watch(watched);
    std::vector<Execution> seen;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        sessions[i].exec(fmt::format("SELECT 1 AS c{}", i));
        ASSERT_TRUE(await(sampler, seen, i + 1)) << i;
        EXPECT_EQ(form_of_last(seen, sessions[i]), fmt::format("SELECT $1 AS c{}", i));
    }
    EXPECT_EQ(seen.size(), sessions.size());
}

// Whichever of them it reads for all.
TEST(ActivitySampler, GoesOnWithTheOthersWhereABackendGoes) {
    std::vector<Session> sessions;
    std::vector<int> watched;
    for (int i = 0; i < 4; ++i) {
        sessions.push_back(Session::connect(PostgresServer::shared("15").dsn()));
        watched.push_back(sessions.back().backend_pid());
    }
    ActivitySampler sampler;
    sampler.watch(watched);
    std::vector<Execution> seen;
    std::size_t expected = 0;
    while (!sessions.empty()) {
        for (Session& session : sessions) {
            session.exec(fmt::format("SELECT 1 AS c{}", expected));
            ASSERT_TRUE(await(sampler, seen, ++expected));
            EXPECT_EQ(form_of_last(seen, session), fmt::format("SELECT $1 AS c{}", expected - 1));
        }
        const int gone = sessions.front().backend_pid();
        sessions.erase(sessions.begin());
        ASSERT_TRUE(test::eventually([&] { return !test::is_running(gone); }));
    }
    EXPECT_EQ(seen.size(), expected);
}

// A client that the server asks for its password, and that takes its time to answer.
class SlowLogin {
  public:
    explicit SlowLogin(PostgresServer& server) {
        Session admin = Session::connect(server.dsn());
        admin.exec("CREATE ROLE slow LOGIN PASSWORD 'secret'");
        std::ofstream(admin.exec("SHOW hba_file").at(0).at(0).value())
            << "local all postgres trust\nhost all slow 127.0.0.1/32 md5\n";
        admin.exec("SELECT pg_reload_conf()");
        const std::string dsn = fmt::format(
            "host=127.0.0.1 port={} user=slow password=secret dbname=postgres", server.port());
        // Until the reload it is let in without a password: then it is asked for at the next try.
        const auto has_been_asked = [&] {
            connection_.reset(PQconnectStart(dsn.c_str()));
            while (PQstatus(connection_.get()) != CONNECTION_AWAITING_RESPONSE &&
                   PQconnectPoll(connection_.get()) != PGRES_POLLING_FAILED) {
            }
            return test::eventually([&] { return awaits_password(server); },
                                    std::chrono::seconds(1));
        };
        if (!test::eventually(has_been_asked)) {
            throw std::runtime_error(PQerrorMessage(connection_.get()));
        }
    }

    [[nodiscard]] pid_t backend_pid() const { return backend_pid_; }

    void log_in() {
        while (PQstatus(connection_.get()) != CONNECTION_OK) {
            if (PQconnectPoll(connection_.get()) == PGRES_POLLING_FAILED) {
                throw std::runtime_error(PQerrorMessage(connection_.get()));
            }
        }
    }

    void exec(const std::string& sql) { PQclear(PQexec(connection_.get(), sql.c_str())); }

  private:
    // The backend tells of itself where its client is, which an earlier try's tells of another
    // port.
    bool awaits_password(const PostgresServer& server) {
        sockaddr_in own{};
        socklen_t size = sizeof(own);
        if (getsockname(PQsocket(connection_.get()), reinterpret_cast<sockaddr*>(&own), &size) !=
            0) {
            return false;
        }
        const std::string title = fmt::format("({}) authentication", ntohs(own.sin_port));
        for (const pid_t child : test::children_of(server.postmaster_pid())) {
            if (read_command_line(child).value_or("").find(title) != std::string::npos) {
                backend_pid_ = child;
                return true;
            }
        }
        return false;
    }

    PqConnection connection_;
    pid_t backend_pid_ = 0;
};

// Until then it has no status, or what another backend left in its place.
TEST(ActivitySampler, WatchesABackendOnceItsClientHasLoggedIn) {
    for (const std::string version : {"13", "15"}) {
        PostgresServer server = PostgresServer::start(version);
        SlowLogin login(server);
        const std::array watched{static_cast<int>(login.backend_pid())};
        ActivitySampler sampler;
        sampler.watch(watched);
        login.log_in();
        EXPECT_TRUE(test::eventually([&] {
            sampler.watch(watched);
            login.exec("SELECT 1 AS logged_in");
            return !sampler.poll()->empty();
        })) << version;
        EXPECT_THAT(sampler.notes(), Not(Contains(HasSubstr("were not seen:")))) << version;
    }
}

TEST(ActivitySampler, WatchesNoProcessThatIsNone) {
    ActivitySampler sampler;
    const std::array watched{1 << 22};
    sampler.watch(watched);
    EXPECT_THAT(*sampler.poll(), IsEmpty());
    EXPECT_THAT(sampler.notes(), IsEmpty());
}

}  // namespace
}  // namespace palloscope
