/* The networks of a container: loading, set-up and undoing, removal, readiness, counters, threads. What is wrong with
 * arguments is in networks_input.c, watching in networks_watch.c. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <libcni.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "node.h"
#include "test.h"

#define REFUSE(code, msg) "{\"stdout\": {\"code\": " code ", \"msg\": \"" msg "\"}, \"exit\": 1}"

/* ---- loading ---- */

static void networks_of_a_directory_are_numbered_in_file_order(void) {
    libcni *cni = new_cni("");
    put_network("20-b.conflist", "b", "");
    put_network("10-a.conflist", "a", "");
    write_file(text("%s/15-c.conf", conf_dir()), "{\"cniVersion\": \"1.0.0\", \"name\": \"c\", \"type\": \"first\"}");
    write_file(text("%s/30-broken.conflist", conf_dir()), "{");
    write_file(text("%s/40-again.conflist", conf_dir()), named_network("a", plugin("first", "")));
    libcni_networks *networks = new_networks(cni, "\"interfacePrefix\": \"net\"");
    CHECK_TEXT("a net0, c net1, b net2", loaded(networks));
    const char *config = config_of(networks);
    CHECK_TEXT(conf_dir(), at(config, "confDir"));
    CHECK_TEXT("net", at(config, "interfacePrefix"));
    CHECK_TEXT(plugin_dir(), at(config, "pluginDirs.0"));
    CHECK_TEXT("1", at(config, "generation"));
    CHECK_TEXT(text("%s/10-a.conflist", conf_dir()), at(config, "networks.0.path"));
    CHECK_TEXT("false", at(config, "networks.0.loopback"));
    CHECK_TEXT("first", at(config, "networks.0.list.plugins.0.type"));
    CHECK_TEXT(read_file(text("%s/10-a.conflist", conf_dir())), at(config, "networks.0.listText"));
    CHECK_TEXT(text("%s/30-broken.conflist", conf_dir()), at(config, "errors.0.path"));
    CHECK_TEXT("INVALID_CONFIG", at(config, "errors.0.status"));
    CHECK_CONTAINS("30-broken.conflist", at(config, "errors.0.message"));
    CHECK_TEXT(text("%s/40-again.conflist", conf_dir()), at(config, "errors.1.path"));
    CHECK_TEXT("INVALID_CONFIG", at(config, "errors.1.status"));
    const char *twice = "%s/40-again.conflist is left out: the network \"a\" is already that of %s/10-a.conflist";
    CHECK_TEXT(text(twice, conf_dir(), conf_dir()), at(config, "errors.1.message"));
    CHECK(at(config, "errors.2") == NULL);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void loopback_is_the_first_network_and_has_no_number(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = NULL;
    /* Loopback, and the first network of the directory, are the default. */
    const char *options = text("{\"confDir\": \"%s\"}", conf_dir());
    CHECK_STATUS(LIBCNI_OK, libcni_networks_new(cni, options, &networks, NULL));
    CHECK_TEXT("cni-loopback lo, a eth0", loaded(networks));
    CHECK_TEXT("true", at(config_of(networks), "networks.0.loopback"));
    CHECK_TEXT("null", at(config_of(networks), "networks.0.path"));
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_load_takes_other_sources_and_one_that_fails_changes_nothing(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    libcni_buf config = LIBCNI_BUF_INIT;
    const char *sources = text("[{\"confList\": %s, \"index\": 7}, {\"dir\": \"%s\"}]",
                               named_network("x", plugin("first", "")), conf_dir());
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, sources, &config, NULL));
    CHECK_TEXT("x", at(config.data, "networks.0.name"));
    CHECK_TEXT("2", at(config.data, "generation"));
    CHECK_TEXT("x eth7, a eth1", loaded(networks));
    libcni_buf_free(&config);

    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_IO, libcni_networks_load(networks, "[{\"confListFile\": \"/no/such\"}]", &config, &err));
    CHECK_CONTAINS("/no/such", libcni_error_message(err));
    CHECK(config.data == NULL);
    CHECK_TEXT("x eth7, a eth1", loaded(networks));
    libcni_error_free(err);

    put_network("0.conflist", "first", "");
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, NULL, &config, NULL));
    CHECK_TEXT("x eth7, first eth1", loaded(networks));
    CHECK_TEXT("3", at(config.data, "generation"));
    libcni_buf_free(&config);
    libcni_networks_free(networks);
    libcni_free(cni);
}

