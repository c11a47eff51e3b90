/* ADD, CHECK and DEL of a list: which plugins run, in which order, and what each of them gets. */
#include <libcni.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"
#include "test.h"

#define FIRST_RESULT "{\"cniVersion\": \"1.0.0\", \"interfaces\": [{\"name\": \"one\"}], \"dns\": {}}"
#define SECOND_RESULT "{\"cniVersion\": \"1.0.0\", \"interfaces\": [{\"name\": \"two\"}], \"dns\": {}}"

static const char *two_plugins(const char *version) {
    return network(version, text("%s, %s", plugin("first", "\"ADD\": {\"stdout\": " FIRST_RESULT "}"),
                                 plugin("second", "\"ADD\": {\"stdout\": " SECOND_RESULT "}")));
}

static void add(const libcni *cni, const char *list, const char *rt, libcni_buf *result) {
    libcni_error *err = NULL;
    if (!CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, rt, result, &err)))
        CHECK_TEXT("", libcni_error_message(err));
    libcni_error_free(err);
}

static void add_runs_the_plugins_in_order_and_hands_each_the_previous_result(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    add(cni, two_plugins("1.0.0"), runtime(""), &result);
    CHECK_TEXT("ADD first, ADD second", call_order());
    CHECK(at(called(0, "stdin"), "prevResult") == NULL);
    CHECK_TEXT("one", at(called(1, "stdin"), "prevResult.interfaces.0.name"));
    CHECK_TEXT("two", at(result.data, "interfaces.0.name"));
    CHECK_TEXT("1.0.0", at(result.data, "cniVersion"));
    CHECK(strlen(result.data) == result.len);
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void check_runs_forward_and_del_backward_with_the_cached_result(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = two_plugins("1.0.0");
    add(cni, list, runtime(""), &result);
    CHECK_STATUS(LIBCNI_OK, libcni_check_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_TEXT("ADD first, ADD second, CHECK first, CHECK second, DEL second, DEL first", call_order());
    for (int call = 2; call < 6; call++) {
        in_case("call %d", call);
        CHECK_TEXT("two", at(called(call, "stdin"), "prevResult.interfaces.0.name"));
    }
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void the_environment_says_what_to_do(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *rt = runtime("\"cniArgs\": [[\"K\", \"V\"], [\"K2\", \"V2\"]]");
    const char *list = network("1.0.0", plugin("first", ""));
    add(cni, list, rt, &result);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, rt, NULL));
    for (int call = 0; call < 2; call++) {
        in_case("call %d", call);
        CHECK_TEXT(call == 0 ? "ADD" : "DEL", called_with(call, "CNI_COMMAND"));
        CHECK_TEXT("box", called_with(call, "CNI_CONTAINERID"));
        CHECK_TEXT("/run/netns/box", called_with(call, "CNI_NETNS"));
        CHECK_TEXT("eth0", called_with(call, "CNI_IFNAME"));
        CHECK_TEXT("K=V;K2=V2", called_with(call, "CNI_ARGS"));
        CHECK_TEXT(plugin_dir(), called_with(call, "CNI_PATH"));
    }
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void the_hosts_environment_is_inherited_unless_it_is_clean(void) {
    static const struct {
        const char *option, *expected;
    } cases[] = {
        {"\"env\": \"inherit\"", "seen"},
        {"\"env\": \"clean\"", NULL},
        {"\"env\": [\"LIBCNI_TEST_MARK\"]", "seen"},
        {"\"env\": [\"PATH\"]", NULL},
        {"\"env\": {\"LIBCNI_TEST_MARK\": \"given\"}", "given"},
    };
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        libcni *cni = new_cni(cases[i].option);
        libcni_buf result = LIBCNI_BUF_INIT;
        in_case("%s", cases[i].option);
        add(cni, network("1.0.0", plugin("first", "")), runtime(""), &result);
        CHECK_TEXT("ADD", called_with(i, "CNI_COMMAND"));
        const char *mark = called_with(i, "LIBCNI_TEST_MARK");
        if (cases[i].expected)
            CHECK_TEXT(cases[i].expected, mark);
        else
            CHECK(mark == NULL);
        libcni_buf_free(&result);
        libcni_free(cni);
    }
}

static void the_request_is_the_plugins_own_text_with_name_and_version(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *odd = "\"number\":12345678901234567890.10,\"text\":\"<&>\\u00e9\",\"z\":[1, 2],\"a\":1e2";
    const char *list = text("{\"cniVersion\": \"0.4.0\", \"name\": \"net\", \"plugins\": [{%s, \"type\": \"first\", "
                            "\"fake\": {\"log\": \"%s/log\"}}]}",
                            odd, scratch());
    make_dir(text("%s/log", scratch()));
    add(cni, list, runtime(""), &result);
    const char *request = called(0, "stdin");
    CHECK_CONTAINS(odd, request);
    CHECK_TEXT("net", at(request, "name"));
    CHECK_TEXT("0.4.0", at(request, "cniVersion"));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void the_highest_version_that_the_list_offers_is_the_requests(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = text("{\"name\": \"net\", \"cniVersion\": \"0.3.1\", \"cniVersions\": [\"0.4.0\", \"1.0.0\"], "
                            "\"plugins\": [%s]}",
                            plugin("first", ""));
    add(cni, list, runtime(""), &result);
    CHECK_TEXT("1.0.0", at(called(0, "stdin"), "cniVersion"));
    CHECK_TEXT("1.0.0", at(result.data, "cniVersion"));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void runtime_config_holds_only_what_the_plugin_declares_and_the_caller_gives(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *log = text("\"fake\": {\"log\": \"%s/log\"}", scratch());
    const char *list = network("1.0.0", text("{\"type\": \"first\", \"capabilities\": {\"mac\": true, \"ips\": true, "
                                             "\"bandwidth\": false}, %s}, {\"type\": \"second\", %s}",
                                             log, log));
    make_dir(text("%s/log", scratch()));
    add(cni, list,
        runtime("\"capabilityArgs\": {\"mac\": \"02:00:00:00:00:01\", \"bandwidth\": {\"ingressRate\": 1}, "
                "\"portMappings\": []}"),
        &result);
    CHECK_TEXT("{\"mac\":\"02:00:00:00:00:01\"}", at(called(0, "stdin"), "runtimeConfig"));
    CHECK(called(1, "stdin") != NULL);
    CHECK(at(called(1, "stdin"), "runtimeConfig") == NULL);
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void add_writes_the_attachment_and_del_removes_it(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT, cached = LIBCNI_BUF_INIT;
    const char *list = two_plugins("1.0.0");
    const char *rt = runtime("\"cniArgs\": [[\"K\", \"V\"]], \"capabilityArgs\": {\"mac\": \"02:00:00:00:00:01\"}");
    struct stat about = {0};
    add(cni, list, rt, &result);

    const char *file = read_file(cache_file());
    CHECK_TEXT("cniCacheV1", at(file, "kind"));
    CHECK_TEXT("box", at(file, "containerId"));
    CHECK_TEXT("eth0", at(file, "ifName"));
    CHECK_TEXT("net", at(file, "networkName"));
    CHECK_TEXT("/run/netns/box", at(file, "netns"));
    CHECK_TEXT("V", at(file, "cniArgs.0.1"));
    CHECK_TEXT("02:00:00:00:00:01", at(file, "capabilityArgs.mac"));
    CHECK_TEXT("two", at(file, "result.interfaces.0.name"));
    CHECK(at(file, "config") != NULL);
    CHECK(stat(cache_file(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(stat(text("%s/cache/results", scratch()), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);

    CHECK_STATUS(LIBCNI_OK, libcni_get_network_list_cached_result(cni, list, rt, &cached, NULL));
    CHECK_TEXT("two", at(cached.data, "interfaces.0.name"));
    libcni_buf_free(&cached);
    CHECK_STATUS(LIBCNI_OK, libcni_get_network_list_cached_config(cni, list, runtime(""), &cached, NULL));
    CHECK_TEXT("second", at(cached.data, "config.plugins.1.type"));
    CHECK_TEXT(at(file, "config"), at(cached.data, "configBytes"));
    CHECK_TEXT("V", at(cached.data, "runtimeConf.cniArgs.0.1"));
    CHECK_TEXT("02:00:00:00:00:01", at(cached.data, "runtimeConf.capabilityArgs.mac"));
    libcni_buf_free(&cached);

    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, rt, NULL));
    CHECK(!exists(cache_file()));
    CHECK_STATUS(LIBCNI_OK, libcni_get_network_list_cached_result(cni, list, rt, &cached, NULL));
    CHECK_TEXT("null", cached.data);
    libcni_buf_free(&cached);
    CHECK_STATUS(LIBCNI_OK, libcni_get_network_list_cached_config(cni, list, rt, &cached, NULL));
    CHECK_TEXT("null", cached.data);
    libcni_buf_free(&cached);
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_del_of_what_is_not_there_succeeds(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = two_plugins("1.0.0");
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    add(cni, list, runtime(""), &result);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK(at(called(0, "stdin"), "prevResult") == NULL);
    CHECK(at(called(4, "stdin"), "prevResult") != NULL);
    CHECK(at(called(6, "stdin"), "prevResult") == NULL);
    CHECK(calls() == 8);
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_check_of_what_was_not_added_runs_nothing(void) {
    libcni *cni = new_cni("");
    CHECK_STATUS(LIBCNI_ERR_NOT_ADDED, libcni_check_network_list(cni, NULL, two_plugins("1.0.0"), runtime(""), NULL));
    CHECK(calls() == 0);
    libcni_free(cni);
}

static void check_needs_version_0_4_0(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_CHECK_NOT_SUPPORTED,
                 libcni_check_network_list(cni, NULL, two_plugins("0.3.1"), runtime(""), &err));
    CHECK_TEXT("configuration version \"0.3.1\" does not support the CHECK command", libcni_error_message(err));
    CHECK(calls() == 0);
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_disabled_check_succeeds_and_runs_nothing(void) {
    libcni *cni = new_cni("");
    const char *list = text("{\"cniVersion\": \"1.0.0\", \"name\": \"net\", \"disableCheck\": true, \"plugins\": [%s]}",
                            plugin("first", ""));
    CHECK_STATUS(LIBCNI_OK, libcni_check_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK(calls() == 0);
    libcni_free(cni);
}

static void below_0_4_0_del_gets_no_result(void) {
    libcni *cni = new_cni("");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = network("0.3.1", plugin("first", ""));
    add(cni, list, runtime(""), &result);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_TEXT("ADD first, DEL first", call_order());
    CHECK(at(called(1, "stdin"), "prevResult") == NULL);
    CHECK(!exists(cache_file()));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_host_without_a_cache_hands_the_result_in_itself(void) {
    libcni *cni = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *list = two_plugins("1.0.0");
    CHECK_STATUS(LIBCNI_OK, libcni_new(text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": null}", plugin_dir()), NULL,
                                       &cni, NULL));
    add(cni, list, runtime(""), &result);
    const char *rt = runtime(text("\"prevResult\": %s", result.data));
    CHECK_STATUS(LIBCNI_OK, libcni_check_network_list(cni, NULL, list, rt, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, rt, NULL));
    CHECK(calls() == 6);
    for (int call = 2; call < 6; call++) CHECK_TEXT("two", at(called(call, "stdin"), "prevResult.interfaces.0.name"));
    libcni_buf_free(&result);
    libcni_free(cni);
}

RUN_TESTS(TEST(add_runs_the_plugins_in_order_and_hands_each_the_previous_result),
          TEST(check_runs_forward_and_del_backward_with_the_cached_result), TEST(the_environment_says_what_to_do),
          TEST(the_hosts_environment_is_inherited_unless_it_is_clean),
          TEST(the_request_is_the_plugins_own_text_with_name_and_version),
          TEST(the_highest_version_that_the_list_offers_is_the_requests),
          TEST(runtime_config_holds_only_what_the_plugin_declares_and_the_caller_gives),
          TEST(add_writes_the_attachment_and_del_removes_it), TEST(a_del_of_what_is_not_there_succeeds),
          TEST(a_check_of_what_was_not_added_runs_nothing), TEST(check_needs_version_0_4_0),
          TEST(a_disabled_check_succeeds_and_runs_nothing), TEST(below_0_4_0_del_gets_no_result),
          TEST(a_host_without_a_cache_hands_the_result_in_itself))
