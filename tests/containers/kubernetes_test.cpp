#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;

TEST(KubernetesManifests, AreValidByTheSchemaOfKubernetes) {
    const TemporaryFolder folder;
    const ProgramOptions there{.working_directory = folder.path().string()};
    const ProgramResult installed = run_program(
        {"npm", "install", "--silent", "--no-save", "kubernetes-models@5.1.0", "yaml@2.9.1"},
        there,
        std::chrono::minutes(5));
    ASSERT_EQ(installed.exit_code, 0) << installed.err;
    const ProgramResult checked =
        run_program({"node",
                     PALLOSCOPE_SOURCE_DIR "/tests/containers/validate_manifests.mjs",
                     PALLOSCOPE_SOURCE_DIR "/docker/kubernetes"},
                    there);
    EXPECT_EQ(checked.exit_code, 0) << checked.err;
    for (const char* const kind : {"DaemonSet", "Role", "Pod"}) {
        EXPECT_THAT(checked.out, HasSubstr(kind));
    }
}

}  // namespace
}  // namespace palloscope::test
