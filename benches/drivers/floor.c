/* The floor: the least that a runtime which speaks the protocol can do. It runs the same plugins with the same pipes,
 * the same stdin and the same environment, drains and reaps them, and keeps the same cache file: written aside and
 * renamed by ADD, read by CHECK and DEL, removed by DEL.
 *
 * Everything that can be known beforehand is: paths, requests and the text of the cache file come ready from
 * `requests`, nothing is parsed, checked or allocated, nobody is locked out. Its lines are
 *
 *     the text of a cache file up to the container's id
 *     the text from there to the result
 *     for each plugin: its path, and its request up to prevResult, without the closing brace
 *
 * `spawn=posix_spawn` is what a careful C program does. `spawn=vfork` is the least that the kernel offers, and `spawn=fork` what
 * the others avoid. */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "files.h"
#include "text.h"

enum { MOST_PLUGINS = 16, MOST_VARIABLES = 64 };

extern char **environ;

static const char *cache_head, *cache_middle;
static const char *path[MOST_PLUGINS], *request[MOST_PLUGINS];
static int plugins;
static char search[512], netns[512];
static enum { POSIX_SPAWN, VFORK, FORK } spawn_by;

/* Where the time of one thread goes, for the order `steps`. */
enum step { PIPES, SPAWN, EXCHANGE, REAP, CACHE, STEPS };
static const char *const step_names[] = { "pipes", "spawn", "exchange", "reap", "cache" };
static uint64_t step_ns[STEPS], lap;

static void begin(void)
{
    if (setting.events)
        lap = now_ns();
}

/* What was done since the last time was this step. */
static void end(enum step step)
{
    if (!setting.events)
        return;
    uint64_t now = now_ns();
    step_ns[step] += now - lap;
    lap = now;
}

static bool steps(const char *order)
{
    if (strcmp(order, "steps") != 0)
        return false;
    for (int step = 0; step < STEPS; step++)
        printf("%s\"%s\":%llu", step ? "," : "{", step_names[step], (unsigned long long)step_ns[step]);
    puts("}");
    memset(step_ns, 0, sizeof step_ns);
    return true;
}

static pid_t spawn(const char *program, char **environment, const int *pipes)
{
    char *argv[] = { (char *)program, NULL };
    pid_t pid;
    if (spawn_by != POSIX_SPAWN) {
        pid = spawn_by == VFORK ? vfork() : fork();
        if (pid == 0) {
            for (int fd = 0; fd < 3; fd++)
                dup2(pipes[fd], fd);
            execve(program, argv, environment);
            _exit(127);
        }
        check(pid > 0, "fork");
        return pid;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_adddup2(&actions, pipes[fd], fd);
    errno = posix_spawn(&pid, program, &actions, NULL, argv, environment);
    check(errno == 0, program);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Runs a plugin; what it prints takes the place of what `out` had. */
static void run_plugin(const char *program, char **environment, const text *in, text *out)
{
    static _Thread_local text complaint;
    int input[2], output[2], error[2], status;
    begin();
    check(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0 && pipe2(error, O_CLOEXEC) == 0, "pipe");
    end(PIPES);
    pid_t pid = spawn(program, environment, (int[]){ input[0], output[1], error[1] });
    end(SPAWN);
    close(input[0]);
    close(output[1]);
    close(error[1]);
    check(write(input[1], in->bytes, in->size) == (ssize_t)in->size, "write");
    close(input[1]);
    out->size = complaint.size = 0;
    read_to_end(output[0], out);
    read_to_end(error[0], &complaint);
    end(EXCHANGE);
    close(output[0]);
    close(error[0]);
    end(PIPES);
    check(waitpid(pid, &status, 0) == pid, "waitpid");
    end(REAP);
    if (status != 0)
        fail("%s ended with status %d: %.*s", program, status, (int)out->size, out->bytes);
}

static void write_cache_file(text *file, const char *container, const text *result)
{
    file->size = 0;
    append_string(file, cache_head);
    append_string(file, container);
    append_string(file, cache_middle);
    append(file, result->bytes, result->size);
    append(file, "}", 1);
}

/* The caller's environment with the six variables of the protocol. */
static void make_environment(char **environment, char *verb, char *id)
{
    int variables = 0;
    for (char **variable = environ; *variable != NULL && variables < MOST_VARIABLES - 7; variable++)
        environment[variables++] = *variable;
    char *own[] = { verb, id, netns, "CNI_ARGS=", "CNI_IFNAME=eth0", search, NULL };
    memcpy(environment + variables, own, sizeof own);
}

void contestant_run(const char *command, const char *container)
{
    static _Thread_local text in, out, previous, file;
    char id[96], verb[32], name[160], *environment[MOST_VARIABLES];
    bool add = command[0] == 'A', del = command[0] == 'D';

    snprintf(verb, sizeof verb, "CNI_COMMAND=%s", command);
    snprintf(id, sizeof id, "CNI_CONTAINERID=%s", container);
    snprintf(name, sizeof name, "bench-%s-eth0", container);
    make_environment(environment, verb, id);

    previous.size = 0;
    if (!add) {
        begin();
        load_file(name, &file);
        take_result(&file, &previous);
        end(CACHE);
    }
    if (command[0] == 'R')
        return;
    for (int i = 0; i < plugins; i++) {
        int plugin = del ? plugins - 1 - i : i;
        in.size = 0;
        append_string(&in, request[plugin]);
        if (previous.size > 0) {
            append_string(&in, ",\"prevResult\":");
            append(&in, previous.bytes, previous.size);
        }
        append(&in, "}", 1);
        run_plugin(path[plugin], environment, &in, add ? &previous : &out);
    }
    begin();
    if (add) {
        write_cache_file(&file, container, &previous);
        store_file(name, &file);
    } else if (del) {
        remove_file(name);
    }
    end(CACHE);
}

/* `fill 1000`: as many attachments as if they had been added, for others to find. */
static bool fill(const char *order)
{
    static text file;
    static const text result = { 2, "{}" };
    char container[64], name[96];
    int count;
    if (sscanf(order, "fill %d", &count) != 1)
        return false;
    for (int i = 0; i < count; i++) {
        snprintf(container, sizeof container, "bench-0-%d", i);
        snprintf(name, sizeof name, "bench-%s-eth0", container);
        write_cache_file(&file, container, &result);
        store_file(name, &file);
    }
    puts("{}");
    return true;
}

bool contestant_order(const char *order)
{
    return steps(order) || fill(order) || list_or_collect(order);
}

uint64_t contestant_plugin_ns(void)
{
    return 0;
}

static const char *next_line(char **rest)
{
    char *line = strsep(rest, "\n");
    if (line == NULL)
        fail("%s: a line is missing", setting.requests);
    return line;
}

void contestant_start(void)
{
    char *rest = read_file(setting.requests, NULL);
    cache_head = next_line(&rest);
    cache_middle = next_line(&rest);
    while (*rest != 0 && plugins < MOST_PLUGINS) {
        path[plugins] = next_line(&rest);
        request[plugins++] = next_line(&rest);
    }
    snprintf(search, sizeof search, "CNI_PATH=%s", setting.plugins);
    snprintf(netns, sizeof netns, "CNI_NETNS=%s", setting.netns);
    spawn_by = strcmp(setting.spawn, "vfork") == 0 ? VFORK : strcmp(setting.spawn, "fork") == 0 ? FORK : POSIX_SPAWN;
    open_cache(setting.cache);
}
