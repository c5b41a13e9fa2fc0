#include "workload/scenarios/conjur/policy_load.hpp"

#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "workload/scenarios/conjur/database.hpp"
#include "workload/scenarios/conjur/diff.hpp"
#include "workload/scenarios/conjur/tables.hpp"

namespace palloscope::workload::conjur {

namespace {

// Digits in the name of a load's schema: SecureRandom.hex(8) in Conjur.
constexpr std::size_t kSchemaDigits = 16;
constexpr std::size_t kKeyDigits = 32;
constexpr std::size_t kSha256Digits = 64;

// Its statements mean the tables of the load's schema, which search_path names while they are
// filled.
constexpr const char* kOwnershipFunction =
    "CREATE OR REPLACE FUNCTION grant_to_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_TABLE_NAME = 'resources' THEN"
    "  INSERT INTO role_memberships (role_id, member_id, admin_option, ownership)"
    "  SELECT role_id, NEW.owner_id, true, true FROM roles WHERE role_id = NEW.resource_id;"
    " ELSE"
    "  INSERT INTO role_memberships (role_id, member_id, admin_option, ownership)"
    "  SELECT NEW.role_id, owner_id, true, true FROM resources WHERE resource_id = NEW.role_id;"
    " END IF; RETURN NEW; END $$";

// Writes the statements of one load.
class PolicyLoad {
  public:
    PolicyLoad(Session& session,
               const Policy& policy,
               const std::string& secret_marker,
               Random& random)
        : session_(session),
          policy_(policy),
          policy_id_(session.literal(policy.id)),
          schema_("policy_loader_" + random.hex(kSchemaDigits)),
          before_schema_("policy_loader_before_" + random.hex(kSchemaDigits)),
          secret_marker_(secret_marker),
          random_(random) {}

    Result<> run(Effect effect) {
        begin_version();
        if (auto sent = send(); !sent) {
            return sent;
        }
        const auto rows = session_.run("load-policy/show-search-path", "SHOW search_path");
        if (!rows) {
            return tl::unexpected(rows.error());
        }
        const std::string search_path(rows->value(0, 0));
        if (effect == Effect::kDryRun) {
            copy_what_is_there();
        }
        create_schema();
        insert_records();
        complete_records();
        append(diff_statements(session_, schema_, policy_));
        drop_schema(search_path);
        if (effect == Effect::kDryRun) {
            add("drop-schema", fmt::format("DROP SCHEMA {} CASCADE", before_schema_));
        }
        store_credentials();
        finish_version();
        return send();
    }

  private:
    void add(std::string_view step, std::string sql) {
        statements_.push_back({fmt::format("load-policy/{}", step), std::move(sql)});
    }

    void append(std::vector<Statement> statements) {
        statements_.insert(statements_.end(),
                           std::make_move_iterator(statements.begin()),
                           std::make_move_iterator(statements.end()));
    }

    Result<> send() { return session_.run(std::exchange(statements_, {})); }

    void begin_version() {
        // Loads of the same policy wait for one another: each is to have a version of its own.
        add("lock-policy",
            fmt::format("SELECT * FROM resources WHERE resource_id = {} LIMIT 1 FOR NO KEY UPDATE",
                        policy_id_));
        add("insert-version",
            fmt::format("INSERT INTO policy_versions (resource_id, role_id, policy_text,"
                        " policy_sha256, client_ip) VALUES ({}, {}, {}, {}, '127.0.0.1')"
                        " RETURNING *",
                        policy_id_,
                        session_.literal(kAdmin),
                        session_.literal(policy_.text),
                        session_.literal(random_.hex(kSha256Digits))));
        add("current-schema", "SELECT current_schema()");
    }

    void copy_what_is_there() {
        add("create-schema", fmt::format("CREATE SCHEMA {}", before_schema_));
        for (const Table& table : kTables) {
            add("create-table",
                fmt::format(
                    "CREATE TABLE {0}.{1} AS SELECT * FROM public.{1} WHERE policy_id = {2}",
                    before_schema_,
                    table.name,
                    policy_id_));
        }
    }

