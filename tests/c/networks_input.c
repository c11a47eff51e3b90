/* What can be wrong with what libcni_networks_* are given: each has its status and a message that names the place, writes no
 * result and runs no plugin. */
#include <libcni.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "node.h"
#include "test.h"

static libcni *cni;
static libcni_networks *networks;

static void begin(void) {
    cni = new_cni("");
    put_network("1.conflist", "a", "");
    networks = new_networks(cni, "");
}

static void end(void) {
    libcni_networks_free(networks);
    libcni_free(cni);
}

/* Every function in one shape, with one text. */
enum function { NEW, LOAD, CONFIG, STATUS, SETUP, CHECK_, REMOVE, WATCH, DISPATCH, METRICS, FUNCTIONS };

/* What the call must not write. */
static char marker;
static libcni_networks *made;
static libcni_buf written;
static int descriptor;

static void prepare(void) {
    made = (libcni_networks *)(void *)&marker;
    written = (libcni_buf){&marker, 12345};
    descriptor = -7;
}

static bool untouched(void) {
    return made == (libcni_networks *)(void *)&marker && written.data == &marker && written.len == 12345 &&
           descriptor == -7;
}

static int32_t call(enum function function, const libcni_networks *of, const char *text, bool out, libcni_error **err) {
    libcni_buf *buf = out ? &written : NULL;
    switch (function) {
    case NEW: return libcni_networks_new(of ? cni : NULL, text, out ? &made : NULL, err);
    case LOAD: return libcni_networks_load(of, text, buf, err);
    case CONFIG: return libcni_networks_config(of, buf, err);
    case STATUS: return libcni_networks_status(of, NULL, err);
    case SETUP: return libcni_networks_setup(of, NULL, text, buf, err);
    case CHECK_: return libcni_networks_check(of, NULL, text, err);
    case REMOVE: return libcni_networks_remove(of, NULL, text, err);
    case WATCH: return libcni_networks_watch(of, text, out ? &descriptor : NULL, err);
    case DISPATCH: return libcni_networks_dispatch(of, buf, err);
    case METRICS: return libcni_networks_metrics(of, text, buf, err);
    case FUNCTIONS: break;
    }
    return 0;
}

/* With and without a place for the error. */
static void fails(enum function function, const libcni_networks *of, const char *text, bool out, int32_t status,
                  const char *says) {
    libcni_error *err = NULL;
    int before = calls();
    prepare();
    CHECK_STATUS(status, call(function, of, text, out, &err));
    CHECK(untouched());
    CHECK_CONTAINS(says, libcni_error_message(err));
    CHECK_TEXT(libcni_status_name(status), at(libcni_error_json(err), "status"));
    libcni_error_free(err);
    CHECK_STATUS(status, call(function, of, text, out, NULL));
    CHECK(untouched());
    CHECK(calls() == before);
}

static void what_is_missing_is_named(void) {
    begin();
    static const struct {
        const char *name, *text_name, *out_name; /* NULL: there is none, or it may be missing */
    } parameters[FUNCTIONS] = {
        [NEW] = {"cni", NULL, "out"},
        [LOAD] = {"networks", NULL, "config"},
        [CONFIG] = {"networks", NULL, "config"},
        [STATUS] = {"networks", NULL, NULL},
        [SETUP] = {"networks", "container", "result"},
        [CHECK_] = {"networks", "container", NULL},
        [REMOVE] = {"networks", "container", NULL},
        [WATCH] = {"networks", NULL, "fd"},
        [DISPATCH] = {"networks", NULL, "change"},
        [METRICS] = {"networks", "format", "out"},
    };
    for (int f = 0; f < FUNCTIONS; f++) {
        const char *good = f == METRICS ? "json" : f == SETUP || f == CHECK_ || f == REMOVE ? container("") : NULL;
        in_case("function %d", f);
        fails(f, NULL, good, true, LIBCNI_ERR_INVALID_ARGUMENT, text("%s is NULL", parameters[f].name));
        if (parameters[f].text_name)
            fails(f, networks, NULL, true, LIBCNI_ERR_INVALID_ARGUMENT, text("%s is NULL", parameters[f].text_name));
        if (parameters[f].out_name)
            fails(f, networks, good, false, LIBCNI_ERR_INVALID_ARGUMENT, text("%s is NULL", parameters[f].out_name));
    }
    libcni_networks_free(NULL);
    end();
}

