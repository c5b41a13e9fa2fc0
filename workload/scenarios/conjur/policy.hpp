#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace palloscope::workload::conjur {

// The records of a policy, one struct for each of the tables of the same name. Ids are Conjur's:
// account, kind and identifier with colons between ("demo:group:safe-1/owners").
struct Resource {
    std::string id;
    std::string owner_id;
};

struct RoleMembership {
    std::string role_id;
    std::string member_id;
};

struct Permission {
    std::string privilege;
    std::string resource_id;
    std::string role_id;
};

struct Annotation {
    std::string resource_id;
    std::string name;
    std::string value;
};

// What is to become of records that an earlier load of the same policy made.
enum class Mode {
    kAppend,   // they stay
    kReplace,  // they go, unless the new policy has them too
};

// One policy to be loaded.
struct Policy {
    std::string id;    // the policy that it is loaded into
    std::string text;  // the YAML that the client sends
    Mode mode = Mode::kAppend;
    std::vector<std::string> roles;
    std::vector<std::string> hosts;  // those of `roles` that get an API key
    std::vector<RoleMembership> role_memberships;
    std::vector<Resource> resources;
    std::vector<Permission> permissions;
    std::vector<Annotation> annotations;
};

// Who loads, and what everything is loaded into in the end.
inline constexpr std::string_view kAdmin = "demo:user:admin";
inline constexpr std::string_view kRootPolicy = "demo:policy:root";

// The safe called `name`: a policy below the root, a group that owns it, and the group's
// permissions to create, read and update in it.
[[nodiscard]] Policy safe_policy(const std::string& name);

// The branch `apps` of that safe: a policy, a group that owns it, and a host in that group.
[[nodiscard]] Policy host_policy(const std::string& safe);

// Account number `account` of that branch: so many secrets, which its hosts may read and use.
[[nodiscard]] Policy account_policy(const std::string& safe,
                                    std::size_t account,
                                    std::size_t secrets);

// The ids of the secrets of that account, as account_policy() makes them.
[[nodiscard]] std::vector<std::string> secret_ids(const std::string& safe,
                                                  std::size_t account,
                                                  std::size_t secrets);

}  // namespace palloscope::workload::conjur
