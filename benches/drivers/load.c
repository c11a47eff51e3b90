/* What it costs a program to load libcni.so while it runs, and to keep it: `library=PATH` is opened when the driver starts.
 *
 * `loaded` is answered with what that took and what the process held before: {"ns","rss","private"}. ADD and DEL work as
 * with the other drivers. */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <libcni.h>

#include "driver.h"

static memory before;
static uint64_t took;
static libcni *cni;
static char *list;
static __typeof__(libcni_new) *new;
static __typeof__(libcni_add_network_list) *add;
static __typeof__(libcni_del_network_list) *del;
static __typeof__(libcni_buf_free) *buf_free;

void contestant_run(const char *command, const char *container)
{
    char rt[512];
    libcni_buf result = LIBCNI_BUF_INIT;
    snprintf(rt, sizeof rt, "{\"containerId\":\"%s\",\"netns\":\"%s\",\"ifName\":\"eth0\"}", container, setting.netns);
    int32_t status = command[0] == 'A' ? add(cni, NULL, list, rt, &result, NULL) : del(cni, NULL, list, rt, NULL);
    if (status != LIBCNI_OK)
        fail("%s ended with status %d", command, status);
    buf_free(&result);
}

bool contestant_order(const char *order)
{
    if (strcmp(order, "loaded") != 0)
        return false;
    printf("{\"ns\":%llu,\"rss\":%ld,\"private\":%ld}\n", (unsigned long long)took, before.rss, before.private);
    return true;
}

uint64_t contestant_plugin_ns(void)
{
    return 0;
}

void contestant_start(void)
{
    char options[1024];
    list = read_file(setting.list, NULL);
    before = memory_now();
    uint64_t begin = now_ns();
    void *library = dlopen(setting.library, RTLD_NOW | RTLD_LOCAL);
    took = now_ns() - begin;
    if (library == NULL)
        fail("%s", dlerror());
    *(void **)&new = dlsym(library, "libcni_new");
    *(void **)&add = dlsym(library, "libcni_add_network_list");
    *(void **)&del = dlsym(library, "libcni_del_network_list");
    *(void **)&buf_free = dlsym(library, "libcni_buf_free");
    snprintf(options, sizeof options, "{\"pluginDirs\":[\"%s\"],\"cacheDir\":\"%s\"}", setting.plugins, setting.cache);
    if (new(options, NULL, &cni, NULL) != LIBCNI_OK)
        fail("libcni_new");
}
