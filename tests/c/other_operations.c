/* VERSION, VALIDATE, STATUS, GC, the remembered attachments, rendering, and one plugin on its own. */
#include <libcni.h>

#include "fixture.h"
#include "test.h"

static void attach(const libcni *cni, const char *list, const char *container) {
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *rt = text("{\"containerId\": \"%s\", \"netns\": \"/run/netns/%s\", \"ifName\": \"eth0\"}", container,
                          container);
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, list, rt, &result, NULL));
    libcni_buf_free(&result);
}

static const char *cached(const char *container) {
    return text("%s/cache/results/net-%s-eth0", scratch(), container);
}

static void a_plugin_tells_its_versions(void) {
    libcni *cni = new_cni("");
    libcni_buf info = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_get_version_info(cni, NULL, "first", &info, NULL));
    CHECK_TEXT("1.1.0", at(info.data, "cniVersion"));
    CHECK_TEXT("0.1.0", at(info.data, "supportedVersions.0"));
    CHECK_TEXT("1.1.0", at(info.data, "supportedVersions.6"));
    CHECK(at(info.data, "supportedVersions.7") == NULL);
    libcni_buf_free(&info);
    libcni_free(cni);
}

static void a_valid_list_has_the_capabilities_of_its_plugins(void) {
    libcni *cni = new_cni("");
    libcni_buf capabilities = LIBCNI_BUF_INIT;
    const char *plugins = "{\"type\": \"first\", \"capabilities\": {\"portMappings\": true, \"mac\": false}}, "
                          "{\"type\": \"second\", \"capabilities\": {\"bandwidth\": true}}";
    const char *list = network("1.0.0", plugins);
    CHECK_STATUS(LIBCNI_OK, libcni_validate_network_list(cni, NULL, list, &capabilities, NULL));
    CHECK_TEXT("[\"bandwidth\",\"portMappings\"]", capabilities.data);
    libcni_buf_free(&capabilities);
    libcni_free(cni);
}

static void an_invalid_list_names_every_plugin_that_is_wrong(void) {
    libcni *cni = new_cni("");
    libcni_buf capabilities = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    const char *list = network("1.0.0", "{\"type\": \"absent\"}, {\"type\": \"first\"}, {\"type\": \"gone\"}");
    CHECK_STATUS(LIBCNI_ERR_PLUGIN_NOT_FOUND, libcni_validate_network_list(cni, NULL, list, &capabilities, &err));
    CHECK_TEXT("absent", at(libcni_error_json(err), "causes.0.plugin"));
    CHECK_TEXT("gone", at(libcni_error_json(err), "causes.1.plugin"));
    CHECK(at(libcni_error_json(err), "causes.2") == NULL);
    CHECK(capabilities.data == NULL);
    libcni_error_free(err);
    libcni_free(cni);
}

static void status_gives_the_first_plugins_words(void) {
    libcni *cni = new_cni("");
    libcni_error *err = NULL;
    const char *answer = "\"STATUS\": {\"stdout\": {\"code\": 50, \"msg\": \"not ready\"}, \"exit\": 1}";
    const char *refusing = text("%s, %s", plugin("first", answer), plugin("second", ""));
    CHECK_STATUS(LIBCNI_OK, libcni_get_status_network_list(cni, NULL, network("1.0.0", refusing), NULL));
    CHECK(calls() == 0);
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, libcni_get_status_network_list(cni, NULL, network("1.1.0", refusing), &err));
    CHECK(libcni_error_code(err) == 50);
    CHECK_TEXT("not ready", libcni_error_message(err));
    CHECK_TEXT("STATUS first", call_order());
    libcni_error_free(err);
    libcni_free(cni);
}

static void gc_deletes_what_is_stale_and_tells_the_plugins_what_is_not(void) {
    libcni *cni = new_cni("");
    const char *list = network("1.1.0", plugin("first", ""));
    attach(cni, list, "kept");
    attach(cni, list, "stale");
    const char *valid = "{\"validAttachments\": [{\"containerId\": \"kept\", \"ifName\": \"eth0\"}]}";
    CHECK_STATUS(LIBCNI_OK, libcni_gc_network_list(cni, NULL, list, valid, NULL));
    CHECK_TEXT("ADD first, ADD first, DEL first, GC first", call_order());
    CHECK_TEXT("stale", called_with(2, "CNI_CONTAINERID"));
    CHECK_CONTAINS("\"cni.dev/valid-attachments\":[{\"containerID\":\"kept\",\"ifname\":\"eth0\"}]",
                   called(3, "stdin"));
    CHECK(exists(cached("kept")));
    CHECK(!exists(cached("stale")));
    libcni_free(cni);
}

