#include "workload/step_client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace palloscope::workload {
namespace {

using testing::HasSubstr;

// The inspector's side of a connected socket, in a thread of its own.
class StepClientTest : public testing::Test {
  protected:
    StepClientTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        client_ = StepClient(Descriptor(ends[0]));
        server_ = Descriptor(ends[1]);
    }

    // Reads one line, then answers with `answer`.
    std::string answer(std::string_view answer) {
        std::string line;
        for (char byte = 0; byte != '\n' && read(server_.get(), &byte, 1) == 1;) {
            line += byte;
        }
        EXPECT_EQ(write(server_.get(), answer.data(), answer.size()),
                  static_cast<ssize_t>(answer.size()));
        return line;
    }

    StepClient client_{Descriptor()};
    Descriptor server_;
};

TEST_F(StepClientTest, GreetsWithItsBackendAndSession) {
    std::string asked;
    std::thread inspector([&] { asked = answer("{\"snapshot\":true}\n"); });
    EXPECT_TRUE(client_.hello(4242, "worker-0/1"));
    inspector.join();
    EXPECT_EQ(
        asked,
        "{\"hello\":\"palloscope.step/1\",\"backend_pid\":4242,\"session\":\"worker-0/1\"}\n");
}

TEST_F(StepClientTest, GoesOnOnceItsStatementIsAnswered) {
    std::string asked;
    std::thread inspector([&] { asked = answer("{\"seq\":7,\"snapshot\":true}\n"); });
    EXPECT_TRUE(client_.report("{\"seq\":7}\n", 7));
    inspector.join();
    EXPECT_EQ(asked, "{\"seq\":7}\n");
}

TEST_F(StepClientTest, GoesOnWhereNoSnapshotCouldBeTaken) {
    std::thread inspector(
        [&] { answer("{\"seq\":7,\"snapshot\":false,\"reason\":\"backend is gone\"}\n"); });
    EXPECT_TRUE(client_.report("{\"seq\":7}\n", 7));
    inspector.join();
}

TEST_F(StepClientTest, PutsAnAnswerTogetherThatComesInPieces) {
    std::thread inspector([&] {
        answer("{\"seq\":7,");
        EXPECT_EQ(write(server_.get(), "\"snapshot\":true}\n", 17), 17);
    });
    EXPECT_TRUE(client_.report("{\"seq\":7}\n", 7));
    inspector.join();
}

TEST_F(StepClientTest, RefusesWhatIsNoAnswerToItsStatement) {
    for (const std::string_view wrong : {"{\"seq\":8,\"snapshot\":true}\n",
                                         "{\"snapshot\":true}\n",
                                         "{\"seq\":7}\n",
                                         "{\"seq\":7,\"snapshot\":1}\n",
                                         "[]\n",
                                         "{\n"}) {
        std::thread inspector([&] { answer(wrong); });
        const auto reported = client_.report("{\"seq\":7}\n", 7);
        inspector.join();
        ASSERT_FALSE(reported) << wrong;
        EXPECT_EQ(reported.error().kind, Error::Kind::kFailed);
    }
}

TEST_F(StepClientTest, DoesNotReadAnEndlessAnswer) {
    // Sent in the background: it is more than the socket holds.
    std::thread inspector([&] {
        const std::string endless(1 << 20, 'x');
        static_cast<void>(send(server_.get(), endless.data(), endless.size(), MSG_NOSIGNAL));
    });
    EXPECT_FALSE(client_.report("{\"seq\":7}\n", 7));
    client_ = StepClient(Descriptor());
    inspector.join();
}

TEST_F(StepClientTest, SaysThatTheInspectorHasGone) {
    server_ = Descriptor();
    const auto reported = client_.report("{\"seq\":7}\n", 7);
    ASSERT_FALSE(reported);
    EXPECT_EQ(reported.error().kind, Error::Kind::kGone);
}

TEST_F(StepClientTest, SaysThatTheInspectorWentInsteadOfAnswering) {
    std::thread inspector([&] {
        answer("");
        server_ = Descriptor();
    });
    const auto reported = client_.report("{\"seq\":7}\n", 7);
    inspector.join();
    ASSERT_FALSE(reported);
    EXPECT_EQ(reported.error().kind, Error::Kind::kGone);
}

TEST(StepClient, RefusesAPathThatNoSocketCanHave) {
    const auto client = StepClient::connect(std::string(200, 'x'), std::chrono::milliseconds(0));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().kind, Error::Kind::kUsage);
}

TEST(StepSocket, SaysThatItDoesNotAppear) {
    const StepSocket socket("/nonexistent/socket");
    const auto there = socket.wait_for_it(std::chrono::milliseconds(1), std::stop_token());
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().message, "no stepping socket appeared at /nonexistent/socket");
    EXPECT_THAT(there.error().hint, HasSubstr("--statements step:/nonexistent/socket"));
}

TEST(StepSocket, IsGivenUpAloudOnce) {
    StepSocket socket("/nonexistent/socket");
    EXPECT_FALSE(socket.gone());
    testing::internal::CaptureStderr();
    socket.give_up({.message = "the inspector closed the stepping socket"});
    socket.give_up({.message = "the inspector closed the stepping socket"});
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "palloscope-workload: the inspector closed the stepping socket; going on without "
              "stepping\n");
    EXPECT_TRUE(socket.gone());
}

}  // namespace
}  // namespace palloscope::workload
