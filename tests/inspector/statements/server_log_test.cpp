#include "inspector/statements/server_log.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/statements/rotated_names.hpp"
#include "tests/inspector/statements/poll_all.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMillisecond = 1'000'000;
// 2026-11-25 02:21:06 UTC.
constexpr std::int64_t kLogged = 1'795'573'266 * kSecond;

// What a test looks at in an execution.
std::string seen(const Execution& execution) {
    return fmt::format("{} {}{}",
                       execution.backend_pid,
                       execution.form.text,
                       execution.error ? " failed " + *execution.error : "");
}

class ReadServerLog : public testing::Test {
  protected:
    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

    void append(const std::string& name, std::string_view text) const {
        std::ofstream(path(name), std::ios::app) << text;
    }

    [[nodiscard]] ServerLogReader open(const std::string& name, ServerLogOptions options = {}) {
        options.now = [this] { return now_; };
        Result<ServerLogReader> log = ServerLogReader::open(path(name), options);
        EXPECT_TRUE(log) << log.error().message;
        return *std::move(log);
    }

    // Everything that a log with this text tells of backend 42.
    std::vector<Execution> executions(const std::string& name,
                                      std::string_view text,
                                      ServerLogOptions options = {}) {
        append(name, text);
        options.start = FollowedFile::Start::kBeginning;
        ServerLogReader log = open(name, options);
        std::vector<Execution> all = poll_all(log);
        for (Execution& execution : log.finish(42)) {
            all.push_back(std::move(execution));
        }
        notes_ = log.notes();
        return all;
    }

    std::vector<std::string> all_seen(const std::string& name,
                                      std::string_view text,
                                      const ServerLogOptions& options = {}) {
        std::vector<std::string> lines;
        for (const Execution& execution : executions(name, text, options)) {
            lines.push_back(seen(execution));
        }
        return lines;
    }

    test::TemporaryFolder folder_;
    std::int64_t now_ = kLogged;
    std::vector<std::string> notes_;
};

constexpr std::string_view kText =
    "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.332 ms  statement: select 'secret' as a;\n"
    "2026-11-25 02:21:06.191 UTC [42] LOG:  duration: 0.040 ms  statement: select\n"
    "\t\t'multi\n"
    "\tline' as b,\n"
    "\t\n"
    "\t  2;\n"
    "2026-11-25 02:21:06.191 UTC [42] ERROR:  division by zero\n"
    "2026-11-25 02:21:06.191 UTC [42] STATEMENT:  select 1/0;\n"
    "2026-11-25 02:21:06.297 UTC [43] LOG:  duration: 0.882 ms  parse P_0: select a where a = $1\n"
    "2026-11-25 02:21:06.300 UTC [43] LOG:  duration: 0.750 ms  bind P_0: select a where a = $1\n"
    "2026-11-25 02:21:06.300 UTC [43] DETAIL:  parameters: $1 = 'hush'\n"
    "2026-11-25 02:21:06.301 UTC [43] LOG:  duration: 2.500 ms  execute P_0: select a where a = "
    "$1\n"
    "2026-11-25 02:21:06.301 UTC [43] DETAIL:  parameters: $1 = 'hush'\n"
    "2026-11-25 02:21:06.302 UTC [43] LOG:  duration: 0.100 ms  execute fetch from P_0/C_1: select "
    "a"
    " where a = $1\n";

