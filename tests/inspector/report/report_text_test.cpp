#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/model/time_text.hpp"
#include "inspector/report/report.hpp"
#include "inspector/report/text_columns.hpp"
#include "tests/inspector/report/report_sample.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

int widest_line(const std::string& text) {
    std::istringstream lines(text);
    int widest = 0;
    for (std::string line; std::getline(lines, line);) {
        widest = std::max(widest, text_columns(line));
    }
    return widest;
}

TEST(ReportText, IsTheGoldenText) {
    const std::string golden =
        contents(PALLOSCOPE_SOURCE_DIR "/tests/inspector/report/report_text.golden");
    const std::string text = report_text(sample_diagnosis(), {.width = 100});
    std::ofstream(PALLOSCOPE_BINARY_DIR "/report_text.actual") << text;
    EXPECT_EQ(text, golden) << "the text is in " PALLOSCOPE_BINARY_DIR "/report_text.actual";
}

TEST(ReportText, SaysWhenTheContainersLimitIsReached) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends[0].forecast =
        Forecast{.limit_bytes = 3'221'225'472,
                 .left_bytes = 1'073'741'824,
                 .seconds = {.value = 7200, .low = 3600, .high = 10800},
                 .at_ns = unix_ns_from_iso_time("2026-11-23T09:00:29Z"),
                 .backends = 2};
    const std::string text = report_text(diagnosis, {.width = 100});
    for (const char* const part :
         {"At the rate of the 2 backends", "3.00 GB", "1.00 GB", "3 h), about"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_THAT(text, HasSubstr("2026-11-23 09:00"));
    diagnosis.backends[0].forecast->at_ns = std::nullopt;
    EXPECT_THAT(report_text(diagnosis, {.width = 100}), Not(HasSubstr("2026-11-23 09:00")));
}

TEST(ReportText, SaysThatALeakBeganLater) {
    Diagnosis diagnosis = sample_diagnosis();
    EXPECT_THAT(report_text(diagnosis, {.width = 100}), Not(HasSubstr("It began")));
    diagnosis.backends[0].growth.quiet_seconds = 95;
    EXPECT_THAT(report_text(diagnosis, {.width = 100}), HasSubstr("It began after 1 min 35 s"));
}

TEST(ReportText, SaysThatALeakEndedWithItsStatements) {
    Diagnosis diagnosis = sample_diagnosis();
    EXPECT_THAT(report_text(diagnosis, {.width = 100}), Not(HasSubstr("It ended")));
    diagnosis.backends[0].growth.rest_seconds = 95;
    const std::string text = report_text(diagnosis, {.width = 100});
    EXPECT_THAT(text, StartsWith("1 of 3 backends leaked: "));
    EXPECT_THAT(text, HasSubstr("It ended with its statements: in the 1 min 35 s after that"));
}

TEST(ReportText, SaysThatTheKernelKilledABackendAndSinceWhenItWasToBeSeen) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    Diagnosis diagnosis = sample_diagnosis();
    Ending ending{.last_snapshot_ns = 1'700'000'000 * kSecond};
    diagnosis.backends[0].ending = ending;
    std::string text = report_text(diagnosis, {.width = 100});
    EXPECT_THAT(text, HasSubstr("The kernel killed it for lack of memory"));
    EXPECT_THAT(text, Not(HasSubstr("to be seen")));
    ending.foresight = {.at_ns = ending.last_snapshot_ns - 90 * kSecond,
                        .seconds = {.value = 100, .low = 80, .high = 120}};
    diagnosis.backends[0].ending = ending;
    text = report_text(diagnosis, {.width = 100});
    EXPECT_THAT(text, HasSubstr("to be seen 1 min 30 s before; 1 min 40 s were left then"));
}

TEST(ReportText, SaysWhatItJudgedWhereThatIsNotWhatIsUsed) {
    Diagnosis diagnosis = sample_diagnosis();
    EXPECT_THAT(report_text(diagnosis, {.width = 100}), Not(HasSubstr("take up")));
    diagnosis.backends[0].growth.judged_on = GrowingMemory::kTotalBytes;
    const std::string text = report_text(diagnosis, {.width = 100});
    EXPECT_THAT(text, HasSubstr("That is what its contexts take up"));
    EXPECT_THAT(text, HasSubstr("13.7 MB taken up\n"));
}

TEST(ReportText, FitsIntoItsWidth) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends[0].picture.resize(40, 15'000'000);
    for (const int width : {64, 72, 80, 100}) {
        EXPECT_LE(widest_line(report_text(diagnosis, {.width = width})), width);
    }
    EXPECT_LE(widest_line(report_text(sample_diagnosis(), {.width = 300})), 100);
    EXPECT_LE(widest_line(report_text(sample_diagnosis(), {.width = 0})), 100);
}

