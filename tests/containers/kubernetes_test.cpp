#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gdb.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;

constexpr const char* kManifests = PALLOSCOPE_SOURCE_DIR "/docker/kubernetes";

class KubernetesManifests : public testing::Test {
  protected:
    void SetUp() override {
        const ProgramResult installed = run_program(
            {"npm", "install", "--silent", "--no-save", "kubernetes-models@5.1.0", "yaml@2.9.1"},
            there_,
            std::chrono::minutes(5));
        ASSERT_EQ(installed.exit_code, 0) << installed.err;
    }

    [[nodiscard]] ProgramResult check(const std::string& manifests) const {
        return run_program(
            {"node", PALLOSCOPE_SOURCE_DIR "/tests/containers/validate_manifests.mjs", manifests},
            there_);
    }

    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

  private:
    TemporaryFolder folder_;
    ProgramOptions there_{.working_directory = folder_.path().string()};
};

TEST_F(KubernetesManifests, AreValidByTheSchemaOfKubernetes) {
    const ProgramResult checked = check(kManifests);
    EXPECT_EQ(checked.exit_code, 0) << checked.err;
    for (const char* const kind : {"DaemonSet", "Role", "Pod"}) {
        EXPECT_THAT(checked.out, HasSubstr(kind));
    }
    // The check does check: a field misspelt, and one of another type.
    for (const auto& [right, wrong, complaint] :
         {std::tuple(
              "readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true", "unknown fields"),
          std::tuple("runAsUser: 0", "runAsUser: root", "runAsUser must be integer")}) {
        const std::filesystem::path changed = folder() / "changed";
        std::filesystem::create_directory(changed);
        std::string manifest = contents_of(std::string(kManifests) + "/sidecar.yaml");
        const std::size_t at = manifest.find(right);
        ASSERT_NE(at, std::string::npos) << right;
        manifest.replace(at, std::string_view(right).size(), wrong);
        std::ofstream(changed / "sidecar.yaml") << manifest;
        const ProgramResult refused = check(changed);
        EXPECT_EQ(refused.exit_code, 1) << wrong;
        EXPECT_THAT(refused.err, HasSubstr(complaint)) << wrong;
    }
}

}  // namespace
}  // namespace palloscope::test
