/* A meta plugin: hands its work to another plugin, under the name and version of its own network.
 *
 *     { "type": "meta", "delegate": { "type": "bridge", "ipam": { "type": "host-local" } } }
 */
#include <libcni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* The text of a value; NULL when there is none or no memory. The caller frees it. */
static char *meta_text_of(json value, size_t most) {
    char *text = json_exists(value) ? malloc(most + 1) : NULL;
    if (text) json_copy(value, text, most + 1);
    return text;
}

/* One function for all commands: each is handed on as it came. */
static int32_t meta_run(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data;
    static const char *const passed_on[] = {"name", "cniVersion", "prevResult", "runtimeConfig",
                                            "cni.dev/valid-attachments", "cni.dev/attachments"};
    const char *text = libcni_plugin_request_config(request);
    json config = json_from(text), delegate = json_member(config, "delegate");
    size_t size = strlen(text) + 256;
    char type[256], *inner = meta_text_of(delegate, size), *values = malloc(size), quoted[512];
    libcni_buf derived = LIBCNI_BUF_INIT, result = LIBCNI_BUF_INIT;
    libcni_error *error = NULL;
    int32_t status = -1;
    json_copy(json_member(delegate, "type"), type, sizeof type);
    if (!inner || !values || !*type) {
        libcni_plugin_response_set_error(response, 7, "delegate has no type", NULL);
        goto done;
    }
    /* What the runtime injected is the other plugin's, too. */
    size_t used = (size_t)sprintf(values, "{\"name\":\"%s\"", libcni_plugin_request_network_name(request));
    for (size_t i = 1; i < sizeof passed_on / sizeof *passed_on; i++) {
        json value = json_member(config, passed_on[i]);
        char *value_text = meta_text_of(value, size);
        if (!value_text || !strcmp(value_text, "null")) {
            free(value_text);
            continue;
        }
        bool is_string = *value.text == '"';
        if (is_string && !json_quote(value_text, quoted, sizeof quoted)) quoted[0] = 0;
        used += (size_t)sprintf(values + used, ",\"%s\":%s", passed_on[i], is_string ? quoted : value_text);
        free(value_text);
    }
    strcpy(values + used, "}");
    if (libcni_inject_conf(inner, values, &derived, &error) ||
        libcni_plugin_request_delegate(request, NULL, type, derived.data, &result, &error)) {
        libcni_plugin_response_set_failure(response, error);
        goto done;
    }
    if (result.data) libcni_plugin_response_set_result(response, result.data);
    status = 0;
done:
    libcni_error_free(error);
    libcni_buf_free(&derived);
    libcni_buf_free(&result);
    free(values);
    free(inner);
    return status;
}

static libcni_plugin meta_plugin(void) {
    libcni_plugin plugin = LIBCNI_PLUGIN_INIT;
    plugin.type = "meta";
    plugin.about = "CNI meta plugin, an example of libcni";
    plugin.add = plugin.check = plugin.del = plugin.gc = plugin.status = meta_run;
    return plugin;
}

int main(int argc, char **argv) {
    libcni_plugin plugin = meta_plugin();
    return libcni_plugin_main(&plugin, argc, argv);
}
