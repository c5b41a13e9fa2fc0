#include "inspector/diagnosis/calls_over_time.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

using testing::Each;
using testing::IsEmpty;

constexpr std::size_t kHalf = 1000;

// The first and the last of the numbers: of windows that are of one half alone.
struct Halves {
    double first = 0;
    double second = 0;
};

class Sightings {
  public:
    // Of a statement that lasts for some such time, by looks so far apart.
    void see(std::size_t statement, double lasts, double gap) {
        seen_.push_back(
            {.statement = statement,
             .sighting = {.after_ns = std::llround(lasts * dice_.uniform() * kNanoseconds),
                          .gap_ns = std::llround(gap * kNanoseconds)}});
    }

    [[nodiscard]] std::vector<double> calls() const { return calls_over_time(seen_, 3); }

    [[nodiscard]] Halves halves() const {
        const std::vector<double> all = calls();
        return {.first = all.front(), .second = all.back()};
    }

  private:
    static constexpr double kNanoseconds = 1e6;

    Dice dice_{3};
    std::vector<StatementSighting> seen_;
};

TEST(CallsOverTime, AreMoreWhereLooksAreFurtherApart) {
    Sightings sightings;
    for (std::size_t i = 0; i < 2 * kHalf; ++i) {
        sightings.see(0, 1, i < kHalf ? 4 : 12);
    }
    const Halves halves = sightings.halves();
    EXPECT_NEAR(halves.second / halves.first, 3, 0.3);
}

TEST(CallsOverTime, AreFewerWhereTheSameStatementsLastLonger) {
    Sightings sightings;
    for (std::size_t i = 0; i < 2 * kHalf; ++i) {
        sightings.see(0, i < kHalf ? 0.5 : 1, 4);
        sightings.see(1, i < kHalf ? 0.05 : 0.1, 4);
    }
    const Halves halves = sightings.halves();
    EXPECT_NEAR(halves.second / halves.first, 0.5, 0.05);
}

TEST(CallsOverTime, AreAsManyWhereOtherStatementsRun) {
    Sightings sightings;
    for (std::size_t i = 0; i < 2 * kHalf; ++i) {
        sightings.see(0, 0.5, 4);
        sightings.see(i < kHalf ? 1 : 2, i < kHalf ? 0.05 : 3, 4);
    }
    const Halves halves = sightings.halves();
    EXPECT_NEAR(halves.second / halves.first, 1, 0.1);
}

TEST(CallsOverTime, AreTheSameAtAllTimesWhereTooFewWereSeenToTell) {
    EXPECT_THAT(Sightings().calls(), IsEmpty());
    Sightings few;
    Sightings at_once;
    for (std::size_t i = 0; i < 300; ++i) {
        few.see(0, 1, i < 150 ? 4 : 12);
    }
    for (std::size_t i = 0; i < kHalf; ++i) {
        at_once.see(0, /*lasts=*/0, 4);
    }
    EXPECT_THAT(few.calls(), Each(few.calls().front()));
    EXPECT_THAT(at_once.calls(), Each(1));
}

}  // namespace
}  // namespace palloscope
