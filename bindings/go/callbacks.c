#include "callbacks.h"

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

/* Crossing into Go costs more than looking: only what a plugin wrote to stderr is of interest there. */
static void on_event(void *user_data, void *call_data, const char *event_json) {
    (void)user_data;
    if (call_data && strstr(event_json, "\"stderr\":")) libcniGoOnEvent((uintptr_t)call_data, (char *)event_json);
}

int32_t libcni_go_new(const char *options, bool custom, libcni **out, libcni_error **err) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
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
