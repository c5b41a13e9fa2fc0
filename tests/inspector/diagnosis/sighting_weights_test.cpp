#include "inspector/diagnosis/sighting_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// A backend that was seen to run the statement of `form` so often, each beginning up to `after_ns`
// before a look.
BackendHistory backend(const std::string& database,
                       std::size_t form,
                       int sightings,
                       std::int64_t after_ns) {
    BackendHistory backend{.process = {.database = database}};
    for (int i = 0; i < sightings; ++i) {
        backend.executions.push_back(
            {.form = form, .sighting = Sighting{.after_ns = after_ns, .gap_ns = 1000}});
    }
    return backend;
}

TEST(SightingWeights, AreOfAllBackendsOfOneDatabase) {
    const History history{.forms = {{.text = "select 1", .family = "select 1"},
                                    {.text = "select 2", .family = "select 2"}},
                          .backends = {backend("orders", 0, 10, 500),
                                       backend("orders", 0, 30, 500),
                                       backend("stock", 0, 20, 100)}};
    const SightingWeights weights(history);
    const auto orders = weights.of(history.backends[0]);
    ASSERT_THAT(orders, SizeIs(2));
    EXPECT_EQ(orders[0].sightings, 40U);
    EXPECT_EQ(orders[0].calls, 1);
    EXPECT_EQ(orders[1].sightings, 0U);
    const auto stock = weights.of(history.backends[2]);
    ASSERT_THAT(stock, SizeIs(2));
    EXPECT_EQ(stock[0].sightings, 20U);
    // Nine before the median one, in 100 of each 1000: 90, of which 20 were seen.
    EXPECT_EQ(stock[0].calls, 4.5);
}

TEST(SightingWeights, AreOfFamiliesWhereStatementsAreCountedSo) {
    History history;
    for (int i = 0; i < 9; ++i) {
        history.forms.push_back({.text = "listen c_" + std::to_string(i), .family = "listen c_*"});
        history.backends.push_back(backend("orders", static_cast<std::size_t>(i), 1, 500));
    }
    const SightingWeights weights(history);
    for (const SightingWeight& weight : weights.of(history.backends[0])) {
        EXPECT_EQ(weight.sightings, 9U);
    }
}

TEST(SightingWeights, AreNoneWhereNothingWasSeenByChance) {
    History history{.forms = {{.text = "select 1", .family = "select 1"}},
                    .backends = {BackendHistory{.process = {.database = "orders"}}}};
    history.backends[0].executions.push_back({.form = 0});
    EXPECT_THAT(SightingWeights(history).of(history.backends[0]), IsEmpty());
}

}  // namespace
}  // namespace palloscope
