/* From files and bytes to a network configuration, and a result from one version to another. */
#include <libcni.h>

#include "fixture.h"
#include "test.h"

static const char *dir(void) {
    make_dir(text("%s/net.d", scratch()));
    return text("%s/net.d", scratch());
}

static void add_file(const char *name, const char *content) {
    write_file(text("%s/%s", dir(), name), content);
}

static const char *named(const char *name) {
    return text("{\"cniVersion\": \"1.0.0\", \"name\": \"%s\", \"plugins\": [{\"type\": \"first\"}]}", name);
}

static void files_are_listed_sorted_by_name_and_chosen_by_extension(void) {
    libcni_buf paths = LIBCNI_BUF_INIT;
    add_file("20-b.conflist", "");
    add_file("10-a.conf", "");
    add_file("30-c.json", "");
    add_file("40-d.txt", "");
    CHECK_STATUS(LIBCNI_OK, libcni_conf_files(dir(), "[\".conf\", \".conflist\"]", &paths, NULL));
    CHECK_TEXT(text("[\"%s/10-a.conf\",\"%s/20-b.conflist\"]", dir(), dir()), paths.data);
    libcni_buf_free(&paths);
}

static void a_missing_directory_has_no_files(void) {
    libcni_buf found = LIBCNI_BUF_INIT;
    const char *missing = text("%s/missing", scratch());
    CHECK_STATUS(LIBCNI_OK, libcni_conf_files(missing, "[\".conf\"]", &found, NULL));
    CHECK_TEXT("[]", found.data);
    libcni_buf_free(&found);
    CHECK_STATUS(LIBCNI_OK, libcni_load_network_confs(missing, &found, NULL));
    CHECK(at(found.data, "networks") != NULL);
    CHECK(at(found.data, "networks.0") == NULL);
    libcni_buf_free(&found);
}

static void a_network_is_found_by_its_name(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    add_file("10-red.conflist", named("red"));
    add_file("20-blue.conflist", named("blue"));
    CHECK_STATUS(LIBCNI_OK, libcni_load_network_conf(dir(), "blue", &list, NULL));
    CHECK_TEXT("blue", at(list.data, "name"));
    libcni_buf_free(&list);
}

static void a_single_configuration_becomes_a_list(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    add_file("10-one.conf", "{\"cniVersion\": \"0.4.0\", \"name\": \"one\", \"type\": \"first\", \"mtu\": 1400}");
    CHECK_STATUS(LIBCNI_OK, libcni_load_network_conf(dir(), "one", &list, NULL));
    CHECK_TEXT("0.4.0", at(list.data, "cniVersion"));
    CHECK_TEXT("one", at(list.data, "name"));
    CHECK_TEXT("first", at(list.data, "plugins.0.type"));
    CHECK_TEXT("1400", at(list.data, "plugins.0.mtu"));
    libcni_buf_free(&list);
    CHECK_STATUS(LIBCNI_OK,
                 libcni_conf_list_from_conf("{\"name\": \"two\", \"type\": \"first\"}", &list, NULL));
    CHECK_TEXT("two", at(list.data, "name"));
    CHECK_TEXT("first", at(list.data, "plugins.0.type"));
    libcni_buf_free(&list);
}

static void networks_that_are_not_there_are_told_apart(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    const char *missing = text("%s/missing", scratch());
    CHECK_STATUS(LIBCNI_ERR_NETWORK_NOT_FOUND, libcni_load_network_conf(missing, "red", &list, &err));
    CHECK_CONTAINS(text("no net configurations found in %s", missing), libcni_error_message(err));
    libcni_error_free(err);
    err = NULL;
    add_file("10-red.conflist", named("red"));
    CHECK_STATUS(LIBCNI_ERR_NETWORK_NOT_FOUND, libcni_load_network_conf(dir(), "blue", &list, &err));
    CHECK_CONTAINS(text("no net configuration with name \"blue\" in %s", dir()), libcni_error_message(err));
    CHECK(list.data == NULL);
    libcni_error_free(err);
}

static void one_broken_file_hides_no_other(void) {
    libcni_buf all = LIBCNI_BUF_INIT, list = LIBCNI_BUF_INIT;
    add_file("10-broken.conflist", "{");
    add_file("20-red.conflist", named("red"));
    CHECK_STATUS(LIBCNI_OK, libcni_load_network_confs(dir(), &all, NULL));
    CHECK_TEXT(text("%s/20-red.conflist", dir()), at(all.data, "networks.0.path"));
    CHECK_TEXT("red", at(all.data, "networks.0.list.name"));
    CHECK_TEXT(text("%s/10-broken.conflist", dir()), at(all.data, "errors.0.path"));
    CHECK(at(all.data, "errors.0.message") != NULL);
    CHECK_STATUS(LIBCNI_OK, libcni_load_network_conf(dir(), "red", &list, NULL));
    CHECK_TEXT("red", at(list.data, "name"));
    libcni_buf_free(&list);
    libcni_buf_free(&all);
}

