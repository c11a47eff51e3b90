/* Plugins written in C that live in the process: the examples, given to libcni_new, and what surrounds them. */
#include <libcni.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

/* The very sources of the programs. */
#define main fixed_ip_main
#include "../../examples/c/plugins/fixed_ip.c"
#undef main
#define main meta_main
#include "../../examples/c/plugins/meta.c"
#undef main

static libcni *with_plugins(const libcni_plugin *plugins, size_t count, libcni_error **err) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni *cni = NULL;
    const char *options = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\"}", plugin_dir(), scratch());
    hooks.plugins = plugins;
    hooks.plugin_count = count;
    int32_t status = libcni_new(options, &hooks, &cni, err);
    CHECK((status == LIBCNI_OK) == (cni != NULL));
    return cni;
}

#define FIXED "{\"type\":\"fixed-ip\",\"ipam\":{\"addresses\":[{\"address\":\"10.1.0.5/24\",\"gateway\":\"10.1.0.1\"}]}}"

static void a_plugin_is_added_checked_and_deleted_without_a_program(void) {
    libcni_plugin plugins[] = {fixed_ip_plugin()};
    libcni *cni = with_plugins(plugins, 1, NULL);
    memset(plugins, 0xff, sizeof plugins); /* copied */
    const char *list = network("1.0.0", FIXED);
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_validate_network_list(cni, NULL, list, &result, NULL));
    libcni_buf_free(&result);
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, runtime(""), &result, NULL));
    CHECK_TEXT("1.0.0", at(result.data, "cniVersion"));
    CHECK_TEXT("10.1.0.5/24", at(result.data, "ips.0.address"));
    libcni_buf_free(&result);
    CHECK_STATUS(LIBCNI_OK, libcni_check_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK(calls() == 0);
    libcni_free(cni);
}

static void a_plugin_delegates_to_its_neighbour_and_to_a_program(void) {
    libcni_plugin plugins[] = {meta_plugin(), fixed_ip_plugin()};
    libcni *cni = with_plugins(plugins, 2, NULL);
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = network("1.0.0", "{\"type\":\"meta\",\"delegate\":" FIXED "}");
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, runtime(""), &result, NULL));
    CHECK_TEXT("10.1.0.5/24", at(result.data, "ips.0.address"));
    libcni_buf_free(&result);
    list = network("1.1.0", text("{\"type\":\"meta\",\"delegate\":%s}", plugin("first", "")));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, runtime(""), &result, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_get_status_network_list(cni, NULL, list, NULL));
    CHECK_TEXT("ADD first, STATUS first", call_order());
    CHECK_TEXT("net", at(called(0, "stdin"), "name"));
    CHECK_TEXT("1.1.0", at(called(0, "stdin"), "cniVersion"));
    CHECK_TEXT("box", called_with(0, "CNI_CONTAINERID"));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_delegates_error_is_passed_on_and_its_add_undone(void) {
    libcni_plugin plugins[] = {meta_plugin()};
    libcni *cni = with_plugins(plugins, 1, NULL);
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *failing =
        plugin("first", "\"ADD\":{\"exit\":1,\"stdout\":{\"code\":123,\"msg\":\"no\",\"details\":\"never\"}}");
    const char *list = network("1.0.0", text("{\"type\":\"meta\",\"delegate\":%s}", failing));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_add_network_list(cni, NULL, list, runtime(""), &result, &err));
    CHECK(libcni_error_code(err) == 123);
    CHECK_TEXT("never", at(libcni_error_json(err), "details"));
    CHECK_TEXT("in-process:meta", at(libcni_error_json(err), "path"));
    CHECK_TEXT("ADD first, DEL first", call_order());
    libcni_error_free(err);
    libcni_free(cni);
}

/* ---- what a callback may get wrong ---- */

enum { NOTHING_SET, BOTH_SET, NO_JSON, RETURNS_7, NULL_TEXTS, ASKS_FOR_NONSENSE, MODES };