TEST_F(ReadServerLog, CountsEachStatementOfATextLogOnce) {
    const std::vector<Execution> all = executions("pg.log", kText);
    std::vector<std::string> lines;
    for (const Execution& execution : all) {
        lines.push_back(seen(execution));
    }
    EXPECT_THAT(lines,
                ElementsAre("42 select $1 as a",
                            "42 select $1 as b, $2",
                            "42 select $1/$2 failed ?????",
                            "43 select a where a = $1"));
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].ended_at_ns, kLogged + 190 * kMillisecond);
    EXPECT_EQ(all[0].started_at_ns, kLogged + 190 * kMillisecond - 332'000);
    EXPECT_EQ(all[3].started_at_ns, kLogged + 301 * kMillisecond - 2'500'000);
    EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ReadServerLog, TakesEndsFromDurationsThatStandAlone) {
    const std::vector<Execution> all = executions(
        "pg.log",
        "2026-11-25 02:21:06.000 UTC [42] LOG:  00000: duration: 0.435 ms\n"
        "2026-11-25 02:21:06.100 UTC [42] LOG:  00000: statement: select 1\n"
        "2026-11-25 02:21:06.100 UTC [42] LOCATION:  exec_simple_query, postgres.c:1019\n"
        "2026-11-25 02:21:07.100 UTC [42] LOG:  00000: duration: 1000.500 ms\n"
        "2026-11-25 02:21:07.200 UTC [42] LOG:  00000: execute a/b: select 2 + 2\n"
        "2026-11-25 02:21:07.300 UTC [42] ERROR:  57014: canceling statement\n"
        "2026-11-25 02:21:07.300 UTC [42] STATEMENT:  select 2 + 2\n"
        "2026-11-25 02:21:07.400 UTC [42] LOG:  00000: statement: select pg_sleep(9)\n");
    ASSERT_EQ(all.size(), 2U) << "the last statement has not ended";
    EXPECT_EQ(seen(all[0]), "42 select $1");
    EXPECT_EQ(all[0].started_at_ns, kLogged + 1'100 * kMillisecond - 1'000'500'000);
    EXPECT_EQ(all[0].ended_at_ns, kLogged + 1'100 * kMillisecond);
    EXPECT_EQ(seen(all[1]), "42 select $1 + $2 failed 57014");
    EXPECT_EQ(all[1].started_at_ns, kLogged + 1'200 * kMillisecond);
    EXPECT_EQ(all[1].ended_at_ns, kLogged + 1'300 * kMillisecond);
}

TEST_F(ReadServerLog, CountsStatementsWithoutDurationAtTheirBeginningAndSaysSo) {
    const std::vector<Execution> all =
        executions("pg.log",
                   "2026-11-25 02:21:06.100 UTC [42] LOG:  statement: select 1\n"
                   "2026-11-25 02:21:09.100 UTC [42] LOG:  statement: select a\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].ended_at_ns, kLogged + 100 * kMillisecond);
    EXPECT_EQ(all[1].ended_at_ns, kLogged + 3'100 * kMillisecond);
    EXPECT_THAT(notes_, Contains(HasSubstr("log_duration")));
}

TEST_F(ReadServerLog, IsNotFooledByWhatAStatementLogs) {
    EXPECT_THAT(
        all_seen(
            "pg.log",
            "2026-11-25 02:21:06.194 UTC [42] LOG:  duration: 1.0 ms  statement: select fake\n"
            "2026-11-25 02:21:06.194 UTC [42] LOG:  duration: 1.000 ms  statement: drop fake\n"
            "2026-11-25 02:21:06.194 UTC [42] CONTEXT:  PL/pgSQL function f() line 1 at RAISE\n"
            "2026-11-25 02:21:06.194 UTC [42] STATEMENT:  select f()\n"
            "2026-11-25 02:21:06.195 UTC [42] LOG:  duration: 0.900 ms  plan:\n"
            "\tQuery Text: select f()\n"
            "2026-11-25 02:21:06.195 UTC [42] LOG:  duration: 1.432 ms  statement: select f()\n"),
        ElementsAre("42 select f()"));
}

TEST_F(ReadServerLog, GivesAnEntryNothingOfADamagedOneBehindIt) {
    EXPECT_THAT(
        all_seen(
            "pg.log",
            "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select a\n"
            "2026-11-25 02:21:06.191 UTC [42] ERR\n"
            "\tdivision by zero\n"
            "2026-11-25 02:21:06.191 UTC [42] STATEMENT:  select 1/0\n"
            "2026-11-25 02:21:06.192 UTC [42] LOG:  duration: 0.040 ms  statement: select b\n"),
        ElementsAre("42 select a", "42 select b"));
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("2 lines are no entries")));
}

TEST_F(ReadServerLog, ReadsCsvWithQuotesAndLinesWithinFields) {
    const std::string rest = R"(,,,,,,,,,"psql","client backend",,0)";
    const std::string text = fmt::format(
        "half an entry\"{0}\n"
        R"(2026-11-25 02:21:06.190 UTC,"u","d",42,"[local]",6b064612.3376,1,"SELECT",)"
        "2026-11-25 02:21:06 UTC,3/0,0,LOG,00000,\"duration: 0.040 ms  statement: select\n"
        "\t'multi\n2026-11-25 \"\"quoted\"\"' as b;\"{0}\n"
        R"(2026-11-25 02:21:06.191 UTC,"u","d",42,"[local]",6b064612.3376,4,"SELECT",)"
        R"(2026-11-25 02:21:06 UTC,3/5,0,ERROR,22012,"division by zero",,,,,,"select 1/0;",,,"psql")"
        "\n",
        rest);
    const std::vector<Execution> all = executions("pg.csv", text);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(seen(all[0]), "42 select $1 as b");
    EXPECT_EQ(seen(all[1]), "42 select $1/$2 failed 22012");
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("1 lines are no entries")));
}

std::string csv_line(std::string_view statement, std::string_view user = "\"u\"") {
    return fmt::format(
        R"(2026-11-25 02:21:06.190 UTC,{},"d",42,"[local]",6b064612.3376,1,"SELECT",)"
        R"(2026-11-25 02:21:06 UTC,3/0,0,LOG,00000,"duration: 0.040 ms  statement: {}",)"
        R"(,,,,,,,,"psql","client backend",,0)"
        "\n",
        user,
        statement);
}

TEST_F(ReadServerLog, LosesNoMoreOfACsvLogThanWhatIsDamaged) {
    EXPECT_THAT(
        all_seen("pg.csv",
                 csv_line("select a") + csv_line("select one\" quote") + csv_line("select b") +
                     csv_line("select\n\"cut\nhere") + csv_line("select c") +
                     csv_line("select", "no quotes\"") + csv_line("select d")),
        ElementsAre("42 select a", "42 select b", "42 select c", "42 select d"));
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("5 lines are no entries")));
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("the first one at line 2")));
}

