#include "inspector/diagnosis/attribution.hpp"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int kSeeds = 100;
constexpr std::size_t kSnapshots = 61;

// Groups whose rounds in an interval are random, and bytes that follow from them.
struct Case {
    std::vector<double> seconds = std::vector<double>(kSnapshots);
    std::vector<double> bytes = std::vector<double>(kSnapshots, 1e6);
    std::vector<StatementGroup> groups;

    Case(std::uint64_t seed, const std::vector<double>& rounds_in_an_interval) : dice(seed) {
        std::iota(seconds.begin(), seconds.end(), 0.0);
        for (const double mean : rounds_in_an_interval) {
            StatementGroup group{.members = {groups.size()}, .rounds = {0}};
            for (std::size_t i = 1; i < kSnapshots; ++i) {
                group.rounds.push_back(group.rounds.back() + dice.poisson(mean));
            }
            groups.push_back(group);
        }
    }

    void leak(std::size_t group, double bytes_per_round) {
        for (std::size_t i = 0; i < kSnapshots; ++i) {
            bytes[i] += bytes_per_round * groups[group].rounds[i];
        }
    }

    void add_staying_noise(double size) {
        double level = 0;
        for (double& value : bytes) {
            level += size * dice.normal();
            value += level;
        }
    }

    // All at once, and for good.
    void jump(std::size_t at, double size) {
        for (std::size_t i = at; i < kSnapshots; ++i) {
            bytes[i] += size;
        }
    }

    // From now on one in `missed` of the group's rounds is seen, and counts for so many.
    void see_by_chance(std::size_t group, double missed) {
        std::vector<double>& rounds = groups[group].rounds;
        const std::vector<double> truth = rounds;
        double seen = 0;
        for (std::size_t i = 1; i < kSnapshots; ++i) {
            rounds[i] = rounds[i - 1];
            for (double ran = truth[i] - truth[i - 1]; ran > 0; --ran) {
                if (dice.uniform() < 1 / missed) {
                    rounds[i] += missed;
                    ++seen;
                }
            }
        }
        groups[group].noise = missed * (missed - 1) * seen / (kSnapshots - 1);
    }

    [[nodiscard]] Attribution attribute() const {
        return attribute_growth(
            seconds, bytes, /*first=*/0, groups, std::vector<bool>(groups.size(), false));
    }

    Dice dice;
};

const Estimate* estimate_of(const Attribution& attribution, std::size_t group) {
    for (const GroupShare& share : attribution.groups) {
        if (share.group == group) {
            return &share.bytes_per_round;
        }
    }
    return nullptr;
}

// Such noise alone would have the mean fall far short.
TEST(Attribution, GivesAStatementThatWasSeenByChanceItsBytes) {
    double sum = 0;
    int found = 0;
    int held = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {12, 8, 10});
        given.leak(0, 500);
        for (std::size_t group = 0; group < 3; ++group) {
            given.see_by_chance(group, 2.5);
        }
        const Attribution attribution = attribute_growth(
            given.seconds, given.bytes, /*first=*/0, given.groups, {true, false, false});
        if (const Estimate* const estimate = estimate_of(attribution, 0)) {
            ++found;
            sum += estimate->value;
            held += estimate->low <= 500 && 500 <= estimate->high ? 1 : 0;
        }
    }
    EXPECT_GE(found, 80);
    EXPECT_NEAR(sum / found, 500, 50);
    EXPECT_GE(held, found * 9 / 10);
}

// Noise excuses what it leaves, and is no reason to prefer it: of two that both leave little but
// for noise, the one that leaves little with it is the leak.
TEST(Attribution, OfTwoThatRunTogetherPrefersTheOneThatFitsByItself) {
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {2, 8});
        given.groups.insert(given.groups.begin(), given.groups[0]);
        given.leak(1, 500);
        given.see_by_chance(0, 4);
        const Attribution attribution = attribute_growth(
            given.seconds, given.bytes, /*first=*/0, given.groups, {true, true, false});
        EXPECT_NE(estimate_of(attribution, 1), nullptr) << seed;
        EXPECT_EQ(estimate_of(attribution, 0), nullptr) << seed;
    }
}