static void what_is_wrong_in_a_text_is_named(void) {
    static const struct {
        enum function function;
        const char *text;
        int32_t status;
        const char *says;
    } wrong[] = {
        {NEW, "", LIBCNI_ERR_INVALID_ARGUMENT, "invalid networks options"},
        {NEW, "[]", LIBCNI_ERR_INVALID_ARGUMENT, "object"},
        {NEW, "{\"confdir\": \"/x\"}", LIBCNI_ERR_INVALID_ARGUMENT, "confdir"},
        {NEW, "{\"confDir\": 3}", LIBCNI_ERR_INVALID_ARGUMENT, "confDir"},
        {NEW, "{\"maxNetworks\": -1}", LIBCNI_ERR_INVALID_ARGUMENT, "maxNetworks"},
        {NEW, "{\"minNetworks\": \"1\"}", LIBCNI_ERR_INVALID_ARGUMENT, "minNetworks"},
        {NEW, "{\"loopback\": 1}", LIBCNI_ERR_INVALID_ARGUMENT, "loopback"},
        {NEW, "{\"loopbackPlugin\": \"none\"}", LIBCNI_ERR_INVALID_ARGUMENT, "loopbackPlugin"},
        {NEW, "{\"parallel\": \"yes\"}", LIBCNI_ERR_INVALID_ARGUMENT, "parallel"},
        {NEW, "{\"undo\": []}", LIBCNI_ERR_INVALID_ARGUMENT, "undo"},
        {NEW, "{\"undoTimeoutMs\": 1.5}", LIBCNI_ERR_INVALID_ARGUMENT, "undoTimeoutMs"},
        {NEW, "{\"checkNetns\": null, \"x\": 1}", LIBCNI_ERR_INVALID_ARGUMENT, "`x`"},
        {NEW, "{\"interfacePrefix\": \"a/b\"}", LIBCNI_ERR_INVALID_ARGUMENT, "interfacePrefix"},
        {NEW, "{\"interfacePrefix\": \"fifteen-bytes-x\"}", LIBCNI_ERR_INVALID_ARGUMENT, "interfacePrefix"},
        {NEW, "{\"sources\": {}}", LIBCNI_ERR_INVALID_ARGUMENT, "sources"},
        {NEW, "{\"sources\": [{}]}", LIBCNI_ERR_INVALID_ARGUMENT, "sources[0]"},
        {NEW, "{\"sources\": [{\"dir\": \"/x\"}, {\"file\": \"/x\"}]}", LIBCNI_ERR_INVALID_ARGUMENT, "`file`"},
        {NEW, "{\"sources\": [{\"dir\": \"/x\", \"conf\": {}}]}", LIBCNI_ERR_INVALID_ARGUMENT, "only one of"},
        {NEW, "{\"sources\": [{\"load\": \"some\"}]}", LIBCNI_ERR_INVALID_ARGUMENT, "some"},
        {NEW, "{\"sources\": [{\"dir\": \"/x\", \"index\": 1}]}", LIBCNI_ERR_INVALID_ARGUMENT, "index"},
        {NEW, "{\"sources\": [{\"confFile\": \"/no/such\"}]}", LIBCNI_ERR_IO, "/no/such"},
        {NEW, "{\"sources\": [{\"confListFile\": \"/no/such\"}]}", LIBCNI_ERR_IO, "/no/such"},
        {NEW, "{\"sources\": [{\"confList\": \"{\"}]}", LIBCNI_ERR_INVALID_CONFIG, "line 1"},
        {NEW, "{\"sources\": [{\"confList\": {\"plugins\": []}}]}", LIBCNI_ERR_INVALID_CONFIG, "name"},
        {NEW, "{\"sources\": [{\"confList\": {\"name\": \"x\"}}]}", LIBCNI_ERR_INVALID_CONFIG, "no plugins"},
        {NEW, "{\"sources\": [{\"conf\": {\"name\": \"x\"}}]}", LIBCNI_ERR_INVALID_CONFIG, "type"},

        {LOAD, "", LIBCNI_ERR_INVALID_ARGUMENT, "invalid sources"},
        {LOAD, "{}", LIBCNI_ERR_INVALID_ARGUMENT, "invalid sources"},
        {LOAD, "[{\"dirs\": \"/x\"}]", LIBCNI_ERR_INVALID_ARGUMENT, "`dirs`"},
        {LOAD, "[{\"conf\": 3}]", LIBCNI_ERR_INVALID_CONFIG, "object"},

        {SETUP, "", LIBCNI_ERR_INVALID_ARGUMENT, "invalid container"},
        {SETUP, "[]", LIBCNI_ERR_INVALID_ARGUMENT, "object"},
        {SETUP, "{\"containerID\": \"box\"}", LIBCNI_ERR_INVALID_ARGUMENT, "containerID"},
        {SETUP, "{\"containerId\": 1}", LIBCNI_ERR_INVALID_ARGUMENT, "containerId"},
        {SETUP, "{\"netns\": \"/n\"}", LIBCNI_ERR_INVALID_ARGUMENT, "container"},
        {SETUP, "{\"containerId\": \"../box\", \"netns\": \"/n\"}", LIBCNI_ERR_INVALID_ARGUMENT, "../box"},
        {SETUP, "{\"containerId\": \"box\"}", LIBCNI_ERR_INVALID_ARGUMENT, "netns is empty"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/no/such\"}", LIBCNI_ERR_INVALID_ARGUMENT,
         "the network namespace /no/such does not exist"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"cniArgs\": {}}",
         LIBCNI_ERR_INVALID_ARGUMENT, "cniArgs"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"capabilityArgs\": []}",
         LIBCNI_ERR_INVALID_ARGUMENT, "capabilityArgs"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"networks\": [{\"ifName\": \"x\"}]}",
         LIBCNI_ERR_INVALID_ARGUMENT, "name"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"networks\": [{\"name\": \"b\"}]}",
         LIBCNI_ERR_NETWORK_NOT_FOUND, "\"b\" is loaded (loaded: a)"},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"networks\": [{\"name\": \"a\", "
                "\"ifName\": \"x\"}, {\"name\": \"a\", \"ifName\": \"x\"}]}",
         LIBCNI_ERR_INVALID_ARGUMENT, "would both have the interface \"x\""},
        {SETUP, "{\"containerId\": \"box\", \"netns\": \"/proc/self/ns/net\", \"networks\": [{\"name\": \"a\", "
                "\"ifName\": \"sixteen-bytes-xx\"}]}",
         LIBCNI_ERR_INVALID_ARGUMENT, "sixteen-bytes-xx"},

        {CHECK_, "{\"containerId\": \"box\", \"network\": \"a\"}", LIBCNI_ERR_INVALID_ARGUMENT, "`network`"},
        {CHECK_, "{\"containerId\": \"box\", \"netns\": \"/n\"}", LIBCNI_ERR_NOT_ADDED, "\"a\""},
        {CHECK_, "{\"containerId\": \"box\", \"networks\": [{\"name\": \"b\"}]}", LIBCNI_ERR_NETWORK_NOT_FOUND, "\"b\""},
        {REMOVE, "{\"containerId\": \"box\",}", LIBCNI_ERR_INVALID_ARGUMENT, "line 1"},
        {REMOVE, "{\"containerId\": \"\"}", LIBCNI_ERR_INVALID_ARGUMENT, "container"},
        {REMOVE, "{\"containerId\": \"a/b\"}", LIBCNI_ERR_INVALID_ARGUMENT, "a/b"},

        {WATCH, "", LIBCNI_ERR_INVALID_ARGUMENT, "invalid watch options"},
        {WATCH, "{\"debounce\": 1}", LIBCNI_ERR_INVALID_ARGUMENT, "`debounce`"},
        {WATCH, "{\"debounceMs\": -1}", LIBCNI_ERR_INVALID_ARGUMENT, "debounceMs"},

        {METRICS, "", LIBCNI_ERR_INVALID_ARGUMENT, "expected json or prometheus"},
        {METRICS, "JSON", LIBCNI_ERR_INVALID_ARGUMENT, "\"JSON\""},
    };
    begin();
    const char *before = config_of(networks);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        in_case("%d: %s", wrong[i].function, wrong[i].text);
        fails(wrong[i].function, networks, wrong[i].text, true, wrong[i].status, wrong[i].says);
    }
    in_case("%s", "");
    fails(METRICS, networks, "\xff", true, LIBCNI_ERR_INVALID_ARGUMENT, "UTF-8");
    fails(SETUP, networks, "{\"containerId\": \"\xff\"}", true, LIBCNI_ERR_INVALID_ARGUMENT, "UTF-8");
    CHECK_TEXT(before, config_of(networks));
    CHECK(!exists(text("%s/cache/results", scratch())));
    end();
}

