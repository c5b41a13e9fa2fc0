// Rules on memory that is in no context.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/diagnosis/diagnosis.hpp"
#include "tests/inspector/diagnosis/calls_of.hpp"
#include "tests/inspector/diagnosis/synthetic_history.hpp"
#include "tests/inspector/diagnosis/typical_leaks.hpp"

namespace palloscope {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

BackendDiagnosis diagnosis_of(const SyntheticBackend& backend) {
    return diagnose(backend.history()).backends[0];
}

TEST(OutsideContexts, IsACauseWhereRssAnonGrowsBeyondTheContexts) {
    const BackendDiagnosis diagnosis = diagnosis_of(outside_grown_by("SELECT report($1)"));
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    const Cause& cause = diagnosis.causes[0];
    EXPECT_EQ(cause.id, "outside-contexts");
    EXPECT_NEAR(cause.statements.at(0).bytes_per_call.value, 20'000, 1);
    EXPECT_EQ(cause.contexts.at(0).path, "outside of memory contexts");
    // The contexts themselves do not grow; the backend does.
    EXPECT_TRUE(diagnosis.growth.significant());
    EXPECT_NEAR(
        static_cast<double>(diagnosis.growth.bytes), static_cast<double>(cause.bytes), 1000);
    EXPECT_NEAR(cause.share, 1, 0.01);
    EXPECT_NEAR(static_cast<double>(diagnosis.unexplained_bytes), 0, 1000);
}

TEST(OutsideContexts, TellsWhatTheAccountingFinds) {
    SyntheticBackend backend = outside_grown_by("SELECT report($1)");
    Explanation before;
    before.accounting = Accounting{.items = {{"malloc-used", 0}}};
    Explanation after;
    after.accounting = Accounting{.items = {{"malloc-used", 7 << 20}}};
    backend.backend().explanations = {before, after};
    const BackendDiagnosis diagnosis = diagnosis_of(backend);
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    EXPECT_EQ(diagnosis.causes[0].id, "outside-contexts");
    EXPECT_THAT(diagnosis.causes[0].evidence,
                testing::Contains(HasSubstr("7.00 MB more in memory")));
}

TEST(OutsideContexts, ComparesNoExplanationsThatDoNotTellTheSame) {
    SyntheticBackend backend = outside_grown_by("SELECT report($1)");
    Explanation before;
    before.accounting = Accounting{.items = {{"malloc-used", 1 << 20}, {"malloc-free", 7 << 20}}};
    // Of this one malloc could not be asked: what is free counts as used.
    Explanation after;
    after.accounting = Accounting{.items = {{"malloc-used", 8 << 20}}};
    backend.backend().explanations = {before, after};
    const BackendDiagnosis diagnosis = diagnosis_of(backend);
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    EXPECT_THAT(diagnosis.causes[0].evidence, Not(testing::Contains(HasSubstr("more in memory"))));
}

TEST(OutsideContexts, IsNoCauseWhereTheContextsTakeWhatRssAnonGrewBy) {
    const BackendDiagnosis diagnosis =
        diagnosis_of(calls_of("SELECT leak($1)", [](SyntheticBackend& backend) {
            backend.grow(kOther, 9000);
            backend.grow_outside(90);
        }));
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    EXPECT_EQ(diagnosis.causes[0].id, "unknown");
}

// Half of all buffers for temporary tables may come at once, and are touched one by one.
TEST(OutsideContexts, IsNoCauseWhereRssAnonOnlyCatchesUpWithTheContexts) {
    constexpr double kBlock = 64e6;
    SyntheticBackend backend;
    backend.grow("TopMemoryContext/LocalBufferContext", kBlock);
    backend.grow_outside(-kBlock);
    Dice dice(1);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, "INSERT INTO imported SELECT $1");
            backend.grow_outside(kBlock / 400);
        }
        backend.snapshot(i + 1);
    }
    EXPECT_THAT(diagnosis_of(backend).causes, IsEmpty());
}

