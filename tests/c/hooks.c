/* The host's callbacks: finding and running plugins itself, being told of every run, and the end of it. */
#include <libcni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

/* What the callbacks were asked, and what they answer. */
static struct host {
    int32_t answer;       /* of exec_plugin and find_in_path */
    const char *message;  /* for set_error, or NULL */
    int executed, searched, events, finalized;
    char asked[64], stdin_text[4096], container[64], events_text[2][2048];
    void *call_data;
    int32_t nested; /* what a call from inside the callback returned */
} host;

static const libcni *nested_cni;

static int32_t run_inside(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    struct host *h = user_data;
    size_t length = 0;
    const char *input = libcni_exec_request_stdin(request, &length);
    h->executed++;
    if (h->answer == LIBCNI_DEFAULT) return LIBCNI_DEFAULT;
    snprintf(h->asked, sizeof h->asked, "%s %s", libcni_exec_request_command(request),
             libcni_exec_request_plugin(request));
    snprintf(h->stdin_text, sizeof h->stdin_text, "%.*s", (int)length, input);
    for (size_t i = 0; libcni_exec_request_env(request, i); i++)
        sscanf(libcni_exec_request_env(request, i), "CNI_CONTAINERID=%63s", h->container);
    h->call_data = libcni_exec_request_call_data(request);
    if (h->message) libcni_exec_response_set_error(response, h->message);
    const char *output = "{\"cniVersion\": \"1.0.0\", \"interfaces\": [{\"name\": \"inside\"}]}";
    libcni_exec_response_set_stdout(response, output, strlen(output));
    libcni_exec_response_set_stderr(response, "words", 5);
    libcni_exec_response_set_exit(response, 0, 0);
    return h->answer;
}

static int32_t fail_inside(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    const char *output = "{\"code\": 120, \"msg\": \"refused\"}";
    (void)user_data, (void)request;
    libcni_exec_response_set_stdout(response, output, strlen(output));
    libcni_exec_response_set_exit(response, 1, 0);
    return 0;
}

static int32_t find_inside(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    struct host *h = user_data;
    h->searched++;
    if (h->answer == LIBCNI_DEFAULT) return LIBCNI_DEFAULT;
    snprintf(h->asked, sizeof h->asked, "%s", libcni_exec_request_dirs(request));
    libcni_exec_response_set_path(response, "/inside/plugin");
    return h->answer;
}

static void hear(void *user_data, void *call_data, const char *event) {
    struct host *h = user_data;
    h->call_data = call_data;
    if (h->events < 2) snprintf(h->events_text[h->events], sizeof h->events_text[0], "%s", event);
    h->events++;
}

static void finish(void *user_data) {
    ((struct host *)user_data)->finalized++;
}

static libcni *hooked(const libcni_hooks *hooks) {
    libcni *cni = NULL;
    const char *options = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\"}", plugin_dir(), scratch());
    CHECK_STATUS(LIBCNI_OK, libcni_new(options, hooks, &cni, NULL));
    return cni;
}

static int32_t add(const libcni *cni, const libcni_context *ctx, libcni_buf *result, libcni_error **err) {
    return libcni_add_network_list(cni, ctx, network("1.0.0", plugin("first", "")), runtime(""), result, err);
}

static void a_callback_runs_the_plugin_in_place_of_a_process(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_context *ctx = NULL;
    int mark;
    host = (struct host){.answer = 0};
    hooks.user_data = &host;
    hooks.exec_plugin = run_inside;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, &mark, &ctx, NULL));
    CHECK_STATUS(LIBCNI_OK, add(cni, ctx, &result, NULL));
    CHECK(calls() == 0);
    CHECK(host.executed == 1);
    CHECK_TEXT("ADD first", host.asked);
    CHECK_TEXT("box", host.container);
    CHECK_TEXT("net", at(host.stdin_text, "name"));
    CHECK(host.call_data == &mark);
    CHECK_TEXT("inside", at(result.data, "interfaces.0.name"));
    libcni_buf_free(&result);
    libcni_context_free(ctx);
    libcni_free(cni);
}

