#include <atomic>
#include <cstdint>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

// What grows: what grows in partitions, by table read for the first time, until each was read once.
namespace palloscope::workload {

namespace {

// All are made in one transaction, which locks each and its index: there is room for 6400 locks
// (max_locks_per_transaction and max_connections as they come).
constexpr std::size_t kMostTables = 1000;

class Plateau final : public Application {
  public:
    Plateau() : Application("plateau") {}

    void add_options(CLI::App& command) override {
        command.add_option("--tables", tables_, "Tables, one a shop, that are read in turn")
            ->check(CLI::Range(std::size_t{1}, kMostTables))
            ->capture_default_str();
    }

  protected:
    [[nodiscard]] std::vector<Statement> definitions() const override {
        return {{"set-up/define",
                 fmt::format("DO $$ BEGIN FOR shop IN 1..{} LOOP"
                             " EXECUTE format('CREATE TABLE IF NOT EXISTS stock_%s"
                             " (product_id integer PRIMARY KEY, pieces integer NOT NULL)', shop);"
                             " END LOOP; END $$",
                             tables_)}};
    }

    [[nodiscard]] Result<> work(Session& session, Random& random) override {
        Result<> done;
        for (std::size_t shops = random.below(4); done && shops > 0; --shops) {
            const std::size_t shop = 1 + next_shop_++ % tables_;
            done = session
                       .run("stock/shop",
                            fmt::format("SELECT count(*), sum(pieces) FROM stock_{}"
                                        " WHERE product_id < {}",
                                        shop,
                                        random.below(100)))
                       .map([](const Rows&) {});
        }
        return done;
    }

  private:
    std::size_t tables_ = 250;
    std::atomic<std::uint64_t> next_shop_{0};
};

}  // namespace

ScenarioEntry plateau_scenario() {
    return {
        .name = "plateau",
        .summary = "A control: tables read in turn, of which the caches grow until they know all",
        .explanation =
            "Made to show that a cache that fills and stays is no leak. A loop reads up to three "
            "tables, in turn, of as many as there are shops (--tables). For each one that it has "
            "touched the backend keeps a relcache entry, that of its index and entries of the "
            "catalog caches, as in 'partitions'; but here the last one is met soon, after 170 "
            "loops or so, and from then on they are read again and again and nothing grows.",
        .leaks = {},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Plateau>()); },
    };
}

}  // namespace palloscope::workload