/* ---- calls ---- */

#define IN_RESULT                                                                                              \
    "\"ADD\": {\"stdout\": {\"cniVersion\": \"1.1.0\", \"interfaces\": [{\"name\": \"veth0\"},"                  \
    " {\"name\": \"eth0\", \"mac\": \"02:00:00:00:00:01\", \"mtu\": 1400, \"sandbox\": \"/n\"}],"                \
    " \"ips\": [{\"address\": \"10.0.0.2/24\", \"gateway\": \"10.0.0.1\", \"interface\": 1}],"                   \
    " \"routes\": [{\"dst\": \"0.0.0.0/0\"}], \"dns\": {\"nameservers\": [\"10.0.0.1\"]}}}"

static void a_container_is_set_up_checked_and_removed(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", IN_RESULT);
    put_network("2.conflist", "b", "");
    libcni_networks *networks = new_networks(cni, "");
    /* The networks keep their runtime. */
    libcni_free(cni);
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    CHECK_TEXT("a", at(result.data, "interfaces.eth0.network"));
    CHECK_TEXT("02:00:00:00:00:01", at(result.data, "interfaces.eth0.mac"));
    CHECK_TEXT("1400", at(result.data, "interfaces.eth0.mtu"));
    CHECK_TEXT("/n", at(result.data, "interfaces.eth0.sandbox"));
    CHECK_TEXT("10.0.0.2/24", at(result.data, "interfaces.eth0.ips.0.address"));
    CHECK_TEXT("10.0.0.1", at(result.data, "interfaces.eth0.ips.0.gateway"));
    CHECK_TEXT("b", at(result.data, "interfaces.eth1.network"));
    CHECK_TEXT("10.0.0.1", at(result.data, "dns.0.nameservers.0"));
    CHECK_TEXT("0.0.0.0/0", at(result.data, "routes.0.dst"));
    CHECK_TEXT("a", at(result.data, "results.0.network"));
    CHECK_TEXT("eth1", at(result.data, "results.1.ifName"));
    CHECK_TEXT("1.1.0", at(result.data, "results.1.result.cniVersion"));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_check(networks, NULL, container(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_status(networks, NULL, NULL));
    const char *without_netns = "{\"containerId\": \"box\"}";
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, without_netns, NULL));
    CHECK_TEXT("ADD a eth0, ADD b eth1, CHECK a eth0, CHECK b eth1, STATUS a, STATUS b, DEL b eth1, DEL a eth0",
               asked());
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_NOT_ADDED, libcni_networks_check(networks, NULL, container(""), &err));
    CHECK_TEXT("b", at(libcni_error_json(err), "causes.1.attachment.networkName"));
    libcni_error_free(err);
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, without_netns, NULL));
    libcni_buf_free(&result);
    libcni_networks_free(networks);
}

static void a_container_chooses_networks_interfaces_and_arguments(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "");
    libcni_networks *networks = new_networks(cni, "");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *chosen = container("\"cniArgs\": [[\"A\", \"1\"], [\"B\", \"2\"]], \"networks\": [{\"name\": \"b\", "
                                   "\"ifName\": \"own0\", \"cniArgs\": [[\"B\", \"3\"]]}]");
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, chosen, &result, NULL));
    CHECK_TEXT("A=1;B=3", called_with(0, "CNI_ARGS"));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, chosen, NULL));
    CHECK_TEXT("ADD b own0, DEL b own0", asked());
    libcni_buf_free(&result);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void setup_fails(const libcni_networks *networks, const char *container) {
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_networks_setup(networks, NULL, container, &result, &err));
    CHECK(result.data == NULL);
    CHECK(libcni_error_code(err) == 111);
    CHECK_CONTAINS("failed to set up network \"b\" for interface \"eth1\"", libcni_error_message(err));
    CHECK_TEXT("b", at(libcni_error_json(err), "causes.0.attachment.networkName"));
    libcni_error_free(err);
}

