#include "inspector/experiment/throwaway_server.hpp"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <thread>

#include <fmt/core.h>

#include "attach/file_descriptor.hpp"
#include "inspector/experiment/text_file.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kStartPatience{60};
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr std::size_t kPasswordBytes = 16;

Result<std::string> random_password() {
    std::array<unsigned char, kPasswordBytes> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return os_error(errno, "cannot make a random password");
    }
    std::string password;
    for (const unsigned char byte : bytes) {
        password += fmt::format("{:02x}", byte);
    }
    return password;
}

// Runs a program to its end; a failure carries the last line that it wrote.
Result<> run_to_end(const std::vector<std::string>& arguments,
                    const std::optional<Account>& account,
                    const std::filesystem::path& log_path) {
    const auto log = create_file(log_path);
    if (!log) {
        return tl::unexpected(log.error());
    }
    auto child = ChildProcess::start(
        arguments, {.account = account, .output = log->get(), .errors = log->get()});
    if (!child) {
        return tl::unexpected(child.error());
    }
    if (const int code = child->wait(); code != 0) {
        return failure(Error::Kind::kFailed,
                       fmt::format("{} failed with exit code {}: {}",
                                   arguments.front(),
                                   code,
                                   last_line(end_of_file(log_path))));
    }
    return {};
}

// After what was fatal a server still logs that it shuts down.
std::string reason_in(std::string_view log) {
    const std::size_t fatal = log.rfind("FATAL:");
    return last_line(
        fatal == std::string_view::npos ? log : log.substr(fatal, log.find('\n', fatal) - fatal));
}

Result<> wait_until_ready(ChildProcess& postmaster,
                          const Endpoint& endpoint,
                          const std::filesystem::path& log_path) {
    const std::string conninfo = endpoint.conninfo("postgres", "palloscope");
    const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
    while (PQping(conninfo.c_str()) != PQPING_OK) {
        if (postmaster.exit_code() || std::chrono::steady_clock::now() > deadline) {
            return failure(Error::Kind::kFailed,
                           "the server does not start: " + reason_in(end_of_file(log_path)),
                           "look at the settings that --set gives");
        }
        std::this_thread::sleep_for(kPollInterval);
    }
    return {};
}

// As libpq reads a value of a connection string (conninfo_parse, fe-connect.c).
std::string in_quotes(std::string_view value) {
    std::string text = "'";
    for (const char character : value) {
        text += character == '\'' || character == '\\' ? "\\" : "";
        text += character;
    }
    return text + "'";
}

}  // namespace

std::string Endpoint::conninfo(const std::string& database,
                               const std::string& application_name) const {
    return fmt::format(
        "host=127.0.0.1 port={} user=postgres password={} dbname={} application_name={}",
        port,
        in_quotes(password),
        in_quotes(database),
        in_quotes(application_name));
}

Result<int> free_port() {
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (!listener.valid() || ::bind(listener.get(), generic, size) != 0 ||
        ::getsockname(listener.get(), generic, &size) != 0) {
        return os_error(errno, "cannot find a free port of 127.0.0.1");
    }
    return ntohs(address.sin_port);
}

Result<ThrowawayServer> ThrowawayServer::start(const std::filesystem::path& programs,
                                               const std::optional<Account>& account,
                                               const std::vector<std::string>& settings) {
    auto folder = TemporaryFolder::make(account);
    if (!folder) {
        return tl::unexpected(folder.error());
    }
    const auto port = free_port();
    if (!port) {
        return tl::unexpected(port.error());
    }
    auto password = random_password();
    if (!password) {
        return tl::unexpected(password.error());
    }
    Endpoint endpoint{.port = *port, .password = std::move(*password)};
    const std::string data = *folder / "data";
    const std::filesystem::path password_path = *folder / "password";
    const auto made =
        write_text_file(password_path, endpoint.password + '\n', account).and_then([&] {
            return run_to_end({programs / "initdb",
                               "--pgdata=" + data,
                               "--username=postgres",
                               "--auth=scram-sha-256",
                               "--pwfile=" + password_path.string(),
                               "--encoding=UTF8",
                               "--locale=C",
                               "--no-sync"},
                              account,
                              *folder / "initdb.log");
        });
    if (!made) {
        return tl::unexpected(made.error());
    }
    std::vector<std::string> arguments{programs / "postgres", "-D", data};
    for (const std::string& setting : settings) {
        arguments.insert(arguments.end(), {"-c", setting});
    }
    // The last one counts: these are not the user's to set.
    for (const std::string& setting : {std::string("listen_addresses=127.0.0.1"),
                                       fmt::format("port={}", endpoint.port),
                                       std::string("unix_socket_directories="),
                                       std::string("fsync=off"),
                                       // Statements hold literals, and files must not.
                                       std::string("log_min_error_statement=panic")}) {
        arguments.insert(arguments.end(), {"-c", setting});
    }
    const std::filesystem::path log_path = *folder / "server.log";
    const auto log = create_file(log_path);
    if (!log) {
        return tl::unexpected(log.error());
    }
    // SIGQUIT is the immediate shutdown, which waits for no client (postmaster.c).
    auto postmaster = ChildProcess::start(
        arguments,
        {.account = account, .output = log->get(), .errors = log->get(), .end_signal = SIGQUIT});
    if (!postmaster) {
        return tl::unexpected(postmaster.error());
    }
    if (const auto ready = wait_until_ready(*postmaster, endpoint, log_path); !ready) {
        return tl::unexpected(ready.error());
    }
    return ThrowawayServer(std::move(*folder), std::move(endpoint), std::move(*postmaster));
}

}  // namespace palloscope
