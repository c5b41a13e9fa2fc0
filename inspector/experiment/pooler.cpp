#include "inspector/experiment/pooler.hpp"

#include <chrono>
#include <thread>

#include <fmt/core.h>

#include "inspector/experiment/server_programs.hpp"
#include "inspector/experiment/sql_connection.hpp"
#include "inspector/experiment/text_file.hpp"

namespace palloscope {

namespace {

constexpr std::chrono::seconds kStartPatience{20};
constexpr std::chrono::milliseconds kPollInterval{20};

// pgbouncer(5). Nothing but the loopback, no socket in /tmp that others could take the place of, no
// limit that the workload could meet before the server's.
std::string configuration(const ThrowawayServer& server,
                          int port,
                          const std::filesystem::path& users,
                          const std::vector<std::string>& settings) {
    std::string text = fmt::format(
        "[databases]\n"
        "* = host=127.0.0.1 port={}\n"
        "[pgbouncer]\n"
        "listen_addr = 127.0.0.1\n"
        "listen_port = {}\n"
        "unix_socket_dir =\n"
        "auth_type = md5\n"
        "auth_file = {}\n"
        "default_pool_size = 1000\n"
        "max_client_conn = 1000\n"
        "ignore_startup_parameters = extra_float_digits,search_path,options\n",
        server.endpoint().port,
        port,
        users.string());
    for (const std::string& setting : settings) {
        text += setting + '\n';
    }
    return text;
}

Result<> wait_until_ready(const ChildProcess& process,
                          const Endpoint& endpoint,
                          const std::filesystem::path& log_path) {
    const std::string conninfo = endpoint.conninfo("postgres", "palloscope");
    const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
    for (;;) {
        const auto connection = SqlConnection::open(conninfo);
        if (connection) {
            return {};
        }
        if (process.exit_code() || std::chrono::steady_clock::now() > deadline) {
            const std::string log = last_line(end_of_file(log_path));
            return failure(Error::Kind::kFailed,
                           fmt::format("pgbouncer does not start: {}",
                                       log.empty() ? connection.error().message : log));
        }
        std::this_thread::sleep_for(kPollInterval);
    }
}

}  // namespace

Result<Pooler> Pooler::start(const ThrowawayServer& server,
                             const std::optional<Account>& account,
                             const std::vector<std::string>& settings) {
    const std::filesystem::path program = find_program("pgbouncer");
    if (program.empty()) {
        return failure(Error::Kind::kFailed,
                       "there is no pgbouncer on this machine",
                       "install it (Debian: apt install pgbouncer)");
    }
    const auto port = free_port();
    if (!port) {
        return tl::unexpected(port.error());
    }
    Endpoint endpoint = server.endpoint();
    endpoint.port = *port;
    const std::filesystem::path users = server.folder() / "users.txt";
    const std::filesystem::path ini = server.folder() / "pgbouncer.ini";
    const auto written =
        write_text_file(users, fmt::format("\"postgres\" \"{}\"\n", endpoint.password), account)
            .and_then([&] {
                return write_text_file(
                    ini, configuration(server, endpoint.port, users, settings), account);
            });
    if (!written) {
        return tl::unexpected(written.error());
    }
    const std::filesystem::path log_path = server.folder() / "pgbouncer.log";
    const auto log = create_file(log_path);
    if (!log) {
        return tl::unexpected(log.error());
    }
    auto process = ChildProcess::start(
        {program, ini}, {.account = account, .output = log->get(), .errors = log->get()});
    if (!process) {
        return tl::unexpected(process.error());
    }
    if (const auto ready = wait_until_ready(*process, endpoint, log_path); !ready) {
        return tl::unexpected(ready.error());
    }
    return Pooler(std::move(endpoint), std::move(*process));
}

}  // namespace palloscope