static void a_network_in_the_middle_that_fails_undoes_the_set_up(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "\"DEL\": " REFUSE("112", "nor this"));
    put_network("2.conflist", "b", "\"ADD\": " REFUSE("111", "not that"));
    put_network("3.conflist", "c", "");
    libcni_networks *networks = new_networks(cni, "");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_networks_setup(networks, NULL, container(""), &result, &err));
    CHECK_TEXT("111", at(libcni_error_json(err), "causes.0.code"));
    CHECK_TEXT("112", at(libcni_error_json(err), "causes.1.code"));
    CHECK_CONTAINS("failed to undo the set-up of network \"a\"", at(libcni_error_json(err), "causes.1.message"));
    CHECK(at(libcni_error_json(err), "causes.2") == NULL);
    CHECK_TEXT("ADD a eth0, ADD b eth1, DEL b eth1, DEL a eth0", asked());
    libcni_error_free(err);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void without_undo_what_was_attached_stays(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "\"ADD\": " REFUSE("111", "no"));
    libcni_networks *networks = new_networks(cni, "\"undo\": false");
    setup_fails(networks, container(""));
    CHECK_TEXT("ADD a eth0, ADD b eth1", asked());
    CHECK(exists(text("%s/cache/results/a-box-eth0", scratch())));
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_removal_goes_on_after_failures(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "\"DEL\": " REFUSE("101", "no"));
    put_network("2.conflist", "b", "");
    put_network("3.conflist", "c", "\"DEL\": " REFUSE("103", "no"));
    libcni_networks *networks = new_networks(cni, "");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_networks_remove(networks, NULL, container(""), &err));
    CHECK(libcni_error_code(err) == 103);
    CHECK_TEXT("103", at(libcni_error_json(err), "causes.0.code"));
    CHECK_TEXT("101", at(libcni_error_json(err), "causes.1.code"));
    CHECK_TEXT("DEL c eth2, DEL b eth1, DEL a eth0", asked());
    libcni_error_free(err);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_network_whose_file_is_gone_is_removed_all_the_same(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    libcni_buf result = LIBCNI_BUF_INIT, config = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    remove_network("1.conflist");
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, NULL, &config, NULL));
    CHECK_TEXT("", loaded(networks));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, "{\"containerId\": \"box\"}", NULL));
    CHECK_TEXT("ADD a eth0, DEL a eth0", asked());
    libcni_buf_free(&result);
    libcni_buf_free(&config);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_status_names_the_network_that_is_not_ready(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "\"STATUS\": " REFUSE("50", "no uplink"));
    libcni_networks *networks = new_networks(cni, "");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_networks_status(networks, NULL, &err));
    CHECK(libcni_error_code(err) == 50);
    CHECK_CONTAINS("network \"b\" is not ready", libcni_error_message(err));
    CHECK_CONTAINS("no uplink", libcni_error_message(err));
    libcni_error_free(err);
    libcni_networks_free(networks);
    libcni_free(cni);
}

/* ---- at the same time ---- */

static void *read_fifos(void *paths) {
    /* Each plugin waits until its FIFO is read: the last is read first, so all have to run by then. */
    for (const char **path = paths; *path; path++) {
        int reader = open(*path, O_RDONLY | O_CLOEXEC);
        char byte;
        while (read(reader, &byte, 1) > 0) continue;
        close(reader);
    }
    return NULL;
}

static void parallel_networks_run_at_the_same_time_and_keep_their_order(void) {
    libcni *cni = new_cni("");
    const char *paths[4] = {NULL};
    for (int i = 0; i < 3; i++) {
        const char *path = paths[2 - i] = text("%s/fifo%d", scratch(), i);
        if (mkfifo(path, 0600)) abort();
        put_network(text("%d.conflist", i), text("net%d", i), text("\"ADD\": {\"fifo\": \"%s\"}", path));
    }
    libcni_networks *networks = new_networks(cni, "\"parallel\": true");
    libcni_buf result = LIBCNI_BUF_INIT;
    pthread_t reader;
    if (pthread_create(&reader, NULL, read_fifos, paths)) abort();
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    pthread_join(reader, NULL);
    for (int i = 0; i < 3; i++) CHECK_TEXT(text("net%d", i), at(result.data, text("results.%d.network", i)));
    libcni_buf_free(&result);
    libcni_networks_free(networks);
    libcni_free(cni);
}

enum { THREADS = 8, ROUNDS = 3 };

struct worker {
    const libcni_networks *networks;
    const char *container, *id;
    pthread_barrier_t *start;
    int failures;
    pthread_t thread;
};

