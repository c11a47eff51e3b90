/* What a failing plugin turns into: the status, the plugin's own code and words, and all that is known. */
#include <libcni.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

/* ADDs a list of "first" (good) and "second" (as told) and returns the error, which must be there. */
static libcni_error *failed_add(const char *second, int32_t status) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = {(char *)"untouched", 9};
    const char *list = network("1.0.0", text("%s, %s", plugin("first", ""), plugin("second", second)));
    CHECK_STATUS(status, libcni_add_network_list(cni, NULL, list, runtime(""), &result, &err));
    CHECK_TEXT("untouched", result.data);
    CHECK_STATUS(status, libcni_error_status(err));
    CHECK_TEXT(libcni_status_name(status), at(libcni_error_json(err), "status"));
    CHECK(!exists(cache_file()));
    CHECK_TEXT("ADD first, ADD second", call_order());
    libcni_free(cni);
    return err;
}

static void an_error_object_comes_back_with_everything_known(void) {
    const char *answer = "\"ADD\": {\"stdout\": {\"code\": 107, \"msg\": \"no room\", \"details\": \"all taken\"}, "
                         "\"stderr\": \"a warning\", \"exit\": 3}";
    libcni_error *err = failed_add(answer, LIBCNI_ERR_PLUGIN);
    const char *json = libcni_error_json(err);
    CHECK(libcni_error_code(err) == 107);
    CHECK_CONTAINS("plugin type=\"second\" failed (add): no room; all taken", libcni_error_message(err));
    CHECK_TEXT(libcni_error_message(err), at(json, "message"));
    CHECK_TEXT("107", at(json, "code"));
    CHECK_TEXT("no room", at(json, "msg"));
    CHECK_TEXT("all taken", at(json, "details"));
    CHECK_TEXT("second", at(json, "plugin"));
    CHECK_TEXT("1", at(json, "index"));
    CHECK_TEXT("ADD", at(json, "command"));
    CHECK_TEXT(text("%s/second", plugin_dir()), at(json, "path"));
    CHECK_TEXT("3", at(json, "exitCode"));
    CHECK_TEXT("a warning", at(json, "stderr"));
    CHECK(at(json, "durationMs") != NULL);
    CHECK(at(json, "signal") == NULL);
    CHECK(at(json, "timedOut") == NULL);
    CHECK(at(json, "causes") == NULL);
    libcni_error_free(err);
}

static void a_silent_failure_tells_the_exit_code(void) {
    libcni_error *err = failed_add("\"ADD\": {\"stdout\": \"\", \"exit\": 4}", LIBCNI_ERR_PLUGIN);
    CHECK(libcni_error_code(err) == 0);
    CHECK_CONTAINS("netplugin failed with no error message: exit status 4", libcni_error_message(err));
    CHECK_TEXT("4", at(libcni_error_json(err), "exitCode"));
    CHECK(at(libcni_error_json(err), "code") == NULL);
    libcni_error_free(err);
}

static void words_on_stderr_are_the_message_when_there_is_no_error_object(void) {
    libcni_error *err = failed_add("\"ADD\": {\"stdout\": \"\", \"stderr\": \"panic: \\\"oh\\\"\", \"exit\": 2}",
                                   LIBCNI_ERR_PLUGIN);
    CHECK_CONTAINS("netplugin failed: \"panic: \\\"oh\\\"\": exit status 2", libcni_error_message(err));
    libcni_error_free(err);
}

static void an_error_that_is_not_json_is_quoted(void) {
    libcni_error *err = failed_add("\"ADD\": {\"stdout\": \"oops\", \"exit\": 1}", LIBCNI_ERR_PLUGIN);
    CHECK_CONTAINS("netplugin failed but error parsing its diagnostic message \"oops\"", libcni_error_message(err));
    CHECK_TEXT("oops", at(libcni_error_json(err), "stdout"));
    libcni_error_free(err);
}

