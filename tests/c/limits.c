/* What bounds a call, and what a failed ADD leaves: deadlines, lock waits, rollback, preflight, a cache that cannot
 * be written. A plugin that hangs does so for ever, so only the limit can have ended the call. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evil.h"
#include "fixture.h"
#include "test.h"

#define HANG "{\"hang\": true}"
#define REFUSE "{\"stdout\": {\"code\": 122, \"msg\": \"refused\"}, \"exit\": 1}"

static libcni_context *context(const char *options) {
    libcni_context *ctx = NULL;
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(options, NULL, &ctx, NULL));
    return ctx;
}

static int32_t add(const libcni *cni, const libcni_context *ctx, const char *list, libcni_error **err) {
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status = libcni_add_network_list(cni, ctx, list, runtime(""), &result, err);
    CHECK((result.data != NULL) == (status == LIBCNI_OK));
    libcni_buf_free(&result);
    return status;
}

/* "first" is good, "second" does that on ADD. */
static const char *second_on(const char *command, const char *answer) {
    return network("1.0.0", text("%s, %s", plugin("first", ""), plugin("second", text("\"%s\": %s", command, answer))));
}

/* ---- deadlines ---- */

static void the_earlier_deadline_wins(void) {
    libcni *soon = new_cni("\"timeoutMs\": 50"), *late = new_cni("\"timeoutMs\": 3600000");
    libcni_context *early_ctx = context("{\"timeoutMs\": 50}"), *late_ctx = context("{\"timeoutMs\": 3600000}");
    const char *list = network("1.0.0", plugin("first", "\"ADD\": " HANG));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(soon, late_ctx, list, NULL));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(late, early_ctx, list, NULL));
    libcni_context_free(early_ctx);
    libcni_context_free(late_ctx);
    libcni_free(soon);
    libcni_free(late);
}

static void a_deadline_that_has_passed_lets_nothing_run(void) {
    libcni *cni = new_cni("");
    libcni_context *ctx = context("{\"timeoutMs\": 0}");
    libcni_error *err = NULL;
    const char *list = network("1.1.0", plugin("first", ""));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(cni, ctx, list, &err));
    CHECK_TEXT("true", at(libcni_error_json(err), "timedOut"));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_del_network_list(cni, ctx, list, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_get_status_network_list(cni, ctx, list, NULL));
    CHECK(calls() == 0);
    libcni_error_free(err);
    libcni_context_free(ctx);
    libcni_free(cni);
}

static void timeout_and_cancellation_are_told_apart(void) {
    libcni *cni = new_cni("\"timeoutMs\": 50");
    libcni_context *ctx = context(NULL);
    libcni_error *late = NULL, *cancelled = NULL;
    const char *list = network("1.0.0", plugin("first", "\"ADD\": " HANG));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(cni, ctx, list, &late));
    CHECK_TEXT("true", at(libcni_error_json(late), "timedOut"));
    libcni_context_cancel(ctx);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add(cni, ctx, list, &cancelled));
    CHECK(at(libcni_error_json(cancelled), "timedOut") == NULL);
    libcni_error_free(late);
    libcni_error_free(cancelled);
    libcni_context_free(ctx);
    libcni_free(cni);
}

static void del_works_after_a_timeout(void) {
    libcni *cni = new_cni("");
    const char *list = second_on("ADD", HANG);
    for (unsigned ms = 100; calls() < 2; ms *= 2) {
        libcni_context *ctx = context(text("{\"timeoutMs\": %u}", ms));
        bool timed_out = CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(cni, ctx, list, NULL));
        libcni_context_free(ctx);
        if (!timed_out) break;
    }
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_CONTAINS("ADD second, DEL second, DEL first", call_order());
    libcni_free(cni);
}

/* ---- locks ---- */

/* An ADD on a thread of its own that holds its lock until it is cancelled. */
struct holder {
    const libcni *cni;
    libcni_context *ctx;
    const char *list, *rt, *fifo;
    int32_t status;
    int reader;
    pthread_t thread;
};

static void *hold(void *argument) {
    struct holder *h = argument;
    libcni_buf result = LIBCNI_BUF_INIT;
    h->status = libcni_add_network_list(h->cni, h->ctx, h->list, h->rt, &result, NULL);
    return NULL;
}

static void begin_to_hold(struct holder *h, const libcni *cni) {
    *h = (struct holder){.cni = cni, .ctx = context(NULL), .rt = runtime(""), .fifo = text("%s/fifo", scratch())};
    if (mkfifo(h->fifo, 0600)) abort();
    h->list = network("1.0.0", plugin("first", text("\"ADD\": {\"fifo\": \"%s\", \"hang\": true}", h->fifo)));
    if (pthread_create(&h->thread, NULL, hold, h)) abort();
    h->reader = open(h->fifo, O_RDONLY | O_CLOEXEC); /* returns when the plugin runs */
}

