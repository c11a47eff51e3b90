/* A container runtime in miniature, without the containers: makes network namespaces, attaches all of them at once to the
 * networks of its directory, prints their addresses, and takes everything away again, at the end or when it is
 * interrupted with Ctrl-C, also in the middle.
 *
 *   runtime [--containers N] [--hold]     N: 1 to 1000, default 50; --hold: wait for Ctrl-C when they are attached
 *
 * All of it is in namespaces of its own (sandbox.h): the host sees nothing of it. (--here: in those that it is started
 * in, as root; SANDBOX_DIR stays.) The table goes to stdout, everything else to stderr.
 * Exit status: 0 all well, 1 something failed, 2 wrong arguments, 77 this machine cannot run it, 130 interrupted before
 * all were attached. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <libcni.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "netns.h"
#include "plugins.h"
#include "sandbox.h"
#include "steps.h"

#define CONF_DIR SANDBOX_DIR "/net.d"
#define CACHE_DIR SANDBOX_DIR "/cache"
#define LEASES_DIR SANDBOX_DIR "/leases"
#define NETNS_DIR SANDBOX_DIR "/netns"

#define NETWORK                                                                                                \
    "{\"cniVersion\": \"1.0.0\", \"name\": \"miniature\", \"plugins\": [{\"type\": \"bridge\","                 \
    " \"bridge\": \"miniature\", \"isGateway\": true, \"ipam\": {\"type\": \"host-local\","                     \
    " \"dataDir\": \"" LEASES_DIR "\", \"ranges\": [[{\"subnet\": \"10.99.0.0/16\"}]]}}]}\n"

enum {
    MOST = 1000,
    AT_ONCE = 16, /* each container has a thread and a few processes while it is worked on */
    /* How long plugins get to finish what they are at when it is interrupted. Ended in the middle, host-local may
     * leave the file of a lease without an owner in it, which nobody frees. */
    GRACE_MS = 5000,
    INTERRUPTED = 130,
};

struct container {
    char id[16], netns[64], description[128];
    bool attached;
    libcni_buf result;
    libcni_error *err; /* the last thing that failed */
    int cause;         /* or the errno of it */
};

static struct {
    libcni *cni;
    libcni_networks *networks;
    libcni_context *setting_up, *removing; /* removing has no part in an interruption */
    struct container containers[MOST];
    int count;
    int signals; /* readable when one has come */
    atomic_bool interrupted;
} runtime;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int32_t status, libcni_error *const *err) {
    if (status == LIBCNI_OK) return;
    fprintf(stderr, "%s: %s\n", libcni_status_name(status), libcni_error_message(*err));
    exit(EXIT_FAILURE);
}

/* ---- one container ---- */

static void set_up(struct container *c) {
    if (atomic_load(&runtime.interrupted)) return;
    int netns = netns_create(c->netns);
    if (netns < 0) {
        c->cause = errno;
        return;
    }
    close(netns);
    c->attached = libcni_networks_setup(runtime.networks, runtime.setting_up, c->description, &c->result, &c->err) ==
                  LIBCNI_OK;
}

/* In every state: attached, in part, or not at all. */
static void take_away(struct container *c) {
    libcni_error_free(c->err);
    c->err = NULL;
    c->cause = 0;
    libcni_networks_remove(runtime.networks, runtime.removing, c->description, &c->err);
    if (netns_remove(c->netns) && errno != ENOENT) c->cause = errno;
}

/* ---- all of them ---- */

struct work {
    void (*on)(struct container *);
    atomic_int next;
    int ended; /* counts the threads that have nothing to do any more */
};

static void *work_on_the_next(void *argument) {
    struct work *work = argument;
    for (int i; (i = atomic_fetch_add(&work->next, 1)) < runtime.count;) work->on(&runtime.containers[i]);
    eventfd_write(work->ended, 1);
    return NULL;
}

static bool signal_came(int timeout_ms) {
    struct signalfd_siginfo signal;
    struct pollfd entry = {.fd = runtime.signals, .events = POLLIN};
    return poll(&entry, 1, timeout_ms) == 1 && read(runtime.signals, &signal, sizeof signal) == sizeof signal;
}

/* The first signal lets nothing new begin; what runs has some time to end by itself, and is then cancelled. A second one
 * does not keep the containers from being removed. */