static void *live(void *argument) {
    struct worker *w = argument;
    pthread_barrier_wait(w->start);
    for (int round = 0; round < ROUNDS; round++) {
        libcni_buf result = LIBCNI_BUF_INIT;
        libcni_error *err = NULL;
        w->failures += libcni_networks_setup(w->networks, NULL, w->container, &result, &err) != LIBCNI_OK;
        w->failures += !result.data || !strstr(result.data, "\"eth1\"");
        w->failures += libcni_networks_check(w->networks, NULL, w->container, &err) != LIBCNI_OK;
        w->failures += libcni_networks_remove(w->networks, NULL, w->container, &err) != LIBCNI_OK;
        libcni_buf_free(&result);
        libcni_error_free(err);
    }
    return NULL;
}

static void *load_again(void *argument) {
    struct worker *w = argument;
    pthread_barrier_wait(w->start);
    for (int round = 0; round < ROUNDS * 20; round++) {
        libcni_buf text = LIBCNI_BUF_INIT;
        w->failures += libcni_networks_load(w->networks, NULL, &text, NULL) != LIBCNI_OK;
        libcni_buf_free(&text);
        w->failures += libcni_networks_metrics(w->networks, "json", &text, NULL) != LIBCNI_OK;
        libcni_buf_free(&text);
        w->failures += libcni_networks_dispatch(w->networks, &text, NULL) != LIBCNI_OK;
        libcni_buf_free(&text);
    }
    return NULL;
}

/* Entries of a directory of /proc/self. */
static int entries(const char *dir) {
    int count = 0;
    DIR *listing = opendir(dir);
    while (listing && readdir(listing)) count++;
    if (listing) closedir(listing);
    return count;
}

static void eight_threads_share_the_networks_while_they_are_loaded_again(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "");
    libcni_networks *networks = new_networks(cni, "\"parallel\": true");
    int fd = -1;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_watch(networks, NULL, &fd, NULL));
    pthread_barrier_t start;
    struct worker workers[THREADS + 1];
    pthread_barrier_init(&start, NULL, THREADS + 1);
    container("");
    for (int i = 0; i <= THREADS; i++)
        workers[i] = (struct worker){
            .networks = networks,
            .container = text("{\"containerId\": \"box%d\", \"netns\": \"%s/netns\"}", i, scratch()),
            .start = &start,
        };
    for (int i = 0; i <= THREADS; i++)
        if (pthread_create(&workers[i].thread, NULL, i < THREADS ? live : load_again, &workers[i])) abort();
    for (int i = 0; i <= THREADS; i++) {
        in_case("thread %d", i);
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].failures == 0);
    }
    CHECK(calls() == THREADS * ROUNDS * 6);
    libcni_buf metrics = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_metrics(networks, "json", &metrics, NULL));
    CHECK_TEXT(text("%d", THREADS * ROUNDS), at(metrics.data, "set_up_pod.total"));
    CHECK_TEXT(text("%d", THREADS * ROUNDS * 2), at(metrics.data, "del.total"));
    CHECK_TEXT("0", at(metrics.data, "tear_down_pod.errors"));
    libcni_buf_free(&metrics);
    pthread_barrier_destroy(&start);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void nothing_is_left_behind_in_the_process(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "\"ADD\": " REFUSE("111", "no"));
    int threads = 0, descriptors = 0;
    for (int round = 0; round < 5; round++) {
        libcni_networks *networks = new_networks(cni, "\"parallel\": true");
        int fd = -1;
        libcni_buf change = LIBCNI_BUF_INIT;
        CHECK_STATUS(LIBCNI_OK, libcni_networks_watch(networks, "{\"debounceMs\": 0}", &fd, NULL));
        setup_fails(networks, container(""));
        CHECK_STATUS(LIBCNI_OK, libcni_networks_dispatch(networks, &change, NULL));
        libcni_buf_free(&change);
        libcni_networks_free(networks);
        /* The first round makes what stays: nothing is asked of it. */
        if (round == 0) threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
        CHECK(entries("/proc/self/task") == threads);
        CHECK(entries("/proc/self/fd") == descriptors);
    }
    libcni_free(cni);
}

/* ---- deadlines ---- */