// The one that was seen each time fits to the byte, the other as well as chance lets it.
TEST(Attribution, OfTwoThatRunTogetherPrefersThePlausibleOneThoughItWasSeenByChance) {
    int preferred = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {12, 8});
        given.groups.push_back(given.groups[0]);
        given.leak(0, 500);
        given.see_by_chance(2, 1.5);
        given.add_staying_noise(500);
        const Attribution attribution = attribute_growth(
            given.seconds, given.bytes, /*first=*/0, given.groups, {false, false, true});
        preferred += estimate_of(attribution, 2) != nullptr ? 1 : 0;
    }
    EXPECT_GE(preferred, 90);
}

TEST(Attribution, NamesNoneThatLeavesNothing) {
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {12, 8, 10, 6, 20});
        given.leak(1, 4000);
        given.leak(3, 2000);
        for (std::size_t group = 0; group < 5; ++group) {
            given.see_by_chance(group, 3);
        }
        for (const GroupShare& share : given.attribute().groups) {
            EXPECT_GT(share.bytes_per_round.value, 0) << "seed " << seed;
            EXPECT_GT(share.bytes_per_round.low, 0) << "seed " << seed;
        }
    }
}

TEST(Attribution, GivesALeakToItsStatementAloneWithoutNoise) {
    Case given(1, {5, 8, 20, 3});
    given.leak(2, 700);
    const Attribution attribution = given.attribute();
    ASSERT_THAT(attribution.groups, SizeIs(1));
    EXPECT_EQ(attribution.groups[0].group, 2U);
    EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, 700, 0.01);
    EXPECT_NEAR(attribution.straightness, 1, 1e-6);
    EXPECT_FALSE(attribution.untied_bytes_per_second);
}

TEST(Attribution, PartsTwoLeakingStatementsOfDifferentRates) {
    Case given(2, {5, 8, 20, 3});
    given.leak(0, 4000);
    given.leak(2, 250);
    const Attribution attribution = given.attribute();
    ASSERT_THAT(attribution.groups, SizeIs(2));
    // Most bytes first: 4,000 × 5 against 250 × 20 in an interval.
    EXPECT_EQ(attribution.groups[0].group, 0U);
    EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, 4000, 0.1);
    EXPECT_NEAR(attribution.groups[1].bytes_per_round.value, 250, 0.1);
}