static void wait_for(struct work *work, int threads) {
    double cancel_at = 0;
    while (threads > 0) {
        struct pollfd entries[] = {{.fd = work->ended, .events = POLLIN}, {.fd = runtime.signals, .events = POLLIN}};
        double left = cancel_at > 0 ? (cancel_at - now()) * 1e3 + 1 : -1;
        if (poll(entries, 2, cancel_at > 0 && left < 0 ? 0 : (int)left) == 0) {
            libcni_context_cancel(runtime.setting_up);
            cancel_at = 0;
        }
        eventfd_t ended = 0;
        if (entries[0].revents && eventfd_read(work->ended, &ended) == 0) threads -= (int)ended;
        if (entries[1].revents && signal_came(0) && !atomic_exchange(&runtime.interrupted, true))
            cancel_at = now() + GRACE_MS / 1e3;
    }
}

static void for_all(void (*on)(struct container *)) {
    struct work work = {.on = on, .ended = eventfd(0, EFD_CLOEXEC)};
    pthread_t threads[AT_ONCE];
    int started = 0;
    while (started < AT_ONCE && started < runtime.count &&
           pthread_create(&threads[started], NULL, work_on_the_next, &work) == 0)
        started++;
    if (work.ended < 0 || started == 0) step_failed("threads: %s", strerror(errno));
    wait_for(&work, started);
    while (started > 0) pthread_join(threads[--started], NULL);
    close(work.ended);
}

/* How many containers something failed for. */
static int failures(bool told) {
    int count = 0;
    for (struct container *c = runtime.containers; c < runtime.containers + runtime.count; c++) {
        if (!c->err && !c->cause) continue;
        count++;
        if (told) fprintf(stderr, "%s: %s\n", c->id, c->err ? libcni_error_message(c->err) : strerror(c->cause));
    }
    return count;
}

/* ---- what people see ---- */

static void print_row(const char *id, const char *interface, const char *address, const char *gateway, const char *mac) {
    printf("%-9s  %-9s  %-16s  %-9s  %s\n", id, interface, address, gateway, mac);
}

/* What the networks with a gateway gave: loopback has none. */
static void print_container(const struct container *c) {
    json result = json_from(c->result.data), networks = json_member(result, "results");
    for (size_t i = 0; i < json_length(networks); i++) {
        char name[IF_NAMESIZE], address[64], gateway[64], mac[32];
        json_copy(json_member(json_element(networks, i), "ifName"), name, sizeof name);
        json interface = json_member(json_member(result, "interfaces"), name), ips = json_member(interface, "ips");
        json_copy(json_member(interface, "mac"), mac, sizeof mac);
        for (size_t k = 0; k < json_length(ips); k++) {
            json ip = json_element(ips, k);
            json_copy(json_member(ip, "address"), address, sizeof address);
            if (*json_copy(json_member(ip, "gateway"), gateway, sizeof gateway))
                print_row(c->id, name, address, gateway, mac);
        }
    }
}

static bool is_lease(const char *name) {
    struct in_addr address;
    return inet_pton(AF_INET, name, &address) == 1;
}

static bool is_any(const char *name) {
    return *name != '.';
}

static int left_in(const char *dir, const char *what, bool (*counts)(const char *)) {
    int count = 0;
    DIR *entries = opendir(dir);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (!counts(entry->d_name)) continue;
        fprintf(stderr, "left behind: %s %s\n", what, entry->d_name);
        count++;
    }
    if (entries) closedir(entries);
    return count;
}

/* What is there that belongs to a container. */
static int left_behind(void) {
    int count = left_in(LEASES_DIR "/miniature", "lease", is_lease) +
                left_in(CACHE_DIR "/results", "attachment", is_any) + left_in(NETNS_DIR, "network namespace", is_any);
    struct if_nameindex *links = if_nameindex();
    for (struct if_nameindex *link = links; link && link->if_name; link++) {
        if (strncmp(link->if_name, "veth", 4) != 0) continue;
        fprintf(stderr, "left behind: interface %s\n", link->if_name);
        count++;
    }
    if (links) if_freenameindex(links);
    return count;
}

/* ---- the program ---- */

static void make_dirs(void) {
    if (mkdir(CONF_DIR, 0700) || mkdir(NETNS_DIR, 0700)) step_failed("directories in %s: %s", SANDBOX_DIR, strerror(errno));
    FILE *file = fopen(CONF_DIR "/10-miniature.conflist", "we");
    if (!file || fputs(NETWORK, file) == EOF || fclose(file)) step_failed("%s: %s", CONF_DIR, strerror(errno));
}

