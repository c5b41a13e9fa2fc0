#include "tests/support/test_database.hpp"

#include <unistd.h>

#include <exception>

#include <fmt/core.h>

#include "tests/support/session.hpp"

namespace palloscope::test {

namespace {

int next_number() {
    static int number = 0;
    return ++number;
}

}  // namespace

TestDatabase::TestDatabase(const PostgresServer& server)
    : server_dsn_(server.dsn()),
      name_(fmt::format("test_{}_{}", getpid(), next_number())),
      dsn_(fmt::format("{} dbname={}", server_dsn_, name_)) {
    Session::connect(server_dsn_).exec("CREATE DATABASE " + name_);
}

TestDatabase::~TestDatabase() {
    try {
        auto session = Session::connect(server_dsn_);
        session.exec(fmt::format(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", name_));
        session.exec("DROP DATABASE " + name_);
    } catch (const std::exception& error) {
        fmt::print(stderr, "database {} was not dropped: {}\n", name_, error.what());
    }
}

std::string TestDatabase::value_of(const std::string& query) const {
    return Session::connect(dsn_).exec(query).at(0).at(0).value_or("");
}

}  // namespace palloscope::test
