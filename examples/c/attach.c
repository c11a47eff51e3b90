/* Attaches a container to a network with real CNI plugins, shows that it works, and takes it apart again.
 *
 *   attach          prints every step and the result as a table
 *   attach --json   prints only the result, as JSON, on stdout, and the steps on stderr
 *
 * Everything happens in namespaces that vanish with the process (sandbox.h), with root rights or without.
 * Exit status: 0 all well, 1 something failed, 77 this machine cannot run it. */
#define _GNU_SOURCE
#include <errno.h>
#include <libcni.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"
#include "json.h"
#include "netns.h"
#include "plugins.h"
#include "result.h"
#include "sandbox.h"
#include "steps.h"

#define NETWORK "demo"
#define NETNS SANDBOX_DIR "/container"
#define CACHE_DIR SANDBOX_DIR "/cache"
#define LEASES_DIR SANDBOX_DIR "/leases"
enum { HOST_PORT = 8080, CONTAINER_PORT = 80 }; /* as in RUNTIME_CONF */

/* A network is a list of plugins. The first makes the cable and has the address made; the others improve on it. */
#define BRIDGE                                                                                                 \
    "{\"type\": \"bridge\", \"bridge\": \"cni-demo0\", \"isGateway\": true,"                                   \
    " \"ipam\": {\"type\": \"host-local\", \"dataDir\": \"" LEASES_DIR "\","                                   \
    "            \"ranges\": [[{\"subnet\": \"10.88.0.0/24\"}]], \"routes\": [{\"dst\": \"0.0.0.0/0\"}]},"     \
    " \"dns\": {\"nameservers\": [\"10.88.0.1\"], \"domain\": \"demo.example\"}}"
#define TUNING "{\"type\": \"tuning\", \"capabilities\": {\"mac\": true}}"
#define PORTMAP "{\"type\": \"portmap\", \"capabilities\": {\"portMappings\": true}}"

/* The attachment: which container, where, under which name, and what its network's plugins should know. */
#define RUNTIME_CONF                                                                                           \
    "{\"containerId\": \"demo-container\", \"netns\": \"" NETNS "\", \"ifName\": \"eth0\","                    \
    " \"capabilityArgs\": {\"mac\": \"02:00:00:c0:ff:ee\","                                                    \
    "   \"portMappings\": [{\"hostPort\": 8080, \"containerPort\": 80, \"protocol\": \"tcp\"}]}}"

/* What this machine's kernel and plugins can do decides how much of it there is. */
struct network {
    const char *version;
    bool tuning, portmap;
    char plugins[64], list[2048];
};

static void describe(struct network *n) {
    snprintf(n->plugins, sizeof n->plugins, "bridge%s%s", n->tuning ? ", tuning" : "", n->portmap ? ", portmap" : "");
    snprintf(n->list, sizeof n->list, "{\"cniVersion\": \"%s\", \"name\": \"" NETWORK "\", \"plugins\": [%s%s%s]}",
             n->version, BRIDGE, n->tuning ? ", " TUNING : "", n->portmap ? ", " PORTMAP : "");
}

/* Everything the demo asks libcni for has to succeed. An error says what it is in three ways: a status to
 * branch on, the plugin's own code, and a message for people. Ends the program, so nobody frees it. */
static void must(int32_t status, libcni_error *const *err) {
    if (status == LIBCNI_OK) return;
    step_failed("%s (plugin's code %u): %s", libcni_status_name(status), (unsigned)libcni_error_code(*err),
                libcni_error_message(*err));
}

/* Ctrl-C ends the plugin that runs and makes the call return; the step then fails. */
static libcni_context *interruptible;

static void interrupt(int signal) {
    (void)signal;
    libcni_context_cancel(interruptible);
}

static libcni *open_libcni(void) {
    char options[PLUGIN_DIRS_SIZE + 128];
    char dirs[PLUGIN_DIRS_SIZE];
    step("plugins bridge and host-local");
    if (!plugins_find(dirs))
        cannot_run_here("not found in %s\n"
                        "      get them: apt-get install containernetworking-plugins, or unpack a release of\n"
                        "      https://github.com/containernetworking/plugins and set CNI_PATH to its directory",
                        dirs);
    step_ok();
    snprintf(options, sizeof options, "{\"pluginDirs\": %s, \"cacheDir\": \"" CACHE_DIR "\"}", dirs);

    libcni *cni = NULL;
    libcni_error *err = NULL;
    step("libcni %s, ABI %u", libcni_version(), (unsigned)libcni_abi_version());
    must(libcni_new(options, NULL, &cni, &err), &err);
    must(libcni_context_new("{\"timeoutMs\": 60000}", NULL, &interruptible, &err), &err);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    step_ok();
    return cni;
}

/* Leaves out what the error is about, when the demo can do without. Only what this machine's plugins say is a
 * reason to: anything else is a failure. */
static bool do_without(struct network *n, const libcni_error *err) {
    enum { INCOMPATIBLE_CNI_VERSION = 1 }; /* a code of the CNI specification */
    char plugin[64];
    int32_t status = libcni_error_status(err);
    if (status != LIBCNI_ERR_PLUGIN && status != LIBCNI_ERR_PLUGIN_NOT_FOUND) return false;
    json_copy(json_member(json_from(libcni_error_json(err)), "plugin"), plugin, sizeof plugin);
    if (libcni_error_code(err) == INCOMPATIBLE_CNI_VERSION && strcmp(n->version, "1.0.0") == 0)
        n->version = "0.4.0"; /* what plugins of 2021 speak */
    else if (n->portmap && strcmp(plugin, "portmap") == 0) /* needs iptables and its kernel modules */
        n->portmap = false;
    else if (n->tuning && strcmp(plugin, "tuning") == 0)
        n->tuning = false;
    else
        return false;
    describe(n);
    return true;
}