static void a_broken_file_is_named_with_line_and_column(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    const char *path = text("%s/10-broken.conflist", dir());
    add_file("10-broken.conflist", "{\"name\": \"red\",\n  oops}");
    CHECK_STATUS(LIBCNI_ERR_INVALID_CONFIG, libcni_network_conf_from_file(path, &list, &err));
    CHECK_CONTAINS(path, libcni_error_message(err));
    CHECK_CONTAINS("line 2 column 3", libcni_error_message(err));
    CHECK_TEXT(path, at(libcni_error_json(err), "path"));
    libcni_error_free(err);
}

static void plugins_can_be_dropped_into_a_directory_of_the_networks_name(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    add_file("10-red.conflist", named("red"));
    make_dir(text("%s/red", dir()));
    write_file(text("%s/red/10-more.conf", dir()), "{\"type\": \"second\"}");
    CHECK_STATUS(LIBCNI_OK, libcni_network_conf_from_file(text("%s/10-red.conflist", dir()), &list, NULL));
    CHECK_TEXT("first", at(list.data, "plugins.0.type"));
    CHECK_TEXT("second", at(list.data, "plugins.1.type"));
    libcni_buf_free(&list);
}

static void a_good_text_comes_back_as_it_is(void) {
    libcni_buf list = LIBCNI_BUF_INIT;
    const char *odd = "{ \"plugins\": [ {\"n\": 1.50e3, \"type\": \"first\"} ],\n \"name\": \"\\u00e9\" }";
    CHECK_STATUS(LIBCNI_OK, libcni_network_conf_from_bytes(odd, &list, NULL));
    CHECK_TEXT(odd, list.data);
    libcni_buf_free(&list);
}

static void injected_values_replace_those_of_the_configuration(void) {
    libcni_buf out = LIBCNI_BUF_INIT;
    const char *conf = "{\"type\": \"first\", \"mtu\": 1}", *values = "{\"mtu\": 2, \"b\": [3]}";
    CHECK_STATUS(LIBCNI_OK, libcni_inject_conf(conf, values, &out, NULL));
    CHECK_TEXT("first", at(out.data, "type"));
    CHECK_TEXT("2", at(out.data, "mtu"));
    CHECK_TEXT("3", at(out.data, "b.0"));
    libcni_buf_free(&out);
}

static void results_convert_between_versions(void) {
    libcni_buf out = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    const char *result = "{\"cniVersion\": \"1.1.0\", \"interfaces\": [{\"name\": \"eth0\", \"mtu\": 1400}], "
                         "\"ips\": [{\"interface\": 0, \"address\": \"10.0.0.2/8\", \"gateway\": \"10.0.0.1\"}]}";
    CHECK_STATUS(LIBCNI_OK, libcni_result_convert(result, "0.4.0", &out, NULL));
    CHECK_TEXT("0.4.0", at(out.data, "cniVersion"));
    CHECK_TEXT("4", at(out.data, "ips.0.version"));
    CHECK(at(out.data, "interfaces.0.mtu") == NULL);
    libcni_buf_free(&out);
    CHECK_STATUS(LIBCNI_OK, libcni_result_convert(result, "0.2.0", &out, NULL));
    CHECK_TEXT("10.0.0.2/8", at(out.data, "ip4.ip"));
    CHECK_TEXT("10.0.0.1", at(out.data, "ip4.gateway"));
    libcni_buf_free(&out);
    CHECK_STATUS(LIBCNI_ERR_INVALID_RESULT, libcni_result_convert("{\"cniVersion\": \"1.0.0\"}", "0.2.0", &out, &err));
    CHECK_CONTAINS("cannot convert: no valid IP addresses", libcni_error_message(err));
    CHECK(out.data == NULL);
    libcni_error_free(err);
}

RUN_TESTS(TEST(files_are_listed_sorted_by_name_and_chosen_by_extension), TEST(a_missing_directory_has_no_files),
          TEST(a_network_is_found_by_its_name), TEST(a_single_configuration_becomes_a_list),
          TEST(networks_that_are_not_there_are_told_apart), TEST(one_broken_file_hides_no_other),
          TEST(a_broken_file_is_named_with_line_and_column),
          TEST(plugins_can_be_dropped_into_a_directory_of_the_networks_name),
          TEST(a_good_text_comes_back_as_it_is),
          TEST(injected_values_replace_those_of_the_configuration), TEST(results_convert_between_versions))
