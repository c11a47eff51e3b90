/* Hosts that do what hosts do: reap all children, ignore and block signals, close descriptors, run out of them,
 * fork, change root and namespaces, cancel threads. What a host does is of its whole process, so each runs in
 * one of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alone.h"
#include "evil.h"
#include "fixture.h"
#include "test.h"

/* What every host must see of its plugins. */
static void expect_right_results(void) {
    static const struct {
        const char *mode;
        size_t padding;
        int32_t status;
        long exit_code, signal;
    } cases[] = {
        {"sink", 0, LIBCNI_OK, -1, -1},
        {"sink", 1 << 20, LIBCNI_OK, -1, -1},
        {"echo", 1 << 20, LIBCNI_OK, -1, -1},
        {"fail", 0, LIBCNI_ERR_PLUGIN, 7, -1},
        {"die", 0, LIBCNI_ERR_PLUGIN, -1, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni *cni = evil_cni(cases[i].mode, "", "");
        libcni_error *err = NULL;
        in_case("%s with %zu bytes", cases[i].mode, cases[i].padding);
        if (!CHECK_STATUS(cases[i].status, add_evil(cni, NULL, evil_list(cases[i].padding), &err)))
            printf("    %s\n", libcni_error_message(err));
        CHECK(error_number(err, "exitCode") == cases[i].exit_code);
        CHECK(error_number(err, "signal") == cases[i].signal);
        if (cases[i].exit_code == 7) CHECK(libcni_error_code(err) == 7);
        if (cases[i].exit_code == 7) CHECK_TEXT("it failed", at(libcni_error_json(err), "stderr"));
        libcni_error_free(err);
        libcni_free(cni);
    }
    in_case("cancelled");
    libcni *cni = evil_cni("stubborn", fifo_variable("EVIL_READY"), "\"killGraceMs\": 20");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add_evil_until_ready(cni, &err));
    CHECK(error_number(err, "signal") == 9);
    libcni_error_free(err);
    libcni_free(cni);
    in_case("%s", "");
}