// Two that leave texts of any length, in contexts that tell which is whose; beside them an innocent
// one, a little that goes with nothing, and a third leak.
TEST(Attribution, GivesAStatementWhatItIsKnownToHaveLeft) {
    for (const double of_third : {0.0, 2000.0}) {
        Case given(5, {3, 3, 2, 8});
        std::vector<double> left[2] = {std::vector<double>(kSnapshots),
                                       std::vector<double>(kSnapshots)};
        for (std::size_t group : {0U, 1U}) {
            for (std::size_t i = 1; i < kSnapshots; ++i) {
                left[group][i] = left[group][i - 1];
                for (double ran = given.groups[group].rounds[i] - given.groups[group].rounds[i - 1];
                     ran > 0;
                     --ran) {
                    left[group][i] += 20'000 * given.dice.uniform();
                }
                given.bytes[i] += left[group][i];
            }
        }
        given.jump(20, 30'000);
        given.leak(3, of_third);
        const std::vector<KnownShare> known{{.group = 0, .bytes = left[0]},
                                            {.group = 1, .bytes = left[1]}};
        const Attribution attribution = attribute_growth(
            given.seconds, given.bytes, 0, given.groups, std::vector<bool>(4, false), known);
        ASSERT_THAT(attribution.groups, SizeIs(of_third > 0 ? 3 : 2));
        for (std::size_t group : {0U, 1U}) {
            const Estimate* const found = estimate_of(attribution, group);
            ASSERT_NE(found, nullptr);
            const double exact = left[group].back() / given.groups[group].total();
            EXPECT_NEAR(found->value, exact, 0.02 * exact);
            EXPECT_LE(found->low, exact + 1e-6);
            EXPECT_GE(found->high, exact - 1e-6);
        }
        if (of_third > 0) {
            ASSERT_NE(estimate_of(attribution, 3), nullptr);
            EXPECT_NEAR(estimate_of(attribution, 3)->value, of_third, 0.1 * of_third);
        }
    }
}

// A cursor leaves a portal that has its name, and a store that has none; each is fetched from once,
// which the log tells at another moment, a little nearer to that of the store.
TEST(Attribution, GivesTheRestToWhatIsKnownToHaveLeftAPart) {
    Case given(5, {5});
    given.groups.push_back(given.groups[0]);
    given.groups[1].rounds[30] -= 1;
    given.leak(0, 18'000);
    given.leak(1, 4'000);
    for (double& bytes : given.bytes) {
        bytes += 10'000 * given.dice.normal();
    }
    std::vector<double> left;
    for (const double rounds : given.groups[1].rounds) {
        left.push_back(4'000 * rounds);
    }
    const std::vector<KnownShare> known{{.group = 1, .bytes = left}};
    const auto with = [&](std::span<const KnownShare> shares) {
        return attribute_growth(given.seconds, given.bytes, 0, given.groups, {true, true}, shares);
    };
    EXPECT_NE(estimate_of(with({}), 0), nullptr);
    const Attribution attribution = with(known);
    ASSERT_THAT(attribution.groups, SizeIs(1));
    EXPECT_EQ(attribution.groups[0].group, 1U);
    EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, 22'000, 1'000);
}

// Names that are looked up, others that are dropped, and the hash table of them that doubles.
TEST(Attribution, PartsALargeLeakFromASmallOneThoughTheGrowthJumps) {
    int parted = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {12, 1.5, 10, 8});
        given.leak(0, 450);
        given.leak(1, 500);
        given.jump(20, 16384);
        given.jump(40, 32768);
        given.add_staying_noise(100);
        const Attribution attribution = given.attribute();
        const Estimate* const large = estimate_of(attribution, 0);
        const Estimate* const small = estimate_of(attribution, 1);
        if (large == nullptr || small == nullptr) {
            continue;
        }
        ++parted;
        // Each has its part of the jumps, and nothing is lost.
        const double all = large->value * given.groups[0].rounds.back() +
                           small->value * given.groups[1].rounds.back();
        EXPECT_NEAR(all, given.bytes.back() - given.bytes.front(), 0.03 * all) << seed;
        EXPECT_NEAR(small->value / large->value, 500.0 / 450, 0.5) << seed;
    }
    EXPECT_GE(parted, 90);
}

// What fills at the beginning and stays is nobody's, unlike a table that doubles later.
TEST(Attribution, PutsNoJumpOfTheBeginningDownToItsStatement) {
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {10, 6});
        given.leak(0, 500);
        given.jump(2, 60'000);
        given.jump(30, 16'384);
        const Attribution attribution = given.attribute();
        ASSERT_THAT(attribution.groups, SizeIs(1)) << seed;
        const double exact = 500 + 16'384 / given.groups[0].total();
        EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, exact, 0.05 * exact) << seed;
    }
}

// A hash table makes room for 42 entries when it lacks one. The second statement gives its entry
// back, yet is as often the one for which there is none.
TEST(Attribution, GivesWhatComesInLumpsToTheStatementThatFillsThem) {
    constexpr double kEntries = 42;
    constexpr int kCalls = 4;
    constexpr double kExact = 144 + 4112 / kEntries;
    int named_alone = 0;
    int held = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Dice dice(static_cast<std::uint64_t>(seed));
        std::vector<double> seconds{0};
        std::vector<double> bytes{0};
        std::vector<StatementGroup> groups{{.members = {0}, .rounds = {0}},
                                           {.members = {1}, .rounds = {0}}};
        double room = 0;
        for (int interval = 0; interval < 2000; ++interval) {
            double grown = 0;
            double kept = 0;
            for (int call = 0; call < kCalls; ++call) {
                const bool keeps = dice.uniform() < 0.45;
                if (room == 0) {
                    room = kEntries;
                    grown += 4112;
                }
                if (keeps) {
                    --room;
                    ++kept;
                    grown += 144;
                }
            }
            seconds.push_back(seconds.back() + 1);
            bytes.push_back(bytes.back() + grown);
            groups[0].rounds.push_back(groups[0].total() + kept);
            groups[1].rounds.push_back(groups[1].total() + kCalls - kept);
        }
        const Attribution attribution =
            attribute_growth(seconds, bytes, /*first=*/0, groups, {true, false});
        if (attribution.groups.size() != 1 || attribution.groups[0].group != 0) {
            continue;
        }
        ++named_alone;
        const Estimate& found = attribution.groups[0].bytes_per_round;
        EXPECT_NEAR(found.value, kExact, 0.04 * kExact) << seed;
        held += found.low <= kExact && kExact <= found.high ? 1 : 0;
    }
    EXPECT_GE(named_alone, 95);
    EXPECT_GE(held, 0.9 * named_alone);
}

