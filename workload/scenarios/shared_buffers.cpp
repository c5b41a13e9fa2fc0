#include <atomic>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: RssShmem, by 180 kB per SELECT, until every page of the table was read. RssAnon and
// the contexts stay as they are.
namespace palloscope::workload {

namespace {

// Rows of some 1900 bytes are just not toasted: four a page of 8 kB.
constexpr std::size_t kDocumentsPerMegabyte = 4 * 128;
constexpr std::size_t kDocumentsAtOnce = 64;

class SharedBuffers final : public Application {
  public:
    SharedBuffers() : Application("shared-buffers") {}

    void add_options(CLI::App& command) override {
        command.add_option("--megabytes", megabytes_, "Size of the table (MB)")
            ->check(CLI::Range(std::size_t{1}, std::size_t{100000}))
            ->capture_default_str();
    }

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {
            {"set-up/define",
             "CREATE TABLE IF NOT EXISTS documents (document_id integer PRIMARY KEY,"
             " body text NOT NULL)"},
            {"set-up/fill",
             fmt::format("INSERT INTO documents SELECT n, repeat('x', 1900)"
                         " FROM generate_series(1, {}) AS n ON CONFLICT DO NOTHING",
                         documents())},
        };
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t count = random.below(3); done && count > 0; --count) {
            const std::size_t first = 1 + kDocumentsAtOnce * next_++ % documents();
            done = session
                       .run("search/documents",
                            fmt::format("SELECT count(*), max(length(body)) FROM documents"
                                        " WHERE document_id BETWEEN {} AND {}",
                                        first,
                                        first + kDocumentsAtOnce - 1))
                       .map([](const Rows&) {});
        }
        return done;
    }

  private:
    [[nodiscard]] std::size_t documents() const { return megabytes_ * kDocumentsPerMegabyte; }

    std::size_t megabytes_ = 100;
    std::atomic<std::uint64_t> next_{0};
};

}  // namespace

ScenarioEntry shared_buffers_scenario() {
    return {
        .name = "shared-buffers",
        .summary = "A control: RSS that grows by the server's shared buffers only",
        .explanation =
            "Made to show that nothing leaks although RSS grows. A loop reads up to two parts of "
            "a large table (--megabytes), in their order. The pages lie in the server's shared "
            "buffers, and each one that the backend touches for the first time is added to its "
            "RSS (RssShmem), up to shared_buffers, though all backends share it. RssAnon stays as "
            "it is.",
        .leaks = {},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<SharedBuffers>()); },
    };
}

}  // namespace palloscope::workload
