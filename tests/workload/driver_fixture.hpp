#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/model/statement.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/test_database.hpp"
#include "workload/driver.hpp"
#include "workload/scenario.hpp"

namespace palloscope::workload::test {

using palloscope::test::TestDatabase;

// A path for a temporary file of this test, removed now and at the end.
class TemporaryPath {
  public:
    explicit TemporaryPath(std::string_view name);
    TemporaryPath(const TemporaryPath&) = delete;
    TemporaryPath& operator=(const TemporaryPath&) = delete;
    TemporaryPath(TemporaryPath&&) = delete;
    TemporaryPath& operator=(TemporaryPath&&) = delete;
    ~TemporaryPath();

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] std::string text() const;

  private:
    std::string path_;
};

// Makes the scenario of that name, small enough for a test where it would take long to set up.
[[nodiscard]] std::unique_ptr<Scenario> make_scenario(std::string_view name);

// The whole lines of a journal. Throws where one is no journal line; a cut last one is left out.
[[nodiscard]] std::vector<Execution> read_journal(const std::string& text);

}  // namespace palloscope::workload::test
