#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace palloscope {

// A container, as far as the names of control groups tell.
struct Container {
    // "docker", "containerd", "cri-o", "podman"; "kubernetes" where only the pod's group is named
    // (the driver cgroupfs), and empty where nothing tells the engine.
    std::string engine;
    std::string id;  // 64 hexadecimal digits

    // The digits that `docker ps` and `podman ps` show, and the beginning of those of `crictl ps`.
    [[nodiscard]] std::string_view short_id() const;

    bool operator==(const Container&) const = default;
};

// The innermost container of the control groups of a process, from the text of /proc/PID/cgroup;
// none where no group is named as a container's.
[[nodiscard]] std::optional<Container> parse_container(std::string_view groups);

// The same of a process; none also where it is gone.
[[nodiscard]] std::optional<Container> read_container(pid_t pid);

}  // namespace palloscope
