#include "inspector/diagnosis/seen_transactions.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/inspector/diagnosis/synthetic_history.hpp"

namespace palloscope {
namespace {

// Transaction blocks whose statements are seen by chance.
class Looks {
  public:
    // One block, with a chance for each of its statements.
    void block(const std::vector<double>& chances) {
        ++block_;
        for (std::size_t i = 0; i < chances.size(); ++i) {
            if (dice_.uniform() < chances[i]) {
                see(i, block_);
            }
        }
    }

    void see(std::size_t statement, std::optional<std::int64_t> block) {
        seen_.push_back({statement, block});
    }

    [[nodiscard]] std::vector<std::optional<CallsByTransactions>> calls(
        std::size_t statements) const {
        return calls_by_transactions(seen_, statements);
    }

  private:
    Dice dice_{7};
    std::int64_t block_ = 0;
    std::vector<SeenInTransaction> seen_;
};

TEST(SeenTransactions, TellHowOftenAStatementRanThatIsSeldomSeen) {
    Looks looks;
    for (int i = 0; i < 400; ++i) {
        looks.block({0.5, 0.4, 0.6, 0.3, 0.1, 0.01});
        looks.block({0, 0, 0, 0, 0, 0, 0.5, 0.3, 0.4});  // of another kind
    }
    const auto calls = looks.calls(9);
    for (std::size_t i = 0; i < 5; ++i) {
        ASSERT_TRUE(calls[i]) << i;
        EXPECT_NEAR(calls[i]->calls.calls, 400, 40) << i;
        EXPECT_GE(calls[i]->calls.error, 0.06);
        EXPECT_LT(calls[i]->calls.error, 0.12);
    }
    EXPECT_FALSE(calls[5]) << "seen too seldom";
}

TEST(SeenTransactions, CountEachTimeByItself) {
    Looks looks;
    const auto seen_early = static_cast<std::size_t>(400 * (1 - std::pow(0.8, 6)));
    for (int i = 0; i < 400; ++i) {
        looks.block(std::vector<double>(6, 0.2));
    }
    for (int i = 0; i < 400; ++i) {
        looks.block(std::vector<double>(6, 0.8));
    }
    for (const auto& calls : looks.calls(6)) {
        ASSERT_TRUE(calls);
        // Counted all in one, they would be some 715.
        EXPECT_NEAR(calls->calls.calls, 800, 70);
        ASSERT_EQ(calls->stands_for.size(), calls->blocks.size());
        double early = 0;
        for (std::size_t i = 0; i < calls->blocks.size(); ++i) {
            early += calls->blocks[i] < seen_early ? calls->stands_for[i] : 0;
        }
        EXPECT_NEAR(early, 400, 60);
    }
}

TEST(SeenTransactions, DoNotTellOfWhatRunsOftenInEach) {
    Looks looks;
    for (int i = 0; i < 400; ++i) {
        looks.block({0.5, 0.5, 0.5, 0.5});
    }
    looks.see(0, 1);
    looks.see(0, 1);
    const auto calls = looks.calls(4);
    EXPECT_FALSE(calls[0]);
    EXPECT_TRUE(calls[1]);
}

TEST(SeenTransactions, DoNotTellOfWhatRunsOutsideOfBlocks) {
    Looks looks;
    for (int i = 0; i < 400; ++i) {
        looks.block({0.5, 0.5, 0.5, 0.5});
        if (i % 10 == 0) {
            looks.see(0, std::nullopt);
        }
    }
    EXPECT_FALSE(looks.calls(4)[0]);
}

TEST(SeenTransactions, DoNotTellOfWhatRunsInBlocksOfManyKinds) {
    Looks looks;
    for (int i = 0; i < 400; ++i) {
        looks.block({0.5, 0.1, 0.1, 0.1});
        looks.block({0.5});
    }
    EXPECT_FALSE(looks.calls(4)[0]) << "half of its blocks have nothing else that is seen";
}

TEST(SeenTransactions, AreOfNoUseWithoutCompanions) {
    Looks looks;
    for (int i = 0; i < 400; ++i) {
        looks.block({0.5});
    }
    EXPECT_FALSE(looks.calls(1)[0]);
    EXPECT_TRUE(Looks().calls(0).empty());
}

}  // namespace
}  // namespace palloscope
