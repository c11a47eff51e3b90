/* The quantities of core/main.rs through the C ABI, JSON texts in and out. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "driver.h"

static char *sample(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", setting.samples, name);
    return read_file(path, NULL);
}

static char *result_sample(const char *version)
{
    char name[64];
    snprintf(name, sizeof name, "result-%s.json", version);
    return sample(name);
}

static uint64_t time_of(int count, int32_t (*once)(char **texts, libcni_buf *out, libcni_error **error), char **texts)
{
    uint64_t begin = now_ns();
    for (int i = 0; i < count; i++) {
        libcni_error *error = NULL;
        libcni_buf out = LIBCNI_BUF_INIT;
        check(once(texts, &out, &error), error, "micro");
        libcni_buf_free(&out);
    }
    return now_ns() - begin;
}

static int32_t parse_list(char **texts, libcni_buf *out, libcni_error **error)
{
    return libcni_network_conf_from_bytes(texts[0], out, error);
}

static int32_t derive(char **texts, libcni_buf *out, libcni_error **error)
{
    return libcni_render_network_list(cni, "CHECK", texts[0], texts[1], out, error);
}

static int32_t convert(char **texts, libcni_buf *out, libcni_error **error)
{
    return libcni_result_convert(texts[0], texts[1], out, error);
}

bool micro(const char *order)
{
    char from[16], to[16];
    int count;
    uint64_t elapsed;
    if (sscanf(order, "micro list %d", &count) == 1)
        elapsed = time_of(count, parse_list, (char *[]){ sample("list.json") });
    else if (sscanf(order, "micro request %d", &count) == 1)
        elapsed = time_of(count, derive, (char *[]){ sample("one.json"), sample("rt.json") });
    else if (sscanf(order, "micro convert-%15[0-9.]-%15[0-9.] %d", from, to, &count) == 3)
        elapsed = time_of(count, convert, (char *[]){ result_sample(from), to });
    else
        return false;
    printf("{\"ops\":%d,\"ns\":%llu}\n", count, (unsigned long long)elapsed);
    return true;
}
