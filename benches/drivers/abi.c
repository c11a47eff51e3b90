/* libcni through its C ABI, as a container runtime written in C uses it. */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "driver.h"
#include "../plugins/answer.h"

libcni *cni;
static char *list;
/* With the setting `networks`: loopback, and nothing else. */
static libcni_networks *networks;

void check(int32_t status, libcni_error *error, const char *what)
{
    if (status != LIBCNI_OK)
        fail("%s: %s", what, libcni_error_message(error));
}

/* The same operation of a container through its networks. */
static void run_networks(const char *command, const char *container)
{
    char description[1024];
    libcni_error *error = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status;
    snprintf(description, sizeof description, "{\"containerId\":\"%s\",\"netns\":\"%s\"}", container, setting.netns);
    if (command[0] == 'A')
        status = libcni_networks_setup(networks, NULL, description, &result, &error);
    else if (command[0] == 'C')
        status = libcni_networks_check(networks, NULL, description, &error);
    else
        status = libcni_networks_remove(networks, NULL, description, &error);
    check(status, error, command);
    libcni_buf_free(&result);
}

void contestant_run(const char *command, const char *container)
{
    if (networks != NULL) {
        run_networks(command, container);
        return;
    }
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
    else if (command[0] == 'R')
        status = libcni_get_network_list_cached_result(cni, list, rt, &result, &error);
    else
        status = libcni_del_network_list(cni, NULL, list, rt, &error);
    check(status, error, command);
    libcni_buf_free(&result);
}

bool contestant_order(const char *order)
{
    return micro(order) || cached(order);
}

/* How long plugins ran, in all threads. */
static _Atomic uint64_t plugin_ns;

uint64_t contestant_plugin_ns(void)
{
    return atomic_exchange(&plugin_ns, 0);
}

static void on_event(void *user_data, void *call_data, const char *event)
{
    static const char key[] = "\"durationMs\":";
    const char *duration = strstr(event, key);
    (void)user_data, (void)call_data;
    if (duration != NULL)
        plugin_ns += (uint64_t)(strtod(duration + sizeof key - 1, NULL) * 1e6);
}

/* Every plugin is found, and each succeeds at once: what is left is the library's own work. */
static int32_t find_instantly(void *user_data, const libcni_exec_request *request, libcni_exec_response *response)
{
    (void)user_data;
    libcni_exec_response_set_path(response, libcni_exec_request_plugin(request));
    return 0;
}

static int32_t exec_instantly(void *user_data, const libcni_exec_request *request, libcni_exec_response *response)
{
    (void)user_data;
    if (strcmp(libcni_exec_request_command(request), "ADD") == 0)
        libcni_exec_response_set_stdout(response, ANSWER_ADD, sizeof ANSWER_ADD - 1);
    return 0;
}

void contestant_start(void)
{
    char options[2048];
    libcni_error *error = NULL;
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    list = read_file(setting.list, NULL);
    if (setting.events)
        hooks.on_event = on_event;
    if (strcmp(setting.exec, "none") == 0) {
        hooks.find_in_path = find_instantly;
        hooks.exec_plugin = exec_instantly;
    }
    const char *quote = *setting.builtin ? "\"" : "";
    snprintf(options, sizeof options, "{\"pluginDirs\":[\"%s\"],\"cacheDir\":\"%s\",\"durable\":%s,\"builtins\":[%s%s%s]}",
             setting.plugins, setting.cache, setting.durable ? "true" : "false", quote, setting.builtin, quote);
    check(libcni_new(options, &hooks, &cni, &error), error, "libcni_new");
    if (*setting.networks) {
        snprintf(options, sizeof options, "{\"confDir\":\"/nowhere\",\"minNetworks\":1,\"loopbackPlugin\":\"%s\"}",
                 setting.networks);
        check(libcni_networks_new(cni, options, &networks, &error), error, "libcni_networks_new");
    }
}
