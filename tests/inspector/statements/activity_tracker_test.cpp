#include "inspector/statements/activity_tracker.hpp"

#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A backend that reports as PostgreSQL does, in a transaction block: that a statement runs, and
// that it does no longer.
class ReportingBackend {
  public:
    explicit ReportingBackend(std::uint32_t changes = 0) : look_{.changes = changes} {}

    void run(std::int64_t at_ns, const std::string& query) {
        look_.changes += 2;
        look_.running = true;
        look_.started_at_ns = look_.state_began_at_ns = at_ns;
        look_.query = query;
    }

    void rest(std::int64_t at_ns) {
        look_.changes += 2;
        look_.running = false;
        look_.state_began_at_ns = at_ns;
    }

    void begin_block(std::int64_t at_ns) { look_.transaction_began_at_ns = at_ns; }

    void end_block() { look_.transaction_began_at_ns.reset(); }

    [[nodiscard]] ActivityLook look(std::int64_t at_ns) const {
        ActivityLook look = look_;
        look.looked_at_ns = at_ns;
        look.gap_ns = 100;
        return look;
    }

  private:
    ActivityLook look_;
};

class ActivityTrackerTest : public testing::Test {
  protected:
    // What is told at a look.
    std::vector<SeenStatement> look(std::int64_t at_ns) {
        std::vector<SeenStatement> ended;
        tracker_.see(backend_.look(at_ns), ended);
        return ended;
    }

    ReportingBackend backend_;
    ActivityTracker tracker_;
};

TEST_F(ActivityTrackerTest, TellsAStatementThatEndedBetweenTwoLooks) {
    EXPECT_THAT(look(0), IsEmpty());
    backend_.run(10, "select 1");
    backend_.rest(15);
    EXPECT_THAT(look(20), IsEmpty());
    backend_.run(30, "select 2");
    EXPECT_THAT(look(35),
                ElementsAre(SeenStatement{.started_at_ns = 10,
                                          .ended_at_ns = 15,
                                          .query = "select 1",
                                          .sighting = Sighting{.after_ns = 10, .gap_ns = 100}}));
}

TEST_F(ActivityTrackerTest, TellsAStatementAtOnceThatNoLookCouldHaveMissed) {
    backend_.run(10, "select 1");
    backend_.rest(15);
    const SeenStatement certain{
        .started_at_ns = 10, .ended_at_ns = 15, .query = "select 1", .sighting = std::nullopt};
    EXPECT_THAT(look(20), IsEmpty());
    std::vector<SeenStatement> ended;
    tracker_.see_no_change(109, ended);
    EXPECT_THAT(ended, IsEmpty());
    tracker_.see_no_change(110, ended);
    EXPECT_THAT(ended, ElementsAre(certain));
    tracker_.see_no_change(120, ended);
    EXPECT_THAT(ended, ElementsAre(certain));
    backend_.run(130, "select 2");
    EXPECT_THAT(look(135), IsEmpty());
}

TEST_F(ActivityTrackerTest, TellsAStatementOnceThatLastsForManyLooks) {
    backend_.run(10, "select pg_sleep(1)");
    EXPECT_THAT(look(20), IsEmpty());
    EXPECT_THAT(look(120), IsEmpty());
    backend_.rest(125);
    const auto ended = look(130);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].started_at_ns, 10);
    EXPECT_EQ(ended[0].ended_at_ns, 125);
    EXPECT_EQ(ended[0].sighting, std::nullopt);
    EXPECT_THAT(look(140), IsEmpty());
}

TEST_F(ActivityTrackerTest, EndsAStatementAtTheLatestWhereTheNextBegins) {
    backend_.run(10, "select 1");
    EXPECT_THAT(look(20), IsEmpty());
    backend_.rest(22);
    backend_.run(25, "select 2");
    backend_.rest(28);
    const auto ended = look(30);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].query, "select 1");
    EXPECT_EQ(ended[0].ended_at_ns, 25);
}

