#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "steps.h"

static bool write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    ssize_t written = write(file, text, strlen(text));
    int cause = errno;
    close(file);
    errno = cause;
    return written == (ssize_t)strlen(text);
}

static bool switch_is(const char *path, char value) {
    FILE *file = fopen(path, "re");
    if (!file) return false;
    int found = fgetc(file);
    fclose(file);
    return found == value;
}

/* Distributions and administrators have several switches for this; name the one that is off. */
static const char *way_out(void) {
    if (switch_is("/proc/sys/user/max_user_namespaces", '0'))
        return "allow user namespaces: sysctl -w user.max_user_namespaces=10000";
    if (switch_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
        return "allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1, or run as root";
    if (switch_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
        return "allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root";
    return "inside a container, give it the right to make namespaces (for example --privileged); "
           "elsewhere, look at its seccomp and security module rules";
}

/* Inside, this process is root; outside, it stays who it was. */
static bool map_identity(uid_t uid, gid_t gid) {
    char map[64];
    if (!write_file("/proc/self/setgroups", "deny") && errno != ENOENT) return false;
    snprintf(map, sizeof map, "0 %lu 1", (unsigned long)uid);
    if (!write_file("/proc/self/uid_map", map)) return false;
    snprintf(map, sizeof map, "0 %lu 1", (unsigned long)gid);
    return write_file("/proc/self/gid_map", map);
}

static void new_namespaces(void) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    step("private user, mount and network namespaces");
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0) {
        if (!map_identity(uid, gid))
            cannot_run_here("this machine forbids user namespaces: map user %lu: %s; %s", (unsigned long)uid,
                            strerror(errno), way_out());
        step_ok();
        return;
    }
    int cause = errno;
    /* Real root can do without a user namespace, where those are switched off. */
    if (uid != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET))
        cannot_run_here("this machine forbids namespaces: unshare: %s; %s", strerror(cause), way_out());
    step_ok();
    note("without a user namespace (%s), as root", strerror(cause));
}

/* Memory over /run takes what the demo and the plugins leave behind: the lock file of iptables, too. */
static void private_files(void) {
    step("private files in memory: /run");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        cannot_run_here("this machine forbids private mounts: %s; %s", strerror(errno), way_out());
    if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"))
        cannot_run_here("this machine forbids to mount memory on /run: %s; %s", strerror(errno), way_out());
    step_ok();
}

static void private_network(void) {
    step("loopback of the private \"host\" network");
    if (interface_up("lo")) cannot_run_here("lo: %s; %s", strerror(errno), way_out());
    if (access("/proc/sys/net/ipv4/ip_forward", W_OK))
        cannot_run_here("/proc/sys/net cannot be written (%s), but the bridge plugin turns forwarding on; %s",
                        strerror(errno), way_out());
    step_ok();
}

/* Links the program `name` into `dir`, from wherever the path or the system's own directories have it. */
static void link_tool(const char *name, const char *dir) {
    const char *path = getenv("PATH");
    char search[8192], *rest = search, *from;
    snprintf(search, sizeof search, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    while ((from = strsep(&rest, ":"))) {
        char tool[4200], link[4200];
        snprintf(tool, sizeof tool, "%s/%s", from, name);
        snprintf(link, sizeof link, "%s/%s", dir, name);
        if (*from && access(tool, X_OK) == 0 && symlink(tool, link) == 0) return;
    }
}

/* The programs that plugins call. Ordinary users often lack /usr/sbin in their path. And ip6tables stays out:
 * with it at hand, portmap before 1.3 looks in CHECK for IPv6 rules of a network that has IPv4 only
 * (containernetworking/plugins#819). */
static void tools_of_plugins(void) {
    if (mkdir(SANDBOX_DIR "/tools", 0700)) step_failed("mkdir %s: %s", SANDBOX_DIR "/tools", strerror(errno));
    link_tool("iptables", SANDBOX_DIR "/tools");
    link_tool("nft", SANDBOX_DIR "/tools");
    setenv("PATH", SANDBOX_DIR "/tools", 1);
}

void sandbox_here(void) {
    step("directory %s", SANDBOX_DIR);
    if (mkdir(SANDBOX_DIR, 0700)) step_failed("%s", strerror(errno));
    step_ok();
    private_network();
    tools_of_plugins();
}

void sandbox_enter(void) {
    new_namespaces();
    private_files();
    sandbox_here();
}
