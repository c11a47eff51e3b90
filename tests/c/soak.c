/* A daemon's life in fast motion: thousands of calls on sixteen threads through one handle, with plugins that
 * succeed, fail, hang and get killed, with deadlines and cancellations. Afterwards the process has what it had
 * before: descriptors, threads, children, attachments and, within noise, memory.
 *
 * What is done is drawn from LIBCNI_TEST_SEED (default 1); when, is up to the scheduler. So each outcome is
 * checked against all that may have come of it. LIBCNI_TEST_ROUNDS (default 60) sets the length. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libcni.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

enum { THREADS = 16, TRIES = 1000, MEASURED_ROUNDS = 20 };

/* What the second plugin of a list does on ADD. */
enum fate { GOOD, FAILS, TALKS, HANGS, FATES };

static const char *const on_add[FATES] = {
    [GOOD] = "{}",
    [FAILS] = "{\"stdout\": {\"code\": 111, \"msg\": \"no\"}, \"stderr\": \"why\", \"exit\": 1}",
    [TALKS] = "{\"stdout\": \"not a result\"}",
    [HANGS] = "{\"hang\": true}",
};

/* One thread with its own container. */
struct worker {
    const libcni *cni;
    const char *lists[FATES], *rt, *valid;
    unsigned long random;
    int rounds, calls, statuses[16];
    pthread_mutex_t mutex; /* of ctx, which the disturber cancels */
    libcni_context *ctx;
    char wrong[512]; /* the first thing that was */
    pthread_t thread;
};

static struct worker workers[THREADS];
static atomic_bool stop;
static atomic_int begins, ends, kills, cancels;

static unsigned draw(unsigned long *random, unsigned below) {
    *random = *random * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(*random >> 33) % below;
}

static void count_event(void *user_data, void *call_data, const char *event) {
    (void)user_data, (void)call_data;
    if (strstr(event, "\"event\":\"begin\"")) begins++;
    if (strstr(event, "\"event\":\"end\"")) ends++;
}

/* ---- the disturber: kills plugins and cancels calls ---- */

static long parent_of(int pid) {
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    const char *name_end = size > 0 ? strrchr(line, ')') : NULL;
    long parent = -1;
    if (name_end) sscanf(name_end + 1, " %*c %ld", &parent);
    return parent;
}

/* Kills one of the plugins that run, if there is any. By descriptor, and only what is surely a child of ours: the
 * number may be another process's by now. */
static void kill_some_plugin(unsigned long *random) {
    int children[THREADS * 4], count = 0, pid;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        char path[512];
        snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
        FILE *list = fopen(path, "re");
        while (list && count < THREADS * 4 && fscanf(list, "%d", &pid) == 1) children[count++] = pid;
        if (list) fclose(list);
    }
    if (tasks) closedir(tasks);
    if (count == 0) return;
    pid = children[draw(random, (unsigned)count)];
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return;
    if (parent_of(pid) == getpid() && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0) kills++;
    close(pidfd);
}

static void cancel_some_call(unsigned long *random) {
    struct worker *w = &workers[draw(random, THREADS)];
    pthread_mutex_lock(&w->mutex);
    if (w->ctx) libcni_context_cancel(w->ctx), cancels++;
    pthread_mutex_unlock(&w->mutex);
}

static void *disturb(void *argument) {
    unsigned long *random = argument;
    /* A pace, nothing waits for it: most calls shall go undisturbed. */
    const struct timespec pace = {.tv_nsec = 10000000};
    while (!stop) {
        if (draw(random, 2))
            kill_some_plugin(random);
        else
            cancel_some_call(random);
        nanosleep(&pace, NULL);
    }
    return NULL;
}

/* ---- the workers ---- */

static void expect(struct worker *w, bool right, const char *call, int32_t status, libcni_error *err) {
    w->calls++;
    w->statuses[-status]++;
    if (!right && !*w->wrong)
        snprintf(w->wrong, sizeof w->wrong, "%s: %s %.400s", call, libcni_status_name(status), libcni_error_json(err));
    libcni_error_free(err);
}