TEST_F(ReadServerLog, TakesNoEntryOutOfTheTextOfAnother) {
    std::string log = csv_line("drop fake");
    log.pop_back();
    std::string doubled;
    for (const char c : log) {
        doubled += c == '"' ? "\"\"" : std::string(1, c);
    }
    const std::string_view of_no_session =
        "2026-11-25 02:21:06.190 UTC,,,42,,6b064612.3376,1,,2026-11-25 02:21:06 UTC,,0,LOG,00000,";
    EXPECT_THAT(all_seen("pg.csv",
                         csv_line(fmt::format("select '\n{}\n{}\n' as a,'\n{}\n{}",
                                              doubled,
                                              of_no_session,
                                              doubled,
                                              of_no_session)) +
                             csv_line("select b")),
                ElementsAre("42 select", "42 select b"));
    EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ReadServerLog, ReadsJson) {
    EXPECT_THAT(
        all_seen(
            "pg.json",
            R"({"timestamp":"2026-11-25 02:21:06.191 UTC","pid":42,"session_id":"6b.33",)"
            R"("error_severity":"LOG","message":"duration: 0.040 ms  statement: select\n\t'a'"})"
            "\nnot json\n{\"timestamp\":1,\"pid\":-4}\n[]\n"
            R"({"timestamp":"2026-11-25 02:21:06.191 UTC","pid":42,"error_severity":"ERROR",)"
            R"("state_code":"22012","message":"division by zero","statement":"select 1/0"})"
            "\n"),
        ElementsAre("42 select $1", "42 select $1/$2 failed 22012"));
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("3 lines are no entries")));
}

// Whoever connects again gets another one: by it a backend and the one that took its place would
// never be of one session.
TEST_F(ReadServerLog, TakesNoIdOfAConnectionForTheNameOfASession) {
    const std::string_view json =
        R"({"timestamp":"2026-11-25 02:21:06.191 UTC","pid":42,"session_id":"6b.33",)"
        R"("error_severity":"LOG","message":"duration: 0.040 ms  statement: select a"})"
        "\n";
    const std::string_view text =
        "2026-11-25 02:21:06.190 UTC [42] 6b.33 LOG:  duration: 0.040 ms  statement: select a\n";
    std::vector<Execution> all = executions("pg.csv", csv_line("select a"));
    for (const Execution& execution : executions("pg.json", json)) {
        all.push_back(execution);
    }
    for (const Execution& execution : executions("pg.log", text, {.line_prefix = "%m [%p] %c "})) {
        all.push_back(execution);
    }
    ASSERT_EQ(all.size(), 3U);
    for (const Execution& execution : all) {
        EXPECT_EQ(execution.session, "");
    }
}

