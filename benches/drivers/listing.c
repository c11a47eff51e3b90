/* The floor of looking through a cache of many files: the directory is read once, the files that match are opened, read
 * and closed, and nobody looks at what is in them. */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

/* What the name of a file must have: at its front, or somewhere behind it; "" for nothing. */
typedef struct filter {
    char front[64], inside[64];
} filter;

static bool matches(const filter *filter, const char *name)
{
    return name[0] != '.' && strncmp(name, filter->front, strlen(filter->front)) == 0 &&
           (filter->inside[0] == 0 || strstr(name, filter->inside) != NULL);
}

/* Reads the files that match; `visit`, unless it is NULL, is told of each. */
static int walk(const filter *filter, void (*visit)(const char *name, const void *context), const void *context)
{
    static text file;
    int count = 0;
    DIR *directory = open_results();
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (!matches(filter, entry->d_name))
            continue;
        load_file(entry->d_name, &file);
        count++;
        if (visit != NULL)
            visit(entry->d_name, context);
    }
    closedir(directory);
    return count;
}

/* `bench-bench-0-<number>-eth0` is valid while the number is small. */
static void remove_stale(const char *name, const void *context)
{
    if (atoi(name + strlen("bench-bench-0-")) >= *(const int *)context)
        remove_file(name);
}

bool list_or_collect(const char *order)
{
    filter filter = { "", "" };
    char part[48];
    int count, valid, found = 0;
    uint64_t begin;
    if (sscanf(order, "list container %47s %d", part, &count) == 2)
        snprintf(filter.inside, sizeof filter.inside, "-%s-", part);
    else if (sscanf(order, "list network %47s %d", part, &count) == 2)
        snprintf(filter.front, sizeof filter.front, "%s-", part);
    else if (sscanf(order, "gc %d", &valid) == 1)
        count = 0;
    else if (sscanf(order, "list all %d", &count) != 1)
        return false;
    begin = now_ns();
    if (count == 0)
        found = walk(&filter, remove_stale, &valid);
    for (int i = 0; i < count; i++)
        found = walk(&filter, NULL, NULL);
    printf("{\"ops\":%d,\"ns\":%llu,\"found\":%d}\n", count ? count : 1, (unsigned long long)(now_ns() - begin), found);
    return true;
}
