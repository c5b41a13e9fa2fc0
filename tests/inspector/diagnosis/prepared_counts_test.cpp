#include "inspector/diagnosis/prepared_counts.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kPlans = "TopMemoryContext/CacheMemoryContext/CachedPlanSource";

PreparedStatement report(int number, std::int64_t prepared_at_ns, std::int64_t used_bytes = 1000) {
    const std::string name = "report_" + std::to_string(number);
    return {.name = name,
            .query = "PREPARE " + name + " AS SELECT $1",
            .from_sql = true,
            .prepared_at_ns = prepared_at_ns,
            .bytes = 2048,
            .used_bytes = used_bytes};
}

// A backend of version 10 with snapshots at 10, 20, 30 and 40, explained at 5 and at 30.
class PreparedCounts : public testing::Test {
  protected:
    PreparedCounts() {
        backend_.server_version_num = 100023;
        for (const std::int64_t at : {10, 20, 30, 40}) {
            backend_.snapshots.push_back({.taken_at_ns = at});
        }
        backend_.contexts.push_back(
            {.path = kPlans, .figures = std::vector<ContextFigures>(4), .count = {1, 2, 4, 7}});
        backend_.explanations.resize(2);
        backend_.explanations[0].snapshot.taken_at_ns = 5;
        backend_.explanations[1].snapshot.taken_at_ns = 30;
        backend_.explanations[0].prepared_statements = {report(1, 3)};
        backend_.explanations[1].prepared_statements = {
            report(1, 3), report(2, 12), report(3, 25), report(4, 26, 1600)};
    }

    [[nodiscard]] std::vector<KeptCount> counts() const {
        return prepared_counts(backend_, choose_snapshots(backend_.snapshots));
    }

    BackendHistory backend_;
};

TEST_F(PreparedCounts, AreOfTheMomentsWhenEachWasPrepared) {
    const std::vector<KeptCount> found = counts();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].path, kPlans);
    EXPECT_EQ(found[0].family, "PREPARE report_* AS SELECT $1");
    // After the explanation three more plans came, as many as in all the time before.
    EXPECT_THAT(found[0].more, ElementsAre(0, 1, 3, 6));
    EXPECT_THAT(found[0].bytes, ElementsAre(0, 1000, 3600, 7200));
    EXPECT_EQ(found[0].known_to, 2);
}

TEST_F(PreparedCounts, AreOfServersWhoseContextsDoNotTell) {
    EXPECT_THAT(kept_counts(backend_, choose_snapshots(backend_.snapshots)), SizeIs(1));
    backend_.server_version_num = 110000;
    EXPECT_THAT(kept_counts(backend_, choose_snapshots(backend_.snapshots)), IsEmpty());
}

TEST_F(PreparedCounts, AreNotOfWhatIsDeallocated) {
    backend_.explanations[0].prepared_statements.push_back(report(9, 4));
    EXPECT_THAT(counts(), IsEmpty());
}

TEST_F(PreparedCounts, HaveNoBytesWhereARecordingDoesNotTellThem) {
    for (PreparedStatement& statement : backend_.explanations[1].prepared_statements) {
        statement.used_bytes = 0;
    }
    const std::vector<KeptCount> found = counts();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0].more, ElementsAre(0, 1, 3, 6));
    EXPECT_THAT(found[0].bytes, IsEmpty());
}

TEST_F(PreparedCounts, AreNoneWithoutAnExplanation) {
    backend_.explanations.clear();
    EXPECT_THAT(counts(), IsEmpty());
}

}  // namespace
}  // namespace palloscope
