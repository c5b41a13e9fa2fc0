// filtered [no-files|no-children]: runs under a seccomp filter that kills it for memfd_create(2)
// and may also refuse to open files, or to make children.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "tests/attach/targets/target.hpp"

int main(int count, char** arguments) {
    const unsigned refusal = count > 1 ? SECCOMP_RET_ERRNO | EACCES : SECCOMP_RET_ALLOW;
    const bool no_children = count > 1 && strcmp(arguments[1], "no-children") == 0;
    const unsigned refused = no_children ? SYS_clone : SYS_openat;
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, refusal),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{.len = 6, .filter = instructions};
    target::require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    target::require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0, "PR_SET_SECCOMP");
    target::ready();
    for (;;) {
        usleep(100);
        counter = counter + 1;
    }
}