static bool without_children(void) {
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

/* The open descriptors below 256, as a set. */
static struct descriptors {
    bool open[256];
} descriptors(void) {
    struct descriptors set;
    for (int fd = 0; fd < 256; fd++) set.open[fd] = fcntl(fd, F_GETFD) >= 0;
    return set;
}

static bool same(struct descriptors before) {
    struct descriptors now = descriptors();
    return memcmp(&before, &now, sizeof now) == 0;
}

static void disposition(int signal, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

/* ---- children ---- */

static void ignore_sigchld(void) {
    disposition(SIGCHLD, SIG_IGN, 0);
    expect_right_results();
    disposition(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
    expect_right_results();
}

static void a_host_that_ignores_sigchld(void) {
    alone(ignore_sigchld);
}

static atomic_bool stop;

static void *reap_every_child(void *argument) {
    (void)argument;
    while (!stop)
        if (waitpid(-1, NULL, 0) < 0) sched_yield();
    return NULL;
}

static void reap(void) {
    pthread_t reaper;
    if (pthread_create(&reaper, NULL, reap_every_child, NULL)) abort();
    for (int round = 0; round < 10; round++) expect_right_results();
    stop = true;
    pthread_join(reaper, NULL);
}

static void a_host_with_a_thread_that_reaps_every_child(void) {
    alone(reap);
}

/* ---- signals ---- */

static void default_sigpipe(void) {
    libcni *cni = evil_cni("sink", "", "");
    disposition(SIGPIPE, SIG_DFL, 0);
    for (int round = 0; round < 20; round++)
        CHECK_STATUS(LIBCNI_OK, add_evil(cni, NULL, evil_list(4 << 20), NULL));
    libcni_free(cni);
}

static void a_host_with_sigpipe_at_its_default(void) {
    alone(default_sigpipe);
}

static atomic_int handled;

static void count(int signal) {
    (void)signal;
    handled++;
}

/* The plugin's report comes back as the end of a stdout that is no result. */
static const char *report(libcni *cni, const char *fact) {
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_INVALID_RESULT, add_evil(cni, NULL, evil_list(0), &err));
    char *rest = text("%s", at(libcni_error_json(err), "stdout")), *line;
    const char *found = "absent";
    libcni_error_free(err);
    while ((line = strsep(&rest, "\n")))
        if (strncmp(line, fact, strlen(fact)) == 0) found = line + strlen(fact);
    return found;
}

static void block_signals(void) {
    static void (*const dispositions[])(int) = {SIG_DFL, SIG_IGN, count};
    libcni *cni = evil_cni("report", "", "");
    sigset_t all, before, after;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    for (size_t i = 0; i < sizeof dispositions / sizeof *dispositions; i++) {
        for (int signal = 1; signal < 64; signal++)
            if (signal != SIGALRM && signal != SIGCHLD) disposition(signal, dispositions[i], 0);
        CHECK_TEXT("0", report(cni, "mask "));
        CHECK_TEXT("0", report(cni, "signals "));
        expect_right_results();
    }
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 64; signal++) CHECK(sigismember(&before, signal) == sigismember(&after, signal));
    sigemptyset(&all);
    sigaddset(&all, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    raise(SIGUSR2);
    CHECK(handled == 1);
    libcni_free(cni);
}

static void a_host_that_blocks_ignores_and_handles_all_signals(void) {
    alone(block_signals);
}

static pthread_t caller;

static void *interrupt_for_ever(void *argument) {
    (void)argument;
    while (!stop) {
        pthread_kill(caller, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void storm(void) {
    pthread_t sender;
    caller = pthread_self();
    disposition(SIGUSR1, count, 0); /* no SA_RESTART: every system call can be interrupted */
    if (pthread_create(&sender, NULL, interrupt_for_ever, NULL)) abort();
    for (int round = 0; round < 5; round++) expect_right_results();
    stop = true;
    pthread_join(sender, NULL);
    CHECK(handled > 0);
}

static void a_storm_of_signals_changes_nothing(void) {
    alone(storm);
}

/* ---- descriptors ---- */

static int standard_in_use;

static void look_at_descriptors(void *user_data, void *call_data, const char *event) {
    (void)user_data, (void)call_data, (void)event;
    for (int fd = 0; fd < 3; fd++) standard_in_use += fcntl(fd, F_GETFD) >= 0;
}

static void close_standard_streams(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_context *ctx = NULL;
    int32_t status[2];
    int saved[3];
    hooks.on_event = look_at_descriptors;
    libcni *echo = hooked_evil_cni("echo", "", "", &hooks), *reporter = evil_cni("report", "", "");
    const char *small = evil_list(0), *large = evil_list(1 << 20), *fds;
    fflush(stdout);
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &ctx, NULL));
    status[0] = add_evil(echo, ctx, small, NULL);
    status[1] = add_evil(echo, ctx, large, NULL);
    fds = report(reporter, "fds ");
    for (int fd = 0; fd < 3; fd++) dup2(saved[fd], fd);
    CHECK_STATUS(LIBCNI_OK, status[0]);
    CHECK_STATUS(LIBCNI_OK, status[1]);
    CHECK_TEXT("3", fds);
    /* What libcni opens must not become what the host takes for its stderr. */
    CHECK(standard_in_use == 0);
    libcni_context_free(ctx);
    libcni_free(echo);
    libcni_free(reporter);
}

static void a_host_without_stdin_stdout_and_stderr(void) {
    alone(close_standard_streams);
}

static void limit_descriptors(rlim_t soft) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = soft;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* One more number at a time, from none at all, until it is enough. */
static void run_short_of_descriptors(void) {
    libcni *cni = evil_cni("echo", "", "");
    for (size_t padding = 0; padding <= 1 << 20; padding += 1 << 20) {
        const char *list = evil_list(padding);
        struct descriptors before = descriptors();
        int32_t status = LIBCNI_ERR_IO;
        rlim_t numbers = 0;
        while (before.open[numbers]) numbers++;
        for (; status != LIBCNI_OK && numbers < 64; numbers++) {
            libcni_error *err = NULL;
            libcni_context *ctx = NULL;
            limit_descriptors(numbers);
            status = libcni_context_new(NULL, NULL, &ctx, &err);
            if (status == LIBCNI_OK) status = add_evil(cni, ctx, list, &err);
            libcni_context_free(ctx);
            limit_descriptors(256);
            in_case("%d numbers: %s", (int)numbers, libcni_error_message(err));
            CHECK(same(before));
            CHECK(without_children());
            if (status != LIBCNI_OK) {
                CHECK(status == LIBCNI_ERR_IO || status == LIBCNI_ERR_CACHE);
                CHECK_CONTAINS("oo many open files", libcni_error_message(err));
                /* Locking has no part in this. */
                CHECK(!strstr(libcni_error_message(err), "\"locking\""));
            }
            libcni_error_free(err);
        }
        CHECK_STATUS(LIBCNI_OK, status);
        CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    }
    libcni_free(cni);
}

static void a_host_short_of_descriptors_gets_a_clear_error_and_nothing_leaks(void) {
    alone(run_short_of_descriptors);
}

static void leave_nothing(void) {
    static const struct {
        const char *mode, *more, *options;
    } cases[] = {
        {"sink", "", ""},
        {"fail", "", ""},
        {"die", "", ""},
        {"hang", "", "\"timeoutMs\": 30"},
        {"stop", "", "\"timeoutMs\": 30, \"killGraceMs\": 10"},
        {"flood", "\"EVIL_FD\": \"1\"", "\"maxOutputBytes\": 10, \"timeoutMs\": 100"},
        {"hang", "", "\"timeoutMs\": 30, \"rollback\": true, \"rollbackTimeoutMs\": 30"},
    };
    struct descriptors before = descriptors();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni *cni = evil_cni(cases[i].mode, cases[i].more, cases[i].options);
        in_case("%s %s", cases[i].mode, cases[i].options);
        add_evil(cni, NULL, evil_list(0), NULL);
        libcni_del_network_list(cni, NULL, evil_list(1 << 20), runtime(""), NULL);
        libcni_free(cni);
        CHECK(same(before));
        CHECK(without_children());
    }
}

static void no_call_leaves_a_descriptor_or_a_child_behind(void) {
    alone(leave_nothing);
}

/* ---- forks, roots, namespaces ---- */

enum { COPIES = 500 };

static void *fork_all_the_time(void *argument) {
    pid_t *copies = argument;
    for (int i = 0; i < COPIES && !stop; i++) {
        copies[i] = fork();
        if (copies[i] == 0)
            for (;;) pause();
    }
    return NULL;
}

static void fork_meanwhile(void) {
    static pid_t copies[COPIES];
    pthread_t forker;
    libcni *echo = evil_cni("echo", "", "\"killGraceMs\": 20"), *fail = evil_cni("fail", "", "\"killGraceMs\": 20");
    if (pthread_create(&forker, NULL, fork_all_the_time, copies)) abort();
    for (int round = 0; round < 20; round++) {
        libcni_error *err = NULL;
        /* A copy may hold the plugin's end of stdout open; an answer is complete nevertheless. */
        CHECK_STATUS(LIBCNI_OK, add_evil(echo, NULL, evil_list(50000), NULL));
        CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(echo, NULL, evil_list(0), runtime(""), NULL));
        CHECK_STATUS(LIBCNI_ERR_PLUGIN, add_evil(fail, NULL, evil_list(0), &err));
        CHECK(error_number(err, "exitCode") == 7);
        libcni_error_free(err);
    }
    stop = true;
    pthread_join(forker, NULL);
    for (int i = 0; i < COPIES && copies[i] > 0; i++) {
        kill(copies[i], SIGKILL);
        waitpid(copies[i], NULL, 0);
    }
    CHECK(without_children());
    libcni_free(echo);
    libcni_free(fail);
}

static void a_host_that_forks_during_calls(void) {
    alone(fork_meanwhile);
}

static void copy_evil(const char *to) {
    CHECK(system(text("cp '%s/evil' '%s'", plugin_dir(), to)) == 0);
}

/* ADD in that directory of plugins, with nothing else around. */
static int32_t add_from(const char *dir, const char *mode, libcni_error **err) {
    libcni *cni = NULL;
    const char *options = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\", \"env\": {\"EVIL\": \"%s\"}}",
                               dir, dir, mode);
    CHECK_STATUS(LIBCNI_OK, libcni_new(options, NULL, &cni, NULL));
    int32_t status = add_evil(cni, NULL, evil_list(0), err);
    libcni_free(cni);
    return status;
}

