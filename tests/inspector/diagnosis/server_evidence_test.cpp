#include "inspector/diagnosis/server_evidence.hpp"

#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

BackendHistory backend_of_database(const std::string& database) {
    return {.process = {.database = database, .user = "app"},
            .server_facts = {{"setting", "plan_cache_mode", "auto"},
                             {"dead rows", "of database", "orders"},
                             {"dead rows", "pg_class", "1234"},
                             {"dead rows", "pg_attribute", "56789"},
                             {"session", "database", "orders"},
                             {"session", "user", "app"},
                             {"session", "backend_start", "2026-11-23 09:00:00"}}};
}

TEST(ServerEvidence, NamesTheDeadRowsOfTheCatalogsForCausesInThem) {
    EXPECT_THAT(server_evidence("catalog-churn", backend_of_database("orders")),
                Contains(HasSubstr("56,789 pg_attribute, 1,234 pg_class")));
    EXPECT_THAT(server_evidence("plan-cache", backend_of_database("orders")),
                Not(Contains(HasSubstr("pg_attribute"))));
}

TEST(ServerEvidence, SaysThatDeadRowsStayWhereAutovacuumIsOff) {
    for (const char* const autovacuum : {"on", "off"}) {
        BackendHistory backend = backend_of_database("orders");
        backend.server_facts.push_back({"setting", "autovacuum", autovacuum});
        const auto sentences = server_evidence("catalog-churn", backend);
        EXPECT_EQ(sentences.front().find("autovacuum = off") != std::string::npos,
                  std::string_view(autovacuum) == "off")
            << sentences.front();
    }
}

TEST(ServerEvidence, NamesTheBoundOfSharedMemoryThatIsTouched) {
    BackendHistory backend = backend_of_database("orders");
    backend.server_facts.push_back({"setting", "shared_buffers", "4GB"});
    EXPECT_THAT(server_evidence("shared-memory-touch", backend),
                Contains(HasSubstr("shared_buffers = 4GB")));
    EXPECT_THAT(server_evidence("catalog-churn", backend),
                Not(Contains(HasSubstr("shared_buffers"))));
}

TEST(ServerEvidence, NamesTheSettingsThatBearOnTheCauseAndTheSession) {
    EXPECT_THAT(server_evidence("plan-cache", backend_of_database("orders")),
                AllOf(Contains(HasSubstr("plan_cache_mode = auto")),
                      Contains(HasSubstr("2026-11-23 09:00:00"))));
    EXPECT_THAT(server_evidence("long-transaction", backend_of_database("orders")),
                Not(Contains(HasSubstr("plan_cache_mode"))));
}

TEST(ServerEvidence, KeepsSilentAboutTheDeadRowsOfAnotherDatabase) {
    BackendHistory backend = backend_of_database("orders");
    backend.server_facts[1].value = "postgres";
    EXPECT_THAT(server_evidence("catalog-churn", backend), Not(Contains(HasSubstr("dead rows"))));
}

TEST(ServerEvidence, IsNoneWhereThePidIsASessionOfAnotherServer) {
    EXPECT_THAT(server_evidence("catalog-churn", backend_of_database("invoices")), IsEmpty());
}

TEST(ServerEvidence, IsNoneWhereTheServerWasNotAsked) {
    EXPECT_THAT(server_evidence("catalog-churn", {}), IsEmpty());
}

}  // namespace
}  // namespace palloscope
