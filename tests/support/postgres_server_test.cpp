#include "tests/support/postgres_server.hpp"

#include <filesystem>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process_state.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class EachServer : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(EveryVersion,
                         EachServer,
                         testing::ValuesIn(server_versions()),
                         kVersionName);

TEST_P(EachServer, IsOfItsVersion) {
    const PostgresServer& server = PostgresServer::shared(GetParam());
    Session session = Session::connect(server.dsn());
    EXPECT_THAT(*session.exec("SHOW server_version").at(0).at(0),
                MatchesRegex(GetParam() + "[^0-9].*"));
    EXPECT_EQ(session.exec("SHOW port").at(0).at(0), std::to_string(server.port()));
}

TEST(PostgresServer, TakesSettings) {
    const PostgresServer server =
        PostgresServer::start("15", {"work_mem=1MB", "cluster_name=it's = ours"});
    Session session = Session::connect(server.dsn());
    EXPECT_EQ(session.exec("SHOW work_mem").at(0).at(0), "1MB");
    EXPECT_EQ(session.exec("SHOW cluster_name").at(0).at(0), "it's = ours");
}

TEST(PostgresServer, GivesItsLog) {
    EXPECT_THAT(PostgresServer::shared("15").log(),
                HasSubstr("database system is ready to accept connections"));
}

TEST(PostgresServer, LeavesNothingBehind) {
    std::string folder;
    pid_t postmaster = 0;
    {
        PostgresServer server = PostgresServer::start("15");
        const PostgresServer moved = std::move(server);
        folder = moved.folder();
        postmaster = moved.postmaster_pid();
        EXPECT_TRUE(is_running(postmaster));
    }
    EXPECT_FALSE(is_running(postmaster));
    EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(PostgresServer, SaysWhyItDoesNotStart) {
    try {
        PostgresServer::start("15", {"no_such_setting=1"});
        FAIL() << "a server with an unknown setting started";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("unrecognized configuration parameter"));
    }
}

}  // namespace
}  // namespace palloscope::test
