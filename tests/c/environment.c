/* What plugins find in their environment: by the handle's policy, by the context's, and the trace ids. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* The names in the environment of the last call, in their order, but for those of the protocol. */
static const char *names_of_last_call(void) {
    char *environment = text("%s", called(calls() - 1, "env")), *line;
    const char *names = "";
    while ((line = strsep(&environment, "\n")))
        if (*line && strncmp(line, "CNI_", 4) != 0) names = text("%s %.*s", names, (int)strcspn(line, "="), line);
    return names;
}

static const char *value_in_last_call(const char *variable) {
    return called_with(calls() - 1, variable);
}

/* ADD with these options of the handle and of the context; "" is none. */
static void add(const char *options, const char *context_options) {
    libcni *cni = new_cni(options);
    libcni_context *ctx = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    if (*context_options) CHECK_STATUS(LIBCNI_OK, libcni_context_new(context_options, NULL, &ctx, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, ctx, network("1.0.0", plugin("first", "")), runtime(""),
                                                    &result, NULL));
    libcni_buf_free(&result);
    libcni_context_free(ctx);
    libcni_free(cni);
}

static void plugins_inherit_by_default(void) {
    setenv("LIBCNI_TEST_MARK", "seen", 1);
    add("", "");
    CHECK_TEXT("seen", value_in_last_call("LIBCNI_TEST_MARK"));
    CHECK_TEXT("ADD", value_in_last_call("CNI_COMMAND"));
}

static void clean_is_the_protocol_and_path(void) {
    add("\"env\": \"clean\"", "");
    CHECK_TEXT(" PATH LIBCNI_LOCKS", names_of_last_call());
    add("\"env\": \"clean\", \"locking\": false", "{\"traceparent\": \"" PARENT "\"}");
    CHECK_TEXT(" PATH TRACEPARENT", names_of_last_call());
}

static void a_list_of_names_is_kept(void) {
    setenv("LIBCNI_TEST_MARK", "seen", 1);
    unsetenv("LIBCNI_TEST_ABSENT");
    add("\"locking\": false, \"env\": [\"LIBCNI_TEST_MARK\", \"LIBCNI_TEST_ABSENT\"]", "");
    CHECK_TEXT(" LIBCNI_TEST_MARK", names_of_last_call());
}

static void an_object_is_the_environment_and_the_protocol_wins(void) {
    add("\"locking\": false, \"env\": {\"A\": \"b=c\", \"EMPTY\": \"\", \"CNI_IFNAME\": \"stale\"}", "");
    CHECK_TEXT(" A EMPTY", names_of_last_call());
    CHECK_TEXT("b=c", value_in_last_call("A"));
    CHECK_TEXT("", value_in_last_call("EMPTY"));
    CHECK_TEXT("eth0", value_in_last_call("CNI_IFNAME"));
}

static void the_contexts_policy_replaces_the_handles(void) {
    add("\"locking\": false, \"env\": {\"A\": \"1\"}", "{\"env\": {\"B\": \"2\"}}");
    CHECK_TEXT(" B", names_of_last_call());
}

static void each_name_comes_once(void) {
    setenv("CNI_COMMAND", "stale", 1);
    setenv("TRACEPARENT", "stale", 1);
    add("", "{\"traceparent\": \"" PARENT "\"}");
    const char *environment = called(0, "env"), *first = strstr(environment, "CNI_COMMAND=");
    CHECK(first && !strstr(first + 1, "CNI_COMMAND="));
    CHECK_TEXT("ADD", value_in_last_call("CNI_COMMAND"));
    CHECK_TEXT(PARENT, value_in_last_call("TRACEPARENT"));
    unsetenv("CNI_COMMAND");
    unsetenv("TRACEPARENT");
}

static void an_environment_that_is_none_of_the_usual_is_inherited(void) {
    libcni *cni = new_cni("\"locking\": false");
    const char *list = network("1.0.0", plugin("first", "")), *rt = runtime("");
    char *unusual[] = {"TWICE=1", "NO_EQUALS", "", "=hidden", "TWICE=2", "EMPTY=", NULL};
    char **const environments[] = {unusual, NULL /* as clearenv leaves it */}, **usual = environ;
    const char *const inherited[] = {" TWICE EMPTY", ""};
    for (size_t i = 0; i < 2; i++) {
        libcni_buf result = LIBCNI_BUF_INIT;
        environ = environments[i];
        int status = libcni_add_network_list(cni, NULL, list, rt, &result, NULL);
        environ = usual;
        CHECK_STATUS(LIBCNI_OK, status);
        CHECK_TEXT(inherited[i], names_of_last_call());
        if (i == 0) CHECK_TEXT("2", value_in_last_call("TWICE"));
        libcni_buf_free(&result);
    }
    libcni_free(cni);
}

static void trace_ids_reach_the_plugin(void) {
    add("\"locking\": false, \"env\": {}",
        "{\"traceparent\": \"" PARENT "\", \"tracestate\": \"a=1,b=2\", \"baggage\": \"k=v;p\"}");
    CHECK_TEXT(PARENT, value_in_last_call("TRACEPARENT"));
    CHECK_TEXT("a=1,b=2", value_in_last_call("TRACESTATE"));
    CHECK_TEXT("k=v;p", value_in_last_call("BAGGAGE"));
}

static void tracestate_and_baggage_travel_with_a_traceparent_only(void) {
    add("\"locking\": false, \"env\": {}", "{\"tracestate\": \"a=1\", \"baggage\": \"k=v\"}");
    CHECK_TEXT("", names_of_last_call());
}

static void malformed_trace_ids_are_refused(void) {
    static const char *const malformed[] = {
        "\"traceparent\": \"\"",
        "\"traceparent\": \"00\"",
        "\"traceparent\": \"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"",
        "\"traceparent\": \"00-00000000000000000000000000000000-b7ad6b7169203331-01\"",
        "\"traceparent\": \"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01\"",
        "\"traceparent\": \"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\"",
        "\"traceparent\": \"" PARENT "-more\"",
        "\"traceparent\": \"" PARENT "\\u0000\"",
        "\"tracestate\": \"novalue\"",
        "\"tracestate\": \"a=\\u00e9\"",
        "\"baggage\": \"a=1\\n\"",
        "\"traceparent\": 7",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        libcni_context *ctx = NULL;
        libcni_error *err = NULL;
        in_case("%s", malformed[i]);
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT,
                     libcni_context_new(text("{%s}", malformed[i]), NULL, &ctx, &err));
        CHECK(ctx == NULL);
        CHECK_CONTAINS(text("%.*s", (int)strcspn(malformed[i] + 1, "\""), malformed[i] + 1), libcni_error_message(err));
        libcni_error_free(err);
    }
}

RUN_TESTS(TEST(plugins_inherit_by_default), TEST(clean_is_the_protocol_and_path), TEST(a_list_of_names_is_kept),
          TEST(an_object_is_the_environment_and_the_protocol_wins), TEST(the_contexts_policy_replaces_the_handles),
          TEST(each_name_comes_once),
          TEST(an_environment_that_is_none_of_the_usual_is_inherited), TEST(trace_ids_reach_the_plugin),
          TEST(tracestate_and_baggage_travel_with_a_traceparent_only), TEST(malformed_trace_ids_are_refused))