static void change_root(void) {
    libcni_error *err = NULL;
    make_dir(text("%s/root", scratch()));
    make_dir(text("%s/root/plugins", scratch()));
    copy_evil(text("%s/root/plugins/evil", scratch()));
    if (chroot(text("%s/root", scratch())) || chdir("/")) {
        skip("chroot: %s", strerror(errno));
        return;
    }
    int32_t status = add_from("/plugins", "sink", &err);
    if (status == LIBCNI_ERR_IO && strstr(libcni_error_message(err), "No such file")) {
        skip("the plugin could not be linked statically");
        return;
    }
    if (!CHECK_STATUS(LIBCNI_OK, status)) printf("    %s\n", libcni_error_message(err));
    CHECK(exists("/plugins/cache/results/net-box-eth0"));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add_from("/plugins", "fail", &err));
    CHECK(error_number(err, "exitCode") == 7);
    libcni_error_free(err);
}

static void a_chrooted_host(void) {
    alone(change_root);
}

static const char *link_of(const char *path) {
    static char target[256];
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = 0;
    return target;
}

static void *call_from_another_network(void *argument) {
    (void)argument;
    if (unshare(CLONE_NEWNET)) {
        skip("unshare: %s", strerror(errno));
        return NULL;
    }
    libcni *cni = evil_cni("report", "", "");
    const char *here = text("%s", link_of("/proc/thread-self/ns/net"));
    CHECK(strcmp(here, link_of("/proc/self/ns/net")) != 0);
    CHECK_TEXT(here, report(cni, "net "));
    libcni_free(cni);
    return NULL;
}

