/* Deadlines and cancellation. A plugin that hangs tells by a FIFO when it runs and when it is gone, so
 * nothing here depends on how long anything takes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libcni.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

static const char *fifo(void) {
    const char *path = text("%s/fifo", scratch());
    if (!exists(path) && mkfifo(path, 0600)) abort();
    return path;
}

static const char *hanging_network(void) {
    return network("1.0.0", plugin("first", text("\"ADD\": {\"fifo\": \"%s\", \"hang\": true}", fifo())));
}

/* Reads the FIFO's end: nobody writes any more, so no plugin is left. An answer comes at once either way. */
static bool gone(int reader) {
    char byte;
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return read(reader, &byte, 1) == 0;
}

/* Something that ends a running call, done by another thread as soon as the plugin runs. */
struct ending {
    const char *fifo;
    void (*end)(void);
    int reader;
    pthread_t thread;
};

static libcni_context *context;
static pthread_t caller;

static void *end_when_running(void *argument) {
    struct ending *ending = argument;
    ending->reader = open(ending->fifo, O_RDONLY | O_CLOEXEC);
    ending->end();
    return NULL;
}

static void cancel_context(void) {
    libcni_context_cancel(context);
}

static volatile sig_atomic_t errno_kept;

static void cancel_in_handler(int signal) {
    (void)signal;
    errno = ENOTTY;
    libcni_context_cancel(context);
    errno_kept = errno == ENOTTY;
}

static void interrupt_caller(void) {
    pthread_kill(caller, SIGUSR1);
}

/* An ADD that hangs until `end` ends it. */
static void add_ended_by(void (*end)(void)) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = hanging_network();
    struct ending ending = {.fifo = fifo(), .end = end, .reader = -1};
    caller = pthread_self();
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &context, NULL));
    CHECK(!libcni_context_is_cancelled(context));
    if (pthread_create(&ending.thread, NULL, end_when_running, &ending)) abort();
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, libcni_add_network_list(cni, context, list, runtime(""), &result, &err));
    pthread_join(ending.thread, NULL);
    CHECK(libcni_context_is_cancelled(context));
    CHECK(gone(ending.reader));
    CHECK(result.data == NULL);
    CHECK_TEXT("CANCELLED", at(libcni_error_json(err), "status"));
    CHECK_TEXT("first", at(libcni_error_json(err), "plugin"));
    CHECK(!exists(cache_file()));
    close(ending.reader);
    libcni_error_free(err);
    libcni_context_free(context);
    libcni_free(cni);
}

static void another_thread_cancels_a_running_call(void) {
    add_ended_by(cancel_context);
}

static void a_signal_handler_cancels_and_keeps_errno(void) {
    struct sigaction action = {.sa_handler = cancel_in_handler}, before;
    errno_kept = 0;
    sigaction(SIGUSR1, &action, &before);
    add_ended_by(interrupt_caller);
    sigaction(SIGUSR1, &before, NULL);
    CHECK(errno_kept);
}

static void cancellation_is_sticky(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_context *cancelled = NULL, *other = NULL;
    const char *list = network("1.0.0", plugin("first", ""));
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &cancelled, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &other, NULL));
    libcni_context_cancel(cancelled);
    libcni_context_cancel(cancelled);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(LIBCNI_ERR_CANCELLED,
                     libcni_add_network_list(cni, cancelled, list, runtime(""), &result, NULL));
        CHECK_STATUS(LIBCNI_ERR_CANCELLED, libcni_del_network_list(cni, cancelled, list, runtime(""), NULL));
    }
    CHECK(calls() == 0);
    CHECK(!libcni_context_is_cancelled(other));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, other, list, runtime(""), &result, NULL));
    libcni_buf_free(&result);
    libcni_context_free(cancelled);
    libcni_context_free(other);
    libcni_free(cni);
}

/* The plugin never ends by itself, so only the deadline can have ended the call. */
static void expect_timeout(const libcni *cni, const libcni_context *ctx) {
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = network("1.0.0", plugin("first", "\"ADD\": {\"hang\": true}"));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_add_network_list(cni, ctx, list, runtime(""), &result, &err));
    CHECK_TEXT("TIMEOUT", at(libcni_error_json(err), "status"));
    CHECK(result.data == NULL);
    CHECK(!exists(cache_file()));
    libcni_error_free(err);
}

static void a_contexts_deadline_ends_the_call(void) {
    libcni *cni = new_cni("");
    libcni_context *ctx = NULL;
    CHECK_STATUS(LIBCNI_OK, libcni_context_new("{\"timeoutMs\": 50}", NULL, &ctx, NULL));
    expect_timeout(cni, ctx);
    CHECK(!libcni_context_is_cancelled(ctx));
    libcni_context_free(ctx);
    libcni_free(cni);
}

static void a_handles_time_limit_holds_for_each_call(void) {
    libcni *cni = new_cni("\"timeoutMs\": 50");
    expect_timeout(cni, NULL);
    expect_timeout(cni, NULL);
    libcni_free(cni);
}

/* A slow machine may spend a short deadline before the plugin runs; then a longer one follows. */
static void a_plugin_ended_by_the_deadline_is_gone_and_named(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    const char *list = hanging_network();
    int reader = open(fifo(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    for (unsigned ms = 100; calls() == 0; ms *= 2) {
        libcni_context *ctx = NULL;
        libcni_buf result = LIBCNI_BUF_INIT;
        libcni_error_free(err);
        err = NULL;
        CHECK_STATUS(LIBCNI_OK, libcni_context_new(text("{\"timeoutMs\": %u}", ms), NULL, &ctx, NULL));
        bool timed_out =
            CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_add_network_list(cni, ctx, list, runtime(""), &result, &err));
        libcni_context_free(ctx);
        if (!timed_out) break;
    }
    CHECK(gone(reader));
    CHECK_TEXT("true", at(libcni_error_json(err), "timedOut"));
    CHECK_TEXT("first", at(libcni_error_json(err), "plugin"));
    CHECK_TEXT("ADD first", call_order());
    close(reader);
    libcni_error_free(err);
    libcni_free(cni);
}

RUN_TESTS(TEST(another_thread_cancels_a_running_call), TEST(a_signal_handler_cancels_and_keeps_errno),
          TEST(cancellation_is_sticky), TEST(a_contexts_deadline_ends_the_call),
          TEST(a_handles_time_limit_holds_for_each_call), TEST(a_plugin_ended_by_the_deadline_is_gone_and_named))