static void a_callbacks_plugin_can_fail_like_any_other(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    hooks.exec_plugin = fail_inside;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add(cni, NULL, &result, &err));
    CHECK(libcni_error_code(err) == 120);
    CHECK_TEXT("refused", at(libcni_error_json(err), "msg"));
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_callback_can_leave_the_request_to_libcni(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    host = (struct host){.answer = LIBCNI_DEFAULT};
    hooks.user_data = &host;
    hooks.exec_plugin = run_inside;
    hooks.find_in_path = find_inside;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_OK, add(cni, NULL, &result, NULL));
    CHECK(host.executed == 1);
    CHECK(host.searched >= 1);
    CHECK_TEXT("ADD first", call_order());
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_failing_callback_ends_the_call(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_error *err = NULL;
    host = (struct host){.answer = -3, .message = "the host is tired"};
    hooks.user_data = &host;
    hooks.exec_plugin = run_inside;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_ERR_CALLBACK, add(cni, NULL, &result, &err));
    CHECK_CONTAINS("the host is tired", libcni_error_message(err));
    CHECK(result.data == NULL);
    CHECK(!exists(cache_file()));
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_callback_finds_the_program(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf requests = LIBCNI_BUF_INIT;
    host = (struct host){.answer = 0};
    hooks.user_data = &host;
    hooks.find_in_path = find_inside;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_OK, libcni_render_network_list(cni, "ADD", network("1.0.0", plugin("first", "")), runtime(""),
                                                       &requests, NULL));
    CHECK_TEXT("/inside/plugin", at(requests.data, "0.path"));
    CHECK_TEXT(plugin_dir(), at(host.asked, "0"));
    libcni_buf_free(&requests);
    libcni_free(cni);
}

static void every_run_is_told_of(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni_context *ctx = NULL;
    int mark;
    host = (struct host){0};
    hooks.user_data = &host;
    hooks.on_event = hear;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, &mark, &ctx, NULL));
    const char *list = network("1.0.0", plugin("first", "\"ADD\": {\"stderr\": \"by the way\"}"));
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, ctx, list, runtime(""), &result, NULL));
    CHECK(host.events == 2);
    CHECK(host.call_data == &mark);
    CHECK_TEXT("begin", at(host.events_text[0], "event"));
    CHECK_TEXT("end", at(host.events_text[1], "event"));
    for (int i = 0; i < 2; i++) {
        CHECK_TEXT("ADD", at(host.events_text[i], "command"));
        CHECK_TEXT("first", at(host.events_text[i], "plugin"));
        CHECK_TEXT("0", at(host.events_text[i], "index"));
        CHECK_TEXT("box", at(host.events_text[i], "containerId"));
    }
    CHECK_TEXT("0", at(host.events_text[1], "exitCode"));
    CHECK_TEXT("by the way", at(host.events_text[1], "stderr"));
    libcni_buf_free(&result);
    libcni_context_free(ctx);
    libcni_free(cni);
}

/* A plugin that is itself a runtime: it attaches another container through the request's own context. */
static int32_t delegate(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    struct host *h = user_data;
    libcni_buf result = LIBCNI_BUF_INIT;
    const char *rt = "{\"containerId\": \"inner\", \"netns\": \"/n\", \"ifName\": \"eth0\"}";
    h->nested = libcni_add_network_list(nested_cni, libcni_exec_request_context(request),
                                        network("1.0.0", plugin("second", "")), rt, &result, NULL);
    if (h->nested != LIBCNI_OK) return h->nested;
    libcni_exec_response_set_stdout(response, result.data, result.len);
    libcni_exec_response_set_exit(response, 0, 0);
    libcni_buf_free(&result);
    return 0;
}

static void a_callback_may_call_libcni_within_the_calls_context(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni_buf result = LIBCNI_BUF_INIT;
    libcni *inner = new_cni("");
    nested_cni = inner;
    host = (struct host){0};
    hooks.user_data = &host;
    hooks.exec_plugin = delegate;
    libcni *cni = hooked(&hooks);
    CHECK_STATUS(LIBCNI_OK, add(cni, NULL, &result, NULL));
    CHECK_STATUS(LIBCNI_OK, host.nested);
    CHECK_TEXT("ADD second", call_order());
    libcni_buf_free(&result);
    libcni_free(cni);
    libcni_free(inner);
}

static void finalize_comes_once_and_only_after_a_success(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni *none = NULL;
    host = (struct host){0};
    hooks.user_data = &host;
    hooks.finalize = finish;
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new("{\"unknown\": 1}", &hooks, &none, NULL));
    CHECK(host.finalized == 0);
    libcni *cni = hooked(&hooks);
    CHECK(host.finalized == 0);
    libcni_free(cni);
    CHECK(host.finalized == 1);
}

static void hooks_of_an_unknown_version_are_refused(void) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    libcni *cni = NULL;
    libcni_error *err = NULL;
    hooks.version = 0;
    CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new(NULL, &hooks, &cni, &err));
    CHECK_CONTAINS("version", libcni_error_message(err));
    CHECK(cni == NULL);
    libcni_error_free(err);
}

RUN_TESTS(TEST(a_callback_runs_the_plugin_in_place_of_a_process), TEST(a_callbacks_plugin_can_fail_like_any_other),
          TEST(a_callback_can_leave_the_request_to_libcni), TEST(a_failing_callback_ends_the_call),
          TEST(a_callback_finds_the_program), TEST(every_run_is_told_of),
          TEST(a_callback_may_call_libcni_within_the_calls_context),
          TEST(finalize_comes_once_and_only_after_a_success), TEST(hooks_of_an_unknown_version_are_refused))