/* The code that the specification has for it. */
static void a_namespace_that_is_not_there_has_its_code(void) {
    begin();
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *gone = "{\"containerId\": \"box\", \"netns\": \"/no/such\"}";
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_networks_setup(networks, NULL, gone, &result, &err));
    CHECK(libcni_error_code(err) == 8);
    CHECK_TEXT("/no/such", at(libcni_error_json(err), "path"));
    libcni_error_free(err);
    end();
}

static void a_host_whose_namespaces_are_no_paths_says_so(void) {
    cni = new_cni("");
    put_network("1.conflist", "a", "");
    networks = new_networks(cni, "\"checkNetns\": false");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *odd = "{\"containerId\": \"box\", \"netns\": \"vm:7\"}";
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, odd, &result, NULL));
    CHECK_TEXT("vm:7", called_with(0, "CNI_NETNS"));
    libcni_buf_free(&result);
    end();
}

static void not_ready(const char *says) {
    fails(STATUS, networks, NULL, true, LIBCNI_ERR_NETWORK_NOT_FOUND, says);
    fails(SETUP, networks, container(""), true, LIBCNI_ERR_NETWORK_NOT_FOUND, says);
    fails(CHECK_, networks, container(""), true, LIBCNI_ERR_NETWORK_NOT_FOUND, says);
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, container(""), NULL));
}

