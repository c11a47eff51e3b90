#include "callbacks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

static uintptr_t call_of(const libcni_exec_request *request) {
    return (uintptr_t)libcni_exec_request_call_data(request);
}

static int32_t find_in_path(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    (void)user_data;
    return libcniGoFindInPath(call_of(request), (libcni_exec_request *)request, response);
}

static int32_t exec_plugin(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    (void)user_data;
    return libcniGoExecPlugin(call_of(request), (libcni_exec_request *)request, response);
}

/* Crossing into Go costs more than looking: only what a plugin wrote to stderr is of interest there. `user_data` is not
 * NULL when it goes to stderr without a call that could say so. */
static void on_event(void *user_data, void *call_data, const char *event_json) {
    if ((call_data || user_data) && strstr(event_json, "\"stderr\":"))
        libcniGoOnEvent((uintptr_t)call_data, (char *)event_json);
}

static int32_t run_plugin(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    uintptr_t call = (uintptr_t)libcni_plugin_request_call_data(request);
    return libcniGoRunPlugin((uintptr_t)user_data, call, (libcni_plugin_request *)request, response);
}

libcni_plugin *libcni_go_plugins(size_t count) {
    libcni_plugin *plugins = calloc(count, sizeof *plugins);
    if (!plugins) abort(); /* as Go does without memory */
    return plugins;
}

void libcni_go_plugin_set(libcni_plugin *plugins, size_t place, const char *type, const char *versions, uintptr_t plugin) {
    libcni_plugin made = LIBCNI_PLUGIN_INIT;
    made.type = type;
    made.supported_versions = versions;
    made.user_data = (void *)plugin;
    made.add = made.check = made.del = made.gc = made.status = run_plugin;
    plugins[place] = made;
}

int32_t libcni_go_new(const char *options, bool custom, bool to_stderr, const libcni_plugin *plugins, size_t count,
                      libcni **out, libcni_error **err) {
    static char yes;
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    hooks.user_data = to_stderr ? &yes : NULL;
    hooks.plugins = plugins;
    hooks.plugin_count = count;
    if (custom) {
        hooks.find_in_path = find_in_path;
        hooks.exec_plugin = exec_plugin;
    } else {
        hooks.on_event = on_event;
    }
    return libcni_new(options, &hooks, out, err);
}

int32_t libcni_go_context_new(const char *options, uintptr_t call, libcni_context **out, libcni_error **err) {
    return libcni_context_new(options, (void *)call, out, err);
}

/* The Go runtime has a handler for every signal. A plugin that ends while its answer is read would have the one for SIGCHLD run in
 * between, a tenth of a small plugin's ADD. The other threads of the process, which Go always has, still get the signal. */
int32_t libcni_go_add_network_list(const libcni *cni, const libcni_context *context, const char *list, const char *rt,
                                   libcni_buf *result, libcni_error **err) {
    sigset_t child, before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &child, &before);
    int32_t status = libcni_add_network_list(cni, context, list, rt, result, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}