static void let_go(struct holder *h) {
    libcni_context_cancel(h->ctx);
    pthread_join(h->thread, NULL);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, h->status);
    libcni_context_free(h->ctx);
    close(h->reader);
}

static void a_deadline_bounds_the_wait_for_a_lock(void) {
    libcni *cni = new_cni(""), *soon = new_cni("\"timeoutMs\": 30");
    libcni_context *ctx = context("{\"timeoutMs\": 30}");
    libcni_error *err = NULL;
    struct holder holder;
    begin_to_hold(&holder, cni);
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_del_network_list(cni, ctx, holder.list, holder.rt, &err));
    CHECK_CONTAINS("waiting for the lock", libcni_error_message(err));
    CHECK_TEXT("true", at(libcni_error_json(err), "timedOut"));
    CHECK_TEXT("DEL", at(libcni_error_json(err), "command"));
    CHECK_TEXT("box", at(libcni_error_json(err), "attachment.containerId"));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, libcni_del_network_list(soon, NULL, holder.list, holder.rt, NULL));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(soon, NULL, holder.list, NULL));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT,
                 libcni_gc_network_list(soon, NULL, holder.list, "{\"validAttachments\": []}", NULL));
    CHECK(calls() == 1);
    let_go(&holder);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, holder.list, holder.rt, NULL));
    libcni_error_free(err);
    libcni_context_free(ctx);
    libcni_free(cni);
    libcni_free(soon);
}

static void *delete_until_cancelled(void *argument) {
    struct holder *h = argument;
    h->status = libcni_del_network_list(h->cni, h->ctx, h->list, h->rt, NULL);
    return NULL;
}

static void cancellation_ends_the_wait_for_a_lock(void) {
    libcni *cni = new_cni("");
    struct holder holder, waiting;
    begin_to_hold(&holder, cni);
    waiting = (struct holder){.cni = cni, .ctx = context(NULL), .list = holder.list, .rt = holder.rt};
    if (pthread_create(&waiting.thread, NULL, delete_until_cancelled, &waiting)) abort();
    libcni_context_cancel(waiting.ctx);
    pthread_join(waiting.thread, NULL);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, waiting.status);
    libcni_context_free(waiting.ctx);
    let_go(&holder);
    CHECK(calls() == 1);
    libcni_free(cni);
}

static void without_locking_nobody_waits(void) {
    libcni *cni = new_cni(""), *unlocked = new_cni("\"locking\": false");
    struct holder holder;
    begin_to_hold(&holder, cni);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(unlocked, NULL, holder.list, holder.rt, NULL));
    let_go(&holder);
    libcni_free(cni);
    libcni_free(unlocked);
}

/* ---- rollback ---- */

static void rollback_deletes_the_whole_list_in_reverse(void) {
    libcni *cni = new_cni("\"rollback\": true"), *plain = new_cni("");
    libcni_error *err = NULL;
    const char *list = second_on("ADD", REFUSE);
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(plain, NULL, list, NULL));
    CHECK_TEXT("ADD first, ADD second", call_order());
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(cni, NULL, list, &err));
    CHECK_TEXT("ADD first, ADD second, ADD first, ADD second, DEL second, DEL first", call_order());
    CHECK(libcni_error_code(err) == 122);
    CHECK(at(libcni_error_json(err), "causes") == NULL);
    /* DEL is given the last result there was. */
    CHECK_TEXT("eth0", at(called(4, "stdin"), "prevResult.interfaces.0.name"));
    libcni_error_free(err);
    libcni_free(cni);
    libcni_free(plain);
}

static void the_errors_of_add_and_of_its_rollback_are_both_reported(void) {
    libcni *cni = new_cni("\"rollback\": true");
    libcni_error *err = NULL;
    const char *answers = "\"ADD\": " REFUSE ", \"DEL\": {\"stdout\": {\"code\": 123, \"msg\": \"stuck\"}, \"exit\": 2}";
    const char *list = network("1.0.0", text("%s, %s", plugin("first", ""), plugin("second", answers)));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(cni, NULL, list, &err));
    const char *json = libcni_error_json(err);
    CHECK(libcni_error_code(err) == 122);
    CHECK_TEXT("ADD", at(json, "command"));
    CHECK_TEXT("refused", at(json, "msg"));
    CHECK_CONTAINS("refused", libcni_error_message(err));
    CHECK_CONTAINS("stuck", libcni_error_message(err));
    CHECK_TEXT("123", at(json, "causes.0.code"));
    CHECK_TEXT("DEL", at(json, "causes.0.command"));
    CHECK_TEXT("second", at(json, "causes.0.plugin"));
    /* A plugin that cannot delete does not keep the others from it. */
    CHECK_TEXT("ADD first, ADD second, DEL second, DEL first", call_order());
    libcni_error_free(err);
    libcni_free(cni);
}

static void rollback_has_its_own_time(void) {
    libcni *cni = new_cni("\"rollback\": true, \"timeoutMs\": 300, \"rollbackTimeoutMs\": 3600000");
    const char *list = second_on("ADD", HANG);
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(cni, NULL, list, NULL));
    /* On a slow machine the time may be over before the second runs; the rollback is the same. */
    CHECK_CONTAINS("DEL second, DEL first", call_order());
    libcni_free(cni);
}