TEST(ReportText, IsAsciiIfAsked) {
    const std::string text = report_text(sample_diagnosis(), {.width = 80, .ascii = true});
    EXPECT_TRUE(std::ranges::all_of(text, [](char character) {
        return character == '\n' || (character >= ' ' && character <= '~');
    }));
}

TEST(ReportText, HasColourOnlyIfAsked) {
    EXPECT_THAT(report_text(sample_diagnosis(), {}), Not(HasSubstr("\x1b")));
    EXPECT_THAT(report_text(sample_diagnosis(), {.color = true}), HasSubstr("\x1b["));
}

TEST(ReportText, LetsNoControlCharacterThrough) {
    Diagnosis diagnosis = sample_diagnosis();
    BackendDiagnosis& backend = diagnosis.backends[0];
    const std::string hostile = "a\x1b[2Jb\nc\xff";
    backend.process.application_name = hostile;
    backend.process.user = hostile;
    backend.notes = {hostile};
    backend.causes[0].statements[0].query = hostile;
    backend.causes[0].statements[4].query = hostile;
    backend.causes[0].contexts[0].path = hostile;
    backend.causes[0].evidence = {hostile};
    diagnosis.notes = {hostile};
    const std::string text = report_text(diagnosis, {});
    EXPECT_TRUE(std::ranges::none_of(
        text, [](char character) { return character == '\x1b' || character == '\xff'; }));
    EXPECT_THAT(text, Not(HasSubstr("b\nc")));
}

TEST(ReportText, SaysFirstThatNothingLeaks) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends.erase(diagnosis.backends.begin());
    const std::string text = report_text(diagnosis, {});
    EXPECT_THAT(text, StartsWith("Nothing leaks.\n"));
    EXPECT_THAT(text, HasSubstr("1 backend (4243) grew as caches filled"));
}

TEST(ReportText, TellsWhatOnlyLooksLikeALeakApart) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends.erase(diagnosis.backends.begin());
    diagnosis.backends[0].harmless = {{.id = "shared-memory-touch",
                                       .title = "RSS grows by shared memory",
                                       .bytes = 10 << 20,
                                       .evidence = {"RssShmem grew."},
                                       .remedies = {"Nothing has to be done."}}};
    const std::string text = report_text(diagnosis, {});
    EXPECT_THAT(text, StartsWith("Nothing leaks.\n"));
    EXPECT_THAT(text,
                HasSubstr("shared-memory-touch, and no leak: RSS grows by shared memory, 10.0 MB "
                          "(backend 4243).\n- RssShmem grew.\n- Nothing has to be done.\n"));
}

TEST(ReportText, SaysFirstThatNothingCanBeSaid) {
    Diagnosis diagnosis = sample_diagnosis();
    diagnosis.backends.erase(diagnosis.backends.begin(), diagnosis.backends.begin() + 2);
    EXPECT_THAT(report_text(diagnosis, {}), StartsWith("Nothing can be said"));
    EXPECT_THAT(report_text({}, {}), StartsWith("The recording holds no backend."));
}

}  // namespace
}  // namespace palloscope