static int32_t wrong(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    libcni_error *err = NULL;
    libcni_buf buf = LIBCNI_BUF_INIT;
    switch (*(int *)user_data) {
    case BOTH_SET:
        libcni_plugin_response_set_result(response, "{}");
        libcni_plugin_response_set_error(response, 100, "both", NULL);
        break;
    case NO_JSON: libcni_plugin_response_set_result(response, "nonsense"); break;
    case RETURNS_7: libcni_plugin_response_set_result(response, "{}"); return 7;
    case NULL_TEXTS:
        libcni_plugin_response_set_result(response, NULL);
        libcni_plugin_response_set_error(NULL, 1, NULL, NULL);
        libcni_plugin_response_set_failure(NULL, NULL);
        libcni_plugin_response_set_error(response, 101, NULL, NULL);
        break;
    case ASKS_FOR_NONSENSE:
        CHECK(libcni_plugin_request_variable(request, NULL) == NULL);
        CHECK(libcni_plugin_request_variable(request, "CNI_") == NULL);
        CHECK(libcni_plugin_request_command(NULL) == NULL);
        libcni_plugin_request_log(request, NULL);
        libcni_plugin_request_log(request, "\xff");
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_plugin_request_load_args(request, "7", &buf, NULL));
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_plugin_request_prev_result(NULL, &buf, NULL));
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT,
                     libcni_plugin_request_delegate(request, "VERSION", "first", "{}", &buf, NULL));
        CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, libcni_plugin_request_delegate(request, NULL, "a/b", "{}", &buf, NULL));
        CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, libcni_plugin_request_delegate(request, NULL, "none", "{}", &buf, &err));
        CHECK(!libcni_context_is_cancelled(libcni_plugin_request_context(request)));
        libcni_plugin_response_set_failure(response, err);
        libcni_error_free(err);
        break;
    default: break;
    }
    return 0;
}

static void what_a_callback_gets_wrong_is_an_error_of_the_plugin(void) {
    static const struct {
        uint32_t code;
        int32_t status;
        const char *message;
    } expected[MODES] = {
        {999, LIBCNI_ERR_PLUGIN, "set no result"},
        {100, LIBCNI_ERR_PLUGIN, "both"},
        {999, LIBCNI_ERR_PLUGIN, "failed to unmarshal raw result"},
        {999, LIBCNI_ERR_PLUGIN, "returned 7"},
        {101, LIBCNI_ERR_PLUGIN, ""},
        {999, LIBCNI_ERR_PLUGIN, "failed to find plugin \"none\""},
    };
    for (int mode = 0; mode < MODES; mode++) {
        libcni_plugin plugin = LIBCNI_PLUGIN_INIT;
        libcni_error *err = NULL;
        libcni_buf result = LIBCNI_BUF_INIT;
        in_case("mode %d", mode);
        plugin.type = "wrong";
        plugin.user_data = &mode;
        plugin.add = plugin.del = wrong;
        libcni *cni = with_plugins(&plugin, 1, NULL);
        CHECK_STATUS(expected[mode].status, libcni_add_network_list(cni, NULL, network("1.0.0", "{\"type\":\"wrong\"}"),
                                                                    runtime(""), &result, &err));
        CHECK(libcni_error_code(err) == expected[mode].code);
        CHECK_CONTAINS(expected[mode].message, libcni_error_message(err));
        libcni_error_free(err);
        libcni_free(cni);
    }
}

/* ---- the structs ---- */

static int finalized;

static void finish(void *user_data) {
    (void)user_data;
    finalized++;
}

