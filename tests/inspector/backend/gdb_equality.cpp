#include "tests/inspector/backend/gdb_equality.hpp"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspector/backend/core_snapshot.hpp"
#include "inspector/report/snapshot_json.hpp"
#include "inspector/report/snapshot_table.hpp"
#include "inspector/statements/ident.hpp"
#include "tests/support/gdb.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

namespace {

constexpr int kMaxAttempts = 5;

// What one stop by gdb left: as files have it, without what they do not keep.
struct SeenByGdb {
    ContextTree tree;
    ContextTree masked_tree;
    std::string table;
    std::string core;
};

ContextTree tree_in(const std::string& path) {
    const auto snapshot = snapshot_from_json(contents_of(path));
    EXPECT_TRUE(snapshot) << snapshot.error().message;
    return snapshot ? snapshot->tree : ContextTree{};
}

ContextTree as_in_files(Snapshot snapshot, Literals literals) {
    if (literals == Literals::kMasked) {
        IdentForms().mask(snapshot.tree);
    }
    return snapshot_from_json(snapshot_json(snapshot)).value().tree;
}

SeenByGdb look_by_gdb(pid_t pid, const TemporaryFolder& folder) {
    const std::string shown = folder.path() / "shown.json";
    const std::string masked = folder.path() / "masked.json";
    const std::string core = folder.path() / "core";
    const ProgramResult result = gdb_on_process(pid,
                                                {"palloscope save --show-literals " + shown,
                                                 "palloscope save " + masked,
                                                 "palloscope table --show-literals",
                                                 "generate-core-file " + core});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return {
        .tree = tree_in(shown), .masked_tree = tree_in(masked), .table = result.out, .core = core};
}

void expect_equal_in_core(const std::string& core,
                          const Snapshot& live,
                          const TemporaryFolder& folder) {
    const std::string executable = executable_of(live.process.pid);
    const std::string saved = folder.path() / "core.json";
    const ProgramResult result =
        gdb_on_core(executable, core, {"palloscope save --show-literals " + saved});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(tree_in(saved), as_in_files(live, Literals::kShown));
    const auto of_core = snapshot_of_core(core, executable, Literals::kShown);
    ASSERT_TRUE(of_core) << of_core.error().message;
    EXPECT_EQ(of_core->tree, live.tree);
    EXPECT_EQ(of_core->server_version_num, live.server_version_num);
    EXPECT_EQ(of_core->process.pid, live.process.pid);
    EXPECT_EQ(of_core->process.user, live.process.user);
    EXPECT_EQ(of_core->process.database, live.process.database);
    EXPECT_EQ(of_core->process.backend_type, live.process.backend_type);
    EXPECT_EQ(of_core->process.state, live.process.state);
}

}  // namespace

void expect_equal_in_gdb_and_in_a_core(Snapshotter& snapshotter) {
    constexpr std::chrono::seconds kTimeout{5};
    // A process that does something of its own between two looks is looked at anew.
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
        const TemporaryFolder folder;
        const auto before = snapshotter.take(Method::kFreeze, kTimeout);
        ASSERT_TRUE(before) << before.error().message;
        const SeenByGdb seen = look_by_gdb(snapshotter.backend().pid(), folder);
        const auto after = snapshotter.take(Method::kFreeze, kTimeout);
        ASSERT_TRUE(after) << after.error().message;
        if (before->tree != after->tree) {
            continue;
        }
        EXPECT_EQ(seen.tree, as_in_files(*before, Literals::kShown));
        EXPECT_EQ(seen.masked_tree, as_in_files(*before, Literals::kMasked));
        EXPECT_THAT(seen.table, testing::HasSubstr(snapshot_table(*before)));
        expect_equal_in_core(seen.core, *before, folder);
        return;
    }
    ADD_FAILURE() << "process " << snapshotter.backend().pid() << " is never at rest";
}

}  // namespace palloscope::test