static void a_node_without_networks_is_not_ready_and_says_why(void) {
    cni = new_cni("");
    networks = new_networks(cni, "");
    not_ready(text("0 of at least 1 are loaded (configurations are in %s, which has no .conflist, .conf or .json file)",
                   conf_dir()));
    libcni_networks_free(networks);

    in_case("no directory");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_OK,
                 libcni_networks_new(cni, "{\"confDir\": \"/no/such\", \"loopback\": false}", &networks, &err));
    not_ready("configurations are in /no/such, which does not exist)");
    libcni_networks_free(networks);

    in_case("a broken file");
    write_file(text("%s/1.conflist", conf_dir()), "{");
    networks = new_networks(cni, "");
    not_ready("1.conflist");
    libcni_networks_free(networks);

    in_case("too few");
    put_network("1.conflist", "a", "");
    networks = new_networks(cni, "\"minNetworks\": 3");
    not_ready("1 of at least 3");
    end();
}

static void a_number_that_makes_an_interface_too_long_names_the_network(void) {
    cni = new_cni("");
    for (int i = 0; i < 11; i++) put_network(text("%02d.conflist", i), text("net%d", i), "");
    networks = new_networks(cni, "\"interfacePrefix\": \"fourteen-bytes\"");
    fails(SETUP, networks, container(""), true, LIBCNI_ERR_INVALID_ARGUMENT,
          "network \"net10\": interface \"fourteen-bytes10\": interface name is too long");
    /* Nor does the node say that it is ready. */
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_networks_status(networks, NULL, &err));
    CHECK_CONTAINS("network \"net10\" is not ready: interface \"fourteen-bytes10\"", libcni_error_message(err));
    libcni_error_free(err);
    end();
}

