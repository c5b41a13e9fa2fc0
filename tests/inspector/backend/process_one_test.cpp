// A server whose postmaster is PID 1 of its PID namespace, as in most containers: all that loses
// its parent there becomes a child of the postmaster, which restarts every backend where a child
// ends as it should not.

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/copy_on_write_child.hpp"
#include "attach/proc.hpp"
#include "inspector/backend/backend.hpp"
#include "inspector/backend/gadgets.hpp"
#include "inspector/backend/snapshotter.hpp"
#include "tests/support/program.hpp"
#include "tests/support/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

bool gone_within(pid_t pid, std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (kill(pid, 0) == 0) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

class ProcessOne : public testing::Test {
  protected:
    // `enter` runs the server in its namespaces. unshare --kill-child: it ends with this test.
    explicit ProcessOne(const std::string& enter = "unshare --pid --fork --kill-child $as_server")
        : server_(Program::start({"sh", "-ec", start_script(enter)})) {
        server_.wait_for_output("ready to accept connections");
    }

    [[nodiscard]] Session connect() const {
        return Session::connect(
            fmt::format("host={} user=postgres dbname=postgres", folder_.path().string()));
    }

    // The session knows its backend's PID as the server's namespace does.
    static pid_t pid_outside(const Session& session) {
        for (const pid_t pid : list_processes()) {
            const auto status = read_status(pid);
            if (status && status->namespace_pids.size() > 1 &&
                status->namespace_pids.back() == session.backend_pid() &&
                read_name(pid).value_or("") == "postgres") {
                return pid;
            }
        }
        throw std::runtime_error("the session's backend was not found");
    }

    static std::string started_at(Session& session) {
        return session.exec("SELECT pg_postmaster_start_time()").at(0).at(0).value();
    }

    // What the server said up to now.
    const std::string& log() {
        (void)server_.wait_for_end_of_output(std::chrono::milliseconds(100));
        return server_.err();
    }

    void expect_no_restart() {
        EXPECT_THAT(log(), Not(HasSubstr("terminating any other active server processes")));
        EXPECT_THAT(log(), Not(HasSubstr("not properly shut down")));
    }

  private:
    [[nodiscard]] std::string start_script(const std::string& enter) const {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
        return fmt::format(
            "bin=/usr/lib/postgresql/15/bin folder={} as_server='setpriv --reuid=postgres "
            "--regid=postgres --clear-groups --'\n"
            "$as_server $bin/initdb -D $folder/data -U postgres --auth=trust -N >/dev/null\n"
            "exec {} $bin/postgres -D $folder/data -c listen_addresses= "
            "-c unix_socket_directories=$folder",
            folder_.path().string(),
            enter);
    }

    TemporaryFolder folder_;
    Program server_;
};

// A user namespace of its own, as a rootless engine gives its containers.
class ProcessOneInAUserNamespace : public ProcessOne {
  protected:
    ProcessOneInAUserNamespace()
        : ProcessOne(
              "$as_server unshare --user --map-current-user --mount --pid --fork --kill-child") {}
};

void expect_snapshots_leave_no_child(Session& session, pid_t pid) {
    auto snapshotter = Snapshotter::open(pid, Literals::kMasked);
    ASSERT_TRUE(snapshotter) << snapshotter.error().message;
    for (const Method method : {Method::kFork, Method::kCall, Method::kFreeze, Method::kFork}) {
        const auto snapshot = snapshotter->take(method, std::chrono::seconds(10));
        ASSERT_TRUE(snapshot) << snapshot.error().message;
        EXPECT_EQ(snapshot->method, method);
    }
    EXPECT_THAT(list_children(pid).value(), IsEmpty());
    EXPECT_TRUE(session.alive());
}

TEST_F(ProcessOneInAUserNamespace, IsReadByEveryMethod) {
    Session session = connect();
    const pid_t pid = pid_outside(session);
    ASSERT_NE(std::filesystem::read_symlink(fmt::format("/proc/{}/ns/user", pid)),
              std::filesystem::read_symlink("/proc/self/ns/user"));
    expect_snapshots_leave_no_child(session, pid);
    expect_no_restart();
}

TEST_F(ProcessOne, HasNoChildOfOursAfterSnapshotsOfItsBackends) {
    Session session = connect();
    const std::string started = started_at(session);
    expect_snapshots_leave_no_child(session, pid_outside(session));
    EXPECT_EQ(started_at(session), started);
    expect_no_restart();
}

TEST_F(ProcessOne, GoesOnWhereItsBackendEndsBeforeThatOnesCopyOnWriteChild) {
    std::optional<Session> session = connect();
    const std::string started = started_at(*session);
    const pid_t pid = pid_outside(*session);
    const auto backend = Backend::open(pid);
    ASSERT_TRUE(backend) << backend.error().message;
    Gadgets gadgets(*backend);
    const auto found = gadgets.get();
    ASSERT_TRUE(found) << found.error().message;
    const auto prepared = prepare_child(pid);
    ASSERT_TRUE(prepared) << prepared.error().message;
    auto stopped = StoppedProcess::seize(pid);
    ASSERT_TRUE(stopped) << stopped.error().message;
    auto child = CopyOnWriteChild::make(
        std::move(*stopped), backend->process(), backend->memory(), *found, *prepared);
    ASSERT_TRUE(child) << child.error().message;

    session.reset();
    EXPECT_TRUE(gone_within(pid, std::chrono::seconds(5)));
    EXPECT_EQ(kill(child->pid(), 0), 0) << "the child ended with its parent";
    const auto ended = child->end();
    EXPECT_TRUE(ended) << ended.error().message;
    EXPECT_TRUE(gone_within(child->pid(), std::chrono::seconds(2)));

    Session another = connect();
    EXPECT_EQ(started_at(another), started);
    expect_no_restart();
}

}  // namespace
}  // namespace palloscope::test
