#include "workload/scenarios/application.hpp"

#include <cstddef>

#include <fmt/core.h>

namespace palloscope::workload {

namespace {

std::vector<Statement> everyday_tables() {
    return {
        {"set-up/define",
         "CREATE TABLE IF NOT EXISTS everyday_customers"
         " (customer_id integer PRIMARY KEY, name text NOT NULL, visits integer NOT NULL)"},
        {"set-up/define",
         "CREATE TABLE IF NOT EXISTS everyday_orders (order_id integer PRIMARY KEY,"
         " customer_id integer NOT NULL, total integer NOT NULL)"},
        {"set-up/define",
         "CREATE INDEX IF NOT EXISTS everyday_orders_customer ON everyday_orders (customer_id)"},
        {"set-up/fill",
         fmt::format("INSERT INTO everyday_customers SELECT n, 'customer ' || n, 0"
                     " FROM generate_series(1, {}) AS n ON CONFLICT DO NOTHING",
                     kCustomers)},
        {"set-up/fill",
         fmt::format("INSERT INTO everyday_orders SELECT n, 1 + n % {}, n % 997"
                     " FROM generate_series(1, {}) AS n ON CONFLICT DO NOTHING",
                     kCustomers,
                     kOrders)},
    };
}

Statement everyday_statement(const Session& session, Random& random) {
    // A transaction of many loops would keep the visited row locked, and others waiting for it.
    const std::size_t kinds = session.in_transaction() ? 2 : 3;
    const std::size_t customer = any_customer(random);
    switch (random.below(kinds)) {
        case 0:
            return {
                "everyday/customer",
                fmt::format("SELECT name, visits FROM everyday_customers WHERE customer_id = {}",
                            customer)};
        case 1:
            return {"everyday/orders",
                    fmt::format(
                        "SELECT count(*), sum(total) FROM everyday_orders WHERE customer_id = {}",
                        customer)};
        default:
            return {"everyday/visit",
                    fmt::format(
                        "UPDATE everyday_customers SET visits = visits + 1 WHERE customer_id = {}",
                        customer)};
    }
}

}  // namespace

Result<> set_up_alone(Session& session, const std::vector<Statement>& statements) {
    return session.transaction("set-up", [&] {
        return session
            .run("set-up/lock", "SELECT pg_advisory_xact_lock(hashtext('palloscope-workload'))")
            .and_then([&](const Rows&) { return session.run(statements); });
    });
}

Layout Application::layout() const {
    return {.workers = {{.name = "session",
                         .application_name = fmt::format("palloscope-workload {}", name_)}}};
}

Result<> Application::set_up(Session& session) {
    std::vector<Statement> statements = everyday_tables();
    for (Statement& statement : definitions()) {
        statements.push_back(std::move(statement));
    }
    return set_up_alone(session, statements);
}

Result<> Application::loop(Client& client) {
    return client.session().and_then([&](SessionPool::Lease&& session) -> Result<> {
        for (std::size_t count = 1 + client.random().below(4); count > 0; --count) {
            const Statement statement = everyday_statement(*session, client.random());
            if (auto done = session->run(statement.step, statement.sql); !done) {
                return tl::unexpected(done.error());
            }
        }
        return work(*session, client.random());
    });
}

std::size_t any_customer(Random& random) {
    return 1 + random.below(kCustomers);
}

}  // namespace palloscope::workload