TEST_F(ActivityTrackerTest, TakesTheMessagesOfAnExtendedQueryForOneStatement) {
    backend_.run(10, "select $1");  // parse
    EXPECT_THAT(look(11), IsEmpty());
    backend_.run(20, "select $1");  // bind
    EXPECT_THAT(look(21), IsEmpty());
    backend_.run(30, "select $1");  // execute
    EXPECT_THAT(look(31), IsEmpty());
    backend_.rest(40);
    const auto ended = look(111);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].started_at_ns, 10);
    EXPECT_EQ(ended[0].ended_at_ns, 40);
}

TEST_F(ActivityTrackerTest, TellsTheSameTextTwiceWhereItRanTwice) {
    backend_.run(10, "select 1");
    EXPECT_THAT(look(11), IsEmpty());
    backend_.rest(15);
    backend_.run(20, "select 1");
    EXPECT_EQ(look(21).size(), 1U);
}

TEST_F(ActivityTrackerTest, TellsTheTransactionBlockThatAStatementWasSeenIn) {
    backend_.begin_block(5);
    backend_.run(10, "select 1");
    EXPECT_THAT(look(11), IsEmpty());
    backend_.rest(15);
    backend_.run(20, "commit");
    const auto within = look(21);
    ASSERT_EQ(within.size(), 1U);
    EXPECT_EQ(within[0].transaction_began_at_ns, 5);
    backend_.end_block();
    backend_.rest(25);
    EXPECT_THAT(look(26), IsEmpty());
    backend_.run(30, "select 2");
    const auto last = look(31);
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].query, "commit");
    EXPECT_EQ(last[0].transaction_began_at_ns, 5);
    backend_.run(40, "select 3");
    const auto outside = look(41);
    ASSERT_EQ(outside.size(), 1U);
    EXPECT_EQ(outside[0].transaction_began_at_ns, std::nullopt);
}

TEST_F(ActivityTrackerTest, TellsWhatRanWhenTheBackendWent) {
    backend_.run(10, "select pg_terminate_backend(pg_backend_pid())");
    EXPECT_THAT(look(20), IsEmpty());
    std::vector<SeenStatement> ended;
    tracker_.end(50, ended);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].ended_at_ns, 50);
    tracker_.end(60, ended);
    EXPECT_EQ(ended.size(), 1U);
}

TEST_F(ActivityTrackerTest, HasSeenNothingOfASessionWithoutAStatement) {
    EXPECT_THAT(look(10), IsEmpty());
    std::vector<SeenStatement> ended;
    tracker_.end(50, ended);
    EXPECT_THAT(ended, IsEmpty());
    EXPECT_EQ(tracker_.seen_share(), std::nullopt);
}

TEST_F(ActivityTrackerTest, EstimatesHowManyStatementsWereMissed) {
    std::int64_t now = 0;
    const auto run_one = [&] {
        backend_.run(now += 5, "select 1");
        backend_.rest(now += 5);
    };
    for (int i = 0; i < 100; ++i) {
        run_one();
        (void)look(++now);
    }
    EXPECT_EQ(tracker_.seen_share(), 1.0);
    // Of three in every ten looks two are missed.
    for (int i = 0; i < 100; ++i) {
        run_one();
        if (i % 10 == 0) {
            run_one();
            run_one();
        }
        (void)look(++now);
    }
    EXPECT_NEAR(tracker_.seen_share().value(), 200.0 / 220, 0.01);
}

TEST_F(ActivityTrackerTest, StandsAChangeCountThatGoesRound) {
    constexpr int kStatements = 100;
    // Four changes each: it goes round in the middle.
    backend_ = ReportingBackend(-2U * kStatements);
    for (int i = 0; i < kStatements; ++i) {
        backend_.run(10 * i + 1, "select 1");
        backend_.rest(10 * i + 5);
        EXPECT_EQ(look(10 * i + 9).size(), i == 0 ? 0U : 1U);
    }
    EXPECT_EQ(tracker_.seen_share(), 1.0);
}

}  // namespace
}  // namespace palloscope
