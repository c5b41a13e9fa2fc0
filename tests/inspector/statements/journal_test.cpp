#include "inspector/statements/journal.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/statements/execution_json.hpp"
#include "inspector/statements/form.hpp"
#include "tests/inspector/statements/poll_all.hpp"

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string line(int seq, std::string_view query = "SELECT $1") {
    return fmt::format(
        R"({{"seq":{},"backend_pid":42,"session":"s0","step":"a/b","query":"{}","fingerprint":"f",)"
        R"("started_at_ns":1000,"ended_at_ns":2000,"rows":1,"error":null}})"
        "\n",
        seq,
        query);
}

class ReadJournal : public testing::Test {
  protected:
    void SetUp() override {
        std::string name =
            (std::filesystem::temp_directory_path() / "journal-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path() const { return (folder_ / "j.jsonl").string(); }

    void append(std::string_view text) const { std::ofstream(path(), std::ios::app) << text; }

    // Sequence numbers of all that there is to read.
    [[nodiscard]] static std::vector<std::int64_t> read_all(JournalReader& journal) {
        std::vector<std::int64_t> numbers;
        for (const Execution& execution : poll_all(journal)) {
            numbers.push_back(execution.seq);
        }
        return numbers;
    }

    std::filesystem::path folder_;
};

TEST_F(ReadJournal, IsReadLineByLine) {
    append(line(1, "DROP SCHEMA s1 CASCADE"));
    JournalReader journal(path());
    const Result<std::vector<Execution>> batch = journal.poll();
    ASSERT_TRUE(batch);
    EXPECT_THAT(*batch,
                ElementsAre(Execution{.seq = 1,
                                      .backend_pid = 42,
                                      .session = "s0",
                                      .step = "a/b",
                                      .form = statement_form("DROP SCHEMA s1 CASCADE"),
                                      .started_at_ns = 1000,
                                      .ended_at_ns = 2000,
                                      .rows = 1,
                                      .error = std::nullopt}));
    EXPECT_THAT(read_all(journal), IsEmpty());
    EXPECT_THAT(journal.notes(), IsEmpty());
}

TEST_F(ReadJournal, IsFollowedWhileItIsWritten) {
    JournalReader journal(path());
    EXPECT_THAT(read_all(journal), IsEmpty());
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("never came into being")));
    append(line(1));
    EXPECT_THAT(read_all(journal), ElementsAre(1));
    const std::string second = line(2);
    append(second.substr(0, 30));
    EXPECT_THAT(read_all(journal), IsEmpty());
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("cut off")));
    append(second.substr(30) + line(3));
    EXPECT_THAT(read_all(journal), ElementsAre(2, 3));
    EXPECT_THAT(journal.notes(), IsEmpty());
}

TEST_F(ReadJournal, SkipsAndCountsLinesThatAreNoEntries) {
    append(line(1) + "not json\n" + line(2) + "{}\n\n[1]\n" + line(3));
    JournalReader journal(path());
    EXPECT_THAT(read_all(journal), ElementsAre(1, 2, 3));
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("4 lines")));
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("first one is line 2")));
}

TEST_F(ReadJournal, SkipsLinesOfAnyLength) {
    append(line(1) + std::string(kMaxJournalLine + 2, 'x'));
    JournalReader journal(path());
    EXPECT_THAT(read_all(journal), ElementsAre(1));
    append(std::string(kMaxJournalLine, 'y') + "\n" + line(2));
    EXPECT_THAT(read_all(journal), ElementsAre(2));
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("1 lines")));
}

TEST_F(ReadJournal, IsReadAgainWhenItWasEmptied) {
    append(line(1) + line(2));
    JournalReader journal(path());
    EXPECT_THAT(read_all(journal), ElementsAre(1, 2));
    std::ofstream(path(), std::ios::trunc) << line(7);
    EXPECT_THAT(read_all(journal), ElementsAre(7));
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("emptied")));
}

TEST_F(ReadJournal, OfManyLinesComesInBatches) {
    std::string text;
    for (int i = 0; i < 5'000; ++i) {
        text += line(i);
    }
    append(text);
    JournalReader journal(path());
    EXPECT_THAT(read_all(journal), SizeIs(5'000));
}

TEST_F(ReadJournal, ThatIsNoFileIsAnError) {
    EXPECT_EQ(JournalReader(folder_.string()).poll().error().kind, Error::Kind::kFailed);
    EXPECT_EQ(JournalReader(folder_.string()).open().error().kind, Error::Kind::kFailed);
}

TEST_F(ReadJournal, ThatIsNotThereYetIsNone) {
    EXPECT_TRUE(JournalReader(path()).open());
}

TEST(JournalEntry, IsMaskedAgain) {
    const auto execution = execution_from_line(line(1, "SELECT 'secret'"));
    ASSERT_TRUE(execution);
    EXPECT_EQ(execution->form, statement_form("SELECT $1"));
}

TEST(JournalEntry, WithAFieldOutOfRangeIsNone) {
    const std::string good = line(1);
    ASSERT_TRUE(execution_from_line(good));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string changed = good;
        changed.replace(changed.find(from), from.size(), to);
        return execution_from_line(changed);
    };
    EXPECT_FALSE(with("\"seq\":1", "\"seq\":\"1\""));
    EXPECT_FALSE(with("\"seq\":1", "\"seq\":18446744073709551615"));
    EXPECT_FALSE(with("\"seq\":1", "\"seq\":1.5"));
    EXPECT_FALSE(with(":42", ":0"));
    EXPECT_FALSE(with(":42", ":4294967338"));
    EXPECT_FALSE(with("\"query\"", "\"text\""));
    EXPECT_FALSE(with(":2000", ":999"));
    EXPECT_FALSE(with(":1000", ":-1"));
    EXPECT_FALSE(with("\"s0\"", "\"" + std::string(300, 's') + "\""));
    EXPECT_FALSE(with("\"rows\":1", "\"rows\":\"1\""));
    // The text of a message, unlike a SQLSTATE, can quote a literal.
    EXPECT_FALSE(with(":null", ":\"duplicate key 'secret'\""));
    EXPECT_EQ(with(":null", ":\"23505\"")->error, "23505");
    EXPECT_EQ(with("\"rows\":1", "\"rows\":null")->rows, 0);
    EXPECT_TRUE(with("\"seq\":1", "\"unknown\":{},\"seq\":1"));
}

}  // namespace
}  // namespace palloscope
