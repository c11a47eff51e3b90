/* Watching the networks with poll(), as a host with an event loop of its own does. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libcni.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "node.h"
#include "test.h"

/* A limit for a test that fails, in milliseconds. */
enum { LIMIT = 30000 };

static int watch(const libcni_networks *networks) {
    int fd = -1;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_watch(networks, "{\"debounceMs\": 5}", &fd, NULL));
    CHECK(fd > 2);
    return fd;
}

static bool readable(int fd, int limit) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, limit) == 1;
}

/* Waits and dispatches until there is something to tell. NULL when it fails. */
static const char *next_change(const libcni_networks *networks, int fd) {
    while (CHECK(readable(fd, LIMIT))) {
        libcni_buf change = LIBCNI_BUF_INIT;
        if (!CHECK_STATUS(LIBCNI_OK, libcni_networks_dispatch(networks, &change, NULL))) return NULL;
        const char *copy = text("%s", change.data);
        libcni_buf_free(&change);
        if (strcmp(copy, "null") != 0) return copy;
    }
    return NULL;
}

static bool until(const libcni_networks *networks, int fd, const char *expected) {
    while (strcmp(loaded(networks), expected) != 0)
        if (!next_change(networks, fd)) return false;
    return true;
}

static void what_changes_is_told_once_and_loaded(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    put_network("2.conflist", "b", "");
    int fd = watch(networks);
    CHECK_TEXT("a eth0", loaded(networks));
    /* What happened before the watch shows by the first dispatch. */
    const char *change = next_change(networks, fd);
    CHECK_TEXT("2", at(change, "generation"));
    CHECK_TEXT("b", at(change, "networks.1"));
    CHECK_TEXT("true", at(change, "networksChanged"));
    CHECK_TEXT("[]", at(change, "errors"));

    libcni_buf nothing = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_dispatch(networks, &nothing, NULL));
    CHECK_TEXT("null", nothing.data);
    libcni_buf_free(&nothing);

    remove_network("1.conflist");
    CHECK(until(networks, fd, "b eth0"));
    write_file(text("%s/2.conflist", conf_dir()), "{");
    change = next_change(networks, fd);
    CHECK_CONTAINS("2.conflist", at(change, "errors.0.path"));
    CHECK_TEXT("b", at(change, "networks.0"));
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_set_up_uses_what_a_dispatch_loaded(void) {
    libcni *cni = new_cni("");
    libcni_networks *networks = new_networks(cni, "");
    int fd = watch(networks);
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_ERR_NETWORK_NOT_FOUND, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    put_network("1.conflist", "a", "");
    CHECK(until(networks, fd, "a eth0"));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &result, NULL));
    CHECK_TEXT("ADD a eth0", asked());
    libcni_buf_free(&result);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void other_sources_are_watched_once_they_are_loaded(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    int fd = watch(networks);
    const char *elsewhere = text("%s/elsewhere", scratch());
    libcni_buf config = LIBCNI_BUF_INIT;
    make_dir(elsewhere);
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, text("[{\"dir\": \"%s\"}]", elsewhere), &config, NULL));
    write_file(text("%s/1.conflist", elsewhere), named_network("other", plugin("first", "")));
    CHECK(until(networks, fd, "other eth0"));
    libcni_buf_free(&config);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void a_second_watch_is_the_same_one(void) {
    libcni *cni = new_cni("");
    libcni_networks *networks = new_networks(cni, ""), *others = new_networks(cni, "");
    int fd = watch(networks), again = -1;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_watch(networks, NULL, &again, NULL));
    CHECK(fd == again);
    CHECK(watch(others) != fd);
    libcni_networks_free(others);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void without_a_watch_there_is_nothing_to_dispatch(void) {
    libcni *cni = new_cni("");
    libcni_networks *networks = new_networks(cni, "");
    libcni_error *err = NULL;
    libcni_buf change = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_networks_dispatch(networks, &change, &err));
    CHECK_CONTAINS("libcni_networks_watch() was not called", libcni_error_message(err));
    CHECK(change.data == NULL);
    libcni_error_free(err);
    libcni_networks_free(networks);
    libcni_free(cni);
}

static void the_descriptor_is_closed_with_the_networks(void) {
    libcni *cni = new_cni("");
    libcni_networks *networks = new_networks(cni, "");
    int fd = watch(networks);
    libcni_networks_free(networks);
    CHECK(fcntl(fd, F_GETFD) == -1);
    libcni_free(cni);
}

/* It belongs to the networks; a host that closes it all the same loses its events and nothing else. */
static void a_host_that_closes_the_descriptor_can_go_on_and_free(void) {
    libcni *cni = new_cni("");
    put_network("1.conflist", "a", "");
    libcni_networks *networks = new_networks(cni, "");
    close(watch(networks));
    libcni_buf text = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_dispatch(networks, &text, NULL));
    libcni_buf_free(&text);
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, container(""), &text, NULL));
    libcni_buf_free(&text);
    libcni_networks_free(networks);
    libcni_free(cni);
}

RUN_TESTS(TEST(what_changes_is_told_once_and_loaded), TEST(a_set_up_uses_what_a_dispatch_loaded),
          TEST(other_sources_are_watched_once_they_are_loaded), TEST(a_second_watch_is_the_same_one),
          TEST(without_a_watch_there_is_nothing_to_dispatch), TEST(the_descriptor_is_closed_with_the_networks),
          TEST(a_host_that_closes_the_descriptor_can_go_on_and_free))
