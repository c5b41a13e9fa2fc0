// The story of docker/story: a server with a memory limit, whose postmaster is PID 1 of its
// container, and palloscope in a container beside it.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// A busy machine of two cores builds images and fills the server's memory meanwhile.
constexpr std::chrono::minutes kPatience{8};
constexpr const char* kStory = "palloscope-test-story";

// What a program printed, which must succeed.
ProgramResult succeeded(const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {}) {
    ProgramResult result = run_program(arguments, {.environment = environment}, kPatience);
    if (result.exit_code != 0) {
        throw std::runtime_error(fmt::format("{} ended with exit code {}:\n{}{}",
                                             fmt::join(arguments, " "),
                                             result.exit_code,
                                             result.out,
                                             result.err));
    }
    return result;
}

std::string output_of(const std::vector<std::string>& arguments) {
    return succeeded(arguments).out;
}

// The containers run for all tests of the suite.
class Story : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        std::string base = output_of({PALLOSCOPE_SOURCE_DIR "/docker/base-image"});
        base.erase(base.find_last_not_of('\n') + 1);
        const TemporaryFolder folder;
        const std::filesystem::path package = folder.path() / "package";
        output_of({"cpack",
                   "--config",
                   PALLOSCOPE_BINARY_DIR "/CPackConfig.cmake",
                   "-B",
                   (folder.path() / "build").string()});
        std::filesystem::create_directory(package);
        for (const auto& file : std::filesystem::directory_iterator(folder.path() / "build")) {
            if (file.path().extension() == ".deb") {
                contents_of_package_ = output_of({"dpkg-deb", "--contents", file.path()});
                std::filesystem::rename(file.path(), package / file.path().filename());
            }
        }
        story({"start", "130m"}, {"BASE=" + base, "PACKAGE=" + package.string()});
    }

    static void TearDownTestSuite() { story({"reset"}); }

    static ProgramResult story(const std::vector<std::string>& arguments,
                               std::vector<std::string> environment = {}) {
        std::vector<std::string> command{PALLOSCOPE_SOURCE_DIR "/docker/story"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        environment.insert(
            environment.end(),
            {"CONTAINER_ENGINE=podman --runtime runc", fmt::format("STORY={}", kStory)});
        return succeeded(command, environment);
    }

    static inline std::string contents_of_package_;

    // palloscope in a container of its own beside the server, with more options for `podman run`.
    static ProgramResult beside(const std::vector<std::string>& options,
                                const std::vector<std::string>& arguments) {
        std::vector<std::string> command{"podman",
                                         "--runtime=runc",
                                         "run",
                                         "--rm",
                                         "--network=none",
                                         "--ulimit=nofile=1024:1024",
                                         "--ulimit=nproc=4096:4096",
                                         fmt::format("--pid=container:{}-server", kStory)};
        command.insert(command.end(), options.begin(), options.end());
        command.push_back("palloscope");
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_program(command, {}, kPatience);
    }
};

TEST_F(Story, IsOfAPackageWithProgramsManualPagesAndCompletions) {
    for (const char* const file : {"/usr/bin/palloscope",
                                   "/usr/bin/palloscope-workload",
                                   "/usr/share/man/man1/palloscope.1",
                                   "/usr/share/man/man1/palloscope-workload.1",
                                   "/usr/share/bash-completion/completions/palloscope",
                                   "/usr/share/zsh/vendor-completions/_palloscope",
                                   "/usr/share/fish/vendor_completions.d/palloscope.fish",
                                   "/usr/share/doc/palloscope/copyright"}) {
        EXPECT_THAT(contents_of_package_, HasSubstr(fmt::format(".{}\n", file)));
    }
}

TEST_F(Story, ListsAServerWhosePostmasterIsProcessOne) {
    const Json list =
        Json::parse(beside({"--cap-add=SYS_PTRACE"}, {"list", "--format", "json"}).out);
    const Json& postmaster = list.at(0);
    EXPECT_EQ(postmaster.at("pid"), 1);
    EXPECT_EQ(postmaster.at("backend_type"), "postmaster");
    EXPECT_EQ(postmaster.at("container").at("engine"), "podman");
    EXPECT_EQ(postmaster.at("memory_limit").at("limit_bytes"), 130 << 20);

    const Json outside = Json::parse(output_of({palloscope_program(), "list", "--format", "json"}));
    const auto same = std::ranges::find_if(outside, [&](const Json& process) {
        return process.at("container") == postmaster.at("container") &&
               process.at("namespace_pid") == 1;
    });
    ASSERT_NE(same, outside.end());
    EXPECT_GT(same->at("pid"), 1);
}

TEST_F(Story, NeedsOneCapabilityAndSaysSo) {
    const ProgramResult without = beside({}, {"check", "1"});
    EXPECT_EQ(without.exit_code, 4);
    EXPECT_THAT(without.out, HasSubstr("lack CAP_SYS_PTRACE"));
    EXPECT_THAT(without.out, HasSubstr("--cap-add=SYS_PTRACE for a container"));

    const ProgramResult alone = beside({"--cap-drop=ALL", "--cap-add=SYS_PTRACE", "--read-only"},
                                       {"check", "1", "--method", "freeze"});
    EXPECT_EQ(alone.exit_code, 0) << alone.out;
}

// The PID that the server's log says was killed.
int killed_pid(const std::string& log) {
    constexpr std::string_view kBefore = "server process (PID ";
    const std::size_t found = log.find(kBefore);
    return found == std::string::npos ? -1 : std::stoi(log.substr(found + kBefore.size()));
}

// Last, since the workload does not go on afterwards.
TEST_F(Story, EndsInAKillWhichTheReportExplains) {
    const ProgramResult ending = story({"ending", "--format", "json"});
    const int pid = killed_pid(ending.err);
    const Json report = Json::parse(ending.out);
    int killed = 0;
    for (const Json& backend : report.at("backends")) {
        if (backend.at("ending").is_null()) {
            continue;
        }
        ++killed;
        EXPECT_EQ(backend.at("pid"), pid);
        EXPECT_EQ(backend.at("ending").at("reason"), "killed by the kernel for lack of memory");
        EXPECT_FALSE(backend.at("ending").at("foresight").is_null());
        ASSERT_FALSE(backend.at("causes").empty()) << report.dump(2);
        EXPECT_EQ(backend.at("causes").at(0).at("id"), "catalog-churn") << backend.dump(2);
    }
    EXPECT_EQ(killed, 1) << report.dump(2);
}

}  // namespace
}  // namespace palloscope::test
