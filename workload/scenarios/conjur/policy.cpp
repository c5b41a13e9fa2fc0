#include "workload/scenarios/conjur/policy.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace palloscope::workload::conjur {

namespace {

std::string policy_id(const std::string& identifier) {
    return fmt::format("demo:policy:{}", identifier);
}

// Adds a policy with a group that owns it, both loaded by `policy`.
void add_owned_policy(Policy& policy, const std::string& identifier, const std::string& group) {
    const std::string id = policy_id(identifier);
    policy.roles.insert(policy.roles.end(), {group, id});
    policy.resources.push_back({.id = group, .owner_id = policy.id});
    policy.resources.push_back({.id = id, .owner_id = group});
}

}  // namespace

Policy safe_policy(const std::string& name) {
    const std::string group = fmt::format("demo:group:{}-owners", name);
    const std::string safe = policy_id(name);
    Policy policy{.id = std::string(kRootPolicy)};
    add_owned_policy(policy, name, group);
    for (const char* privilege : {"create", "read", "update"}) {
        policy.permissions.push_back(
            {.privilege = privilege, .resource_id = safe, .role_id = group});
    }
    policy.annotations.push_back({.resource_id = safe, .name = "description", .value = name});
    policy.text = fmt::format(
        "- !group {0}-owners\n- !policy\n  id: {0}\n  owner: !group {0}-owners\n- !permit\n"
        "  role: !group {0}-owners\n  privileges: [create, read, update]\n"
        "  resource: !policy {0}\n",
        name);
    return policy;
}

Policy host_policy(const std::string& safe) {
    const std::string group = fmt::format("demo:group:{}/apps-owners", safe);
    const std::string host = fmt::format("demo:host:{}/apps/host", safe);
    Policy policy{.id = policy_id(safe), .mode = Mode::kReplace};
    add_owned_policy(policy, fmt::format("{}/apps", safe), group);
    policy.roles.push_back(host);
    policy.hosts.push_back(host);
    policy.resources.push_back({.id = host, .owner_id = policy_id(fmt::format("{}/apps", safe))});
    policy.role_memberships.push_back({.role_id = group, .member_id = host});
    policy.annotations.push_back({.resource_id = host, .name = "authn/api-key", .value = "true"});
    policy.text =
        "- !group apps-owners\n- !policy\n  id: apps\n  owner: !group apps-owners\n"
        "  body:\n  - !host host\n- !grant\n  role: !group apps-owners\n  member: !host "
        "apps/host\n";
    return policy;
}

std::vector<std::string> secret_ids(const std::string& safe,
                                    std::size_t account,
                                    std::size_t secrets) {
    std::vector<std::string> ids;
    for (std::size_t secret = 1; secret <= secrets; ++secret) {
        ids.push_back(
            fmt::format("demo:variable:{}/apps/account-{}/secret-{}", safe, account, secret));
    }
    return ids;
}

Policy account_policy(const std::string& safe, std::size_t account, std::size_t secrets) {
    Policy policy{.id = policy_id(fmt::format("{}/apps", safe))};
    const std::string group = fmt::format("demo:group:{}/apps-owners", safe);
    std::vector<std::string> lines;
    for (const std::string& id : secret_ids(safe, account, secrets)) {
        policy.resources.push_back({.id = id, .owner_id = policy.id});
        for (const char* privilege : {"read", "execute"}) {
            policy.permissions.push_back(
                {.privilege = privilege, .resource_id = id, .role_id = group});
        }
        policy.annotations.push_back(
            {.resource_id = id, .name = "account", .value = fmt::format("account-{}", account)});
        lines.push_back(fmt::format("- !variable {}\n", id));
    }
    policy.text = fmt::format("{}", fmt::join(lines, ""));
    return policy;
}

}  // namespace palloscope::workload::conjur
