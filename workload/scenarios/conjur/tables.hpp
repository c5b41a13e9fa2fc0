#pragma once

#include <array>
#include <span>
#include <string_view>

namespace palloscope::workload::conjur {

// One of the five tables that a policy consists of. `created_at`, where a table has it, is left to
// its default.
struct Table {
    std::string_view name;
    std::span<const std::string_view> key;
    std::span<const std::string_view> values;  // the columns that are compared besides
};

namespace columns {

inline constexpr std::array<std::string_view, 1> kRoleKey = {"role_id"};
inline constexpr std::array<std::string_view, 1> kRoleValues = {"policy_id"};
inline constexpr std::array<std::string_view, 3> kMembershipKey = {
    "role_id", "member_id", "ownership"};
inline constexpr std::array<std::string_view, 2> kMembershipValues = {"admin_option", "policy_id"};
inline constexpr std::array<std::string_view, 1> kResourceKey = {"resource_id"};
inline constexpr std::array<std::string_view, 2> kResourceValues = {"owner_id", "policy_id"};
inline constexpr std::array<std::string_view, 3> kPermissionKey = {
    "resource_id", "role_id", "privilege"};
inline constexpr std::array<std::string_view, 1> kPermissionValues = {"policy_id"};
inline constexpr std::array<std::string_view, 2> kAnnotationKey = {"resource_id", "name"};
inline constexpr std::array<std::string_view, 2> kAnnotationValues = {"value", "policy_id"};

}  // namespace columns

// In the order in which they are filled.
inline constexpr std::array<Table, 5> kTables = {{
    {"roles", columns::kRoleKey, columns::kRoleValues},
    {"role_memberships", columns::kMembershipKey, columns::kMembershipValues},
    {"resources", columns::kResourceKey, columns::kResourceValues},
    {"permissions", columns::kPermissionKey, columns::kPermissionValues},
    {"annotations", columns::kAnnotationKey, columns::kAnnotationValues},
}};

}  // namespace palloscope::workload::conjur