static void load(void) {
    char dirs[PLUGIN_DIRS_SIZE], options[PLUGIN_DIRS_SIZE + 128];
    libcni_error *err = NULL;
    libcni_buf capabilities = LIBCNI_BUF_INIT;
    if (!plugins_find(dirs)) {
        step("plugins bridge and host-local");
        cannot_run_here("not found in %s", dirs);
    }
    snprintf(options, sizeof options, "{\"pluginDirs\": %s, \"cacheDir\": \"" CACHE_DIR "\"}", dirs);
    must(libcni_new(options, NULL, &runtime.cni, &err), &err);
    must(libcni_networks_new(runtime.cni, "{\"confDir\": \"" CONF_DIR "\", \"loopbackPlugin\": \"builtin\"}",
                             &runtime.networks, &err),
         &err);
    must(libcni_context_new(NULL, NULL, &runtime.setting_up, &err), &err);
    must(libcni_context_new("{\"timeoutMs\": 600000}", NULL, &runtime.removing, &err), &err);
    /* What is missing shows before anything is attached. */
    must(libcni_validate_network_list(runtime.cni, NULL, NETWORK, &capabilities, &err), &err);
    must(libcni_networks_status(runtime.networks, NULL, &err), &err);
    libcni_buf_free(&capabilities);
}

static void describe_containers(int count) {
    runtime.count = count;
    for (int i = 0; i < count; i++) {
        struct container *c = &runtime.containers[i];
        int number = i + 1;
        snprintf(c->id, sizeof c->id, "c%03d", number);
        snprintf(c->netns, sizeof c->netns, NETNS_DIR "/c%03d", number);
        snprintf(c->description, sizeof c->description,
                 "{\"containerId\": \"c%03d\", \"netns\": \"" NETNS_DIR "/c%03d\"}", number, number);
    }
}

/* Blocked in every thread, and read from a descriptor instead: nothing is interrupted in the middle. Plugins do not
 * inherit that, and are in process groups that a terminal's Ctrl-C does not reach. */
static void read_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    runtime.signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (runtime.signals < 0) step_failed("signalfd: %s", strerror(errno));
}

static int run(bool hold) {
    double started = now();
    for_all(set_up);
    bool failed = failures(!atomic_load(&runtime.interrupted)) > 0, all = !failed;
    for (int i = 0; i < runtime.count; i++) all = all && runtime.containers[i].attached;
    if (all) {
        fprintf(stderr, "attached %d containers in %.3f s\n", runtime.count, now() - started);
        print_row("CONTAINER", "INTERFACE", "ADDRESS", "GATEWAY", "MAC");
        for (int i = 0; i < runtime.count; i++) print_container(&runtime.containers[i]);
        fflush(stdout);
        if (hold && !atomic_load(&runtime.interrupted)) {
            fprintf(stderr, "holding: Ctrl-C removes the containers\n");
            while (!signal_came(-1)) continue;
        }
    }
    started = now();
    for_all(take_away);
    if (failures(true) + left_behind() > 0) return EXIT_FAILURE;
    fprintf(stderr, "removed %d containers in %.3f s, nothing is left\n", runtime.count, now() - started);
    if (!all && atomic_load(&runtime.interrupted)) {
        fprintf(stderr, "interrupted\n");
        return INTERRUPTED;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: runtime [--containers N] [--hold], with N from 1 to %d\n", MOST);
    exit(2);
}

int main(int argc, char **argv) {
    bool hold = false, here = false;
    long count = 50;
    for (int i = 1; i < argc; i++) {
        char *end = "";
        if (strcmp(argv[i], "--hold") == 0)
            hold = true;
        else if (strcmp(argv[i], "--here") == 0)
            here = true;
        else if (strcmp(argv[i], "--containers") == 0 && i + 1 < argc)
            count = strtol(argv[++i], &end, 10);
        else
            usage();
        if (*end || count < 1 || count > MOST) usage();
    }
    steps_to(stderr);
    read_signals();
    if (here)
        sandbox_here();
    else
        sandbox_enter();
    make_dirs();
    load();
    describe_containers((int)count);
    int status = run(hold);

    for (int i = 0; i < runtime.count; i++) {
        libcni_buf_free(&runtime.containers[i].result);
        libcni_error_free(runtime.containers[i].err);
    }
    libcni_context_free(runtime.setting_up);
    libcni_context_free(runtime.removing);
    libcni_networks_free(runtime.networks);
    libcni_free(runtime.cni);
    close(runtime.signals);
    return status;
}
