/* One handle, many threads at once: each attaches, checks and detaches containers of its own. */
#define _GNU_SOURCE
#include <libcni.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

enum { THREADS = 8, ROUNDS = 3 };

struct worker {
    const libcni *cni;
    const char *list, *rt, *expected;
    pthread_barrier_t *start;
    int failures;
    pthread_t thread;
};

static void *attach_and_detach(void *argument) {
    struct worker *w = argument;
    pthread_barrier_wait(w->start);
    for (int round = 0; round < ROUNDS; round++) {
        libcni_buf result = LIBCNI_BUF_INIT, cached = LIBCNI_BUF_INIT;
        libcni_error *err = NULL;
        w->failures += libcni_add_network_list(w->cni, NULL, w->list, w->rt, &result, &err) != LIBCNI_OK;
        w->failures += !result.data || !strstr(result.data, w->expected);
        w->failures += libcni_check_network_list(w->cni, NULL, w->list, w->rt, &err) != LIBCNI_OK;
        w->failures += libcni_get_network_list_cached_result(w->cni, w->list, w->rt, &cached, &err) != LIBCNI_OK;
        w->failures += !cached.data || !strstr(cached.data, w->expected);
        w->failures += libcni_del_network_list(w->cni, NULL, w->list, w->rt, &err) != LIBCNI_OK;
        libcni_buf_free(&result);
        libcni_buf_free(&cached);
        libcni_error_free(err);
    }
    return NULL;
}

static void one_handle_serves_eight_threads(void) {
    libcni *cni = new_cni("");
    pthread_barrier_t start;
    struct worker workers[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .cni = cni,
            .list = network("1.0.0", text("%s, %s", plugin("first", ""), plugin("second", ""))),
            .rt = text("{\"containerId\": \"box%d\", \"netns\": \"/run/netns/box%d\", \"ifName\": \"eth0\"}", i, i),
            .expected = text("/run/netns/box%d\"", i),
            .start = &start,
        };
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&workers[i].thread, NULL, attach_and_detach, &workers[i])) abort();
    for (int i = 0; i < THREADS; i++) {
        in_case("thread %d", i);
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].failures == 0);
    }
    CHECK(calls() == THREADS * ROUNDS * 6);
    pthread_barrier_destroy(&start);
    libcni_free(cni);
}

static void *fail(void *argument) {
    struct worker *w = argument;
    pthread_barrier_wait(w->start);
    for (int round = 0; round < ROUNDS; round++) {
        libcni_buf result = LIBCNI_BUF_INIT;
        libcni_error *err = NULL;
        int32_t status = libcni_add_network_list(w->cni, NULL, w->list, w->rt, &result, &err);
        w->failures += status != LIBCNI_ERR_PLUGIN || !strstr(libcni_error_message(err), w->expected);
        libcni_error_free(err);
    }
    return NULL;
}

static void each_thread_gets_its_own_error(void) {
    libcni *cni = new_cni("");
    pthread_barrier_t start;
    struct worker workers[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        const char *object = text("{\"code\": 100, \"msg\": \"mistake %d of it\"}", i);
        const char *answer = text("\"ADD\": {\"stdout\": %s, \"exit\": 1}", object);
        workers[i] = (struct worker){
            .cni = cni,
            .list = network("1.0.0", plugin("first", answer)),
            .rt = text("{\"containerId\": \"box%d\", \"netns\": \"/n\", \"ifName\": \"eth0\"}", i),
            .expected = text("mistake %d of it", i),
            .start = &start,
        };
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&workers[i].thread, NULL, fail, &workers[i])) abort();
    for (int i = 0; i < THREADS; i++) {
        in_case("thread %d", i);
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].failures == 0);
    }
    pthread_barrier_destroy(&start);
    libcni_free(cni);
}

RUN_TESTS(TEST(one_handle_serves_eight_threads), TEST(each_thread_gets_its_own_error))
