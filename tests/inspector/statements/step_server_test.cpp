#include "inspector/statements/step_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attach/file_descriptor.hpp"
#include "inspector/statements/form.hpp"

namespace palloscope {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr milliseconds kPatience{5'000};
constexpr milliseconds kNow{0};

std::string hello_line(int pid = 42) {
    return fmt::format(R"({{"hello":"palloscope.step/1","backend_pid":{},"session":"s0"}})"
                       "\n",
                       pid);
}

std::string statement_line(int seq, int pid = 42) {
    return fmt::format(
        R"({{"seq":{},"backend_pid":{},"session":"s0","step":"a","query":"SELECT 'secret'",)"
        R"("fingerprint":"f","started_at_ns":1,"ended_at_ns":2,"rows":1,"error":null}})"
        "\n",
        seq,
        pid);
}

// The driver's side.
class StepClient {
  public:
    explicit StepClient(const std::string& path)
        : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        connected_ =
            connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
            0;
    }

    [[nodiscard]] bool connected() const { return connected_; }

    void send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t sent =
                ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0) {
                break;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    // One line of the answer; empty once the server has closed the connection.
    [[nodiscard]] std::string receive() const {
        std::string line;
        char byte = 0;
        while (recv(socket_.get(), &byte, 1, 0) == 1 && byte != '\n') {
            line += byte;
        }
        return line;
    }

  private:
    FileDescriptor socket_;
    bool connected_ = false;
};

class ServedSteps : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "step-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }

    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path() const { return (folder_ / "step.socket").string(); }

    [[nodiscard]] StepServer listen() const {
        Result<StepServer> server = StepServer::listen(path());
        EXPECT_TRUE(server) << server.error().message;
        return *std::move(server);
    }

    // Polls until there are `count` events.
    [[nodiscard]] static std::vector<StepEvent> events(StepServer& server, std::size_t count) {
        std::vector<StepEvent> all;
        for (int rounds = 0; all.size() < count && rounds < 20; ++rounds) {
            Result<std::vector<StepEvent>> some = server.poll(kPatience);
            EXPECT_TRUE(some) << some.error().message;
            std::ranges::move(*some, std::back_inserter(all));
        }
        EXPECT_EQ(all.size(), count);
        return all;
    }

    // Polls until nothing happens any more.
    static void settle(StepServer& server) {
        for (int rounds = 0; rounds < 200; ++rounds) {
            ASSERT_TRUE(server.poll(kNow));
        }
    }

    std::filesystem::path folder_;
};

TEST_F(ServedSteps, HandsOutHellosAndStatementsAndSendsTheAnswers) {
    StepServer server = listen();
    const StepClient client(path());
    client.send(hello_line());
    std::vector<StepEvent> got = events(server, 1);
    EXPECT_EQ(std::get<StepHello>(got[0].what).backend_pid, 42);
    EXPECT_EQ(std::get<StepHello>(got[0].what).session, "s0");
    server.answer(got[0], {.snapshot = true, .reason = {}});
    EXPECT_EQ(client.receive(), R"({"snapshot":true})");

    client.send(statement_line(7));
    got = events(server, 1);
    EXPECT_EQ(std::get<Execution>(got[0].what).form, statement_form("SELECT $1"));
    server.answer(got[0], {.snapshot = false, .reason = "no safe point"});
    EXPECT_EQ(client.receive(), R"({"seq":7,"snapshot":false,"reason":"no safe point"})");
}

TEST_F(ServedSteps, ServesSeveralClients) {
    StepServer server = listen();
    const StepClient one(path());
    const StepClient two(path());
    one.send(hello_line(1));
    two.send(hello_line(2));
    for (const StepEvent& event : events(server, 2)) {
        const int pid = std::get<StepHello>(event.what).backend_pid;
        server.answer(event, {.snapshot = pid == 1, .reason = "two"});
    }
    EXPECT_EQ(one.receive(), R"({"snapshot":true})");
    EXPECT_EQ(two.receive(), R"({"snapshot":false,"reason":"two"})");
}

