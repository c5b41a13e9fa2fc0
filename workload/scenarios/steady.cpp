#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "workload/scenarios/application.hpp"
#include "workload/scenarios/entries.hpp"

namespace palloscope::workload {

namespace {

constexpr int kAccounts = 10000;
constexpr int kTellers = 10;
// Rows that stay in the history, so that it does not grow without end.
constexpr int kHistory = 10000;

class Steady final : public Scenario {
  public:
    [[nodiscard]] Layout layout() const override {
        return {.workers = {{.name = "session", .application_name = "palloscope-workload steady"}}};
    }

    [[nodiscard]] Result<> set_up(Session& session) override {
        return set_up_alone(
            session,
            {
                {"set-up/define",
                 "CREATE TABLE IF NOT EXISTS steady_branches"
                 " (branch_id integer PRIMARY KEY, balance bigint NOT NULL)"},
                {"set-up/define",
                 "CREATE TABLE IF NOT EXISTS steady_tellers"
                 " (teller_id integer PRIMARY KEY, balance bigint NOT NULL)"},
                {"set-up/define",
                 "CREATE TABLE IF NOT EXISTS steady_accounts"
                 " (account_id integer PRIMARY KEY, balance bigint NOT NULL)"},
                {"set-up/define",
                 "CREATE TABLE IF NOT EXISTS steady_history (history_id bigserial PRIMARY KEY,"
                 " account_id integer NOT NULL, teller_id integer NOT NULL, delta integer NOT NULL,"
                 " at timestamptz NOT NULL)"},
                {"set-up/fill", "INSERT INTO steady_branches VALUES (1, 0) ON CONFLICT DO NOTHING"},
                fill("steady_tellers", kTellers),
                fill("steady_accounts", kAccounts),
            });
    }

    [[nodiscard]] Result<> loop(Client& client) override {
        auto session = client.session();
        if (!session) {
            return tl::unexpected(session.error());
        }
        Random& random = client.random();
        const std::size_t account = random.below(kAccounts) + 1;
        const std::size_t teller = random.below(kTellers) + 1;
        const std::size_t delta = random.below(1000);
        return (*session)->transaction("transfer", [&] {
            return (*session)->run({
                {"transfer/account",
                 fmt::format(
                     "UPDATE steady_accounts SET balance = balance + {} WHERE account_id = {}",
                     delta,
                     account)},
                {"transfer/balance",
                 fmt::format("SELECT balance FROM steady_accounts WHERE account_id = {}", account)},
                {"transfer/teller",
                 fmt::format(
                     "UPDATE steady_tellers SET balance = balance + {} WHERE teller_id = {}",
                     delta,
                     teller)},
                {"transfer/branch",
                 fmt::format(
                     "UPDATE steady_branches SET balance = balance + {} WHERE branch_id = 1",
                     delta)},
                {"transfer/history",
                 fmt::format("INSERT INTO steady_history (account_id, teller_id, delta, at)"
                             " VALUES ({}, {}, {}, now())",
                             account,
                             teller,
                             delta)},
                {"transfer/forget",
                 fmt::format("DELETE FROM steady_history WHERE history_id <="
                             " currval('steady_history_history_id_seq') - {}",
                             kHistory)},
            });
        });
    }

  private:
    // Fills `table` with `rows` rows of balance 0, where it is empty.
    static Statement fill(const char* table, int rows) {
        return {
            "set-up/fill",
            fmt::format("INSERT INTO {} SELECT generate_series(1, {}), 0 ON CONFLICT DO NOTHING",
                        table,
                        rows)};
    }
};

}  // namespace

ScenarioEntry steady_scenario() {
    return {
        .name = "steady",
        .summary = "The control: transfers between accounts, after which nothing stays behind",
        .explanation =
            "Made to show that nothing leaks. Each loop is one transaction of the kind of TPC-B: "
            "it moves money between an account, a teller and a branch, notes it in the history "
            "and forgets what is older than 10000 transfers. Once its tables are in the caches, "
            "the backend's memory stays as it is.",
        .leaks = {},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Steady>()); },
    };
}

}  // namespace palloscope::workload