TEST_F(ReadServerLog, KnowsEveryEscapeOfThePrefix) {
    const std::string_view settings[] = {
        "%n [%p] ",
        "%m %a %u %d %r %h %b %p %P %l %c %s %v %x %i %e %Q %L %% ",
        "%t:%r:%u@%d:[%p]:",
        "<%-8u|%8p|%m> ",
        "%m [%p] %q%u@%d ",
    };
    const std::string_view lines[] = {
        "1795573266.190 [42] ",
        "2026-11-25 02:21:06.190 UTC my app: [7] u d [local] [local] client backend 42  7 "
        "6b064612.3376 2026-11-25 02:21:06 UTC 3/0 0 SELECT 00000 -17 [local] % ",
        "2026-11-25 02:21:06 UTC:10.0.0.1(5432):u@d:[42]:",
        "<app     |      42|2026-11-25 02:21:06.190 UTC> ",
        "2026-11-25 02:21:06.190 UTC [42] u@d ",
    };
    for (std::size_t i = 0; i < std::size(settings); ++i) {
        EXPECT_THAT(
            all_seen(fmt::format("{}.log", i),
                     fmt::format("{}LOG:  duration: 0.040 ms  statement: select 1\n", lines[i]),
                     {.line_prefix = std::string(settings[i])}),
            ElementsAre("42 select $1"))
            << settings[i];
    }
}

TEST_F(ReadServerLog, RefusesAPrefixThatCannotServe) {
    for (const char* const setting : {"%m ", "[%p] ", "%m [%p] %z", "%m [%p] %"}) {
        const auto log = ServerLogReader::open(path("pg.log"), {.line_prefix = setting});
        ASSERT_FALSE(log) << setting;
        EXPECT_EQ(log.error().kind, Error::Kind::kUsage);
        EXPECT_FALSE(log.error().hint.empty());
    }
}

TEST_F(ReadServerLog, RefusesALogOfAnotherPrefixOrFormatAtOnce) {
    append("pg.log", "app=x 2026-11-25 02:21:06.190 UTC [42] LOG:  statement: select 1\n");
    append("pg.csv", kText);
    append("pg.json", kText);
    for (const char* const name : {"pg.log", "pg.csv", "pg.json"}) {
        const auto log = ServerLogReader::open(path(name), {});
        ASSERT_FALSE(log) << name;
        EXPECT_EQ(log.error().kind, Error::Kind::kUsage);
        EXPECT_THAT(log.error().message, HasSubstr(name));
    }
}