TEST(Attribution, HoldsBothTruthsInItsIntervalsNineTimesInTen) {
    int first_held = 0;
    int second_held = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {5, 8, 20, 3});
        given.leak(0, 4000);
        given.leak(2, 1500);
        given.add_staying_noise(3000);
        const Attribution attribution = given.attribute();
        const Estimate* const first = estimate_of(attribution, 0);
        const Estimate* const second = estimate_of(attribution, 2);
        first_held += first != nullptr && first->low <= 4000 && 4000 <= first->high ? 1 : 0;
        second_held += second != nullptr && second->low <= 1500 && 1500 <= second->high ? 1 : 0;
    }
    EXPECT_GE(first_held, 90);
    EXPECT_GE(second_held, 90);
}

TEST(Attribution, WidensItsIntervalByTheErrorOfTheNumberOfRounds) {
    Case given(8, {5, 8, 20, 3});
    given.leak(2, 700);
    given.groups[2].error = 0.2;
    const Attribution attribution = given.attribute();
    ASSERT_THAT(attribution.groups, SizeIs(1));
    const Estimate& bytes = attribution.groups[0].bytes_per_round;
    EXPECT_NEAR(bytes.value, 700, 0.01);
    // exp(1.96 × 0.2) = 1.48.
    EXPECT_NEAR(bytes.low, 700 / 1.48, 1);
    EXPECT_NEAR(bytes.high, 700 * 1.48, 1);
}

TEST(Attribution, RarelyBlamesOneOfThirtyInnocentStatements) {
    int blamed = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        std::vector<double> rounds(30, 10.0);
        Case given(static_cast<std::uint64_t>(seed), rounds);
        given.leak(7, 2000);
        given.add_staying_noise(4000);
        const Attribution attribution = given.attribute();
        EXPECT_NE(estimate_of(attribution, 7), nullptr) << "seed " << seed;
        blamed += attribution.groups.size() > 1 ? 1 : 0;
    }
    EXPECT_LE(blamed, 10);
}

TEST(Attribution, TiesGrowthToTimeWhereNoStatementGoesWithIt) {
    Case given(3, {5, 8});
    for (std::size_t i = 0; i < kSnapshots; ++i) {
        given.bytes[i] += 20000 * given.seconds[i];
    }
    given.add_staying_noise(500);
    const Attribution attribution = given.attribute();
    EXPECT_THAT(attribution.groups, IsEmpty());
    ASSERT_TRUE(attribution.untied_bytes_per_second);
    EXPECT_NEAR(attribution.untied_bytes_per_second->value, 20000, 500);
}

TEST(Attribution, PrefersAStatementOfConstantPaceToTime) {
    Case given(4, {5});
    for (std::size_t i = 0; i < kSnapshots; ++i) {
        given.groups[0].rounds[i] = 10 * given.seconds[i];
    }
    given.leak(0, 300);
    given.add_staying_noise(500);
    const Attribution attribution = given.attribute();
    ASSERT_THAT(attribution.groups, SizeIs(1));
    EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, 300, 15);
    EXPECT_FALSE(attribution.untied_bytes_per_second);
}

