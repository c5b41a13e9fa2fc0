#include "attach/container.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "attach/proc.hpp"
#include "attach/proc_text.hpp"

namespace palloscope {

namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShortIdDigits = 12;

// What stands before the ID in the name of a group, and whose it is. Docker and podman:
// docker-ID.scope (libcontainerd/…/SystemdCgroupPrefix), libpod-ID.scope (podman,
// libpod/container_internal_common.go), libpod-payload-ID with --cgroups=split; containerd's CRI:
// cri-containerd-ID.scope, below one slice a pod, or SLICE:cri-containerd:ID where runc does not
// know that systemd is there; CRI-O: crio-ID.scope (internal/config/cgmgr/cgmgr.go).
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kPrefixes{{
    {"docker", "docker"},
    {"cri-containerd", "containerd"},
    {"nerdctl", "containerd"},
    {"crio", "cri-o"},
    {"libpod", "podman"},
    {"libpod-payload", "podman"},
}};

// The same of the driver cgroupfs, which leaves a folder above the bare ID.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kParents{{
    {"docker", "docker"},
    {"default", "containerd"},  // the namespace of ctr and nerdctl
    {"k8s.io", "containerd"},
}};

template <std::size_t N>
std::string_view engine_of(
    const std::array<std::pair<std::string_view, std::string_view>, N>& engines,
    std::string_view name) {
    const auto* const found =
        std::ranges::find(engines, name, [](const auto& e) { return e.first; });
    return found == engines.end() ? std::string_view() : found->second;
}

bool is_id(std::string_view text) {
    return text.size() == kIdDigits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The container of one folder's name; `above` is the path before it.
std::optional<Container> container_of(std::string_view name, std::string_view above) {
    constexpr std::string_view kScope = ".scope";
    if (name.ends_with(kScope)) {
        name.remove_suffix(kScope.size());
    }
    if (name.size() < kIdDigits || !is_id(name.substr(name.size() - kIdDigits))) {
        return std::nullopt;
    }
    std::string id(name.substr(name.size() - kIdDigits));
    name.remove_suffix(kIdDigits);
    if (name.empty()) {
        const std::string_view parent = above.substr(above.rfind('/') + 1);
        const bool is_pod = above.find("kubepods") != std::string_view::npos;
        return Container{.engine = std::string(is_pod ? "kubernetes" : engine_of(kParents, parent)),
                         .id = std::move(id)};
    }
    const char separator = name.back();
    name.remove_suffix(1);
    if (separator == ':') {
        name.remove_prefix(name.rfind(':') + 1);
    } else if (separator != '-') {
        return std::nullopt;
    }
    // Other names are of what stands beside a container, such as its monitor (libpod-conmon-ID).
    const std::string_view engine = engine_of(kPrefixes, name);
    return engine.empty() ? std::nullopt
                          : std::optional(Container{std::string(engine), std::move(id)});
}

std::optional<Container> container_of_path(std::string_view path) {
    // From the innermost folder outwards: every path begins with a slash.
    for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos;
         slash = path.rfind('/')) {
        const std::string_view name = path.substr(slash + 1);
        path = path.substr(0, slash);
        if (auto container = container_of(name, path)) {
            return container;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view Container::short_id() const {
    return std::string_view(id).substr(0, kShortIdDigits);
}

std::optional<Container> parse_container(std::string_view groups) {
    std::optional<Container> container;
    for_each_line(groups, [&](std::string_view line) {
        // hierarchy:controllers:path (cgroups(7)); the path may hold colons.
        const std::size_t controllers = line.find(':');
        const std::size_t path = line.find(':', controllers + 1);
        if (!container && controllers != std::string_view::npos && path != std::string_view::npos) {
            container = container_of_path(line.substr(path + 1));
        }
    });
    return container;
}

std::optional<Container> read_container(pid_t pid) {
    const auto groups = read_control_groups(pid);
    return groups ? parse_container(*groups) : std::nullopt;
}

}  // namespace palloscope