TEST(MallocRetention, IsNamedWhereContextsGaveBackWhatRssAnonKeeps) {
    SyntheticBackend backend = outside_grown_by("SELECT open_cursors($1)");
    // Amid a batch the contexts held about what malloc keeps at the end.
    backend.snapshot(61, "active", 7e6);
    backend.snapshot(62);
    const BackendDiagnosis diagnosis = diagnosis_of(backend);
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    EXPECT_EQ(diagnosis.causes[0].id, "malloc-retention");
}

// The last snapshot meets a batch, with its cursors open and its memory in contexts.
TEST(MallocRetention, IsNamedThoughTheRecordingEndsAmidABatch) {
    SyntheticBackend backend;
    Dice dice(1);
    const std::string portals = kTop + "/TopPortalContext/PortalContext";
    backend.add_contexts(portals, 0);
    backend.grow(kTop + "/Portal hash", 8192);
    for (int i = 0; i < 60; ++i) {
        for (int calls = dice.poisson(6); calls > 0; --calls) {
            backend.run(i + 0.5, "SELECT open_cursors($1)");
            backend.grow_outside(20'000);
            backend.grow(kTop + "/Portal hash", 200);
        }
        backend.snapshot(i + 1);
    }
    backend.snapshot(61, "active", 7e6);
    backend.snapshot(62);
    backend.add_contexts(portals, 400);
    backend.grow(portals, 400'000);
    backend.grow_outside(-6e6);
    backend.snapshot(63, "active", 6e6);
    const BackendDiagnosis diagnosis = diagnosis_of(backend);
    ASSERT_FALSE(diagnosis.causes.empty());
    EXPECT_EQ(diagnosis.causes[0].id, "malloc-retention");
    for (const Cause& cause : diagnosis.causes) {
        EXPECT_NE(cause.id, "open-cursors");
    }
}

// What the contexts gave back is not what grew: malloc keeps no more than it did.
TEST(MallocRetention, IsNotNamedAgainstWhatMallocSays) {
    SyntheticBackend backend = outside_grown_by("SELECT sum(total) FROM orders");
    backend.snapshot(61, "active", 7e6);
    backend.snapshot(62);
    const auto accounting = [&](std::int64_t compiled) {
        const std::int64_t at_rest = backend.backend().snapshots.back().total.total_bytes;
        return Accounting{
            .items = {{"contexts-used", at_rest}, {"malloc-free", 0}, {"jit", compiled}}};
    };
    Explanation before;
    before.accounting = accounting(0);
    Explanation after;
    after.accounting = accounting(7 << 20);
    backend.backend().explanations = {before, after};
    const BackendDiagnosis diagnosis = diagnosis_of(backend);
    ASSERT_THAT(diagnosis.causes, SizeIs(1));
    EXPECT_EQ(diagnosis.causes[0].id, "outside-contexts");
}

// No snapshot met it amid a batch, but the last explanation did.
TEST(MallocRetention, IsNamedWhereTheLastExplanationFindsSomeOfItInContexts) {
    const auto accounting = [](std::int64_t in_contexts, std::int64_t free) {
        return Accounting{.items = {{"contexts-used", in_contexts}, {"malloc-free", free}}};
    };
    for (const std::int64_t in_contexts : {3 << 20, 0}) {
        SyntheticBackend backend = outside_grown_by("SELECT open_cursors($1)");
        const std::int64_t at_rest = backend.backend().snapshots.back().total.total_bytes;
        Explanation before;
        before.accounting = accounting(at_rest, 0);
        Explanation after;
        after.accounting = accounting(at_rest + in_contexts, 2 << 20);
        backend.backend().explanations = {before, after};
        const BackendDiagnosis diagnosis = diagnosis_of(backend);
        ASSERT_THAT(diagnosis.causes, SizeIs(1));
        EXPECT_EQ(diagnosis.causes[0].id,
                  in_contexts > 0 ? "malloc-retention" : "outside-contexts");
    }
}

TEST(SessionState, IsNamedForSettingsThatLieInNoContextUpTo15) {
    const SyntheticBackend backend = outside_grown_by("SET app.token_* TO $1");
    History history = backend.history();
    EXPECT_EQ(diagnose(history).backends[0].causes.at(0).id, "session-state");
    history.backends[0].server_version_num = 160002;
    EXPECT_EQ(diagnose(history).backends[0].causes.at(0).id, "outside-contexts");
}

// Pages come one after some calls, and seem to go with what runs beside them.
TEST(SessionState, IsNamedForSettingsThatExplanationsFindThoughPagesGoWithAnotherStatement) {
    for (const std::int64_t bytes_of_a_setting : {250, 10}) {
        SyntheticBackend backend;
        Dice dice(21);
        Explanation before;
        Explanation after;
        for (int i = 0; i < 60; ++i) {
            for (int calls = dice.poisson(5); calls > 0; --calls) {
                backend.run(i + 0.5, "SET app.token_* TO $1");
                after.settings.push_back({.name = "app.token", .bytes = bytes_of_a_setting});
            }
            for (int calls = dice.poisson(3); calls > 0; --calls) {
                backend.run(i + 0.5, "SELECT visits FROM customers");
                backend.grow_outside(400);
            }
            backend.snapshot(i + 1);
        }
        backend.backend().explanations = {before, after};
        const Cause cause = diagnosis_of(backend).causes.at(0);
        if (bytes_of_a_setting == 250) {
            EXPECT_EQ(cause.id, "session-state");
            EXPECT_EQ(cause.statements.at(0).query, "SET app.token_* TO $1");
        } else {
            EXPECT_EQ(cause.id, "outside-contexts");
        }
    }
}

// A setting takes the room behind the last one; the next SELECT puts its blocks behind that, and is
// the one that touches a page. A snapshot after each statement shows that.
TEST(SessionState, HasTheBytesOfSettingsThoughAnotherStatementTouchesThePages) {
    SyntheticBackend backend;
    Dice dice(8);
    double seconds = 0;
    double taken = 0;
    double touched = 0;
    const auto step = [&](const std::string& query) {
        backend.run(seconds += 0.001, query);
        backend.snapshot(seconds += 0.001);
    };
    for (int loops = 0; loops < 1200; ++loops) {
        for (int settings = dice.poisson(2); settings > 0; --settings) {
            taken += 310;
            step("SET app.token_* TO $1");
        }
        while (touched + 4096 < taken) {
            touched += 4096;
            backend.grow_outside(4096);
        }
        step("SELECT visits FROM customers");
    }
    const BackendDiagnosis diagnosis = diagnose(backend.history("step:/run/socket")).backends.at(0);
    const Cause& cause = diagnosis.causes.at(0);
    EXPECT_EQ(cause.id, "session-state");
    EXPECT_EQ(cause.statements.at(0).query, "SET app.token_* TO $1");
    EXPECT_NEAR(cause.statements[0].bytes_per_call.value, 310, 31);
}

TEST(SharedMemoryTouch, InformsAndIsNoLeak) {
    const BackendDiagnosis diagnosis =
        diagnosis_of(calls_of("SELECT count(*) FROM documents",
                              [](SyntheticBackend& backend) { backend.touch_shared(500'000); }));
    EXPECT_THAT(diagnosis.causes, IsEmpty());
    EXPECT_FALSE(diagnosis.leaks());
    EXPECT_FALSE(diagnosis.growth.significant());
    ASSERT_THAT(diagnosis.harmless, SizeIs(1));
    EXPECT_EQ(diagnosis.harmless[0].id, "shared-memory-touch");
}

TEST(SharedMemoryTouch, IsNotWorthAWordWhereItIsSmall) {
    const BackendDiagnosis diagnosis =
        diagnosis_of(calls_of("SELECT count(*) FROM documents",
                              [](SyntheticBackend& backend) { backend.touch_shared(8192); }));
    EXPECT_THAT(diagnosis.harmless, IsEmpty());
}

}  // namespace
}  // namespace palloscope
