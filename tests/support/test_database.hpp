#pragma once

#include <string>

#include "tests/support/postgres_server.hpp"

namespace palloscope::test {

// A database of its own on a shared server, gone with its owner.
class TestDatabase {
  public:
    explicit TestDatabase(const PostgresServer& server);
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;
    TestDatabase(TestDatabase&&) = delete;
    TestDatabase& operator=(TestDatabase&&) = delete;
    // Ends the sessions that it still has.
    ~TestDatabase();

    [[nodiscard]] const std::string& dsn() const { return dsn_; }

    // The first column of the first row, as text.
    [[nodiscard]] std::string value_of(const std::string& query) const;

  private:
    std::string server_dsn_;
    std::string name_;
    std::string dsn_;
};

}  // namespace palloscope::test
