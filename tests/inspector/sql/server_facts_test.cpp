#include "inspector/sql/server_facts.hpp"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kPatience{30};
constexpr const char* kSecret = "hunter2";

class ServerFactsOf : public testing::TestWithParam<std::string> {};

TEST_P(ServerFactsOf, EachVersionTellOfSettingsAndSessions) {
    PostgresServer& server = PostgresServer::shared(GetParam());
    Session session = Session::connect(server.dsn() + " application_name=watched");
    session.exec("BEGIN");
    const Result<ServerFacts> facts = ask_server(server.dsn(), kPatience);
    ASSERT_TRUE(facts) << facts.error().message;
    const std::string work_mem = *session.exec("SHOW work_mem").at(0).at(0);
    EXPECT_THAT(facts->server, Contains(ServerFact{"setting", "work_mem", work_mem}));
    EXPECT_THAT(facts->server, Contains(ServerFact{"dead rows", "of database", "postgres"}));
    const auto& of_session = facts->sessions.at(session.backend_pid());
    EXPECT_THAT(of_session, Contains(ServerFact{"session", "application_name", "watched"}));
    EXPECT_THAT(of_session, Contains(ServerFact{"session", "database", "postgres"}));
    EXPECT_THAT(of_session, Contains(testing::Field(&ServerFact::name, "xact_start")));
    EXPECT_THAT(of_session, Contains(testing::Field(&ServerFact::name, "client")));
}

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         ServerFactsOf,
                         testing::ValuesIn(server_versions()),
                         kVersionName);

TEST(ServerFacts, AreNotToBeHadWhereNobodyListensAndTheReasonHoldsNoPassword) {
    const Result<ServerFacts> facts =
        ask_server("host=127.0.0.1 port=1 dbname=postgres user=app password=hunter2", kPatience);
    ASSERT_FALSE(facts);
    EXPECT_THAT(facts.error().message, HasSubstr("127.0.0.1"));
    EXPECT_THAT(facts.error().message, Not(HasSubstr(kSecret)));
}

TEST(ServerFacts, AConnectionStringThatIsNoneIsRefusedWithoutBeingRepeated) {
    for (const char* const dsn : {"password=hunter2 hunter2", "postgresql://app:hunter2@[::1/x"}) {
        const Result<> checked = check_dsn(dsn);
        ASSERT_FALSE(checked) << dsn;
        EXPECT_EQ(checked.error().kind, Error::Kind::kUsage);
        EXPECT_THAT(checked.error().message + checked.error().hint, Not(HasSubstr(kSecret)));
    }
}

}  // namespace
}  // namespace palloscope::test