static void a_plugin_that_is_not_well_formed_is_refused(void) {
    for (int i = 0; i < 9; i++) {
        static const char *const named[] = {"version 0", "version 2", "reserved", "type is NULL", "type is empty",
                                            "contains /", "add of the plugin is NULL", "supported_versions", "given twice"};
        libcni_plugin plugins[] = {fixed_ip_plugin(), meta_plugin()};
        libcni_hooks hooks = LIBCNI_HOOKS_INIT;
        libcni_error *err = NULL;
        libcni *cni = NULL;
        finalized = 0;
        hooks.finalize = finish;
        hooks.plugins = plugins;
        hooks.plugin_count = 2;
        switch (i) {
        case 0: plugins[1].version = 0; break;
        case 1: plugins[1].version = LIBCNI_PLUGIN_VERSION + 1; break;
        case 2: plugins[1].reserved = 1; break;
        case 3: plugins[1].type = NULL; break;
        case 4: plugins[1].type = ""; break;
        case 5: plugins[1].type = "a/b"; break;
        case 6: plugins[1].add = NULL; break;
        case 7: plugins[1].supported_versions = "[7]"; break;
        default: plugins[1].type = plugins[0].type; break;
        }
        in_case("%s", named[i]);
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new(NULL, &hooks, &cni, &err));
        CHECK_CONTAINS("hooks.plugins[1]", libcni_error_message(err));
        CHECK_CONTAINS(named[i], libcni_error_message(err));
        CHECK(finalized == 0);
        libcni_error_free(err);
    }
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni *cni = NULL;
    hooks.plugin_count = 1;
    in_case("NULL");
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new(NULL, &hooks, &cni, NULL));
}

static void hooks_of_version_1_are_read_to_their_own_size(void) {
    /* As a program has it that was compiled with the first header: nothing of ours lies behind it. */
    size_t size = offsetof(libcni_hooks, plugins);
    libcni_hooks *hooks = malloc(size);
    libcni_hooks whole = LIBCNI_HOOKS_INIT;
    libcni *cni = NULL;
    finalized = 0;
    whole.version = 1;
    whole.finalize = finish;
    memcpy(hooks, &whole, size);
    CHECK_STATUS(LIBCNI_OK, libcni_new(NULL, hooks, &cni, NULL));
    free(hooks);
    libcni_free(cni);
    CHECK(finalized == 1);
}

static void a_builtin_is_found_and_another_name_refused(void) {
    libcni *cni = new_cni("\"builtins\": [\"loopback\"]");
    libcni_buf info = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_OK, libcni_get_version_info(cni, NULL, "loopback", &info, NULL));
    CHECK_CONTAINS("\"1.1.0\"", info.data);
    libcni_buf_free(&info);
    libcni_free(cni);
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new("{\"builtins\":[\"bridge\"]}", NULL, &cni, &err));
    CHECK_CONTAINS("no plugin \"bridge\" comes with the library", libcni_error_message(err));
    libcni_error_free(err);
}

/* ---- threads ---- */

static void *attach(void *cni) {
    for (int i = 0; i < 50; i++) {
        libcni_buf result = LIBCNI_BUF_INIT;
        int32_t status = libcni_add_network_list(
            cni, NULL, "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":[" FIXED "]}",
            "{\"containerId\":\"c\",\"netns\":\"/n\",\"ifName\":\"eth0\"}", &result, NULL);
        libcni_buf_free(&result);
        if (status) return cni;
    }
    return NULL;
}

static void one_plugin_serves_many_threads(void) {
    libcni_plugin plugins[] = {fixed_ip_plugin()};
    libcni *cni = with_plugins(plugins, 1, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, attach, cni) == 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
    }
    libcni_free(cni);
}

RUN_TESTS(TEST(a_plugin_is_added_checked_and_deleted_without_a_program),
          TEST(a_plugin_delegates_to_its_neighbour_and_to_a_program),
          TEST(a_delegates_error_is_passed_on_and_its_add_undone),
          TEST(what_a_callback_gets_wrong_is_an_error_of_the_plugin), TEST(a_plugin_that_is_not_well_formed_is_refused),
          TEST(hooks_of_version_1_are_read_to_their_own_size), TEST(a_builtin_is_found_and_another_name_refused),
          TEST(one_plugin_serves_many_threads))
