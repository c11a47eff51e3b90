/* libcni through its C ABI, as a container runtime written in C uses it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "driver.h"

libcni *cni;
static char *list;

void check(int32_t status, libcni_error *error, const char *what)
{
    if (status != LIBCNI_OK)
        fail("%s: %s", what, libcni_error_message(error));
}

void contestant_run(const char *command, const char *container)
{
    char rt[1024];
    libcni_error *error = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status;
    const char *capabilities = setting.capabilities;
    snprintf(rt, sizeof rt, "{\"containerId\":\"%s\",\"netns\":\"%s\",\"ifName\":\"eth0\"%s%s}", container, setting.netns,
             *capabilities ? ",\"capabilityArgs\":" : "", capabilities);
    if (command[0] == 'A')
        status = libcni_add_network_list(cni, NULL, list, rt, &result, &error);
    else if (command[0] == 'C')
        status = libcni_check_network_list(cni, NULL, list, rt, &error);
    else
        status = libcni_del_network_list(cni, NULL, list, rt, &error);
    check(status, error, command);
    libcni_buf_free(&result);
}

bool contestant_order(const char *order)
{
    return micro(order);
}

uint64_t contestant_plugin_ns(void)
{
    return 0;
}

void contestant_start(void)
{
    char options[2048];
    libcni_error *error = NULL;
    list = read_file(setting.list, NULL);
    snprintf(options, sizeof options, "{\"pluginDirs\":[\"%s\"],\"cacheDir\":\"%s\",\"durable\":%s}", setting.plugins,
             setting.cache, setting.durable ? "true" : "false");
    check(libcni_new(options, NULL, &cni, &error), error, "libcni_new");
}