/* The plugins never end by themselves: only the deadline can have ended the call. */
static void every_call_holds_the_deadline(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b",
                "\"ADD\": {\"hang\": true}, \"CHECK\": {\"hang\": true}, \"STATUS\": {\"hang\": true}, "
                "\"DEL\": {\"hang\": true}");
    libcni_networks *networks = new_networks(cni, "\"undoTimeoutMs\": 50");
    for (int i = 0; i < 3; i++) {
        libcni_context *ctx = NULL;
        libcni_error *err = NULL;
        libcni_buf result = LIBCNI_BUF_INIT;
        CHECK_STATUS(LIBCNI_OK, libcni_context_new("{\"timeoutMs\": 50}", NULL, &ctx, NULL));
        int32_t status = i == 0   ? libcni_networks_setup(networks, ctx, container(""), &result, &err)
                         : i == 1 ? libcni_networks_status(networks, ctx, &err)
                                  : libcni_networks_remove(networks, ctx, container(""), &err);
        in_case("call %d", i);
        CHECK_STATUS(LIBCNI_ERR_TIMEOUT, status);
        libcni_error_free(err);
        libcni_context_free(ctx);
    }
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_cancelled_context_lets_nothing_run(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    libcni_context *ctx = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &ctx, NULL));
    libcni_context_cancel(ctx);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, libcni_networks_setup(networks, ctx, container(""), &result, NULL));
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, libcni_networks_remove(networks, ctx, container(""), NULL));
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, libcni_networks_status(networks, ctx, NULL));
    CHECK_TEXT("", asked());
    libcni_context_free(ctx);
    libcni_networks_free(networks);
    libcni_free(cni);
}

/* ---- counters ---- */

static void counters_tell_of_every_call_and_every_network(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    put_network("2.conflist", "b", "\"CHECK\": " REFUSE("111", "no"));
    libcni_networks *networks = new_networks(cni, "");
    libcni_buf result = LIBCNI_BUF_INIT, metrics = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_networks_check(networks, NULL, container(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_metrics(networks, "json", &metrics, NULL));
    CHECK_TEXT("1", at(metrics.data, "set_up_pod.total"));
    CHECK_TEXT("0", at(metrics.data, "set_up_pod.errors"));
    CHECK_TEXT("2", at(metrics.data, "add.total"));
    CHECK_TEXT("1", at(metrics.data, "check_pod.errors"));
    CHECK_TEXT("2", at(metrics.data, "check.total"));
    CHECK_TEXT("1", at(metrics.data, "check.errors"));
    CHECK_TEXT("0", at(metrics.data, "tear_down_pod.total"));
    CHECK(at(metrics.data, "get_pod_network_status.durationSeconds") != NULL);
    libcni_buf_free(&metrics);
    CHECK_STATUS(LIBCNI_OK, libcni_networks_metrics(networks, "prometheus", &metrics, NULL));
    for (const char *const *line = (const char *const[]){
             "# TYPE network_plugin_operations_total counter\n",
             "\nnetwork_plugin_operations_total{operation_type=\"set_up_pod\"} 1\n",
             "\nnetwork_plugin_operations_total{operation_type=\"add\"} 2\n",
             "\nnetwork_plugin_operations_errors_total{operation_type=\"check\"} 1\n",
             "\n# TYPE network_plugin_operations_duration_seconds histogram\n",
             "\nnetwork_plugin_operations_duration_seconds_bucket{operation_type=\"add\",le=\"+Inf\"} 2\n",
             "\nnetwork_plugin_operations_duration_seconds_count{operation_type=\"add\"} 2\n",
             NULL,
         };
         *line; line++)
        CHECK_CONTAINS(*line, metrics.data);
    libcni_buf_free(&metrics);
    libcni_buf_free(&result);
    libcni_networks_free(networks);
    libcni_free(cni);
}

RUN_TESTS(TEST(networks_of_a_directory_are_numbered_in_file_order),
          TEST(loopback_is_the_first_network_and_has_no_number),
          TEST(a_load_takes_other_sources_and_one_that_fails_changes_nothing),
          TEST(a_container_is_set_up_checked_and_removed), TEST(a_container_chooses_networks_interfaces_and_arguments),
          TEST(a_network_in_the_middle_that_fails_undoes_the_set_up), TEST(without_undo_what_was_attached_stays),
          TEST(a_removal_goes_on_after_failures), TEST(a_network_whose_file_is_gone_is_removed_all_the_same),
          TEST(a_status_names_the_network_that_is_not_ready),
          TEST(parallel_networks_run_at_the_same_time_and_keep_their_order),
          TEST(eight_threads_share_the_networks_while_they_are_loaded_again),
          TEST(nothing_is_left_behind_in_the_process), TEST(every_call_holds_the_deadline),
          TEST(a_cancelled_context_lets_nothing_run), TEST(counters_tell_of_every_call_and_every_network))