TEST_F(ServedSteps, HandsOutOneEventAtATimeToAClientThatDoesNotWait) {
    StepServer server = listen();
    const StepClient client(path());
    client.send(hello_line() + statement_line(1) + statement_line(2));
    std::vector<StepEvent> got = events(server, 1);
    EXPECT_THAT(*server.poll(kNow), IsEmpty());
    server.answer(got[0], {.snapshot = true, .reason = {}});
    got = events(server, 1);
    EXPECT_EQ(std::get<Execution>(got[0].what).seq, 1);
    server.answer(got[0], {.snapshot = true, .reason = {}});
    got = events(server, 1);
    EXPECT_EQ(std::get<Execution>(got[0].what).seq, 2);
}

TEST_F(ServedSteps, AnswersAHelloThatIsNestedDeeply) {
    constexpr std::size_t kDepth = 50'000;
    StepServer server = listen();
    const StepClient client(path());
    client.send(fmt::format(R"({{"hello":"palloscope.step/1","backend_pid":{}{},"session":"s0"}})"
                            "\n",
                            std::string(kDepth, '['),
                            std::string(kDepth, ']')));
    settle(server);
    EXPECT_THAT(client.receive(), HasSubstr("neither a hello"));
}

TEST_F(ServedSteps, AnswersLinesThatItDoesNotUnderstand) {
    StepServer server = listen();
    const StepClient client(path());
    client.send("nonsense\n{\"hello\":\"palloscope.step/9\",\"backend_pid\":1,\"session\":\"\"}\n" +
                statement_line(1) + hello_line() + statement_line(2, 43));
    std::vector<StepEvent> got = events(server, 1);
    EXPECT_TRUE(std::holds_alternative<StepHello>(got[0].what));
    for (int i = 0; i < 2; ++i) {
        EXPECT_THAT(client.receive(), HasSubstr("neither a hello"));
    }
    EXPECT_THAT(client.receive(), HasSubstr("no hello was said"));
    server.answer(got[0], {.snapshot = true, .reason = {}});
    EXPECT_EQ(client.receive(), R"({"snapshot":true})");
    settle(server);
    EXPECT_THAT(client.receive(), HasSubstr("no hello was said"));
    EXPECT_EQ(server.broken_lines(), 4);
}

TEST_F(ServedSteps, ForgetsClientsThatGoAway) {
    StepServer server = listen();
    std::vector<StepEvent> got;
    {
        const StepClient client(path());
        client.send(hello_line());
        got = events(server, 1);
    }
    settle(server);
    server.answer(got[0], {.snapshot = true, .reason = {}});
    EXPECT_THAT(*server.poll(kNow), IsEmpty());
}

TEST_F(ServedSteps, DropsAClientThatSendsNoEndOfLine) {
    StepServer server = listen();
    const StepClient client(path());
    const std::string part(64 << 10U, 'x');
    for (int i = 0; i < 100; ++i) {
        client.send(part);
        ASSERT_TRUE(server.poll(kNow));
        ASSERT_TRUE(server.poll(kNow));
    }
    EXPECT_EQ(client.receive(), "");
}

TEST_F(ServedSteps, WaitsNoLongerThanItWasTold) {
    StepServer server = listen();
    EXPECT_THAT(*server.poll(milliseconds{1}), IsEmpty());
}

TEST_F(ServedSteps, IsForItsOwnerAloneAndRemovesItsSocket) {
    {
        const StepServer server = listen();

        struct stat status {};

        ASSERT_EQ(stat(path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777U, 0600U);
    }
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ServedSteps, ReplacesASocketThatWasLeftBehind) {
    {
        const FileDescriptor left(socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path().c_str(), path().size());
        ASSERT_EQ(bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                  0);
    }
    ASSERT_TRUE(std::filesystem::exists(path()));
    const StepServer server = listen();
    EXPECT_TRUE(StepClient(path()).connected());
}

TEST_F(ServedSteps, LeavesOtherThingsAtItsPathAlone) {
    std::ofstream(path()) << "precious";
    const Result<StepServer> refused = StepServer::listen(path());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Error::Kind::kUsage);
    EXPECT_TRUE(std::filesystem::exists(path()));
    EXPECT_FALSE(StepServer::listen(std::string(200, 'x')));
    EXPECT_FALSE(StepServer::listen((folder_ / "missing" / "socket").string()));
}

TEST_F(ServedSteps, LeavesASocketAloneWhereSomebodyListens) {
    const StepServer server = listen();
    const Result<StepServer> second = StepServer::listen(path());
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another recorder"));
    EXPECT_TRUE(StepClient(path()).connected());
}

}  // namespace
}  // namespace palloscope
