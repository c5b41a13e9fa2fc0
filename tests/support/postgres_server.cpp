#include "tests/support/postgres_server.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

namespace palloscope::test {

namespace {

constexpr const char* kScript = PALLOSCOPE_SOURCE_DIR "/scripts/server";

// Room for a first fetch of the version's programs.
constexpr std::chrono::minutes kStartTimeout{5};
constexpr std::chrono::minutes kStopTimeout{1};

std::string make_folder() {
    std::string path = std::filesystem::temp_directory_path() / "palloscope-server-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
        throw std::system_error(
            errno, std::generic_category(), "cannot make a folder for a server");
    }
    return path;
}

// In a session of its own and no child of ours, so that neither Ctrl-C nor a test runner that kills
// a test with its children ends it.
Program start_guard(const std::string& folder) {
    return Program::start({"setsid", "--fork", kScript, "guard", folder},
                          {.keep_input_open = true});
}

std::map<std::string, std::string> key_values(const std::string& text) {
    std::map<std::string, std::string> values;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t equals = line.find('=');
        values[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return values;
}

}  // namespace

PostgresServer::PostgresServer(std::string folder, Program guard)
    : folder_(std::move(folder)), guard_(std::move(guard)) {}

PostgresServer PostgresServer::start(std::string_view version,
                                     const std::vector<std::string>& settings) {
    const std::string folder = make_folder();
    PostgresServer server(folder, start_guard(folder));
    std::vector<std::string> command{kScript, "start", std::string(version), folder};
    command.insert(command.end(), settings.begin(), settings.end());
    const ProgramResult result = run_program(command, {}, kStartTimeout);
    if (result.exit_code != 0) {
        throw std::runtime_error("cannot start a server of version " + std::string(version) + ": " +
                                 result.err);
    }
    const auto values = key_values(result.out);
    server.dsn_ = values.at("dsn");
    server.port_ = std::stoi(values.at("port"));
    server.postmaster_pid_ = std::stoi(values.at("pid"));
    return server;
}

PostgresServer& PostgresServer::shared(std::string_view version) {
    static std::map<std::string, PostgresServer, std::less<>> servers;
    auto found = servers.find(version);
    if (found == servers.end()) {
        found = servers.emplace(version, start(version)).first;
    }
    return found->second;
}

// Not moved by default: the folder's emptiness tells the destructor that there is nothing to stop.
PostgresServer::PostgresServer(PostgresServer&& other) noexcept
    : folder_(std::exchange(other.folder_, {})),
      guard_(std::move(other.guard_)),
      dsn_(std::move(other.dsn_)),
      port_(other.port_),
      postmaster_pid_(other.postmaster_pid_) {}

PostgresServer& PostgresServer::operator=(PostgresServer&& other) noexcept {
    std::swap(folder_, other.folder_);
    std::swap(guard_, other.guard_);
    std::swap(dsn_, other.dsn_);
    std::swap(port_, other.port_);
    std::swap(postmaster_pid_, other.postmaster_pid_);
    return *this;
}

PostgresServer::~PostgresServer() {
    if (folder_.empty()) {
        return;
    }
    guard_.close_input();
    if (!guard_.wait_for_end_of_output(kStopTimeout) || !guard_.err().empty()) {
        std::cerr << "the server in " << folder_ << " was not cleared away: " << guard_.err();
    }
}

std::string PostgresServer::log() const {
    std::ifstream file(folder_ + "/log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> server_versions() {
    std::istringstream list(PALLOSCOPE_SERVER_VERSIONS);
    return {std::istream_iterator<std::string>(list), {}};
}

}  // namespace palloscope::test
