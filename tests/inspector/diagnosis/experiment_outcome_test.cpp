#include "inspector/diagnosis/experiment_outcome.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// 160 samples in 32 s with two loops a second, growing by `used` and `rss` bytes a loop, and with
// teeth of this many bytes a sample.
Trial trial(std::string_view intervention, double used, double rss = 0, double teeth = 0) {
    Trial trial{.intervention = intervention,
                .description = std::string(intervention) + " described",
                .seconds = 32};
    for (int i = 0; i < 160; ++i) {
        // Noise that is no trend, so that there is an interval.
        const double wave = 500 * std::sin(i) + teeth * (i % 25);
        trial.samples.push_back({.seconds = 0.2 * i,
                                 .used_bytes = std::llround(1e6 + 0.4 * i * used + wave),
                                 .rss_anon_bytes = std::llround(5e6 + 0.4 * i * rss + wave),
                                 .backends = 2,
                                 .loops = std::llround(0.4 * i)});
    }
    return trial;
}

Experiment experiment(std::vector<Trial> trials) {
    return {.workload = "conjur", .server_version_num = 150018, .trials = std::move(trials)};
}

TEST(ExperimentOutcome, SaysWhatStopsSlowsHastensAndLeavesTheGrowth) {
    const ExperimentOutcome outcome = judge_experiment(experiment({trial("none", 4000),
                                                                   trial("vacuum", 4000),
                                                                   trial("reconnect", 0),
                                                                   trial("discard-all", 2500),
                                                                   trial("jit-off", 9000)}));
    ASSERT_TRUE(outcome.grows);
    EXPECT_EQ(outcome.judged_on, GrowingMemory::kUsedBytes);
    EXPECT_NEAR(outcome.trials[0].growth.value().value, 4000, 100);
    EXPECT_EQ(outcome.trials[1].effect, Effect::kNone);
    EXPECT_EQ(outcome.trials[2].effect, Effect::kStops);
    EXPECT_EQ(outcome.trials[3].effect, Effect::kSlows);
    EXPECT_EQ(outcome.trials[4].effect, Effect::kHastens);
    EXPECT_EQ(outcome.conclusions.front(), "What stops the growth: reconnect described.");
    EXPECT_THAT(outcome.conclusions, Contains(HasSubstr("VACUUM changes nothing")));
    EXPECT_THAT(outcome.conclusions, Contains(HasSubstr("belongs to the session")));
}

TEST(ExperimentOutcome, SaysThatItStopsWhereTeethOfASawBeginAboveNoneByChance) {
    for (const double used : {780, 1000}) {
        const ExperimentOutcome outcome = judge_experiment(
            experiment({trial("none", 4000), trial("reconnect", used, /*rss=*/0, /*teeth=*/3500)}));
        const Estimate growth = outcome.trials[1].growth.value();
        EXPECT_GT(growth.low, 0);
        EXPECT_EQ(outcome.trials[1].effect, used < 800 ? Effect::kStops : Effect::kSlows);
    }
}

TEST(ExperimentOutcome, IsJudgedOnAnonymousMemoryWhereTheContextsDoNotGrow) {
    const ExperimentOutcome outcome =
        judge_experiment(experiment({trial("none", 0, 8000), trial("jit-off", 0, 0)}));
    ASSERT_TRUE(outcome.grows);
    EXPECT_EQ(outcome.judged_on, GrowingMemory::kRssAnon);
    EXPECT_EQ(outcome.trials[1].effect, Effect::kStops);
}

TEST(ExperimentOutcome, KnowsNoEffectWhereNothingGrows) {
    const ExperimentOutcome outcome =
        judge_experiment(experiment({trial("none", 0), trial("reconnect", 0)}));
    EXPECT_FALSE(outcome.grows);
    EXPECT_EQ(outcome.trials[1].effect, Effect::kUnclear);
    EXPECT_TRUE(outcome.conclusions.empty());
}

TEST(ExperimentOutcome, SaysThatNothingStopsIt) {
    const ExperimentOutcome outcome =
        judge_experiment(experiment({trial("none", 4000), trial("vacuum", 4000)}));
    EXPECT_EQ(outcome.conclusions.front(), "Nothing that was tried stops the growth.");
}

TEST(ExperimentOutcome, TellsATrialThatWasNotRunFromOneWithoutEffect) {
    Trial not_run{.intervention = "pgbouncer-transaction",
                  .description = "PgBouncer",
                  .not_run = "there is no pgbouncer on this machine"};
    Trial too_short = trial("reconnect", 0);
    too_short.samples.resize(5);
    const ExperimentOutcome outcome =
        judge_experiment(experiment({trial("none", 4000), not_run, too_short}));
    EXPECT_EQ(outcome.trials[1].effect, Effect::kNotTried);
    EXPECT_EQ(outcome.trials[2].effect, Effect::kUnclear);
    EXPECT_THAT(outcome.conclusions, Contains(HasSubstr("longer --duration")));
    EXPECT_THAT(outcome.conclusions, Not(Contains(HasSubstr("PgBouncer"))));
}

TEST(ExperimentOutcome, OfACommandIsCountedByTheSecond) {
    Experiment command = experiment({trial("none", 4000), trial("discard-all", 2500)});
    command.unit = GrowthUnit::kSecond;
    const ExperimentOutcome outcome = judge_experiment(command);
    // Two loops a second.
    EXPECT_NEAR(outcome.trials[0].growth.value().value, 8000, 200);
    EXPECT_THAT(outcome.conclusions, Contains(HasSubstr("counted by the second")));
}

}  // namespace
}  // namespace palloscope
