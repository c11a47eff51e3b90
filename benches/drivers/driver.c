#define _GNU_SOURCE

#include "driver.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 256 };

settings setting = {
    .netns = "/run/netns/bench",
    .capabilities = "",
    .spawn = "posix_spawn",
    .exec = "process",
    .builtin = "",
    .networks = "",
};

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(1 << 20);
    if (file == NULL || text == NULL)
        fail("%s: %s", path, strerror(errno));
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = 0;
    fclose(file);
    if (size != NULL)
        *size = length;
    return text;
}

static uint64_t nanoseconds(long seconds, long rest)
{
    return (uint64_t)seconds * 1000000000 + (uint64_t)rest;
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return nanoseconds(now.tv_sec, now.tv_nsec);
}

/* What this process itself has used of the processors, in both modes; its children do not count. */
static uint64_t own_cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return nanoseconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec,
                       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000);
}

/* One thread's share of an order. */
typedef struct share {
    const char *command;
    int thread, operations;
    pthread_barrier_t *start;
} share;

static void *work(void *argument)
{
    const share *share = argument;
    char container[64];
    if (share->start != NULL)
        pthread_barrier_wait(share->start);
    for (int i = 0; i < share->operations; i++) {
        snprintf(container, sizeof container, "bench-%d-%d", share->thread, i);
        contestant_run(share->command, container);
    }
    return NULL;
}

static void run(const char *command, int operations, int threads)
{
    pthread_t thread[MOST_THREADS];
    share shares[MOST_THREADS];
    pthread_barrier_t start;
    if (threads < 1 || threads > MOST_THREADS)
        fail("1 to %d threads", MOST_THREADS);
    pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        int part = operations / threads + (i < operations % threads);
        shares[i] = (share){ command, i, part, threads > 1 ? &start : NULL };
        if (threads > 1 && pthread_create(&thread[i], NULL, work, &shares[i]) != 0)
            fail("no thread");
    }
    contestant_plugin_ns();
    uint64_t cpu = own_cpu_ns(), begin = now_ns();
    if (threads == 1) {
        work(&shares[0]);
    } else {
        pthread_barrier_wait(&start);
        for (int i = 0; i < threads; i++)
            pthread_join(thread[i], NULL);
    }
    uint64_t end = now_ns();
    cpu = own_cpu_ns() - cpu;
    pthread_barrier_destroy(&start);
    printf("{\"ops\":%d,\"ns\":%llu,\"cpuNs\":%llu,\"pluginNs\":%llu}\n", operations, (unsigned long long)(end - begin),
           (unsigned long long)cpu, (unsigned long long)contestant_plugin_ns());
}

/* Small pages, as a host's heap has them: the larger the page tables, the more a fork would have to copy. */
static void touch(size_t mebibytes)
{
    size_t size = mebibytes << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("%zu MiB: %s", mebibytes, strerror(errno));
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
    puts("{}");
}

static long number_in(const char *path, const char *key)
{
    char *text = read_file(path, NULL);
    const char *line = strstr(text, key);
    long number = line == NULL ? 0 : atol(line + strlen(key));
    free(text);
    return number;
}

/* Counted page by page, which /proc/self/status is not. */
memory memory_now(void)
{
    static const char rollup[] = "/proc/self/smaps_rollup";
    return (memory){
        .rss = number_in(rollup, "Rss:") << 10,
        .private = (number_in(rollup, "Private_Clean:") + number_in(rollup, "Private_Dirty:")) << 10,
        .threads = number_in("/proc/self/status", "Threads:"),
    };
}

static void tell_memory(void)
{
    memory now = memory_now();
    printf("{\"rss\":%ld,\"private\":%ld,\"threads\":%ld}\n", now.rss, now.private, now.threads);
}

static void set(const char *argument)
{
    static const struct { const char *key; const char **text; bool *truth; } known[] = {
        { "plugins=", &setting.plugins, NULL },
        { "cache=", &setting.cache, NULL },
        { "list=", &setting.list, NULL },
        { "requests=", &setting.requests, NULL },
        { "samples=", &setting.samples, NULL },
        { "netns=", &setting.netns, NULL },
        { "capabilities=", &setting.capabilities, NULL },
        { "library=", &setting.library, NULL },
        { "spawn=", &setting.spawn, NULL },
        { "exec=", &setting.exec, NULL },
        { "builtin=", &setting.builtin, NULL },
        { "networks=", &setting.networks, NULL },
        { "durable=", NULL, &setting.durable },
        { "events=", NULL, &setting.events },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].key);
        if (strncmp(argument, known[i].key, length) != 0)
            continue;
        if (known[i].text != NULL)
            *known[i].text = argument + length;
        else
            *known[i].truth = strcmp(argument + length, "true") == 0;
        return;
    }
    fail("no such setting: %s", argument);
}

int main(int argc, char **argv)
{
    char order[256], command[16];
    int operations, threads;
    size_t mebibytes;
    for (int i = 1; i < argc; i++)
        set(argv[i]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    contestant_start();
    while (fgets(order, sizeof order, stdin) != NULL) {
        order[strcspn(order, "\n")] = 0;
        if (sscanf(order, "ballast %zu", &mebibytes) == 1)
            touch(mebibytes);
        else if (strcmp(order, "memory") == 0)
            tell_memory();
        else if (contestant_order(order))
            continue;
        else if (sscanf(order, "%15[A-Z] %d %d", command, &operations, &threads) == 3)
            run(command, operations, threads);
        else
            fail("no such order: %s", order);
    }
    return 0;
}
