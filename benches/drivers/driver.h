/* What every driver that is written in C shares: settings, orders, threads and clocks.
 *
 * A driver is one contestant. It gets settings as KEY=VALUE arguments and then takes orders on its standard input,
 * one a line, and answers each with one line of JSON, until its input ends:
 *
 *     ADD 200 8       200 operations in all, by 8 threads; also CHECK, DEL, and RESULT, which asks for
 *                     the cached result. {"ops","ns","cpuNs","pluginNs"}
 *     ballast 4096    touch that many MiB and keep them. {}
 *     memory          what the process holds. {"rss","private","threads"}, in bytes
 *
 * and what the contestant knows besides. A failed operation ends the driver: there is nothing to measure then. */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct settings {
    const char *plugins;      /* the directory of the plugins */
    const char *cache;        /* the cache directory */
    const char *list;         /* a file: the network configuration list */
    const char *requests;     /* a file: what the floor sends, see floor.c */
    const char *samples;      /* a directory: what `micro` works on, see core/quantities.rs */
    const char *netns;        /* a path */
    const char *capabilities; /* a JSON object, or "" */
    const char *library;      /* load.c: the file of libcni.so */
    const char *spawn;        /* the floor: posix_spawn, vfork or fork */
    const char *exec;         /* "process", or "none": a callback that plays the plugin */
    const char *builtin;      /* the C ABI: a plugin of libcni that lives in the process, or "" */
    const char *networks;     /* the C ABI: who brings lo up, "program" or "builtin", in networks of a container; or "" */
    bool durable;             /* flush the cache to the disk */
    bool events;              /* ask for events, and sum up how long the plugins ran; the floor: time its steps */
} settings;

extern settings setting;

/* The contestant's part. */
void contestant_start(void);
/* One operation. `container` is unique for each of an order's operations, and the same in the next order. */
void contestant_run(const char *command, const char *container);
/* An order of its own: writes the members of the answer without braces. False when it knows no such order. */
bool contestant_order(const char *order);
/* How long plugins ran since the last call, as events tell; 0 when nobody counts. */
uint64_t contestant_plugin_ns(void);

/* For the contestants. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);
char *read_file(const char *path, size_t *size); /* NUL-terminated, to be freed */
uint64_t now_ns(void);

/* What the process holds, in bytes. */
typedef struct memory {
    long rss, private, threads;
} memory;

memory memory_now(void);

#endif
