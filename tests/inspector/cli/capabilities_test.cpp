// What can be done with no right but to trace: a container or pod with every capability dropped but
// SYS_PTRACE, and a program that was given that one as a capability of its file.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/process_state.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"

namespace palloscope::test {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

const std::vector<std::string> root{
    "setpriv", "--inh-caps=-all,+sys_ptrace", "--bounding-set=-all,+sys_ptrace"};
const std::vector<std::string> nobody{"setpriv",
                                      "--reuid=65534",
                                      "--regid=65534",
                                      "--clear-groups",
                                      "--inh-caps=-all,+sys_ptrace",
                                      "--ambient-caps=-all,+sys_ptrace"};

constexpr const char* kApplication = "traced-alone";

class WithTheRightToTraceAlone : public testing::Test {
  protected:
    static ProgramResult palloscope(const std::vector<std::string>& rights,
                                    const std::vector<std::string>& arguments) {
        std::vector<std::string> command = rights;
        command.push_back(palloscope_program());
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_program(command);
    }

    [[nodiscard]] std::string pid() const { return std::to_string(session_.backend_pid()); }

    [[nodiscard]] ProgramResult snapshot(const std::vector<std::string>& rights,
                                         const std::string& method) const {
        return palloscope(rights, {"snapshot", pid(), "--method", method, "--format", "stats"});
    }

    // By one who may do it all.
    [[nodiscard]] std::string reference() const { return snapshot({"env"}, "call").out; }

    Session session_ =
        Session::connect(PostgresServer::shared("15").dsn() + " application_name=" + kApplication);
};

TEST_F(WithTheRightToTraceAlone, RootReadsTheSameByFreezeAndFork) {
    const std::string expected = reference();
    ASSERT_THAT(expected, HasSubstr("Grand total: "));
    for (const char* const method : {"freeze", "fork"}) {
        const ProgramResult result = snapshot(root, method);
        EXPECT_EQ(result.out, expected) << method;
        EXPECT_EQ(result.err, "") << method;
    }
    EXPECT_TRUE(children_of(session_.backend_pid()).empty());
    const ProgramResult automatic = snapshot(root, "auto");
    EXPECT_EQ(automatic.out, expected);
    EXPECT_THAT(automatic.err, HasSubstr("lack CAP_DAC_OVERRIDE: --method auto took freeze"));
    for (const char* const method : {"read", "call"}) {
        const ProgramResult refused = snapshot(root, method);
        EXPECT_EQ(refused.exit_code, 4) << method;
        EXPECT_THAT(refused.err, HasSubstr("--cap-add=DAC_OVERRIDE")) << method;
    }
}

TEST_F(WithTheRightToTraceAlone, RootExplainsAllOfIt) {
    const auto explained = [&](const std::vector<std::string>& rights) {
        return Json::parse(palloscope(rights, {"explain", pid(), "--format", "json"}).out);
    };
    const Json expected = explained({"env"});
    const Json explanation = explained(root);
    EXPECT_EQ(explanation.at("method"), "fork");
    for (const char* const part :
         {"unavailable", "catcaches", "relations", "cache_memory_context"}) {
        EXPECT_EQ(explanation.at(part), expected.at(part)) << part;
    }
    EXPECT_FALSE(explanation.at("accounting").is_null());
    EXPECT_FALSE(explanation.at("trim").is_null());
}

TEST_F(WithTheRightToTraceAlone, RootIsToldWhyAListHasNoContexts) {
    // Others come and go on this machine meanwhile.
    const std::vector<std::string> list{"list", "--contexts", "--application-name", kApplication};
    const ProgramResult listed = palloscope(root, list);
    EXPECT_EQ(listed.exit_code, 0);
    EXPECT_THAT(listed.out, HasSubstr(pid()));
    EXPECT_THAT(listed.err, HasSubstr("contexts are left out: "));
    EXPECT_THAT(listed.err, HasSubstr("CAP_DAC_OVERRIDE"));
    EXPECT_EQ(palloscope({"env"}, list).err, "");
}

TEST_F(WithTheRightToTraceAlone, AnotherUserReadsTheSameByFreeze) {
    const std::string expected = reference();
    EXPECT_EQ(snapshot(nobody, "freeze").out, expected);
    const ProgramResult fork = snapshot(nobody, "fork");
    EXPECT_EQ(fork.out, expected);
    EXPECT_THAT(fork.err, HasSubstr("freeze took the place of --method fork"));
}

TEST_F(WithTheRightToTraceAlone, CheckSaysWhichMethodsThereAre) {
    const Json checked =
        Json::parse(palloscope(root, {"check", pid(), "--format", "json"}).out).at(0);
    EXPECT_THAT(std::string(checked.at("obstacles").at(0).at("message")),
                HasSubstr("lack CAP_DAC_OVERRIDE"));
    std::vector<std::string> possible;
    for (const Json& trial : checked.at("methods")) {
        if (trial.at("works")) {
            possible.push_back(trial.at("method"));
        }
    }
    EXPECT_THAT(possible, testing::ElementsAre("freeze", "fork"));
    // A method that another took the place of is not possible.
    const Json as_nobody = Json::parse(
        palloscope(nobody, {"check", pid(), "--method", "fork", "--format", "json"}).out);
    EXPECT_EQ(as_nobody.at(0).at("methods").at(0).at("works"), false);
}

}  // namespace
}  // namespace palloscope::test
