#include "inspector/report/experiment_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace palloscope {
namespace {

using testing::HasSubstr;

Experiment sample() {
    return {.workload = "conjur",
            .server_version_num = 150018,
            .trials = {{.intervention = "none",
                        .description = "none",
                        .samples = {{.seconds = 1, .used_bytes = 5, .backends = 1, .loops = 2}},
                        .seconds = 30},
                       {.intervention = "reconnect",
                        .description = "reconnect after each request",
                        .seconds = 30,
                        .errors = 1200},
                       {.intervention = "pgbouncer-transaction",
                        .description = "PgBouncer",
                        .not_run = "there is no pgbouncer\x1b[31m"}}};
}

ExperimentOutcome outcome() {
    return {.grows = true,
            .trials = {{.growth = Estimate{.value = 4096, .low = 4000, .high = 5120},
                        .effect = Effect::kNone},
                       {.growth = Estimate{.value = 0, .low = -10, .high = 10},
                        .effect = Effect::kStops},
                       {.effect = Effect::kNotTried}},
            .conclusions = {"What stops the growth: reconnect after each request."}};
}

TEST(ExperimentText, ShowsTheGrowthAndTheEffectOfEachTrial) {
    EXPECT_EQ(experiment_text(sample(), outcome(), {}),
              "EXPERIMENT  conjur on PostgreSQL 15.18\n"
              "  3 trials of 30 s, each in a fresh server. What grows is the used bytes of the "
              "memory contexts of\n"
              "  all client backends together.\n"
              "\n"
              "  INTERVENTION                  GROWTH A LOOP  95 % INTERVAL       EFFECT\n"
              "  none                                +4.0 kB  +3.9 kB to +5.0 kB  grows\n"
              "  reconnect after each request            0 B  -10 B to +10 B      stops it\n"
              "  PgBouncer                                 -                      not tried\n"
              "\n"
              "  - What stops the growth: reconnect after each request.\n"
              "\n"
              "  - reconnect after each request: 1,200 of its statements failed.\n"
              "  - Not tried: there is no pgbouncer\\x1b[31m.\n");
}

TEST(ExperimentText, SaysThatNothingGrowsInsteadOfGivingEffects) {
    ExperimentOutcome flat = outcome();
    flat.grows = false;
    flat.conclusions.clear();
    flat.trials[1].effect = Effect::kUnclear;
    const std::string text = experiment_text(sample(), flat, {});
    EXPECT_THAT(text, HasSubstr("does not grow\n"));
    EXPECT_THAT(text, HasSubstr("-10 B to +10 B\n"));
    EXPECT_THAT(text, HasSubstr("The workload does not grow by itself"));
}

TEST(ExperimentText, IsGivenAsJsonWithEverySample) {
    const auto json = nlohmann::json::parse(experiment_json(sample(), outcome()));
    EXPECT_EQ(json["schema"], "palloscope.experiment/1");
    EXPECT_EQ(json["unit"], "loop");
    EXPECT_EQ(json["judged_on"], "used_bytes");
    EXPECT_EQ(json["trials"][0]["bytes_per_unit"]["high"], 5120);
    EXPECT_EQ(json["trials"][0]["samples"][0]["loops"], 2);
    EXPECT_EQ(json["trials"][1]["effect"], "stops");
    EXPECT_EQ(json["trials"][2]["bytes_per_unit"], nullptr);
    EXPECT_EQ(json["trials"][2]["not_run"], "there is no pgbouncer\x1b[31m");
}

}  // namespace
}  // namespace palloscope
