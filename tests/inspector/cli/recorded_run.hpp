#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/postgres_server.hpp"
#include "tests/support/temporary_folder.hpp"

namespace palloscope::test {

[[nodiscard]] std::string file_text(const std::filesystem::path& path);

// The output of palloscope with these arguments, which must succeed.
[[nodiscard]] std::string palloscope_output(std::vector<std::string> arguments);

// Where the statements come from.
enum class Source { kActivity, kJournal, kStep, kLog };

// A scenario of the workload, run under the recorder on a server of its own.
class RecordedRun {
  public:
    // `limits` are options of the workload, `recorder` more options of `record`.
    RecordedRun(const std::string& scenario,
                const std::string& application_name,
                const std::vector<std::string>& limits,
                const std::vector<std::string>& recorder = {},
                Source from = Source::kJournal);

    [[nodiscard]] std::filesystem::path recording() const {
        return folder_.path() / "run.palloscope";
    }

    [[nodiscard]] std::filesystem::path journal() const { return folder_.path() / "journal.jsonl"; }

    [[nodiscard]] const std::string& recorder_output() const { return recorder_output_; }

    [[nodiscard]] nlohmann::json report() const;

  private:
    TemporaryFolder folder_;
    PostgresServer server_;
    std::string recorder_output_;
};

}  // namespace palloscope::test