static void *call_from_another_mount_namespace(void *argument) {
    const char *dir = argument;
    if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) || mount("", dir, "tmpfs", 0, NULL)) {
        skip("unshare and mount: %s", strerror(errno));
        return NULL;
    }
    /* Seen by this thread alone. */
    copy_evil(text("%s/evil", dir));
    CHECK_STATUS(LIBCNI_OK, add_from(dir, "sink", NULL));
    return NULL;
}

static void in_a_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument)) abort();
    pthread_join(thread, NULL);
}

static void change_network(void) {
    in_a_thread(call_from_another_network, NULL);
}

static void change_mounts(void) {
    char *dir = text("%s/mounted", scratch());
    make_dir(dir);
    in_a_thread(call_from_another_mount_namespace, dir);
    CHECK(!exists(text("%s/evil", dir)));
}

static void a_plugin_runs_in_the_network_namespace_of_the_calling_thread(void) {
    alone(change_network);
}

static void a_plugin_runs_in_the_mount_namespace_of_the_calling_thread(void) {
    alone(change_mounts);
}

/* ---- threads ---- */

static atomic_int status_of_thread;

/* Cancelled at its next cancellation point, which must not be inside of libcni: a thread that ended there would
 * leave locks, descriptors and plugins behind. */
static void *call_while_being_cancelled(void *argument) {
    const struct {
        libcni *cni;
        const char *list, *rt;
    } *call = argument;
    libcni_buf result = LIBCNI_BUF_INIT;
    pthread_cancel(pthread_self());
    status_of_thread = libcni_add_network_list(call->cni, NULL, call->list, call->rt, &result, NULL);
    libcni_buf_free(&result);
    return NULL;
}

static void cancel_threads(void) {
    struct {
        libcni *cni;
        const char *list, *rt;
    } call = {evil_cni("echo", "", ""), evil_list(1 << 20), runtime("")};
    struct descriptors before = descriptors();
    status_of_thread = 99;
    in_a_thread(call_while_being_cancelled, &call);
    CHECK_STATUS(LIBCNI_OK, status_of_thread);
    CHECK(exists(cache_file()));
    CHECK(same(before));
    libcni_free(call.cni);
}

static void a_thread_is_not_cancelled_in_the_middle_of_a_call(void) {
    alone(cancel_threads);
}

static void *call_on_a_small_stack(void *argument) {
    (void)argument;
    expect_right_results();
    return NULL;
}

static void use_a_small_stack(void) {
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    if (pthread_create(&thread, &small, call_on_a_small_stack, NULL)) abort();
    pthread_join(thread, NULL);
}

static void a_call_needs_little_stack(void) {
    alone(use_a_small_stack);
}

RUN_TESTS(TEST(a_host_that_ignores_sigchld), TEST(a_host_with_a_thread_that_reaps_every_child),
          TEST(a_host_with_sigpipe_at_its_default), TEST(a_host_that_blocks_ignores_and_handles_all_signals),
          TEST(a_storm_of_signals_changes_nothing), TEST(a_host_without_stdin_stdout_and_stderr),
          TEST(a_host_short_of_descriptors_gets_a_clear_error_and_nothing_leaks),
          TEST(no_call_leaves_a_descriptor_or_a_child_behind), TEST(a_host_that_forks_during_calls),
          TEST(a_chrooted_host), TEST(a_plugin_runs_in_the_network_namespace_of_the_calling_thread),
          TEST(a_plugin_runs_in_the_mount_namespace_of_the_calling_thread),
          TEST(a_thread_is_not_cancelled_in_the_middle_of_a_call), TEST(a_call_needs_little_stack))