TEST_F(ReadServerLog, TellsTheTimeInEveryZone) {
    const auto end_of = [&](const std::string& zone) {
        const std::vector<Execution> all =
            executions("zone" + zone + ".log",
                       "2026-11-25 02:21:06.000 " + zone +
                           " [42] LOG:  duration: 0.040 ms  statement: select 1\n");
        return all.empty() ? 0 : (all[0].ended_at_ns - kLogged) / kSecond;
    };
    EXPECT_EQ(end_of("GMT"), 0);
    EXPECT_EQ(end_of("-03"), 3 * 3600);
    EXPECT_EQ(end_of("+0545"), -(5 * 3600 + 45 * 60));
    // Read just when it was logged, one hour east of UTC, and half past five.
    now_ = kLogged - 3600 * kSecond + 2 * kSecond;
    EXPECT_EQ(end_of("CET"), -3600);
    now_ = kLogged - 19'800 * kSecond;
    EXPECT_EQ(end_of("IST"), -19'800);
    now_ = kLogged - 7 * 60 * kSecond;
    EXPECT_EQ(end_of("XYZ"), 0) << "no zone is seven minutes from UTC";
    EXPECT_THAT(notes_, Contains(HasSubstr("log_timezone = 'UTC'")));
}

TEST_F(ReadServerLog, SkipsWhatWasNotLoggedNowAndSaysSo) {
    ServerLogReader log = open("pg.log");
    append("pg.log",
           "2026-11-25 01:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select 1\n"
           "2026-11-25 03:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select 1\n"
           "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select 1\n"
           "2026-11-25 02:20:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select 1\n");
    EXPECT_EQ(poll_all(log).size(), 1U);
    EXPECT_EQ(log.finish(42).size(), 1U) << "the last entry";
    EXPECT_THAT(log.notes(), Contains(HasSubstr("2 entries were logged more than five minutes")));
    EXPECT_THAT(log.notes(), Contains(HasSubstr("1 times the clock went back")));
}

TEST_F(ReadServerLog, ReadsOnlyWhatComesAfterItWasOpened) {
    append("pg.log", std::string(kText) + "2026-11-25 02:21:06.190 UTC [4");
    ServerLogReader log = open("pg.log");
    append("pg.log", "2] LOG:  statement: select old\n");
    append("pg.log",
           "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select\n");
    EXPECT_THAT(poll_all(log), IsEmpty()) << "more of it may come";
    append("pg.log", "\tnew\n");
    EXPECT_THAT(poll_all(log), IsEmpty());
    now_ += kSecond;
    const std::vector<Execution> all = poll_all(log);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(seen(all[0]), "42 select new");
}

std::string line_of(std::string_view table) {
    return fmt::format(
        "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: select {}\n", table);
}

TEST_F(ReadServerLog, GoesOnWithAFileOfTheSameNameWhenItIsRotated) {
    append("pg.log", line_of("a"));
    ServerLogReader log = open("pg.log");
    append("pg.log", line_of("b"));
    EXPECT_THAT(poll_all(log), IsEmpty());
    std::filesystem::rename(path("pg.log"), path("pg.log.1"));
    append("pg.log", "");
    append("pg.log.1", line_of("c"));
    std::vector<Execution> all = poll_all(log);
    append("pg.log", line_of("d"));
    for (const Execution& execution : poll_all(log)) {
        all.push_back(execution);
    }
    for (const Execution& execution : log.finish(42)) {
        all.push_back(execution);
    }
    std::vector<std::string> lines;
    for (const Execution& execution : all) {
        lines.push_back(seen(execution));
    }
    EXPECT_THAT(lines, ElementsAre("42 select b", "42 select c", "42 select d"));
}

TEST_F(ReadServerLog, GoesOnWhereANextFileCannotBeOpened) {
    append("pg.log", line_of("a"));
    ServerLogReader log = open("pg.log");
    std::filesystem::rename(path("pg.log"), path("pg.log.1"));
    // What root cannot open either, and that is not empty.
    std::filesystem::create_directories(path("pg.log/folder"));
    append("pg.log.1", line_of("b"));
    EXPECT_THAT(poll_all(log), IsEmpty());
    EXPECT_THAT(poll_all(log), IsEmpty());
    append("pg.log.1", line_of("c"));
    ASSERT_EQ(poll_all(log).size(), 1U) << "of the file before";
    EXPECT_THAT(log.notes(), Contains(HasSubstr("pg.log: it is no regular file; what was logged")));
    std::filesystem::rename(path("pg.log"), path("folder"));
    append("pg.log", line_of("d"));
    EXPECT_EQ(poll_all(log).size(), 1U);
    EXPECT_EQ(seen(log.finish(42).at(0)), "42 select d");
    EXPECT_THAT(log.notes(), ElementsAre(HasSubstr("pg.log: it is no regular file")));
}

TEST_F(ReadServerLog, PassesOverAFileThatCannotBeOpenedAmongThoseThatMatch) {
    append("pg-1.log", line_of("a"));
    ServerLogReader log = open("pg-*.log");
    std::filesystem::create_directories(path("pg-2.log/folder"));
    append("pg-3.log", line_of("b"));
    const auto time = std::filesystem::last_write_time(path("pg-1.log"));
    std::filesystem::last_write_time(path("pg-2.log"), time + std::chrono::seconds(1));
    std::filesystem::last_write_time(path("pg-3.log"), time + std::chrono::seconds(2));
    EXPECT_THAT(poll_all(log), IsEmpty());
    EXPECT_EQ(seen(log.finish(42).at(0)), "42 select b");
    EXPECT_THAT(log.notes(), ElementsAre(HasSubstr("pg-2.log: it is no regular file")));
}

TEST_F(ReadServerLog, FailsWhereItCannotBeOpenedAtTheStartButNotLater) {
    std::filesystem::create_directories(path("pg.log/folder"));
    EXPECT_FALSE(ServerLogReader::open(path("pg.log"), {}));
    std::filesystem::rename(path("pg.log"), path("folder"));
    ServerLogReader log = open("pg.log");
    std::filesystem::rename(path("folder"), path("pg.log"));
    EXPECT_THAT(poll_all(log), IsEmpty());
    EXPECT_THAT(log.notes(), ElementsAre(HasSubstr("pg.log: it is no regular file")));
    std::filesystem::rename(path("pg.log"), path("folder"));
    append("pg.log", line_of("a"));
    EXPECT_THAT(poll_all(log), IsEmpty());
    EXPECT_EQ(seen(log.finish(42).at(0)), "42 select a");
}

TEST_F(ReadServerLog, GoesOnWithTheNextFileThatMatches) {
    append("pg-1.log", line_of("old"));
    append("pg-2.log", line_of("a"));
    std::filesystem::last_write_time(
        path("pg-1.log"),
        std::filesystem::last_write_time(path("pg-2.log")) - std::chrono::hours(1));
    ServerLogReader log = open("pg-*.log");
    append("pg-2.log", line_of("b"));
    append("pg-3.log", line_of("c"));
    std::filesystem::last_write_time(
        path("pg-3.log"),
        std::filesystem::last_write_time(path("pg-2.log")) + std::chrono::seconds(1));
    std::vector<std::string> lines;
    for (const Execution& execution : poll_all(log)) {
        lines.push_back(seen(execution));
    }
    for (const Execution& execution : log.finish(42)) {
        lines.push_back(seen(execution));
    }
    EXPECT_THAT(lines, ElementsAre("42 select b", "42 select c"));
}

TEST_F(ReadServerLog, SaysWhereALogMayGoOnUnderAnotherTime) {
    const auto write_later = [&](const std::string& name, int seconds) {
        append(name, line_of("a"));
        std::filesystem::last_write_time(
            path(name),
            std::filesystem::last_write_time(path("pg-2026-11-25_010000.log")) +
                std::chrono::seconds(seconds));
    };
    append("pg-2026-11-25_010000.log", line_of("a"));
    write_later("pg-2026-11-24_010000.log", 60);
    ServerLogReader log = open("pg-2026-11-25_010000.log");
    append("pg-2026-11-25_010000.log", line_of("b"));
    poll_all(log);
    EXPECT_EQ(log.finish(42).size(), 1U);
    // Neither was there before, or is older, or is another log.
    write_later("pg-2026-11-23_010000.log", -60);
    write_later("pg-2026-11-25_020000.csv", 60);
    EXPECT_THAT(log.notes(), IsEmpty());
    write_later("pg-2026-11-25_020000.log", 60);
    EXPECT_THAT(log.notes(),
                ElementsAre(AllOf(HasSubstr("pg-2026-11-25_020000.log came after it"),
                                  HasSubstr("'log:" + path("pg-*.log'")))));
    // It goes on after all.
    append("pg-2026-11-25_010000.log", line_of("c"));
    std::filesystem::last_write_time(
        path("pg-2026-11-25_010000.log"),
        std::filesystem::last_write_time(path("pg-2026-11-25_020000.log")));
    EXPECT_THAT(log.notes(), IsEmpty());
}

TEST(PatternOfRotated, HasAStarInPlaceOfTheTime) {
    EXPECT_EQ(pattern_of_rotated("log/postgresql-2026-11-23_090000.csv"), "log/postgresql-*.csv");
    EXPECT_EQ(pattern_of_rotated("15/postgresql.log"), std::nullopt);
    EXPECT_EQ(pattern_of_rotated("pg-1.*"), std::nullopt);
}

TEST_F(ReadServerLog, SaysWhenThereIsNoStatement) {
    EXPECT_THAT(
        all_seen("pg.log", "2026-11-25 02:21:06.1 UTC [4] LOG:  checkpoint starting: time\n"),
        IsEmpty());
    EXPECT_THAT(notes_, Contains(HasSubstr("log_min_duration_statement = 0")));
}

TEST_F(ReadServerLog, NeverKeepsALiteral) {
    for (const Execution& execution : executions("pg.log", kText)) {
        EXPECT_THAT(execution.form.text, Not(HasSubstr("secret")));
        EXPECT_THAT(execution.form.text, Not(HasSubstr("hush")));
        EXPECT_THAT(execution.form.family, Not(HasSubstr("multi")));
    }
}

}  // namespace
}  // namespace palloscope
