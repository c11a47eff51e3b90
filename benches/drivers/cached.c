/* Looking through a cache of many files, and collecting it, through the C ABI. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "driver.h"

/* Attachments in an answer: each has exactly one of these keys, whose text no value of the scenes contains. */
static int attachments_in(const char *json)
{
    int count = 0;
    for (const char *found = json; (found = strstr(found, "\"configBytes\"")) != NULL; found++)
        count++;
    return count;
}

static void tell(int operations, uint64_t elapsed, int found)
{
    printf("{\"ops\":%d,\"ns\":%llu,\"found\":%d}\n", operations, (unsigned long long)elapsed, found);
}

static void list(const char *filter, int count)
{
    libcni_buf attachments = LIBCNI_BUF_INIT;
    libcni_error *error = NULL;
    uint64_t begin = now_ns();
    for (int i = 0; i < count; i++) {
        libcni_buf_free(&attachments);
        check(libcni_get_cached_attachments(cni, *filter ? filter : NULL, &attachments, &error), error, "list");
    }
    uint64_t elapsed = now_ns() - begin;
    tell(count, elapsed, attachments_in(attachments.data));
    libcni_buf_free(&attachments);
}

static void collect(int valid)
{
    enum { MOST = 64 };
    libcni_error *error = NULL;
    char *configuration = read_file(setting.list, NULL), *args = malloc((size_t)valid * MOST + MOST);
    char *end = args + sprintf(args, "{\"validAttachments\":[");
    for (int i = 0; i < valid; i++)
        end += snprintf(end, MOST, "%s{\"containerId\":\"bench-0-%d\",\"ifName\":\"eth0\"}", i ? "," : "", i);
    strcpy(end, "]}");
    uint64_t begin = now_ns();
    check(libcni_gc_network_list(cni, NULL, configuration, args, &error), error, "GC");
    tell(1, now_ns() - begin, 0);
    free(args);
    free(configuration);
}

bool cached(const char *order)
{
    char name[48], filter[96] = "";
    int count, valid;
    if (sscanf(order, "gc %d", &valid) == 1) {
        collect(valid);
        return true;
    }
    if (sscanf(order, "list container %47s %d", name, &count) == 2)
        snprintf(filter, sizeof filter, "{\"containerId\":\"%s\"}", name);
    else if (sscanf(order, "list network %47s %d", name, &count) == 2)
        snprintf(filter, sizeof filter, "{\"networkName\":\"%s\"}", name);
    else if (sscanf(order, "list all %d", &count) != 1)
        return false;
    list(filter, count);
    return true;
}
