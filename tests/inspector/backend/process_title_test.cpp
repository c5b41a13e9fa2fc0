#include "inspector/backend/process_title.hpp"

#include <gtest/gtest.h>

namespace palloscope {
namespace {

TEST(ProcessTitle, NamesUserDatabaseAndStateOfAClientBackend) {
    const auto title =
        parse_process_title("postgres: app orders 10.1.2.3(51234) idle in transaction");
    ASSERT_TRUE(title);
    EXPECT_EQ(title->backend_type, "client backend");
    EXPECT_EQ(title->user, "app");
    EXPECT_EQ(title->database, "orders");
    EXPECT_EQ(title->state, "idle in transaction");
}

TEST(ProcessTitle, SkipsTheClusterName) {
    const auto backend = parse_process_title("postgres: main: app orders [local] idle");
    ASSERT_TRUE(backend);
    EXPECT_EQ(backend->user, "app");
    EXPECT_EQ(backend->state, "idle");
    const auto writer = parse_process_title("postgres: main: walwriter");
    ASSERT_TRUE(writer);
    EXPECT_EQ(writer->backend_type, "walwriter");
}

TEST(ProcessTitle, KnowsTheNamesThatTenGaveToItsProcesses) {
    EXPECT_EQ(parse_process_title("postgres: writer process")->backend_type, "background writer");
    EXPECT_EQ(parse_process_title("postgres: wal writer process")->backend_type, "walwriter");
    EXPECT_EQ(parse_process_title("postgres: bgworker: logical replication launcher")->backend_type,
              "background worker");
}

TEST(ProcessTitle, TellsNoStateOfARunningStatement) {
    EXPECT_EQ(parse_process_title("postgres: app orders [local] SELECT")->state, std::nullopt);
}

TEST(ProcessTitle, IsNotFoundInOtherCommandLines) {
    EXPECT_FALSE(parse_process_title("/usr/lib/postgresql/15/bin/postgres -D /data"));
    EXPECT_FALSE(parse_process_title("vim postgres: notes"));
    EXPECT_FALSE(parse_process_title(""));
}

TEST(ProcessTitle, TakesAnyRest) {
    const auto title = parse_process_title("postgres: ");
    ASSERT_TRUE(title);
    EXPECT_EQ(title->user, "");
}

}  // namespace
}  // namespace palloscope
