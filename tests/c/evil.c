#define _GNU_SOURCE
#include "evil.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

static const char *fifo(const char *name) {
    const char *path = text("%s/%s", scratch(), name);
    if (!exists(path) && mkfifo(path, 0600)) abort();
    return path;
}

const char *fifo_variable(const char *name) {
    return text("\"%s\": \"%s\"", name, fifo(name));
}

libcni *hooked_evil_cni(const char *mode, const char *environment, const char *options, const libcni_hooks *hooks) {
    libcni *cni = NULL;
    libcni_error *err = NULL;
    const char *grace = strstr(options, "killGraceMs") ? "" : ", \"killGraceMs\": 3600000";
    const char *all = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\", \"durable\": false, "
                           "\"env\": {\"EVIL\": \"%s\"%s%s}%s%s%s}",
                           plugin_dir(), scratch(), mode, *environment ? ", " : "", environment, grace,
                           *options ? ", " : "", options);
    if (!CHECK_STATUS(LIBCNI_OK, libcni_new(all, hooks, &cni, &err))) {
        printf("    %s\n", libcni_error_message(err));
        abort();
    }
    return cni;
}

libcni *evil_cni(const char *mode, const char *environment, const char *options) {
    return hooked_evil_cni(mode, environment, options, NULL);
}

const char *evil_list(size_t padding) {
    char *list = text("{\"cniVersion\": \"1.0.0\", \"name\": \"net\", \"plugins\": [{\"type\": \"evil\", \"padding\": \"%*s\"}]}",
                      (int)padding, "");
    return list;
}

int32_t add_evil(const libcni *cni, const libcni_context *ctx, const char *list, libcni_error **err) {
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status = libcni_add_network_list(cni, ctx, list, runtime(""), &result, err);
    CHECK((result.data != NULL) == (status == LIBCNI_OK));
    libcni_buf_free(&result);
    return status;
}

struct canceller {
    const char *ready;
    const libcni_context *ctx;
};

static void *cancel_when_ready(void *argument) {
    struct canceller *c = argument;
    char bytes[64];
    int reader = open(c->ready, O_RDONLY | O_CLOEXEC);
    while (read(reader, bytes, sizeof bytes) > 0) continue;
    libcni_context_cancel(c->ctx);
    close(reader);
    return NULL;
}

int32_t add_evil_until_ready(const libcni *cni, libcni_error **err) {
    libcni_context *ctx = NULL;
    pthread_t thread;
    if (libcni_context_new(NULL, NULL, &ctx, NULL)) abort();
    struct canceller canceller = {fifo("EVIL_READY"), ctx};
    const char *list = evil_list(0);
    if (pthread_create(&thread, NULL, cancel_when_ready, &canceller)) abort();
    int32_t status = add_evil(cni, ctx, list, err);
    pthread_join(thread, NULL);
    libcni_context_free(ctx);
    return status;
}

int hold_survivor(void) {
    /* Open for both, which waits for nobody. */
    return open(fifo("EVIL_RELEASE"), O_RDWR | O_CLOEXEC);
}

bool survivor_is_alive(int held) {
    char word[16] = "";
    bool released = write(held, "1", 1) == 1;
    int reader = open(fifo("EVIL_ALIVE"), O_RDONLY | O_CLOEXEC);
    bool alive = released && read(reader, word, sizeof word - 1) > 0 && strcmp(word, "alive") == 0;
    close(reader);
    close(held);
    return alive;
}

int watch_family(void) {
    int reader = open(fifo("EVIL_ALIVE"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    fcntl(reader, F_SETFL, 0);
    return reader;
}

bool family_is_gone(int watched) {
    char byte;
    bool gone = read(watched, &byte, 1) == 0;
    close(watched);
    return gone;
}

long error_number(const libcni_error *err, const char *key) {
    const char *value = at(libcni_error_json(err), key);
    return value ? strtol(value, NULL, 10) : -1;
}