// As of a driver that steps, whose rounds all take as long.
TEST(Attribution, GivesAStatementWhatFitsTimeBetterWhereTimeIsNotAsked) {
    Case given(4, {5});
    for (std::size_t i = 1; i < kSnapshots; ++i) {
        given.bytes[i] = 3000 * given.seconds[i];
        given.groups[0].rounds[i] = given.groups[0].rounds[i - 1] + 4 + 2 * given.dice.uniform();
    }
    const Attribution with_time = given.attribute();
    EXPECT_THAT(with_time.groups, IsEmpty());
    EXPECT_TRUE(with_time.untied_bytes_per_second);

    const Attribution without =
        attribute_growth({}, given.bytes, /*first=*/0, given.groups, {false});
    ASSERT_THAT(without.groups, SizeIs(1));
    EXPECT_NEAR(without.groups[0].bytes_per_round.value,
                given.bytes.back() / given.groups[0].total(),
                0.05 * given.bytes.back() / given.groups[0].total());
    EXPECT_FALSE(without.untied_bytes_per_second);

    EXPECT_THAT(attribute_growth({}, given.bytes, /*first=*/0, {}, {}).groups, IsEmpty());
}

TEST(Attribution, OfTwoThatFitAlikePrefersThePlausibleOne) {
    Case given(5, {5});
    given.groups.push_back(given.groups[0]);
    given.leak(0, 300);
    for (const std::size_t plausible : {0U, 1U}) {
        const Attribution attribution = attribute_growth(given.seconds,
                                                         given.bytes,
                                                         /*first=*/0,
                                                         given.groups,
                                                         {plausible == 0, plausible == 1});
        ASSERT_THAT(attribution.groups, SizeIs(1));
        EXPECT_EQ(attribution.groups[0].group, plausible);
    }
}

TEST(Attribution, OfTwoThatFitAlikeAndAreNotPlausiblePrefersTheOneOfMoreStatements) {
    Case given(5, {5});
    given.groups.push_back(given.groups[0]);
    given.groups[0].members = {0};
    given.groups[1].members = {1, 2, 3, 4, 5, 6};
    given.leak(0, 300);
    const Attribution attribution = given.attribute();
    ASSERT_THAT(attribution.groups, SizeIs(1));
    EXPECT_EQ(attribution.groups[0].group, 1U);
}

// Two leaks, one of which ran at an even pace and was seen by looks that came late by turns: time
// fits what it ran better than the count does.
TEST(Attribution, GivesWhatGoesWithTimeToTheOneOfSeveralThatWasSeenByChance) {
    int parted = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        Case given(static_cast<std::uint64_t>(seed), {2, 20});
        std::vector<double>& even = given.groups[1].rounds;
        for (std::size_t i = 1; i < kSnapshots; ++i) {
            even[i] = even[i - 1] + 20 + (i % 10 == 0 ? 25 : 0);
        }
        given.leak(0, 1000);
        given.leak(1, 500);
        given.see_by_chance(1, 4);
        given.groups[1].noise /= 2;
        const Attribution attribution =
            attribute_growth(given.seconds, given.bytes, /*first=*/0, given.groups, {true, true});
        const Estimate* const estimate = estimate_of(attribution, 1);
        if (attribution.groups.size() == 2 && estimate != nullptr) {
            ++parted;
            EXPECT_FALSE(attribution.untied_bytes_per_second) << seed;
            EXPECT_NEAR(estimate->value, 500, 150) << seed;
        }
    }
    EXPECT_GE(parted, 50);
}

TEST(Attribution, LeavesTheWarmUpOut) {
    Case given(6, {5, 8});
    given.leak(1, 900);
    for (std::size_t i = 10; i < kSnapshots; ++i) {
        given.bytes[i] += 500e3;
    }
    const Attribution attribution =
        attribute_growth(given.seconds, given.bytes, /*first=*/10, given.groups, {false, false});
    ASSERT_THAT(attribution.groups, SizeIs(1));
    EXPECT_NEAR(attribution.groups[0].bytes_per_round.value, 900, 0.1);
}

TEST(Attribution, OfAFlatSeriesIsEmpty) {
    const Attribution attribution = Case(7, {5, 8}).attribute();
    EXPECT_THAT(attribution.groups, IsEmpty());
    EXPECT_EQ(attribution.straightness, 0);
}

}  // namespace
}  // namespace palloscope
