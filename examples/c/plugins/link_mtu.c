/* A chained plugin, as `tuning` is one: sets the MTU of the container's interface behind the plugin that made it.
 *
 *     { "type": "link-mtu", "mtu": 1400 }
 */
#define _GNU_SOURCE
#include <libcni.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "json.h"

extern char **environ;

/* A program of its own enters the namespace, so that no thread of a host changes its own. */
static bool link_mtu_set(const libcni_plugin_request *request, const char *mtu) {
    char netns[4200];
    pid_t child;
    int status;
    snprintf(netns, sizeof netns, "--net=%s", libcni_plugin_request_netns(request));
    char *args[] = {"nsenter", netns, "ip", "link", "set", "dev", (char *)libcni_plugin_request_if_name(request),
                    "mtu", (char *)mtu, NULL};
    return posix_spawnp(&child, args[0], NULL, NULL, args, environ) == 0 && waitpid(child, &status, 0) == child &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int32_t link_mtu_add(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data;
    char mtu[16];
    libcni_buf prev_result = LIBCNI_BUF_INIT;
    libcni_error *error = NULL;
    if (libcni_plugin_request_prev_result(request, &prev_result, &error)) {
        libcni_plugin_response_set_failure(response, error);
        libcni_error_free(error);
        return -1;
    }
    json_copy(json_member(json_from(libcni_plugin_request_config(request)), "mtu"), mtu, sizeof mtu);
    if (!strcmp(prev_result.data, "null")) {
        libcni_plugin_response_set_error(response, 7, "link-mtu must be chained behind another plugin", NULL);
    } else if (!link_mtu_set(request, mtu)) {
        libcni_plugin_response_set_error(response, 5, "the mtu cannot be set", mtu);
    } else {
        libcni_plugin_response_set_result(response, prev_result.data);
    }
    libcni_buf_free(&prev_result);
    return 0; /* an error that was set counts */
}

static int32_t link_mtu_del(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data, (void)request, (void)response;
    return 0; /* the interface goes away with the plugin that made it */
}

static libcni_plugin link_mtu_plugin(void) {
    libcni_plugin plugin = LIBCNI_PLUGIN_INIT;
    plugin.type = "link-mtu";
    plugin.about = "CNI link-mtu plugin, an example of libcni";
    plugin.add = link_mtu_add;
    plugin.del = link_mtu_del;
    return plugin;
}

int main(int argc, char **argv) {
    libcni_plugin plugin = link_mtu_plugin();
    return libcni_plugin_main(&plugin, argc, argv);
}