    void create_schema() {
        add("create-schema", fmt::format("CREATE SCHEMA {}", schema_));
        add("set-search-path", fmt::format("SET search_path = {}", schema_));
        for (const Table& table : kTables) {
            add("create-table",
                fmt::format("CREATE TABLE {0} AS SELECT * FROM public.{0} WHERE 0 = 1",
                            table.name));
        }
        add("create-function", kOwnershipFunction);
        for (const char* table : {"resources", "roles"}) {
            add("create-trigger",
                fmt::format("CREATE TRIGGER grant_to_owner AFTER INSERT ON {}"
                            " FOR EACH ROW EXECUTE PROCEDURE grant_to_owner()",
                            table));
        }
        add("create-function", kAccountFunction);
        add("alter-table", "ALTER TABLE resources ADD PRIMARY KEY (resource_id)");
        add("alter-table", "ALTER TABLE roles ADD PRIMARY KEY (role_id)");
        add("alter-table",
            "ALTER TABLE role_memberships ALTER COLUMN admin_option SET DEFAULT 'f'");
    }

    // INSERT INTO `table` (`columns`) of `values`, each made a literal.
    void insert(std::string_view table,
                std::string_view columns,
                const std::vector<std::string>& values) {
        std::string literals;
        for (const std::string& value : values) {
            literals += literals.empty() ? "" : ", ";
            literals += session_.literal(value);
        }
        add("insert", fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, literals));
    }

    void insert_records() {
        for (const std::string& role : policy_.roles) {
            insert("roles", "role_id", {role});
        }
        for (const RoleMembership& record : policy_.role_memberships) {
            insert("role_memberships", "role_id, member_id", {record.role_id, record.member_id});
        }
        for (const Resource& record : policy_.resources) {
            insert("resources", "resource_id, owner_id", {record.id, record.owner_id});
        }
        for (const Permission& record : policy_.permissions) {
            insert("permissions",
                   "privilege, resource_id, role_id",
                   {record.privilege, record.resource_id, record.role_id});
        }
        for (const Annotation& record : policy_.annotations) {
            insert("annotations",
                   "resource_id, name, value",
                   {record.resource_id, record.name, record.value});
        }
    }

    void complete_records() {
        add("complete",
            "UPDATE role_memberships SET admin_option = false WHERE admin_option IS NULL");
        add("complete", "UPDATE role_memberships SET ownership = false WHERE ownership IS NULL");
        for (const Table& table : kTables) {
            add("complete", fmt::format("UPDATE {} SET policy_id = {}", table.name, policy_id_));
        }
    }

    void drop_schema(const std::string& search_path) {
        add("set-search-path", fmt::format("SET search_path = {}", search_path));
        add("drop-schema", fmt::format("DROP SCHEMA {} CASCADE", schema_));
    }

    void store_credentials() {
        for (const std::string& host : policy_.hosts) {
            const std::string id = session_.literal(host);
            add("credentials",
                fmt::format("SELECT * FROM credentials WHERE role_id = {} LIMIT 1", id));
            add("credentials",
                fmt::format("INSERT INTO credentials (role_id, api_key) VALUES"
                            " ({}, convert_to({}, 'UTF8')) ON CONFLICT (role_id)"
                            " DO UPDATE SET api_key = excluded.api_key",
                            id,
                            session_.literal(secret_marker_ + random_.hex(kKeyDigits))));
        }
    }

    void finish_version() {
        add("finish-version",
            fmt::format("UPDATE policy_versions SET finished_at = clock_timestamp()"
                        " WHERE resource_id = {} AND finished_at IS NULL",
                        policy_id_));
    }

    Session& session_;
    const Policy& policy_;
    std::string policy_id_;
    std::string schema_;
    std::string before_schema_;
    const std::string& secret_marker_;
    Random& random_;
    std::vector<Statement> statements_;
};

}  // namespace

Result<> load_policy(Session& session,
                     const Policy& policy,
                     Effect effect,
                     const std::string& secret_marker,
                     Random& random) {
    return session.transaction("load-policy", [&]() -> Result<> {
        PolicyLoad load(session, policy, secret_marker, random);
        if (effect == Effect::kKept) {
            return load.run(effect);
        }
        if (auto saved = session.run({{"load-policy/savepoint", "SAVEPOINT dry_run"}}); !saved) {
            return saved;
        }
        if (auto loaded = load.run(effect); !loaded) {
            return loaded;
        }
        return session.run({{"load-policy/savepoint", "ROLLBACK TO SAVEPOINT dry_run"}});
    });
}

}  // namespace palloscope::workload::conjur
