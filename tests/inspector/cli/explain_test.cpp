// `palloscope explain` as a user calls it.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Explain : public testing::Test {
  protected:
    Explain() : session_(Session::connect(PostgresServer::shared("15").dsn())) {
        session_.exec("prepare one as select 'planted-s3cr3t'");
    }

    ProgramResult explain(std::vector<std::string> options = {}) {
        std::vector<std::string> command{
            palloscope_program(), "explain", std::to_string(session_.backend_pid())};
        command.insert(command.end(), options.begin(), options.end());
        return run_program(command);
    }

    Session session_;
};

TEST_F(Explain, GivesTheContractsJson) {
    const ProgramResult result = explain({"--format", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(std::ranges::count(result.out, '\n'), 1);
    const json object = json::parse(result.out);
    EXPECT_EQ(object.at("schema"), "palloscope.explain/1");
    EXPECT_EQ(object.at("method"), "fork");
    EXPECT_GT(object.at("pause_us").get<int>(), 0);
    EXPECT_EQ(object.at("process").at("pid"), session_.backend_pid());
    const json& cache = object.at("catcaches").at(0);
    for (const char* const member :
         {"catalog", "keys", "entries", "negative_entries", "dead_entries", "lists", "bytes"}) {
        EXPECT_TRUE(cache.contains(member)) << member;
    }
    const json& relation = object.at("relations").at(0);
    for (const char* const member : {"oid", "name", "schema", "kind", "bytes"}) {
        EXPECT_TRUE(relation.contains(member)) << member;
    }
    ASSERT_EQ(object.at("prepared_statements").size(), 1U);
    EXPECT_EQ(object.at("prepared_statements").at(0).at("name"), "one");
    EXPECT_EQ(object.at("cached_plans").size(), 0U);
    EXPECT_EQ(object.at("portals").size(), 0U);
    EXPECT_EQ(object.at("functions").size(), 0U);
    EXPECT_EQ(object.at("settings"), json::array());
    EXPECT_EQ(object.at("listened_channels"), json::array());
    EXPECT_EQ(object.at("pending_invalidations"), json::array());
    EXPECT_EQ(object.at("temporary_files"), (json{{"files", 0}, {"bytes", 0}}));
    EXPECT_EQ(object.at("locks").at("entries"), 0);
    EXPECT_GT(object.at("hash_tables").size(), 5U);
    EXPECT_GT(object.at("cache_memory_context").at("attributed_bytes").get<int>(), 0);
    std::int64_t sum = object.at("accounting").at("unexplained_bytes").get<std::int64_t>();
    for (const json& item : object.at("accounting").at("items")) {
        sum += item.at("bytes").get<std::int64_t>();
    }
    EXPECT_EQ(sum, object.at("accounting").at("rss_anon_bytes").get<std::int64_t>());
    EXPECT_GE(object.at("trim").at("would_return_bytes").get<std::int64_t>(), 0);
    EXPECT_EQ(object.at("unavailable"), json::array());
    EXPECT_FALSE(object.contains("chunks"));
}

TEST_F(Explain, ShowsTheLargestInATreeAndAllInATable) {
    const ProgramResult tree = explain({"--format", "tree"});
    ASSERT_EQ(tree.exit_code, 0) << tree.err;
    EXPECT_THAT(tree.out, HasSubstr("RssAnon: "));
    EXPECT_THAT(tree.out, HasSubstr("Catalog caches: "));
    EXPECT_THAT(tree.out, HasSubstr("one: prepare one as select $1"));
    EXPECT_THAT(tree.out, HasSubstr(" more\n"));
    const ProgramResult table = explain();  // the default, where the output is no terminal
    ASSERT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out, Not(HasSubstr(" more\n")));
    EXPECT_GT(table.out.size(), 2 * tree.out.size());
}

TEST_F(Explain, KeepsLiteralsToItselfUnlessAsked) {
    for (const char* const format : {"tree", "table", "json"}) {
        const ProgramResult masked = explain({"--format", format});
        EXPECT_THAT(masked.out + masked.err, Not(HasSubstr("s3cr3t")));
        EXPECT_THAT(explain({"--format", format, "--show-literals"}).out, HasSubstr("s3cr3t"));
    }
}

TEST_F(Explain, NamesSettingsAndKeepsTheirValuesToItself) {
    session_.exec("set app.word = 'another-s3cr3t'");
    session_.exec("listen events");
    for (const char* const format : {"tree", "table", "json"}) {
        const ProgramResult shown = explain({"--format", format, "--show-literals"});
        EXPECT_THAT(shown.out, HasSubstr("app.word"));
        EXPECT_THAT(shown.out, HasSubstr("events"));
        EXPECT_THAT(shown.out + shown.err, Not(HasSubstr("another-s3cr3t")));
    }
}

TEST_F(Explain, CleansHostileNames) {
    session_.exec("prepare \"a\x1b[31m\xe2\x80\xae\nb\" as select 1");
    const ProgramResult text = explain();
    EXPECT_THAT(text.out, Not(HasSubstr("\x1b")));
    // NOLINTNEXTLINE(misc-misleading-bidirectional): that is what shall not get through
    EXPECT_THAT(text.out, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(text.out, HasSubstr("a\\x1b[31m"));
    EXPECT_TRUE(json::accept(explain({"--format", "json"}).out));
}

TEST_F(Explain, CountsChunksBySize) {
    const ProgramResult result =
        explain({"--format", "json", "--chunks", "CacheMemoryContext", "--chunks", "no such"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json object = json::parse(result.out);
    ASSERT_EQ(object.at("chunks").size(), 1U);
    EXPECT_EQ(object.at("chunks").at(0).at("path"), "TopMemoryContext/CacheMemoryContext");
    EXPECT_GT(object.at("chunks").at(0).at("sizes").at(0).at("chunks").get<int>(), 0);
}

TEST_F(Explain, SaysWhatBecameMore) {
    // It goes on in another session meanwhile, so that nobody waits for a moment.
    Program program = Program::start(
        {palloscope_program(), "explain", std::to_string(session_.backend_pid()), "--after", "3s"});
    for (int i = 0; i < 40; ++i) {
        session_.exec("prepare more_" + std::to_string(i) + " as select 1");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const ProgramResult result = program.wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("Prepared statements"));
    EXPECT_THAT(result.out, HasSubstr("more_39: prepare more_39 as select $1"));
    session_.exec("deallocate all");
}

TEST_F(Explain, GivesBothExplanationsAsJson) {
    const ProgramResult result = explain({"--after", "10ms", "--format", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    ASSERT_EQ(std::ranges::count(result.out, '\n'), 2);
    const std::size_t second = result.out.find('\n') + 1;
    EXPECT_LT(json::parse(result.out.substr(0, second)).at("taken_at"),
              json::parse(result.out.substr(second)).at("taken_at"));
}

TEST_F(Explain, ReadsWhatWasRecorded) {
    const TemporaryFolder folder;
    const std::string recording = folder.path() / "run.palloscope";
    const ProgramResult recorded = run_program({palloscope_program(),
                                                "record",
                                                std::to_string(session_.backend_pid()),
                                                "-o",
                                                recording,
                                                "--interval",
                                                "50ms",
                                                "--duration",
                                                "1s",
                                                "--explain-every",
                                                "300ms"});
    ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
    EXPECT_THAT(recorded.out, HasSubstr(" with an explanation"));
    const ProgramResult table = run_program({palloscope_program(), "explain", recording});
    ASSERT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out, HasSubstr("one: prepare one as select $1"));
    EXPECT_THAT(table.out, Not(HasSubstr("s3cr3t")));

    const ProgramResult last =
        run_program({palloscope_program(), "explain", recording, "--format", "json"});
    ASSERT_EQ(last.exit_code, 0) << last.err;
    const json object = json::parse(last.out);
    EXPECT_EQ(object.at("method"), "fork");
    EXPECT_EQ(object.at("process").at("pid"), session_.backend_pid());
    // The backend rested: another look at it says the same.
    const json again = json::parse(explain({"--format", "json"}).out);
    for (const char* const part :
         {"catcaches", "relations", "prepared_statements", "hash_tables"}) {
        EXPECT_EQ(object.at(part), again.at(part)) << part;
    }

    const ProgramResult early =
        run_program({palloscope_program(), "explain", recording + "@2020-01-01T00:00:00Z"});
    EXPECT_EQ(early.exit_code, 2);
    EXPECT_THAT(early.err, HasSubstr("its first one is of 20"));
    EXPECT_EQ(run_program({palloscope_program(), "explain", recording, "--after", "1s"}).exit_code,
              2);
}

TEST_F(Explain, SaysWhatItCannotDo) {
    EXPECT_EQ(explain({"--method", "read"}).exit_code, 2);
    EXPECT_EQ(run_program({palloscope_program(), "explain", std::to_string(getpid())}).exit_code,
              3);
}

TEST_F(Explain, HoldsTheBackendWhereToldTo) {
    const ProgramResult result = explain({"--method", "freeze", "--format", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json object = json::parse(result.out);
    EXPECT_EQ(object.at("method"), "freeze");
    EXPECT_EQ(object.at("trim"), nullptr);
    EXPECT_EQ(object.at("unavailable").size(), 1U);
    EXPECT_EQ(object.at("prepared_statements").size(), 1U);
    EXPECT_EQ(tracer_pid(session_.backend_pid()), 0);
}

}  // namespace
}  // namespace palloscope::test
