// What the readers of statements make of lines that are damaged, ten thousand of them: they lose
// no sound one between, and say what they skipped.

#include <cstdint>
#include <fstream>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "inspector/statements/journal.hpp"
#include "inspector/statements/server_log.hpp"
#include "tests/inspector/statements/poll_all.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// 2026-11-25 02:21:06 UTC.
constexpr std::int64_t kLogged = 1'795'573'266 * kSecond;
constexpr int kEntries = 10'000;

// A format of one entry, with its statement.
struct Format {
    std::string name;
    std::string before;
    std::string after;
    // Goes on with the statement in a next line; empty where an entry has one line.
    std::string next_line;
};

std::vector<Format> formats() {
    return {
        {.name = "pg.csv",
         .before = R"(2026-11-25 02:21:06.190 UTC,"u","d",42,"[local]",6b064612.3376,1,"SELECT",)"
                   R"(2026-11-25 02:21:06 UTC,3/0,0,LOG,00000,"duration: 0.040 ms  statement: )",
         .after = R"(",,,,,,,,,"psql","client backend",,0)",
         .next_line = "\n"},
        {.name = "pg.json",
         .before = R"({"timestamp":"2026-11-25 02:21:06.191 UTC","pid":42,"session_id":"6b.33",)"
                   R"("error_severity":"LOG","message":"duration: 0.040 ms  statement: )",
         .after = R"("})",
         .next_line = ""},
        {.name = "pg.log",
         .before = "2026-11-25 02:21:06.190 UTC [42] LOG:  duration: 0.040 ms  statement: ",
         .after = "",
         .next_line = "\n\t"},
        {.name = "journal.jsonl",
         .before = R"({"seq":1,"backend_pid":42,"session":"s0","step":"a/b","query":")",
         .after = R"(","started_at_ns":1000,"ended_at_ns":2000,"rows":1,"error":null})",
         .next_line = ""},
    };
}

class Damage {
  public:
    // Damages a line of text in one place or in a few; never makes two lines of it or one of two.
    std::string of(std::string line) {
        for (std::size_t times = 1 + below(3); times > 0 && !line.empty(); --times) {
            const std::size_t at = below(line.size());
            switch (below(6)) {
                case 0:
                    line.erase(at, 1 + below(8));
                    break;
                case 1:
                    line.resize(at);
                    break;
                case 2:
                    line.insert(at, 1 + below(4), byte());
                    break;
                case 3:
                    line[at] = byte();
                    break;
                case 4:
                    line.insert(at, line.substr(below(line.size()), below(40)));
                    break;
                default:
                    line.insert(at, 1, "\"\\{[,"[below(5)]);
            }
        }
        return line;
    }

    std::size_t below(std::size_t limit) { return random_() % limit; }

  private:
    // A tab at its beginning would make a line a part of the one before, and rightly.
    char byte() {
        const char byte = static_cast<char>(below(256));
        return byte == '\n' || byte == '\t' ? '\0' : byte;
    }

    std::mt19937_64 random_{20'261'125};
};

struct Text {
    std::string text;
    std::vector<std::string> sound;  // the forms of statements in entries that are
    std::int64_t damaged = 0;
};

// Every third entry is damaged, and every fifth has two lines where that can be.
Text entries_of(const Format& format, Damage& damage) {
    Text text;
    for (int i = 0; i < kEntries; ++i) {
        const std::string table = fmt::format("t{}", i);
        const bool two_lines = i % 5 == 0 && !format.next_line.empty();
        std::string first = format.before + "select a from ";
        std::string second = table + format.after;
        if (two_lines) {
            second.insert(0, format.next_line);
        } else {
            first += std::exchange(second, {});
        }
        if (damage.below(3) == 0) {
            ++text.damaged;
            first = damage.of(std::move(first));
        } else {
            text.sound.push_back("select a from " + table);
        }
        text.text += first;
        text.text += second;
        text.text += '\n';
    }
    return text;
}

std::set<std::string> forms_of(const std::vector<Execution>& executions) {
    std::set<std::string> forms;
    for (const Execution& execution : executions) {
        forms.insert(execution.form.text);
    }
    return forms;
}

struct Read {
    std::vector<Execution> executions;
    std::vector<std::string> notes;
};

Read read(const std::string& path) {
    if (path.ends_with(".jsonl")) {
        JournalReader journal(path);
        std::vector<Execution> executions = poll_all(journal);
        return {.executions = std::move(executions), .notes = journal.notes()};
    }
    Result<ServerLogReader> log = ServerLogReader::open(
        path, {.start = FollowedFile::Start::kBeginning, .now = [] { return kLogged; }});
    EXPECT_TRUE(log) << log.error().message;
    std::vector<Execution> executions = poll_all(*log);
    for (Execution& execution : log->finish(42)) {
        executions.push_back(std::move(execution));
    }
    return {.executions = std::move(executions), .notes = log->notes()};
}

// The number of lines that the notes say were skipped.
std::int64_t said_to_be_skipped(const std::vector<std::string>& notes) {
    const std::regex number("([0-9]+) lines (are no entries|that are no journal)");
    std::smatch found;
    for (const std::string& note : notes) {
        if (std::regex_search(note, found, number)) {
            return std::stoll(found[1]);
        }
    }
    return 0;
}

TEST(DamagedLines, CostNoSoundOneBetweenThemAndAreCounted) {
    const test::TemporaryFolder folder;
    Damage damage;
    for (const Format& format : formats()) {
        const std::string path = folder.path() / format.name;
        const Text text = entries_of(format, damage);
        std::ofstream(path) << text.text;
        const Read all = read(path);

        const std::set<std::string> forms = forms_of(all.executions);
        std::vector<std::string> lost;
        for (const std::string& form : text.sound) {
            if (!forms.contains(form)) {
                lost.push_back(form);
            }
        }
        EXPECT_TRUE(lost.empty()) << format.name << ": " << testing::PrintToString(lost);
        const std::int64_t skipped = said_to_be_skipped(all.notes);
        // Of those that were damaged some are entries all the same, of another text or severity.
        EXPECT_GT(skipped, text.damaged * 3 / 4) << format.name;
        EXPECT_LE(skipped, 2 * text.damaged) << format.name;
    }
}

}  // namespace
}  // namespace palloscope