static void a_result_that_is_not_one_is_an_invalid_result(void) {
    static const struct {
        const char *output, *says;
    } cases[] = {
        {"\"not json\"", "line 1"},
        {"\"[]\"", "object"},
        {"{\"cniVersion\": \"9.9.9\"}", "unsupported CNI result version \"9.9.9\""},
        {"{\"cniVersion\": \"1.0.0\", \"ips\": [{\"address\": \"300.1.1.1/8\"}]}", "invalid CIDR address: 300.1.1.1/8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni *cni = new_cni("");
        libcni_error *err = NULL;
        libcni_buf result = LIBCNI_BUF_INIT;
        const char *list = network("1.0.0", plugin("first", text("\"ADD\": {\"stdout\": %s}", cases[i].output)));
        in_case("%s", cases[i].output);
        CHECK_STATUS(LIBCNI_ERR_INVALID_RESULT,
                     libcni_add_network_list(cni, NULL, list, runtime(""), &result, &err));
        CHECK_CONTAINS(cases[i].says, libcni_error_message(err));
        CHECK_TEXT("first", at(libcni_error_json(err), "plugin"));
        CHECK(result.data == NULL);
        CHECK(!exists(cache_file()));
        CHECK(calls() == (int)i + 1);
        libcni_error_free(err);
        libcni_free(cni);
    }
}

static void a_missing_plugin_is_found_out_before_the_first_one_runs(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = network("1.0.0", text("%s, {\"type\": \"absent\"}", plugin("first", "")));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, libcni_add_network_list(cni, NULL, list, runtime(""), &result, &err));
    CHECK_CONTAINS(text("failed to find plugin \"absent\" in path [%s]", plugin_dir()), libcni_error_message(err));
    CHECK_TEXT("absent", at(libcni_error_json(err), "plugin"));
    CHECK_TEXT("1", at(libcni_error_json(err), "index"));
    CHECK(calls() == 0);
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_plugin_name_with_a_slash_is_never_looked_for(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_add_network_list(cni, NULL, network("1.0.0", plugin("../plugins/first", "")), runtime(""), &result, &err);
    CHECK_CONTAINS("invalid plugin name: ../plugins/first", libcni_error_message(err));
    CHECK(calls() == 0);
    libcni_error_free(err);
    libcni_free(cni);
}

static void bad_identities_carry_the_specifications_code(void) {
    static const struct {
        const char *rt;
        uint32_t code;
    } cases[] = {
        {"{\"netns\": \"/n\", \"ifName\": \"eth0\"}", 3},
        {"{\"containerId\": \"-box\", \"netns\": \"/n\", \"ifName\": \"eth0\"}", 4},
        {"{\"containerId\": \"box\", \"netns\": \"/n\", \"ifName\": \"sixteen-bytes-xx\"}", 4},
        {"{\"containerId\": \"box\", \"netns\": \"/n\", \"ifName\": \"a:b\"}", 4},
        {"{\"containerId\": \"box\", \"netns\": \"/n\", \"ifName\": \"..\"}", 4},
    };
    libcni *cni = new_cni("");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni_error *err = NULL;
        libcni_buf result = LIBCNI_BUF_INIT;
        in_case("%s", cases[i].rt);
        const char *list = network("1.0.0", plugin("first", ""));
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT,
                     libcni_add_network_list(cni, NULL, list, cases[i].rt, &result, &err));
        CHECK(libcni_error_code(err) == cases[i].code);
        libcni_error_free(err);
    }
    CHECK(calls() == 0);
    libcni_free(cni);
}

static void del_stops_at_the_first_failure_and_keeps_the_attachment(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = network(
        "1.0.0", text("%s, %s", plugin("first", ""),
                      plugin("second", "\"DEL\": {\"stdout\": {\"code\": 11, \"msg\": \"busy\"}, \"exit\": 1}")));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, runtime(""), &result, NULL));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_del_network_list(cni, NULL, list, runtime(""), &err));
    CHECK_CONTAINS("plugin type=\"second\" failed (delete): busy", libcni_error_message(err));
    CHECK(libcni_error_code(err) == 11);
    CHECK_TEXT("ADD first, ADD second, DEL second", call_order());
    CHECK(exists(cache_file()));
    libcni_error_free(err);
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void check_hands_the_plugins_words_on_as_they_are(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *answer = "\"CHECK\": {\"stdout\": {\"code\": 100, \"msg\": \"no link\"}, \"exit\": 1}";
    const char *list = network("1.0.0", plugin("first", answer));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, runtime(""), &result, NULL));
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_check_network_list(cni, NULL, list, runtime(""), &err));
    CHECK_TEXT("no link", libcni_error_message(err));
    CHECK(libcni_error_code(err) == 100);
    libcni_error_free(err);
    libcni_buf_free(&result);
    libcni_free(cni);
}

RUN_TESTS(TEST(an_error_object_comes_back_with_everything_known), TEST(a_silent_failure_tells_the_exit_code),
          TEST(words_on_stderr_are_the_message_when_there_is_no_error_object),
          TEST(an_error_that_is_not_json_is_quoted), TEST(a_result_that_is_not_one_is_an_invalid_result),
          TEST(a_missing_plugin_is_found_out_before_the_first_one_runs),
          TEST(a_plugin_name_with_a_slash_is_never_looked_for), TEST(bad_identities_carry_the_specifications_code),
          TEST(del_stops_at_the_first_failure_and_keeps_the_attachment),
          TEST(check_hands_the_plugins_words_on_as_they_are))
