/* The plugin of probe.rs in C: see there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "libcni.h"

static int32_t called(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data;
    char line[4096], code[32], msg[1024], details[1024];
    size_t stdin_len;
    libcni_plugin_request_stdin(request, &stdin_len);
    snprintf(line, sizeof line, "%s id=%s netns=%s if=%s args=%s path=%s stdin=%zu", libcni_plugin_request_command(request),
             libcni_plugin_request_container_id(request), libcni_plugin_request_netns(request),
             libcni_plugin_request_if_name(request), libcni_plugin_request_args(request),
             libcni_plugin_request_variable(request, "CNI_PATH"), stdin_len);
    libcni_plugin_request_log(request, line);
    json config = json_from(libcni_plugin_request_config(request)), fail = json_member(config, "fail"),
         fail_text = json_member(config, "failText");
    if (json_exists(fail)) {
        json_copy(json_member(fail, "code"), code, sizeof code);
        json_copy(json_member(fail, "msg"), msg, sizeof msg);
        json_copy(json_member(fail, "details"), details, sizeof details);
        libcni_plugin_response_set_error(response, (uint32_t)strtoul(code, NULL, 10), msg, details);
        return -1;
    }
    if (json_exists(fail_text)) {
        libcni_plugin_response_set_error(response, 999, json_copy(fail_text, msg, sizeof msg), NULL);
        return -1;
    }
    return 0;
}

static int32_t add(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    if (called(user_data, request, response)) return -1;
    libcni_buf prev_result = LIBCNI_BUF_INIT;
    libcni_error *error = NULL;
    if (libcni_plugin_request_prev_result(request, &prev_result, &error)) {
        libcni_plugin_response_set_failure(response, error);
        libcni_error_free(error);
        return -1;
    }
    libcni_plugin_response_set_result(
        response, strcmp(prev_result.data, "null") ? prev_result.data
                                                   : "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"eth0\"}],"
                                                     "\"ips\":[{\"interface\":0,\"address\":\"10.0.0.2/24\"}]}");
    libcni_buf_free(&prev_result);
    return 0;
}

int main(int argc, char **argv) {
    char versions[256] = "[", *list = getenv("PROBE_VERSIONS");
    char names[200];
    snprintf(names, sizeof names, "%s", list ? list : "");
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        size_t used = strlen(versions);
        snprintf(versions + used, sizeof versions - used, "%s\"%s\"", used > 1 ? "," : "", name);
    }
    strncat(versions, "]", sizeof versions - strlen(versions) - 1);
    libcni_plugin probe = LIBCNI_PLUGIN_INIT;
    probe.about = getenv("PROBE_ABOUT");
    probe.supported_versions = versions;
    probe.add = add;
    probe.check = probe.del = probe.gc = probe.status = called;
    return libcni_plugin_main(&probe, argc, argv);
}