static void a_rollback_that_hangs_is_ended_too(void) {
    libcni *cni = new_cni("\"rollback\": true, \"rollbackTimeoutMs\": 100");
    libcni_error *err = NULL;
    const char *list = network("1.0.0", plugin("first", "\"ADD\": " REFUSE ", \"DEL\": " HANG));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(cni, NULL, list, &err));
    CHECK(libcni_error_code(err) == 122);
    CHECK_TEXT("TIMEOUT", at(libcni_error_json(err), "causes.0.status"));
    libcni_error_free(err);
    libcni_free(cni);
}

static void what_never_ran_is_not_rolled_back(void) {
    libcni *cni = new_cni("\"rollback\": true");
    libcni_context *cancelled = context(NULL), *late = context("{\"timeoutMs\": 0}");
    const char *list = network("1.0.0", plugin("first", ""));
    libcni_context_cancel(cancelled);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add(cni, cancelled, list, NULL));
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, add(cni, late, list, NULL));
    CHECK(calls() == 0);
    libcni_context_free(cancelled);
    libcni_context_free(late);
    libcni_free(cni);
}

static void an_earlier_attachment_is_not_rolled_back(void) {
    libcni *cni = new_cni("\"rollback\": true");
    CHECK_STATUS(LIBCNI_OK, add(cni, NULL, second_on("DEL", "{}"), NULL));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(cni, NULL, second_on("ADD", REFUSE), NULL));
    CHECK_TEXT("ADD first, ADD second, ADD first, ADD second", call_order());
    CHECK(exists(cache_file()));
    libcni_free(cni);
}

/* ---- before and after the plugins ---- */

static void preflight_finds_every_plugin_first(void) {
    libcni *cni = new_cni(""), *without = new_cni("\"preflight\": false");
    libcni_error *err = NULL;
    const char *list = network("1.0.0", text("%s, %s", plugin("first", ""), plugin("absent", "")));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, add(cni, NULL, list, &err));
    CHECK_TEXT("absent", at(libcni_error_json(err), "plugin"));
    CHECK_TEXT("1", at(libcni_error_json(err), "index"));
    CHECK_TEXT("ADD", at(libcni_error_json(err), "command"));
    CHECK(calls() == 0);
    CHECK(!exists(text("%s/cache", scratch())));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, add(without, NULL, list, NULL));
    CHECK_TEXT("ADD first", call_order());
    libcni_error_free(err);
    libcni_free(cni);
    libcni_free(without);
}

static void preflight_finds_a_cache_that_cannot_be_written(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    write_file(text("%s/cache", scratch()), "a file where the directory has to be");
    CHECK_STATUS(LIBCNI_ERR_CACHE, add(cni, NULL, network("1.0.0", plugin("first", "")), &err));
    CHECK_CONTAINS(text("%s/cache", scratch()), at(libcni_error_json(err), "path"));
    CHECK(calls() == 0);
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_cache_failure_behind_a_good_add_keeps_the_result(void) {
    libcni *cni = new_cni("\"preflight\": false");
    libcni_error *err = NULL;
    make_dir(text("%s/cache", scratch()));
    make_dir(text("%s/cache/results", scratch()));
    make_dir(cache_file()); /* a directory where the file has to go */
    CHECK_STATUS(LIBCNI_ERR_CACHE, add(cni, NULL, network("1.0.0", plugin("first", "")), &err));
    CHECK_CONTAINS("failed to set network \"net\" cached result: ", libcni_error_message(err));
    CHECK_TEXT("eth0", at(libcni_error_json(err), "result.interfaces.0.name"));
    CHECK_TEXT("box", at(libcni_error_json(err), "attachment.containerId"));
    CHECK_TEXT("ADD first", call_order());
    libcni_error_free(err);
    libcni_free(cni);
}

RUN_TESTS(TEST(the_earlier_deadline_wins), TEST(a_deadline_that_has_passed_lets_nothing_run),
          TEST(timeout_and_cancellation_are_told_apart), TEST(del_works_after_a_timeout),
          TEST(a_deadline_bounds_the_wait_for_a_lock), TEST(cancellation_ends_the_wait_for_a_lock),
          TEST(without_locking_nobody_waits), TEST(rollback_deletes_the_whole_list_in_reverse),
          TEST(the_errors_of_add_and_of_its_rollback_are_both_reported), TEST(rollback_has_its_own_time),
          TEST(a_rollback_that_hangs_is_ended_too), TEST(what_never_ran_is_not_rolled_back),
          TEST(an_earlier_attachment_is_not_rolled_back), TEST(preflight_finds_every_plugin_first),
          TEST(preflight_finds_a_cache_that_cannot_be_written),
          TEST(a_cache_failure_behind_a_good_add_keeps_the_result))
