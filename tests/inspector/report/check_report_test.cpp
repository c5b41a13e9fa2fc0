#include "inspector/report/check_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace palloscope {
namespace {

CheckedProcess busy_backend() {
    return {.pid = 4242,
            .server_version_num = 150018,
            .trials = {{.method = Method::kRead,
                        .failure = Error{.kind = Error::Kind::kTimeout,
                                         .message = "it kept running",
                                         .hint = "use --method freeze"}},
                       {.method = Method::kFreeze, .pause_us = 412, .contexts = 139}},
            .automatic = Method::kFreeze};
}

TEST(CheckReport, TellsOfEachMethodAndWhichOneIsTaken) {
    EXPECT_EQ(check_text({busy_backend()}, {}),
              "process 4242  PostgreSQL 15.18\n"
              "  read:   no  it kept running\n"
              "      use --method freeze\n"
              "  freeze: yes 139 contexts, pause 412 us\n"
              "  auto takes freeze\n");
}

TEST(CheckReport, TellsWhatShutsTheProcessIn) {
    CheckedProcess checked{.pid = 4242};
    checked.confinement = {
        .namespace_pid = 57,
        .container = Container{.engine = "docker", .id = std::string(64, 'a')},
        .memory_limit = MemoryLimit{.limit_bytes = 300 << 20, .usage_bytes = 100 << 20}};
    EXPECT_EQ(check_text({checked}, {}),
              "process 4242\n"
              "  in the container docker:aaaaaaaaaaaa\n"
              "  PID 57 in its own namespace\n"
              "  memory limit 300.0 MB, of which 200.0 MB are left\n");
    EXPECT_EQ(nlohmann::json::parse(check_json({checked})).at(0).at("namespace_pid"), 57);
}

TEST(CheckReport, SaysWhyNothingWasTried) {
    CheckedProcess gone{.pid = 4242};
    gone.failure = Error{.kind = Error::Kind::kGone, .message = "process 4242 is gone", .hint = {}};
    EXPECT_EQ(check_text({gone}, {}), "process 4242\n  ! process 4242 is gone\n");
}

TEST(CheckReport, GivesProgramsTheSame) {
    const auto checked = nlohmann::json::parse(check_json({busy_backend()})).at(0);
    EXPECT_EQ(checked.at("auto"), "freeze");
    EXPECT_EQ(checked.at("failure"), nullptr);
    EXPECT_EQ(checked.at("methods").at(0).at("works"), false);
    EXPECT_EQ(checked.at("methods").at(0).at("reason"), "it kept running");
    EXPECT_EQ(checked.at("methods").at(1).at("pause_us"), 412);
}

}  // namespace
}  // namespace palloscope