static void of_a_thousand_networks_the_one_that_is_asked_for_is_attached(void) {
    cni = new_cni("");
    for (int i = 0; i < 1000; i++) put_network(text("%04d.conflist", i), text("net%d", i), "");
    networks = new_networks(cni, "\"interfacePrefix\": \"thirteen-byte\"");
    const char *config = config_of(networks);
    CHECK_TEXT("net999", at(config, "networks.999.name"));
    CHECK_TEXT("thirteen-byte999", at(config, "networks.999.ifName"));
    CHECK(at(config, "networks.1000") == NULL);
    fails(SETUP, networks, container(""), true, LIBCNI_ERR_INVALID_ARGUMENT,
          "network \"net100\": interface \"thirteen-byte100\"");
    fails(SETUP, networks, container("\"networks\": [{\"name\": \"x\"}]"), true, LIBCNI_ERR_NETWORK_NOT_FOUND,
          "net18, net19, and 980 more)");
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *one = container("\"networks\": [{\"name\": \"net999\", \"ifName\": \"eth0\"}]");
    CHECK_STATUS(LIBCNI_OK, libcni_networks_setup(networks, NULL, one, &result, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_remove(networks, NULL, one, NULL));
    CHECK_TEXT("ADD net999 eth0, DEL net999 eth0", asked());
    libcni_buf_free(&result);
    end();
}

static void a_file_that_vanished_is_no_error_unless_a_source_names_it(void) {
    begin();
    const char *gone = text("%s/2.conflist", conf_dir());
    put_network("2.conflist", "b", "");
    libcni_buf config = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, NULL, &config, NULL));
    CHECK_TEXT("a eth0, b eth1", loaded(networks));
    libcni_buf_free(&config);
    remove_network("2.conflist");
    fails(LOAD, networks, text("[{\"confListFile\": \"%s\"}]", gone), true, LIBCNI_ERR_IO, text("error reading %s", gone));
    CHECK_TEXT("a eth0, b eth1", loaded(networks));
    CHECK_STATUS(LIBCNI_OK, libcni_networks_load(networks, NULL, &config, NULL));
    CHECK_TEXT("a eth0", loaded(networks));
    CHECK(at(config.data, "errors.0") == NULL);
    libcni_buf_free(&config);
    end();
}

static void an_address_of_an_interface_that_is_not_there_is_undone(void) {
    cni = new_cni("");
    put_network("1.conflist", "a",
                "\"ADD\": {\"stdout\": {\"cniVersion\": \"1.1.0\", \"interfaces\": [{\"name\": \"eth0\"}], "
                "\"ips\": [{\"address\": \"10.0.0.2/24\", \"interface\": 1}]}}");
    networks = new_networks(cni, "");
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_ERR_INVALID_RESULT, libcni_networks_setup(networks, NULL, container(""), &result, &err));
    CHECK_CONTAINS("10.0.0.2/24 is of interface 1, and there are 1", libcni_error_message(err));
    CHECK_TEXT("ADD a eth0, DEL a eth0", asked());
    libcni_error_free(err);
    end();
}

RUN_TESTS(TEST(what_is_missing_is_named), TEST(what_is_wrong_in_a_text_is_named),
          TEST(a_namespace_that_is_not_there_has_its_code), TEST(a_host_whose_namespaces_are_no_paths_says_so),
          TEST(a_node_without_networks_is_not_ready_and_says_why),
          TEST(a_number_that_makes_an_interface_too_long_names_the_network),
          TEST(of_a_thousand_networks_the_one_that_is_asked_for_is_attached),
          TEST(a_file_that_vanished_is_no_error_unless_a_source_names_it),
          TEST(an_address_of_an_interface_that_is_not_there_is_undone))
