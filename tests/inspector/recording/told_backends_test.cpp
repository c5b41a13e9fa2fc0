#include "inspector/recording/told_backends.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// Of a server in a container, which counts its PIDs from 1 on.
std::optional<int> in_container(int pid) {
    return pid - 4000;
}

Execution ended(int backend_pid, std::int64_t ended_at_ns) {
    Execution execution;
    execution.backend_pid = backend_pid;
    execution.ended_at_ns = ended_at_ns;
    return execution;
}

TEST(ToldBackends, AreThoseOfTheServersOwnPids) {
    ToldBackends backends(in_container);
    backends.add(4077);
    std::vector<Execution> told{ended(77, 10), ended(4077, 10), ended(77, 4)};
    backends.keep(told, 5);
    EXPECT_THAT(told, ElementsAre(Field(&Execution::backend_pid, 4077)));
    EXPECT_EQ(backends.find(77), 4077);
    EXPECT_EQ(backends.server_pid(4077), 77);
    EXPECT_THAT(backends.notes(), IsEmpty()) << "others' statements are no matter where some fit";
    backends.remove(4077);
    EXPECT_EQ(backends.find(77), std::nullopt);
}

TEST(ToldBackends, SayWhereNoneIsRecorded) {
    ToldBackends backends(nullptr);
    backends.add(42);
    std::vector<Execution> told{ended(7, 10), ended(8, 10), ended(42, 4)};
    backends.keep(told, 5);
    EXPECT_THAT(told, IsEmpty());
    EXPECT_THAT(backends.notes(), ElementsAre(HasSubstr("none of the 2 statements told")));
    EXPECT_THAT(backends.notes(), ElementsAre(HasSubstr("PID 7, 8")));
}

// Of two containers, each of whose servers calls a backend 77: a statement of 77 is of neither for
// sure.
TEST(ToldBackends, LeaveOutWhatMayBeOfTwoServers) {
    ToldBackends backends([](int pid) { return std::optional(pid % 1000); });
    backends.add(4077);
    backends.add(5077);
    backends.add(5078);
    std::vector<Execution> told{ended(77, 10), ended(78, 10)};
    backends.keep(told, 5);
    EXPECT_THAT(told, ElementsAre(Field(&Execution::backend_pid, 5078)));
    EXPECT_THAT(backends.notes(), Contains(HasSubstr("1 statements were left out")));
    backends.remove(4077);
    EXPECT_EQ(backends.find(77), 5077) << "there is one of that name left";
}

}  // namespace
}  // namespace palloscope
