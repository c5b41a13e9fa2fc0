#include "inspector/cli/target_search.hpp"

#include <optional>

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
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<int> found(TargetSearch& search) {
    const auto pids = search.find();
    EXPECT_TRUE(pids) << pids.error().message;
    return pids.value_or(std::vector<int>{});
}

TEST(TargetSearch, FindsBackendsThatComeAndLosesThoseThatGo) {
    const std::string dsn =
        PostgresServer::shared("15").dsn() + " application_name=target_search_test";
    TargetSearch search({.target = "all", .filter = {.application_name = "target_search_test"}});
    EXPECT_THAT(found(search), IsEmpty());
    std::optional<Session> first = Session::connect(dsn);
    EXPECT_THAT(found(search), ElementsAre(first->backend_pid()));
    Session second = Session::connect(dsn);
    EXPECT_THAT(found(search), Contains(first->backend_pid()));
    EXPECT_THAT(found(search), Contains(second.backend_pid()));
    const int gone = first->backend_pid();
    first.reset();
    EXPECT_TRUE(test::eventually([&] { return found(search).size() == 1; }));
    EXPECT_THAT(found(search), Not(Contains(gone)));
}

TEST(TargetSearch, FindsTheOneProcessThatWasNamedWhileItRuns) {
    std::optional<Session> session = Session::connect(PostgresServer::shared("15").dsn());
    const int pid = session->backend_pid();
    TargetSearch search({.target = std::to_string(pid)});
    EXPECT_THAT(found(search), ElementsAre(pid));
    session.reset();
    EXPECT_TRUE(test::eventually([&] { return found(search).empty(); }));
}

}  // namespace
}  // namespace palloscope
