#define _GNU_SOURCE
#include "netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

int netns_current(void) {
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int netns_enter(int netns) {
    return setns(netns, CLONE_NEWNET);
}

int interface_up(const char *name) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) return -1;
    int failed = ioctl(s, SIOCGIFFLAGS, &request);
    if (!failed) {
        request.ifr_flags |= IFF_UP;
        failed = ioctl(s, SIOCSIFFLAGS, &request);
    }
    close(s);
    return failed;
}

/* In the new namespace: the file at `path` keeps it alive when nobody is in it. */
static int pin(const char *path) {
    int file = open(path, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    close(file);
    if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL)) return -1;
    if (interface_up("lo")) return -1;
    return netns_current();
}

int netns_create(const char *path) {
    int home = netns_current();
    if (home < 0) return -1;
    int netns = -1;
    if (unshare(CLONE_NEWNET) == 0) {
        netns = pin(path);
        if (netns_enter(home)) {
            /* Stranded in the container: nothing after this could be trusted. */
            perror("return from the new network namespace");
            _exit(1);
        }
    }
    close(home);
    return netns;
}

int netns_remove(const char *path) {
    umount2(path, MNT_DETACH);
    return unlink(path);
}

bool netns_has_interface(int netns, const char *name) {
    int home = netns_current();
    bool found = home >= 0 && netns_enter(netns) == 0 && if_nametoindex(name) != 0;
    if (home < 0 || netns_enter(home)) {
        perror("return from a network namespace");
        _exit(1);
    }
    close(home);
    return found;
}
