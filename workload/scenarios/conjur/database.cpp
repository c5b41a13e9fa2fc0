#include "workload/scenarios/conjur/database.hpp"

#include <string>
#include <string_view>

#include <fmt/core.h>

#include "workload/scenarios/conjur/policy.hpp"
#include "workload/scenarios/conjur/tables.hpp"
#include "workload/warning.hpp"

namespace palloscope::workload::conjur {

const char* const kAccountFunction =
    "CREATE OR REPLACE FUNCTION account(id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$"
    " SELECT CASE WHEN split_part($1, ':', 1) = '' THEN NULL ELSE split_part($1, ':', 1) END"
    " $$";

namespace {

// The comment on public.roles by which we know our own tables.
constexpr std::string_view kMark = "made by palloscope-workload conjur";

// {0} is the type of policy_log.subject, {1} the function that makes one of a record.
constexpr std::string_view kDefinitions[] = {
    // What an id is made of.
    "CREATE OR REPLACE FUNCTION kind(id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$"
    " SELECT CASE WHEN split_part($1, ':', 2) = '' THEN NULL ELSE split_part($1, ':', 2) END"
    " $$",
    "CREATE OR REPLACE FUNCTION identifier(id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$"
    " SELECT substring($1 from '[^:]+:[^:]+:(.*)')"
    " $$",

    // The five tables of a policy.
    "CREATE TABLE roles (role_id text PRIMARY KEY,"
    " created_at timestamp NOT NULL DEFAULT transaction_timestamp(),"
    " policy_id text CHECK (kind(policy_id) = 'policy'))",
    "CREATE TABLE resources (resource_id text PRIMARY KEY,"
    " owner_id text NOT NULL REFERENCES roles ON DELETE CASCADE,"
    " created_at timestamp NOT NULL DEFAULT transaction_timestamp(),"
    " policy_id text REFERENCES resources ON DELETE CASCADE CHECK (kind(policy_id) = 'policy'))",
    "ALTER TABLE roles ADD FOREIGN KEY (policy_id) REFERENCES resources ON DELETE CASCADE",
    "CREATE TABLE role_memberships (role_id text NOT NULL REFERENCES roles ON DELETE CASCADE,"
    " member_id text NOT NULL REFERENCES roles ON DELETE CASCADE,"
    " admin_option boolean NOT NULL DEFAULT false, ownership boolean NOT NULL DEFAULT false,"
    " policy_id text REFERENCES resources ON DELETE CASCADE CHECK (kind(policy_id) = 'policy'),"
    " PRIMARY KEY (role_id, member_id, ownership))",
    "CREATE INDEX role_memberships_member ON role_memberships (member_id)",
    "CREATE TABLE permissions (privilege text NOT NULL,"
    " resource_id text NOT NULL REFERENCES resources ON DELETE CASCADE,"
    " role_id text NOT NULL REFERENCES roles ON DELETE CASCADE,"
    " policy_id text REFERENCES resources ON DELETE CASCADE CHECK (kind(policy_id) = 'policy'),"
    " PRIMARY KEY (resource_id, role_id, privilege))",
    "CREATE TABLE annotations (resource_id text NOT NULL REFERENCES resources ON DELETE CASCADE,"
    " name text NOT NULL, value text NOT NULL,"
    " policy_id text REFERENCES resources ON DELETE CASCADE CHECK (kind(policy_id) = 'policy'),"
    " PRIMARY KEY (resource_id, name))",
    "CREATE INDEX annotations_name ON annotations (name)",

    // What belongs to roles and resources but is not loaded with them.
    "CREATE TABLE credentials (role_id text PRIMARY KEY REFERENCES roles ON DELETE CASCADE,"
    " client_id text REFERENCES roles ON DELETE CASCADE, api_key bytea, encrypted_hash bytea,"
    " expiration timestamp, restricted_to cidr[] NOT NULL DEFAULT '{{}}')",
    "CREATE TABLE secrets (resource_id text NOT NULL REFERENCES resources ON DELETE CASCADE,"
    " version integer NOT NULL, value bytea NOT NULL, expires_at timestamp,"
    " PRIMARY KEY (resource_id, version))",
    "CREATE TABLE policy_versions (resource_id text NOT NULL REFERENCES resources ON DELETE"
    " CASCADE, role_id text NOT NULL REFERENCES roles ON DELETE CASCADE, version integer NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT transaction_timestamp(), policy_text text NOT NULL,"
    " policy_sha256 text NOT NULL, finished_at timestamptz, client_ip text,"
    " PRIMARY KEY (resource_id, version))",
    "CREATE TABLE policy_log (policy_id text NOT NULL, version integer NOT NULL,"
    " operation text NOT NULL, kind text NOT NULL, subject {0} NOT NULL,"
    " at timestamptz NOT NULL DEFAULT clock_timestamp(), FOREIGN KEY (policy_id, version)"
    " REFERENCES policy_versions ON DELETE CASCADE)",
    "CREATE INDEX policy_log_version ON policy_log (policy_id, version)",
    "CREATE TABLE resources_textsearch (resource_id text PRIMARY KEY REFERENCES resources"
    " ON DELETE CASCADE, textsearch tsvector)",
    "CREATE INDEX resources_textsearch_gist ON resources_textsearch USING gist (textsearch)",
    "CREATE TABLE slosilo_keystore (id text PRIMARY KEY, key bytea NOT NULL,"
    " fingerprint text UNIQUE NOT NULL)",

    // An owner has the role that it owns.
    "CREATE FUNCTION grant_to_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_TABLE_NAME = 'resources' THEN"
    "  INSERT INTO public.role_memberships (role_id, member_id, admin_option, ownership)"
    "  SELECT role_id, NEW.owner_id, true, true FROM public.roles"
    "  WHERE role_id = NEW.resource_id ON CONFLICT DO NOTHING;"
    " ELSE"
    "  INSERT INTO public.role_memberships (role_id, member_id, admin_option, ownership)"
    "  SELECT NEW.role_id, owner_id, true, true FROM public.resources"
    "  WHERE resource_id = NEW.role_id ON CONFLICT DO NOTHING;"
    " END IF; RETURN NULL; END $$",
    "CREATE TRIGGER grant_to_owner AFTER INSERT ON resources"
    " FOR EACH ROW EXECUTE PROCEDURE grant_to_owner()",
    "CREATE TRIGGER grant_to_owner AFTER INSERT ON roles"
    " FOR EACH ROW EXECUTE PROCEDURE grant_to_owner()",

    // Versions count up for each resource.
    "CREATE FUNCTION next_secret_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " SELECT coalesce(max(version), 0) + 1 INTO NEW.version FROM public.secrets"
    " WHERE resource_id = NEW.resource_id; RETURN NEW; END $$",
    "CREATE TRIGGER next_version BEFORE INSERT ON secrets"
    " FOR EACH ROW EXECUTE PROCEDURE next_secret_version()",
    "CREATE FUNCTION next_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " SELECT coalesce(max(version), 0) + 1 INTO NEW.version FROM public.policy_versions"
    " WHERE resource_id = NEW.resource_id; RETURN NEW; END $$",
    "CREATE TRIGGER next_version BEFORE INSERT ON policy_versions"
    " FOR EACH ROW EXECUTE PROCEDURE next_policy_version()",
    "CREATE FUNCTION current_policy_version() RETURNS SETOF policy_versions LANGUAGE sql STABLE"
    " AS $$ SELECT * FROM public.policy_versions WHERE finished_at IS NULL"
    " ORDER BY created_at DESC LIMIT 1 $$",
    "CREATE INDEX policy_versions_unfinished ON policy_versions (created_at)"
    " WHERE finished_at IS NULL",

    // What a load did is kept, record by record.
    "CREATE FUNCTION log_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$"
    " DECLARE loaded public.policy_versions; changed {0}; changed_policy text; BEGIN"
    " IF TG_OP = 'DELETE' THEN changed := {1}(OLD); changed_policy := OLD.policy_id;"
    " ELSE changed := {1}(NEW); changed_policy := NEW.policy_id; END IF;"
    " SELECT * INTO loaded FROM public.current_policy_version();"
    " IF loaded.resource_id = changed_policy THEN"
    "  INSERT INTO public.policy_log (policy_id, version, operation, kind, subject)"
    "  VALUES (loaded.resource_id, loaded.version, TG_OP, TG_TABLE_NAME, changed);"
    " END IF; RETURN NULL; END $$",

    // Full text search over names and annotations.
    "CREATE FUNCTION text_of_resource(id text) RETURNS tsvector LANGUAGE sql STABLE AS $$"
    " SELECT setweight(to_tsvector('pg_catalog.simple', translate(identifier($1), './-', '   ')),"
    " 'A') || setweight(to_tsvector('pg_catalog.simple', kind($1)), 'C')"
    " || coalesce((SELECT setweight(to_tsvector('pg_catalog.english',"
    " string_agg(value, ' ')), 'B') FROM annotations WHERE resource_id = $1), ''::tsvector) $$",
    "CREATE FUNCTION index_resource_text() RETURNS trigger LANGUAGE plpgsql"
    " SET search_path FROM CURRENT AS $$ BEGIN"
    " INSERT INTO resources_textsearch (resource_id, textsearch)"
    " VALUES (NEW.resource_id, text_of_resource(NEW.resource_id))"
    " ON CONFLICT (resource_id) DO UPDATE SET textsearch = excluded.textsearch;"
    " RETURN NULL; END $$",
    "CREATE TRIGGER index_text AFTER INSERT ON resources"
    " FOR EACH ROW EXECUTE PROCEDURE index_resource_text()",
    "CREATE TRIGGER index_text AFTER INSERT OR UPDATE ON annotations"
    " FOR EACH ROW EXECUTE PROCEDURE index_resource_text()",

    // Who may do what.
    "CREATE FUNCTION all_roles(role_id text) RETURNS TABLE (role_id text, admin_option boolean)"
    " LANGUAGE sql STABLE STRICT ROWS 2376 AS $$"
    " WITH RECURSIVE held(role_id, admin_option) AS (SELECT $1, true UNION"
    "  SELECT m.role_id, m.admin_option FROM public.role_memberships AS m"
    "  INNER JOIN held ON held.role_id = m.member_id)"
    " SELECT role_id, bool_or(admin_option) FROM held GROUP BY role_id $$",
    "CREATE FUNCTION is_role_allowed_to(role_id text, privilege text, resource_id text)"
    " RETURNS boolean LANGUAGE sql STABLE STRICT AS $$"
    " WITH held AS (SELECT all_roles.role_id FROM public.all_roles($1))"
    " SELECT EXISTS (SELECT 1 FROM public.permissions AS p INNER JOIN held USING (role_id)"
    "  WHERE p.privilege = $2 AND p.resource_id = $3)"
    " OR EXISTS (SELECT 1 FROM public.resources AS r INNER JOIN held ON held.role_id = r.owner_id"
    "  WHERE r.resource_id = $3) $$",
    "CREATE FUNCTION visible_resources(role_id text) RETURNS SETOF resources"
    " LANGUAGE sql STABLE STRICT AS $$"
    " WITH held AS (SELECT all_roles.role_id FROM public.all_roles($1))"
    " SELECT r.* FROM public.resources AS r WHERE r.owner_id IN (SELECT role_id FROM held)"
    " OR EXISTS (SELECT 1 FROM public.permissions AS p INNER JOIN held USING (role_id)"
    "  WHERE p.resource_id = r.resource_id) $$",
};

// What every database begins with; {0} is the administrator, {1} the root policy, both as literals.
constexpr std::string_view kFirstRecords[] = {
    "INSERT INTO roles (role_id) VALUES ({0}), ({1})",
    "INSERT INTO resources (resource_id, owner_id) VALUES ({1}, {0})",
    "INSERT INTO credentials (role_id, api_key) VALUES ({0}, convert_to('admin', 'UTF8'))",
    "INSERT INTO slosilo_keystore (id, key, fingerprint)"
    " VALUES ('authn:demo', convert_to('key', 'UTF8'), 'fingerprint')",
};

// Whether our tables are there already.
Result<bool> exists(Session& session) {
    const auto rows =
        session.run("set-up/look",
                    "SELECT CAST(to_regclass('public.roles') AS oid) IS NOT NULL,"
                    " coalesce(obj_description(to_regclass('public.roles'), 'pg_class'), '')");
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    if (rows->value(0, 0) != "t") {
        return false;
    }
    if (rows->value(0, 1) != kMark) {
        return failure(Error::Kind::kFailed,
                       "this database has a table public.roles that is not ours",
                       "give the workload a database of its own (createdb, --dsn dbname=…)");
    }
    return true;
}

// Makes the extension hstore, or chooses jsonb where that cannot be done: not installed, installed
// in a way that this server does not take, or not permitted. Gives the type's name.
Result<std::string> choose_subject_type(Session& session) {
    const auto rows =
        session
            .run("set-up/hstore",
                 "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;"
                 " EXCEPTION WHEN OTHERS THEN NULL; END $$")
            .and_then([&session](const Rows&) {
                return session.run("set-up/hstore",
                                   "SELECT quote_ident(n.nspname) || '.hstore' FROM pg_extension AS"
                                   " e INNER JOIN pg_namespace AS n ON n.oid = e.extnamespace"
                                   " WHERE e.extname = 'hstore'");
            });
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    if (rows->count() == 0) {
        warn("the extension hstore (contrib) cannot be made here: policy_log keeps jsonb instead");
        return "jsonb";
    }
    return std::string(rows->value(0, 0));
}

std::vector<Statement> definitions(const Session& session, const std::string& subject_type) {
    const std::string to_subject = subject_type == "jsonb" ? "to_jsonb" : subject_type;
    std::vector<Statement> statements = {{"set-up/define", kAccountFunction}};
    for (const std::string_view definition : kDefinitions) {
        statements.push_back(
            {"set-up/define", fmt::format(fmt::runtime(definition), subject_type, to_subject)});
    }
    for (const Table& table : kTables) {
        statements.push_back(
            {"set-up/define",
             fmt::format("CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON {}"
                         " FOR EACH ROW EXECUTE PROCEDURE log_policy_change()",
                         table.name)});
    }
    for (const std::string_view record : kFirstRecords) {
        statements.push_back(
            {"set-up/first-records",
             fmt::format(
                 fmt::runtime(record), session.literal(kAdmin), session.literal(kRootPolicy))});
    }
    statements.push_back(
        {"set-up/mark", fmt::format("COMMENT ON TABLE roles IS {}", session.literal(kMark))});
    return statements;
}

}  // namespace

Result<> set_up_database(Session& session) {
    return session.transaction("set-up", [&session]() -> Result<> {
        // Two drivers may begin at the same time. The functions are bound to the schema public,
        // whatever this role's own search_path is.
        auto ready = session.run({
            {"set-up/lock", "SELECT pg_advisory_xact_lock(hashtext('palloscope-workload'))"},
            {"set-up/set-search-path", "SET LOCAL search_path = public"},
        });
        if (!ready) {
            return ready;
        }
        const auto there = exists(session);
        if (!there || *there) {
            return there.map([](bool) {});
        }
        return choose_subject_type(session).and_then([&session](const std::string& type) {
            return session.run(definitions(session, type));
        });
    });
}

}  // namespace palloscope::workload::conjur
