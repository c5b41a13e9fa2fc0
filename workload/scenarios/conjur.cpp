#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "workload/scenario.hpp"
#include "workload/scenarios/conjur/database.hpp"
#include "workload/scenarios/conjur/policy.hpp"
#include "workload/scenarios/conjur/policy_load.hpp"
#include "workload/scenarios/entries.hpp"

namespace palloscope::workload {

namespace {

// Puma's: 5 threads a worker, and a pool of threads × 1.2, rounded up.
constexpr std::size_t kPoolSize = 6;
constexpr std::size_t kSecretDigits = 32;
constexpr std::size_t kRunDigits = 8;

class Conjur final : public Scenario {
  public:
    void add_options(CLI::App& command) override {
        command.add_option("--accounts", accounts_, "Accounts that each loop creates")
            ->capture_default_str();
        command.add_option("--secrets", secrets_, "Secrets of each account")->capture_default_str();
        command.add_option("--workers", workers_, "Puma workers, each with a pool of its own")
            ->check(CLI::Range(std::size_t{1}, std::size_t{100}))
            ->capture_default_str();
        command
            .add_option("--secret-marker",
                        secret_marker_,
                        "Text that each secret value and API key begins with")
            ->capture_default_str();
        command.add_flag(
            "--dry-run", dry_run_, "Before each policy load, send the dry run of the same policy");
    }

    [[nodiscard]] Layout layout() const override {
        Layout layout{.workers = {}, .pool_size = kPoolSize};
        for (std::size_t worker = 0; worker < workers_; ++worker) {
            layout.workers.push_back(
                {.name = fmt::format("worker-{}", worker),
                 .application_name =
                     fmt::format("puma: cluster worker {}: 152 [Conjur API Server]", worker)});
        }
        return layout;
    }

    [[nodiscard]] Result<> set_up(Session& session) override {
        return conjur::set_up_database(session);
    }

    [[nodiscard]] Result<> loop(Client& client) override {
        // No two loops are alike, neither within a run nor across runs.
        const std::string safe =
            fmt::format("safe-{}-{}", client.random().hex(kRunDigits), ++counter_);
        auto sent = log_in(client)
                        .and_then([&] { return load(client, conjur::safe_policy(safe)); })
                        .and_then([&] { return load(client, conjur::host_policy(safe)); });
        for (std::size_t account = 1; sent && account <= accounts_; ++account) {
            sent = load(client, conjur::account_policy(safe, account, secrets_)).and_then([&] {
                return store_values(client, conjur::secret_ids(safe, account, secrets_));
            });
        }
        return sent;
    }

  private:
    // One request to the application: served by one session of one worker.
    static Result<> request(Client& client, const std::function<Result<>(Session&)>& serve) {
        return client.session().and_then(
            [&serve](SessionPool::Lease&& session) { return serve(*session); });
    }

    static Result<> log_in(Client& client) {
        return request(client, [](Session& session) {
            const std::string admin = session.literal(conjur::kAdmin);
            return session.run({
                {"login/key", "SELECT * FROM slosilo_keystore WHERE id = 'authn:demo' LIMIT 1"},
                {"login/role",
                 fmt::format("SELECT * FROM roles WHERE role_id = {} LIMIT 1", admin)},
                {"login/credentials",
                 fmt::format("SELECT * FROM credentials WHERE role_id = {} LIMIT 1", admin)},
                {"login/all-roles", fmt::format("SELECT count(*) FROM all_roles({})", admin)},
                {"login/account",
                 fmt::format("SELECT account(role_id), kind(role_id), identifier(role_id)"
                             " FROM roles WHERE role_id = {}",
                             admin)},
            });
        });
    }

    [[nodiscard]] Result<> load(Client& client, const conjur::Policy& policy) const {
        const auto load_once = [&](conjur::Effect effect) {
            return request(client, [&](Session& session) {
                return conjur::load_policy(
                    session, policy, effect, secret_marker_, client.random());
            });
        };
        if (dry_run_) {
            return load_once(conjur::Effect::kDryRun).and_then([&] {
                return load_once(conjur::Effect::kKept);
            });
        }
        return load_once(conjur::Effect::kKept);
    }

    Result<> store_values(Client& client, const std::vector<std::string>& ids) const {
        Result<> stored;
        for (auto id = ids.begin(); stored && id != ids.end(); ++id) {
            stored = request(client, [&](Session& session) {
                return store_value(session, *id, client.random());
            });
        }
        return stored;
    }

    Result<> store_value(Session& session, const std::string& id, Random& random) const {
        return session.transaction("secret", [&] {
            const std::string resource = session.literal(id);
            const std::string value = session.literal(secret_marker_ + random.hex(kSecretDigits));
            return session.run({
                {"secret/permission",
                 fmt::format("SELECT is_role_allowed_to({}, 'update', {})",
                             session.literal(conjur::kAdmin),
                             resource)},
                {"secret/insert",
                 fmt::format("INSERT INTO secrets (resource_id, value)"
                             " VALUES ({}, convert_to({}, 'UTF8')) RETURNING version",
                             resource,
                             value)},
                {"secret/delete-old",
                 fmt::format("DELETE FROM secrets WHERE resource_id = {0} AND version <="
                             " (SELECT max(version) - 20 FROM secrets WHERE resource_id = {0})",
                             resource)},
            });
        });
    }

    std::size_t accounts_ = 2;
    std::size_t secrets_ = 3;
    std::size_t workers_ = 2;
    std::string secret_marker_ = "s3cr3t-";
    bool dry_run_ = false;
    std::atomic<std::uint64_t> counter_{0};
};

}  // namespace

ScenarioEntry conjur_scenario() {
    return {
        .name = "conjur",
        .summary = "Policy loads of CyberArk Conjur: each makes and drops a schema of its own",
        .explanation =
            "Made to show the cause catalog-churn. Each loop logs in, loads a safe policy and a "
            "host policy, creates accounts (one policy load each) and stores a value for each of "
            "their secrets. A policy load makes a temporary schema with tables, functions and "
            "triggers, and drops it again; the backend's catalog caches keep what they learned "
            "about every one of them, so that CacheMemoryContext grows with each load and never "
            "shrinks.\n\n"
            "The tables are made in the schema public of the database (one of its own, please) at "
            "the first run. As under Puma, each of the workers has a pool of 6 connections of "
            "which one or two do nearly all the work; --sessions N has N connections work at the "
            "same time instead.",
        .leaks = {{.cause = "catalog-churn",
                   .statements = {"DROP SCHEMA policy_loader_* CASCADE"},
                   .places = {"CacheMemoryContext"}}},
        .make = [] { return std::unique_ptr<Scenario>(std::make_unique<Conjur>()); },
    };
}

}  // namespace palloscope::workload
