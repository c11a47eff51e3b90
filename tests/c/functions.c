#include "functions.h"

#define FUNCTION(name, call_) static int32_t name##_(const struct arguments *a) { return call_; }
#define T(i) a->texts[i]

FUNCTION(new, libcni_new(T(0), NULL, a->out, a->err))
FUNCTION(context_new, libcni_context_new(T(0), NULL, a->out, a->err))
FUNCTION(add_one, libcni_add_network(a->cni, NULL, T(0), T(1), a->out, a->err))
FUNCTION(check_one, libcni_check_network(a->cni, NULL, T(0), T(1), a->err))
FUNCTION(cached_result_one, libcni_get_network_cached_result(a->cni, T(0), T(1), a->out, a->err))
FUNCTION(cached_config_one, libcni_get_network_cached_config(a->cni, T(0), T(1), a->out, a->err))
FUNCTION(validate_one, libcni_validate_network(a->cni, NULL, T(0), a->out, a->err))
FUNCTION(del_one, libcni_del_network(a->cni, NULL, T(0), T(1), a->err))
FUNCTION(add, libcni_add_network_list(a->cni, NULL, T(0), T(1), a->out, a->err))
FUNCTION(check, libcni_check_network_list(a->cni, NULL, T(0), T(1), a->err))
FUNCTION(cached_result, libcni_get_network_list_cached_result(a->cni, T(0), T(1), a->out, a->err))
FUNCTION(cached_config, libcni_get_network_list_cached_config(a->cni, T(0), T(1), a->out, a->err))
FUNCTION(validate, libcni_validate_network_list(a->cni, NULL, T(0), a->out, a->err))
FUNCTION(status, libcni_get_status_network_list(a->cni, NULL, T(0), a->err))
FUNCTION(gc, libcni_gc_network_list(a->cni, NULL, T(0), T(1), a->err))
FUNCTION(render, libcni_render_network_list(a->cni, T(0), T(1), T(2), a->out, a->err))
FUNCTION(attachments, libcni_get_cached_attachments(a->cni, T(0), a->out, a->err))
FUNCTION(del_attachments, libcni_del_cached_attachments(a->cni, NULL, T(0), a->out, a->err))
FUNCTION(del, libcni_del_network_list(a->cni, NULL, T(0), T(1), a->err))
FUNCTION(version_info, libcni_get_version_info(a->cni, NULL, T(0), a->out, a->err))
FUNCTION(conf_files, libcni_conf_files(T(0), T(1), a->out, a->err))
FUNCTION(load_conf, libcni_load_network_conf(T(0), T(1), a->out, a->err))
FUNCTION(load_confs, libcni_load_network_confs(T(0), a->out, a->err))
FUNCTION(from_file, libcni_network_conf_from_file(T(0), a->out, a->err))
FUNCTION(from_bytes, libcni_network_conf_from_bytes(T(0), a->out, a->err))
FUNCTION(from_conf, libcni_conf_list_from_conf(T(0), a->out, a->err))
FUNCTION(inject, libcni_inject_conf(T(0), T(1), a->out, a->err))
FUNCTION(convert, libcni_result_convert(T(0), T(1), a->out, a->err))

#define RT {RUNTIME, "rt", false}

const struct function functions[] = {
    {"libcni_new", new_, false, CNI, {{CNI_OPTIONS, "options", true}}},
    {"libcni_context_new", context_new_, false, CONTEXT, {{CONTEXT_OPTIONS, "options", true}}},

    {"libcni_add_network", add_one_, true, BUFFER, {{PLUGIN_CONF, "conf", false}, RT}},
    {"libcni_check_network", check_one_, true, NOTHING, {{PLUGIN_CONF, "conf", false}, RT}},
    {"libcni_get_network_cached_result", cached_result_one_, true, BUFFER, {{CONF_NAME, "conf", false}, RT}},
    {"libcni_get_network_cached_config", cached_config_one_, true, BUFFER, {{CONF_NAME, "conf", false}, RT}},
    {"libcni_validate_network", validate_one_, true, BUFFER, {{PLUGIN_CONF, "conf", false}}},
    {"libcni_del_network", del_one_, true, NOTHING, {{PLUGIN_CONF, "conf", false}, RT}},

    {"libcni_add_network_list", add_, true, BUFFER, {{LIST, "list", false}, RT}},
    {"libcni_check_network_list", check_, true, NOTHING, {{LIST, "list", false}, RT}},
    {"libcni_get_network_list_cached_result", cached_result_, true, BUFFER, {{LIST_NAME, "list", false}, RT}},
    {"libcni_get_network_list_cached_config", cached_config_, true, BUFFER, {{LIST_NAME, "list", false}, RT}},
    {"libcni_validate_network_list", validate_, true, BUFFER, {{LIST, "list", false}}},
    {"libcni_get_status_network_list", status_, true, NOTHING, {{LIST, "list", false}}},
    {"libcni_gc_network_list", gc_, true, NOTHING,
     {{LIST, "list", false}, {VALID_ATTACHMENTS, "args", false}}},
    {"libcni_render_network_list", render_, true, BUFFER,
     {{COMMAND, "command", false}, {LIST, "list", false}, {RUNTIME, "rt", true}}}, /* GC and STATUS need none */
    {"libcni_get_cached_attachments", attachments_, true, BUFFER, {{FILTER, "filter", true}}},
    {"libcni_del_cached_attachments", del_attachments_, true, BUFFER, {{FILTER, "filter", false}}},
    {"libcni_del_network_list", del_, true, NOTHING, {{LIST, "list", false}, RT}},
    {"libcni_get_version_info", version_info_, true, BUFFER, {{PLUGIN_TYPE, "plugin_type", false}}},

    {"libcni_conf_files", conf_files_, false, BUFFER,
     {{DIRECTORY, "dir", false}, {EXTENSIONS, "extensions", false}}},
    {"libcni_load_network_conf", load_conf_, false, BUFFER, {{DIRECTORY, "dir", false}, {NAME, "name", false}}},
    {"libcni_load_network_confs", load_confs_, false, BUFFER, {{DIRECTORY, "dir", false}}},
    {"libcni_network_conf_from_file", from_file_, false, BUFFER, {{FILE_PATH, "path", false}}},
    {"libcni_network_conf_from_bytes", from_bytes_, false, BUFFER, {{BYTES, "json", false}}},
    {"libcni_conf_list_from_conf", from_conf_, false, BUFFER, {{CONF, "conf", false}}},
    {"libcni_inject_conf", inject_, false, BUFFER, {{CONF, "conf", false}, {VALUES, "values", false}}},
    {"libcni_result_convert", convert_, false, BUFFER,
     {{RESULT, "result", false}, {VERSION, "cni_version", false}}},
};

const size_t function_count = sizeof functions / sizeof *functions;
