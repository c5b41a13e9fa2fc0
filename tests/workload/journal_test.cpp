#include "workload/journal.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.hpp"

namespace palloscope::workload {
namespace {

Execution some_execution() {
    return {.seq = 7,
            .backend_pid = 4242,
            .session = "worker-0/1",
            .step = "load-policy/create-schema",
            .form = {.text = "CREATE SCHEMA policy_loader_00112233aabbccdd",
                     .fingerprint = "0123456789abcdef"},
            .started_at_ns = 1795451575206086204,
            .ended_at_ns = 1795451575206210165,
            .rows = 3};
}

class JournalFile : public testing::Test {
  protected:
    void write(const std::string& text) const { std::ofstream(path_) << text; }

    [[nodiscard]] std::vector<std::string> lines() const {
        std::ifstream file(path_);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);) {
            all.push_back(line);
        }
        return all;
    }

    test::TemporaryFolder folder_;
    const std::string path_ = folder_.path() / "journal";
};

TEST(JournalLine, HasTheFieldsOfTheContractInTheirOrder) {
    EXPECT_EQ(journal_line(some_execution()),
              R"({"seq":7,"backend_pid":4242,"session":"worker-0/1",)"
              R"("step":"load-policy/create-schema",)"
              R"("query":"CREATE SCHEMA policy_loader_00112233aabbccdd",)"
              R"("fingerprint":"0123456789abcdef","started_at_ns":1795451575206086204,)"
              R"("ended_at_ns":1795451575206210165,"rows":3,"error":null})"
              "\n");
}

TEST(JournalLine, NamesTheSqlstateOfAFailedStatement) {
    Execution execution = some_execution();
    execution.error = "57P01";
    EXPECT_EQ(nlohmann::json::parse(journal_line(execution)).at("error"), "57P01");
}

TEST(JournalLine, StaysOneLineOfJsonWhateverBytesTheFormHolds) {
    Execution execution = some_execution();
    execution.form.text = "SELECT \"a\nb\" \xff\x01";
    const std::string line = journal_line(execution);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(nlohmann::json::parse(line).at("query"), "SELECT \"a\nb\" \xef\xbf\xbd\x01");
}

TEST(Journal, NumbersStatementsAlsoWithoutAFile) {
    Journal journal;
    Execution first = some_execution();
    Execution second = some_execution();
    ASSERT_TRUE(journal.append(first));
    const auto line = journal.append(second);
    EXPECT_EQ(first.seq, 1);
    EXPECT_EQ(second.seq, 2);
    EXPECT_EQ(line, journal_line(second));
}

TEST_F(JournalFile, MayBeReadByItsOwnerOnly) {
    write("");
    chmod(path_.c_str(), 0644);
    ASSERT_TRUE(Journal::open(path_));

    struct stat status {};

    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(JournalFile, HasEachLineBeforeTheNextStatement) {
    auto journal = Journal::open(path_);
    ASSERT_TRUE(journal);
    Execution execution = some_execution();
    const auto line = journal->append(execution);
    ASSERT_TRUE(line);
    EXPECT_EQ(lines(), std::vector<std::string>{line->substr(0, line->size() - 1)});
}

TEST_F(JournalFile, NeverMixesTheLinesOfSeveralThreads) {
    constexpr int kThreads = 4;
    constexpr int kLines = 500;
    auto journal = Journal::open(path_);
    ASSERT_TRUE(journal);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&journal] {
            for (int line = 0; line < kLines; ++line) {
                Execution execution = some_execution();
                EXPECT_TRUE(journal->append(execution));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::int64_t expected = 0;
    for (const std::string& line : lines()) {
        EXPECT_EQ(nlohmann::json::parse(line).at("seq"), ++expected);
    }
    EXPECT_EQ(expected, kThreads * kLines);
}

TEST_F(JournalFile, EndsALineThatAnEarlierRunLeftCutOff) {
    write("{\"seq\":1}\n{\"se");
    auto journal = Journal::open(path_);
    ASSERT_TRUE(journal);
    Execution execution = some_execution();
    ASSERT_TRUE(journal->append(execution));
    const auto all = lines();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[1], "{\"se");
    EXPECT_EQ(nlohmann::json::parse(all[2]).at("seq"), 1);
}

TEST(Journal, KeepsSayingWhyItCannotBeWritten) {
    auto journal = Journal::open("/dev/full");
    ASSERT_TRUE(journal);
    EXPECT_FALSE(journal->error());
    Execution execution = some_execution();
    const auto first = journal->append(execution);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().message, "cannot write the journal /dev/full: No space left on device");
    EXPECT_EQ(journal->append(execution).error(), first.error());
    EXPECT_EQ(journal->error(), first.error());
}

TEST(Journal, SaysWhyItCannotBeOpened) {
    const auto journal = Journal::open("/nonexistent/journal");
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().message,
              "cannot open the journal /nonexistent/journal: No such file or directory");
}

}  // namespace
}  // namespace palloscope::workload