/* Failures that anything may meet here. */
static bool was_disturbed(const libcni_context *ctx, bool has_deadline, int32_t status, const libcni_error *err) {
    switch (status) {
    case LIBCNI_ERR_PLUGIN: return strstr(libcni_error_json(err), "\"signal\":9");
    case LIBCNI_ERR_CANCELLED: return libcni_context_is_cancelled(ctx);
    case LIBCNI_ERR_TIMEOUT: return has_deadline;
    default: return false;
    }
}

static bool may_come_of(enum fate fate, int32_t status, const libcni_error *err) {
    switch (fate) {
    case GOOD: return status == LIBCNI_OK;
    case FAILS: return status == LIBCNI_ERR_PLUGIN && libcni_error_code(err) == 111;
    case TALKS: return status == LIBCNI_ERR_INVALID_RESULT;
    default: return false;
    }
}

static void publish(struct worker *w, libcni_context *ctx) {
    pthread_mutex_lock(&w->mutex);
    w->ctx = ctx;
    pthread_mutex_unlock(&w->mutex);
}

static bool add(struct worker *w, enum fate fate) {
    static const char *const deadlines[] = {NULL, "{\"timeoutMs\": 5}", "{\"timeoutMs\": 40}", NULL};
    const char *deadline = deadlines[draw(&w->random, 4)];
    libcni_context *ctx = NULL;
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status = libcni_context_new(deadline, NULL, &ctx, &err);
    if (status == LIBCNI_OK) {
        publish(w, ctx);
        status = libcni_add_network_list(w->cni, ctx, w->lists[fate], w->rt, &result, &err);
        publish(w, NULL);
    }
    bool right = may_come_of(fate, status, err) || was_disturbed(ctx, deadline, status, err);
    expect(w, right && (status == LIBCNI_OK) == (result.data != NULL), "ADD", status, err);
    libcni_buf_free(&result);
    libcni_context_free(ctx);
    return status == LIBCNI_OK;
}

static void look(struct worker *w, const char *list) {
    libcni_error *err = NULL;
    libcni_buf buf = LIBCNI_BUF_INIT;
    int32_t status = libcni_check_network_list(w->cni, NULL, list, w->rt, &err);
    expect(w, !status || was_disturbed(NULL, false, status, err), "CHECK", status, err);
    err = NULL;
    status = libcni_get_network_list_cached_result(w->cni, list, w->rt, &buf, &err);
    expect(w, !status && buf.len > 4, "cached result", status, err);
    libcni_buf_free(&buf);
}

/* A GC in which everything is valid. Its lock waits for every ADD of the network, also for one that hangs. */
static void collect(struct worker *w) {
    libcni_error *err = NULL;
    libcni_context *ctx = NULL;
    if (libcni_context_new("{\"timeoutMs\": 20}", NULL, &ctx, NULL)) abort();
    int32_t status = libcni_gc_network_list(w->cni, ctx, w->lists[GOOD], w->valid, &err);
    expect(w, !status || was_disturbed(ctx, true, status, err), "GC", status, err);
    libcni_context_free(ctx);
}

/* A plugin may be killed again and again, but not for ever. */
static void delete(struct worker *w, const char *list) {
    for (int i = 0; i < TRIES; i++) {
        libcni_error *err = NULL;
        int32_t status = libcni_del_network_list(w->cni, NULL, list, w->rt, &err);
        expect(w, !status || was_disturbed(NULL, false, status, err), "DEL", status, err);
        if (status == LIBCNI_OK) return;
    }
    snprintf(w->wrong, sizeof w->wrong, "DEL never succeeds");
}

static void *work(void *argument) {
    struct worker *w = argument;
    for (int round = 0; round < w->rounds && !*w->wrong; round++) {
        /* As many good ones as all others together. */
        unsigned drawn = draw(&w->random, 2 * (FATES - 1));
        enum fate fate = drawn < FATES ? (enum fate)drawn : GOOD;
        if (add(w, fate)) look(w, w->lists[fate]);
        if (draw(&w->random, 16) == 0) collect(w);
        delete(w, w->lists[fate]);
    }
    return NULL;
}

/* ---- the process ---- */

static int count_entries(const char *path) {
    int count = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir)) count++;
    if (dir) closedir(dir);
    return count;
}