/* ADD, with as much of the network as works here. What ran before a failing plugin stays, so a DEL of the
 * plugins that remain follows. */
static void add(const libcni *cni, struct network *n, libcni_buf *result) {
    for (;;) {
        libcni_error *err = NULL;
        step("ADD    %s", n->plugins);
        if (libcni_add_network_list(cni, interruptible, n->list, RUNTIME_CONF, result, &err) == LIBCNI_OK) break;
        if (!do_without(n, err)) must(libcni_error_status(err), &err);
        step_skipped("%s: %s", libcni_status_name(libcni_error_status(err)), libcni_error_message(err));
        bool something_ran = libcni_error_status(err) == LIBCNI_ERR_PLUGIN;
        libcni_error_free(err);
        err = NULL;
        if (something_ran) must(libcni_del_network_list(cni, interruptible, n->list, RUNTIME_CONF, &err), &err);
    }
    step_ok();
}

static void talk(const char *what, int kind, int client_netns, endpoint dialled, endpoint server) {
    step("%s", what);
    const char *failure = exchange(kind, client_netns, dialled, server);
    if (failure) step_failed("%s: %s", failure, strerror(errno));
    step_ok();
}

static void show_connectivity(const struct network *network, int host, int container, json result) {
    char address[64], gateway[64], what[160];
    result_address(result, address, sizeof address);
    result_gateway(result, gateway, sizeof gateway);
    endpoint web = {container, address, CONTAINER_PORT}, mapped = {host, gateway, HOST_PORT};
    endpoint to_host = {host, gateway, 5353};

    snprintf(what, sizeof what, "TCP    host -> container, %s:%d", address, CONTAINER_PORT);
    talk(what, SOCK_STREAM, host, web, web);
    snprintf(what, sizeof what, "UDP    container -> host, %s:%d", gateway, to_host.port);
    talk(what, SOCK_DGRAM, container, to_host, to_host);
    if (!network->portmap) return;
    snprintf(what, sizeof what, "TCP    mapped port, %s:%d -> container, port %d", gateway, HOST_PORT, CONTAINER_PORT);
    talk(what, SOCK_STREAM, host, mapped, web);
}

/* The four traces of an attachment; all there after ADD, none after DEL. */
static void expect_traces(const libcni *cni, const struct network *network, int container, json result, bool there) {
    char cable[64], address[64], lease[256];
    libcni_buf cached = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    const char *word = there ? "there" : "gone";
    result_host_interface(result, cable, sizeof cable);
    snprintf(lease, sizeof lease, LEASES_DIR "/" NETWORK "/%s", result_address(result, address, sizeof address));

    step("%-6s eth0 in the container", word);
    if (netns_has_interface(container, "eth0") != there) step_failed("it is %s there", there ? "not" : "still");
    step_ok();
    step("%-6s %s on the bridge", word, cable);
    if ((if_nametoindex(cable) != 0) != there) step_failed("it is %s there", there ? "not" : "still");
    step_ok();
    step("%-6s lease of %s", word, address);
    if ((access(lease, F_OK) == 0) != there) step_failed("%s is %s there", lease, there ? "not" : "still");
    step_ok();
    step("%-6s result in libcni's cache", word);
    must(libcni_get_network_list_cached_result(cni, network->list, RUNTIME_CONF, &cached, &err), &err);
    if ((strcmp(cached.data, "null") != 0) != there) step_failed("it is %s there", there ? "not" : "still");
    step_ok();
    libcni_buf_free(&cached);
}

static void check(const libcni *cni, const struct network *network) {
    libcni_error *err = NULL;
    step("CHECK");
    must(libcni_check_network_list(cni, interruptible, network->list, RUNTIME_CONF, &err), &err);
    step_ok();
}

static void del(const libcni *cni, const struct network *network, const char *which) {
    libcni_error *err = NULL;
    step("DEL    %s", which);
    must(libcni_del_network_list(cni, interruptible, network->list, RUNTIME_CONF, &err), &err);
    step_ok();
}

static void attach(const libcni *cni, int host, int container, bool raw) {
    libcni_buf result = LIBCNI_BUF_INIT, readable = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    struct network network = {.version = "1.0.0", .tuning = true, .portmap = true};
    describe(&network);
    add(cni, &network, &result);
    /* The result has the network's version; this one reader wants a single shape. */
    must(libcni_result_convert(result.data, "1.0.0", &readable, &err), &err);
    json attached = json_from(readable.data);
    if (raw) puts(result.data);
    result_print(steps_stream(), attached);

    expect_traces(cni, &network, container, attached, true);
    show_connectivity(&network, host, container, attached);
    check(cni, &network);
    del(cni, &network, "");
    expect_traces(cni, &network, container, attached, false);
    del(cni, &network, "once more, which is no error");
    libcni_buf_free(&result);
    libcni_buf_free(&readable);
}

int main(int argc, char **argv) {
    bool raw = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !raw) {
        fprintf(stderr, "usage: attach [--json]\n");
        return 2;
    }
    if (raw) steps_to(stderr);

    libcni *cni = open_libcni();
    sandbox_enter();
    int host = netns_current();
    step("network namespace of a container: %s", NETNS);
    int container = netns_create(NETNS);
    if (container < 0) step_failed("%s", strerror(errno));
    step_ok();

    attach(cni, host, container, raw);

    netns_remove(NETNS);
    close(container);
    close(host);
    libcni_context_free(interruptible);
    libcni_free(cni);
    fprintf(steps_stream(), "\n  Attached, checked and detached in %.1f s. Nothing is left on this machine.\n",
            steps_seconds());
    return EXIT_SUCCESS;
}
