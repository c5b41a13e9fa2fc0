#include "inspector/backend/activity_sampler.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
        ASSERT_TRUE(execution.sighting);
        EXPECT_GE(execution.sighting->gap_ns, execution.sighting->after_ns);
    }
    EXPECT_TRUE(std::ranges::is_sorted(seen, {}, &Execution::ended_at_ns));
    EXPECT_THAT(sampler.notes(), IsEmpty());
    EXPECT_EQ(test::tracer_pid(session.backend_pid()), 0);
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

TEST(ActivitySampler, WatchesNoProcessThatIsNone) {
    ActivitySampler sampler;
    const std::array watched{1 << 22};
    sampler.watch(watched);
    EXPECT_THAT(*sampler.poll(), IsEmpty());
    EXPECT_THAT(sampler.notes(), IsEmpty());
}

}  // namespace
}  // namespace palloscope