static long resident_bytes(void) {
    long pages = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void run_phase(int rounds, unsigned long *random) {
    pthread_t disturber;
    stop = false;
    for (int i = 0; i < THREADS; i++) {
        workers[i].rounds = rounds;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) abort();
    }
    if (pthread_create(&disturber, NULL, disturb, random)) abort();
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    stop = true;
    pthread_join(disturber, NULL);
}

static long number_from(const char *variable, long otherwise) {
    const char *value = getenv(variable);
    return value ? strtol(value, NULL, 10) : otherwise;
}

static void expect_nothing_left(const libcni *cni, int descriptors, int threads) {
    libcni_buf attachments = LIBCNI_BUF_INIT;
    CHECK(count_entries("/proc/self/fd") == descriptors);
    CHECK(count_entries("/proc/self/task") == threads);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    CHECK_STATUS(LIBCNI_OK, libcni_get_cached_attachments(cni, NULL, &attachments, NULL));
    CHECK_TEXT("[]", attachments.data);
    /* Made for a file that has to have a name while it is written. */
    char *writing = text("%s/cache/.libcni/tmp", scratch());
    CHECK(access(writing, F_OK) != 0 || count_entries(writing) == 2); /* . and .. */
    CHECK(begins == ends);
    libcni_buf_free(&attachments);
}

static libcni *shared_handle(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni *cni = NULL;
    hooks.on_event = count_event;
    const char *options = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\", \"killGraceMs\": 50, "
                               "\"durable\": false, \"rollback\": true}",
                               plugin_dir(), scratch());
    if (!CHECK_STATUS(LIBCNI_OK, libcni_new(options, &hooks, &cni, NULL))) abort();
    return cni;
}

static void a_daemon_that_lives_long_has_in_the_end_what_it_had_before(void) {
    int rounds = (int)number_from("LIBCNI_TEST_ROUNDS", 60), calls = 0, statuses[16] = {0};
    unsigned long random = (unsigned long)number_from("LIBCNI_TEST_SEED", 1);
    libcni *cni = shared_handle();
    const char *valid = "";
    for (int i = 0; i < THREADS; i++)
        valid = text("%s%s{\"containerId\": \"box%d\", \"ifName\": \"eth0\"}", valid, i > 0 ? ", " : "", i);
    valid = text("{\"validAttachments\": [%s]}", valid);
    for (int i = 0; i < THREADS; i++) {
        struct worker *w = &workers[i];
        *w = (struct worker){.cni = cni, .random = random + (unsigned)i, .valid = valid};
        pthread_mutex_init(&w->mutex, NULL);
        w->rt = text("{\"containerId\": \"box%d\", \"netns\": \"/run/netns/box%d\", \"ifName\": \"eth0\"}", i, i);
        for (int fate = 0; fate < FATES; fate++)
            w->lists[fate] = network("1.1.0", text("{\"type\": \"first\"}, {\"type\": \"second\", \"fake\": {\"ADD\": %s}}",
                                                   on_add[fate]));
    }
    /* The first phase warms up: the allocator's arenas, the C library, the cache's directories. */
    int descriptors = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    run_phase((rounds + 1) / 2, &random);
    long before = resident_bytes();
    run_phase(rounds, &random);
    long grown = resident_bytes() - before;
    expect_nothing_left(cni, descriptors, threads);
    if (rounds >= MEASURED_ROUNDS) {
        in_case("%ld KiB more", grown / 1024);
        CHECK(grown < 2 << 20);
    }
    for (int i = 0; i < THREADS; i++) {
        in_case("thread %d", i);
        CHECK_TEXT("", workers[i].wrong);
        calls += workers[i].calls;
        for (int s = 0; s < 16; s++) statuses[s] += workers[i].statuses[s];
        pthread_mutex_destroy(&workers[i].mutex);
    }
    libcni_free(cni);
    printf("    %d calls, %d plugins run, %d killed, %d calls cancelled, %ld KiB grown:", calls, (int)begins, (int)kills,
           (int)cancels, grown / 1024);
    for (int s = 0; s < 16; s++)
        if (statuses[s]) printf(" %d %s", statuses[s], libcni_status_name(-s));
    putchar('\n');
}

RUN_TESTS(TEST(a_daemon_that_lives_long_has_in_the_end_what_it_had_before))