static void attachments_are_listed_and_filtered(void) {
    libcni *cni = new_cni("");
    libcni_buf found = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_get_cached_attachments(cni, NULL, &found, NULL));
    CHECK_TEXT("[]", found.data);
    libcni_buf_free(&found);
    attach(cni, network("1.0.0", plugin("first", "")), "one");
    attach(cni, network("1.0.0", plugin("first", "")), "two");
    CHECK_STATUS(LIBCNI_OK, libcni_get_cached_attachments(cni, NULL, &found, NULL));
    CHECK_TEXT("one", at(found.data, "0.containerId"));
    CHECK_TEXT("two", at(found.data, "1.containerId"));
    libcni_buf_free(&found);
    CHECK_STATUS(LIBCNI_OK, libcni_get_cached_attachments(cni, "{\"containerId\": \"two\"}", &found, NULL));
    CHECK_TEXT("two", at(found.data, "0.containerId"));
    CHECK_TEXT("net", at(found.data, "0.networkName"));
    CHECK_TEXT("eth0", at(found.data, "0.ifName"));
    CHECK_TEXT("/run/netns/two", at(found.data, "0.netns"));
    CHECK_TEXT("first", at(found.data, "0.config.plugins.0.type"));
    CHECK(at(found.data, "1") == NULL);
    libcni_buf_free(&found);
    libcni_free(cni);
}

static void attachments_are_deleted_by_filter_and_reported(void) {
    libcni *cni = new_cni("");
    libcni_buf report = LIBCNI_BUF_INIT;
    attach(cni, network("1.0.0", plugin("first", "")), "one");
    attach(cni, network("1.0.0", plugin("first", "")), "two");
    CHECK_STATUS(LIBCNI_OK, libcni_del_cached_attachments(cni, NULL, "{\"containerId\": \"one\"}", &report, NULL));
    CHECK_TEXT("one", at(report.data, "0.attachment.containerId"));
    CHECK_TEXT("true", at(report.data, "0.deleted"));
    CHECK(at(report.data, "1") == NULL);
    CHECK(!exists(cached("one")));
    CHECK(exists(cached("two")));
    CHECK_TEXT("ADD first, ADD first, DEL first", call_order());
    libcni_buf_free(&report);
    libcni_free(cni);
}

static void rendering_shows_the_requests_and_runs_nothing(void) {
    libcni *cni = new_cni("");
    libcni_buf requests = LIBCNI_BUF_INIT;
    const char *list = network("1.0.0", text("%s, %s", plugin("first", ""), plugin("second", "")));
    CHECK_STATUS(LIBCNI_OK, libcni_render_network_list(cni, "ADD", list, runtime(""), &requests, NULL));
    CHECK_TEXT("first", at(requests.data, "0.plugin"));
    CHECK_TEXT(text("%s/first", plugin_dir()), at(requests.data, "0.path"));
    CHECK_TEXT("ADD", at(requests.data, "0.env.CNI_COMMAND"));
    CHECK_TEXT("net", at(requests.data, "0.stdin.name"));
    CHECK_TEXT("second", at(requests.data, "1.plugin"));
    CHECK_TEXT("true", at(requests.data, "1.needsPrevResult"));
    CHECK(calls() == 0);
    libcni_buf_free(&requests);
    CHECK_STATUS(LIBCNI_OK, libcni_render_network_list(cni, "GC", list, NULL, &requests, NULL));
    libcni_buf_free(&requests);
    libcni_free(cni);
}

static void one_plugin_is_added_checked_and_deleted_on_its_own(void) {
    libcni *cni = new_cni("");
    libcni_buf out = LIBCNI_BUF_INIT;
    make_dir(text("%s/log", scratch()));
    const char *conf = text("{\"cniVersion\": \"1.0.0\", \"name\": \"net\", \"type\": \"first\", "
                            "\"fake\": {\"log\": \"%s/log\"}}",
                            scratch());
    CHECK_STATUS(LIBCNI_OK, libcni_add_network(cni, NULL, conf, runtime(""), &out, NULL));
    CHECK_TEXT("eth0", at(out.data, "interfaces.0.name"));
    libcni_buf_free(&out);
    CHECK_STATUS(LIBCNI_OK, libcni_check_network(cni, NULL, conf, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_get_network_cached_result(cni, conf, runtime(""), &out, NULL));
    CHECK_TEXT("eth0", at(out.data, "interfaces.0.name"));
    libcni_buf_free(&out);
    CHECK_STATUS(LIBCNI_OK, libcni_get_network_cached_config(cni, conf, runtime(""), &out, NULL));
    CHECK_TEXT("first", at(out.data, "config.type"));
    libcni_buf_free(&out);
    CHECK_STATUS(LIBCNI_OK, libcni_del_network(cni, NULL, conf, runtime(""), NULL));
    CHECK_TEXT("ADD first, CHECK first, DEL first", call_order());
    CHECK(!exists(cache_file()));
    libcni_free(cni);
}

RUN_TESTS(TEST(a_plugin_tells_its_versions), TEST(a_valid_list_has_the_capabilities_of_its_plugins),
          TEST(an_invalid_list_names_every_plugin_that_is_wrong), TEST(status_gives_the_first_plugins_words),
          TEST(gc_deletes_what_is_stale_and_tells_the_plugins_what_is_not), TEST(attachments_are_listed_and_filtered),
          TEST(attachments_are_deleted_by_filter_and_reported), TEST(rendering_shows_the_requests_and_runs_nothing),
          TEST(one_plugin_is_added_checked_and_deleted_on_its_own))
