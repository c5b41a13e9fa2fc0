#include "inspector/experiment/maintenance.hpp"

namespace palloscope {

namespace {

constexpr const char* kDatabases =
    "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname";

}  // namespace

Result<SqlConnection> Maintenance::connect(const std::string& database) {
    return SqlConnection::open(endpoint_.conninfo(database, "palloscope"))
        .map([this](SqlConnection connection) {
            backend_pids_.push_back(connection.backend_pid());
            return connection;
        });
}

Result<> Maintenance::start_in(const std::string& database, const std::string& sql) {
    auto connection = connect(database);
    if (!connection) {
        return tl::unexpected(connection.error());
    }
    return connection->send(sql).map([&] { at_work_.push_back(std::move(*connection)); });
}

void Maintenance::start(const std::string& sql) {
    const auto databases = connect("postgres").and_then([](const SqlConnection& connection) {
        return connection.ask(kDatabases);
    });
    if (!databases) {
        error_ = databases.error().message;
        return;
    }
    for (const std::string& database : *databases) {
        // The workload may have dropped it since.
        if (const auto started = start_in(database, sql); !started) {
            error_ = started.error().message;
        }
    }
}

bool Maintenance::busy() {
    std::erase_if(at_work_, [this](SqlConnection& connection) {
        if (connection.busy()) {
            return false;
        }
        succeeded_ += connection.succeeded();
        error_ = connection.error().empty() ? error_ : connection.error();
        return true;
    });
    return !at_work_.empty();
}

}  // namespace palloscope
