/* All that a host's callbacks can answer and hear: failures, signals, answers beside the point, calls of their
 * own, and the events of every kind of end. hooks.c has the first steps. */
#define _GNU_SOURCE
#include <libcni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evil.h"
#include "fixture.h"
#include "test.h"

/* What the callbacks do, and what they heard. */
static struct host {
    int32_t answer;
    const char *message, *path, *output;
    int exit_code, signal;
    const libcni *nested;       /* called from inside of exec_plugin */
    const char *nested_list, *nested_rt;
    int32_t nested_status;
    bool nested_cancelled;
    const char *begin, *end;
    int begins, ends, others, finalized;
} host;

static int32_t run(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    struct host *h = user_data;
    if (h->nested) {
        const libcni_context *ctx = libcni_exec_request_context(request);
        libcni_buf result = LIBCNI_BUF_INIT;
        h->nested_cancelled = libcni_context_is_cancelled(ctx);
        h->nested_status = libcni_add_network_list(h->nested, ctx, h->nested_list, h->nested_rt, &result, NULL);
        libcni_buf_free(&result);
    }
    if (h->output) libcni_exec_response_set_stdout(response, h->output, strlen(h->output));
    libcni_exec_response_set_stderr(response, "words", 5);
    libcni_exec_response_set_exit(response, h->exit_code, h->signal);
    if (h->message) libcni_exec_response_set_error(response, h->message);
    return h->answer;
}

static int32_t find(void *user_data, const libcni_exec_request *request, libcni_exec_response *response) {
    struct host *h = user_data;
    CHECK_TEXT("", libcni_exec_request_path(request));
    CHECK(libcni_exec_request_env(request, 0) == NULL);
    if (h->path) libcni_exec_response_set_path(response, h->path);
    if (h->message) libcni_exec_response_set_error(response, h->message);
    return h->answer;
}

static void hear(void *user_data, void *call_data, const char *event) {
    struct host *h = user_data;
    const char *kind = at(event, "event");
    CHECK(call_data == NULL);
    if (strcmp(kind, "begin") == 0) h->begin = text("%s", event), h->begins++;
    else if (strcmp(kind, "end") == 0) h->end = text("%s", event), h->ends++;
    else h->others++;
}

static void finish(void *user_data) {
    ((struct host *)user_data)->finalized++;
}

static libcni_hooks hooks_of(struct host does) {
    libcni_hooks hooks = LIBCNI_HOOKS_INIT;
    host = does;
    hooks.user_data = &host;
    return hooks;
}

static libcni *hooked(const libcni_hooks *hooks, const char *options) {
    libcni *cni = NULL;
    const char *all = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\"%s%s}", plugin_dir(), scratch(),
                           *options ? ", " : "", options);
    if (!CHECK_STATUS(LIBCNI_OK, libcni_new(all, hooks, &cni, NULL))) abort();
    return cni;
}

static int32_t add(const libcni *cni, const char *list, libcni_error **err) {
    libcni_buf result = LIBCNI_BUF_INIT;
    int32_t status = libcni_add_network_list(cni, NULL, list, runtime(""), &result, err);
    CHECK((result.data != NULL) == (status == LIBCNI_OK));
    libcni_buf_free(&result);
    return status;
}

static const char *good_list(void) {
    return network("1.0.0", plugin("first", ""));
}

/* ---- what exec_plugin and find_in_path may answer ---- */

static void every_answer_of_exec_plugin_has_its_meaning(void) {
    static const struct {
        struct host does;
        int32_t status;
        const char *says;
        long exit_code, signal;
    } cases[] = {
        {{.output = "{}"}, LIBCNI_OK, "", -1, -1},
        {{.answer = LIBCNI_DEFAULT, .output = "ignored", .message = "ignored"}, LIBCNI_OK, "", -1, -1},
        {{.output = "{}", .exit_code = 3}, LIBCNI_ERR_PLUGIN, "", 3, -1},
        {{.output = NULL, .exit_code = 3}, LIBCNI_ERR_PLUGIN, "words", 3, -1},
        {{.output = "{}", .signal = 9}, LIBCNI_ERR_PLUGIN, "", -1, 9},
        {{.output = NULL, .signal = 9}, LIBCNI_ERR_PLUGIN, "signal: killed", -1, 9},
        {{.output = "nonsense"}, LIBCNI_ERR_INVALID_RESULT, "", -1, -1},
        {{.answer = -1}, LIBCNI_ERR_CALLBACK, "it returned -1", -1, -1},
        {{.answer = LIBCNI_ERR_TIMEOUT}, LIBCNI_ERR_CALLBACK, "it returned -11", -1, -1},
        {{.answer = 2}, LIBCNI_ERR_CALLBACK, "it returned 2", -1, -1},
        {{.answer = -1, .message = "no \"way\""}, LIBCNI_ERR_CALLBACK, "exec_plugin failed: no \"way\"", -1, -1},
        {{.answer = 0, .message = "tired", .output = "{}"}, LIBCNI_ERR_CALLBACK, "tired", -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni_hooks hooks = hooks_of(cases[i].does);
        libcni_error *err = NULL;
        hooks.exec_plugin = run;
        in_case("case %zu", i);
        libcni *cni = hooked(&hooks, "");
        CHECK_STATUS(cases[i].status, add(cni, good_list(), &err));
        CHECK_CONTAINS(cases[i].says, libcni_error_message(err));
        CHECK(error_number(err, "exitCode") == cases[i].exit_code);
        CHECK(error_number(err, "signal") == cases[i].signal);
        if (err) CHECK_TEXT("first", at(libcni_error_json(err), "plugin"));
        libcni_error_free(err);
        libcni_free(cni);
    }
}

static void every_answer_of_find_in_path_has_its_meaning(void) {
    static const struct {
        struct host does;
        int32_t status;
        const char *says;
    } cases[] = {
        {{.answer = LIBCNI_DEFAULT}, LIBCNI_OK, ""},
        {{.answer = LIBCNI_DEFAULT, .path = "/ignored"}, LIBCNI_OK, ""},
        {{.path = "/absent/plugin"}, LIBCNI_ERR_IO, "exec /absent/plugin: No such file"},
        {{.answer = 0}, LIBCNI_ERR_CALLBACK, "set no path"},
        {{.answer = -7}, LIBCNI_ERR_CALLBACK, "find_in_path failed: it returned -7"},
        {{.answer = -7, .message = "lost"}, LIBCNI_ERR_CALLBACK, "find_in_path failed: lost"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni_hooks hooks = hooks_of(cases[i].does);
        libcni_error *err = NULL;
        hooks.find_in_path = find;
        in_case("case %zu", i);
        libcni *cni = hooked(&hooks, "");
        CHECK_STATUS(cases[i].status, add(cni, good_list(), &err));
        CHECK_CONTAINS(cases[i].says, libcni_error_message(err));
        libcni_error_free(err);
        libcni_free(cni);
    }
}

/* ---- calls of their own ---- */

static libcni *nesting(const libcni *inner, const char *list, const char *rt, const char *options) {
    struct host does = {.output = "{}", .nested = inner, .nested_list = list, .nested_rt = rt, .nested_status = 99};
    libcni_hooks hooks = hooks_of(does);
    hooks.exec_plugin = run;
    return hooked(&hooks, options);
}

static void a_callback_may_work_on_the_same_attachment(void) {
    /* Bounded, so that a call that waited for its own caller would end with another status. */
    libcni *inner = new_cni("\"timeoutMs\": 20000"), *cni = nesting(inner, good_list(), runtime(""), "");
    CHECK_STATUS(LIBCNI_OK, add(cni, good_list(), NULL));
    CHECK_STATUS(LIBCNI_OK, host.nested_status);
    CHECK(!host.nested_cancelled);
    CHECK_TEXT("ADD first", call_order());
    libcni_free(cni);
    libcni_free(inner);
}

static void the_handles_time_limit_binds_the_calls_of_callbacks(void) {
    libcni *inner = new_cni("");
    const char *other = "{\"containerId\": \"other\", \"netns\": \"/n\", \"ifName\": \"eth0\"}";
    const char *hanging = network("1.0.0", plugin("second", "\"ADD\": {\"hang\": true}"));
    libcni *cni = nesting(inner, hanging, other, "\"timeoutMs\": 200");
    /* The callback itself cannot be ended, and says that all is well. */
    add(cni, good_list(), NULL);
    CHECK_STATUS(LIBCNI_ERR_TIMEOUT, host.nested_status);
    libcni_free(cni);
    libcni_free(inner);
}

/* ---- events ---- */

static void the_events_of_every_end_are_whole(void) {
    static const struct {
        const char *mode, *more, *options;
        int32_t status;
        const char *keys[8]; /* name, value, ...; a value of NULL: the key must not be there */
    } cases[] = {
        {"sink", "", "", LIBCNI_OK, {"exitCode", "0", "signal", NULL, "timedOut", NULL, "stderr", NULL}},
        {"fail", "", "", LIBCNI_ERR_PLUGIN, {"exitCode", "7", "signal", NULL, "stderr", "it failed", "cancelled", NULL}},
        {"die", "", "", LIBCNI_ERR_PLUGIN, {"exitCode", NULL, "signal", "9", "timedOut", NULL, "cancelled", NULL}},
        {"hang", "", "\"timeoutMs\": 100", LIBCNI_ERR_TIMEOUT, {"signal", "15", "timedOut", "true", "cancelled", NULL, "exitCode", NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni_hooks hooks = hooks_of((struct host){0});
        hooks.on_event = hear;
        in_case("%s", cases[i].mode);
        libcni *cni = hooked_evil_cni(cases[i].mode, cases[i].more, cases[i].options, &hooks);
        CHECK_STATUS(cases[i].status, add_evil(cni, NULL, evil_list(0), NULL));
        CHECK(host.begins == 1 && host.ends == 1 && host.others == 0);
        for (int which = 0; which < 2; which++) {
            const char *event = which == 0 ? host.begin : host.end;
            CHECK_TEXT("ADD", at(event, "command"));
            CHECK_TEXT("evil", at(event, "plugin"));
            CHECK_TEXT("0", at(event, "index"));
            CHECK_TEXT(text("%s/evil", plugin_dir()), at(event, "path"));
            CHECK_TEXT("box", at(event, "containerId"));
            CHECK_TEXT("eth0", at(event, "ifName"));
        }
        CHECK(at(host.begin, "pid") == NULL && at(host.begin, "durationMs") == NULL);
        CHECK(at(host.end, "durationMs") != NULL);
        CHECK(at(host.end, "pid") && strtol(at(host.end, "pid"), NULL, 10) > 1);
        for (int k = 0; k < 8; k += 2) {
            const char *value = at(host.end, cases[i].keys[k]);
            if (cases[i].keys[k + 1]) CHECK_TEXT(cases[i].keys[k + 1], value);
            else CHECK(value == NULL);
        }
        libcni_free(cni);
    }
}

static void a_cancelled_run_says_so(void) {
    libcni_hooks hooks = hooks_of((struct host){0});
    hooks.on_event = hear;
    libcni *cni = hooked_evil_cni("hang", fifo_variable("EVIL_READY"), "", &hooks);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add_evil_until_ready(cni, NULL));
    CHECK_TEXT("true", at(host.end, "cancelled"));
    CHECK(at(host.end, "timedOut") == NULL);
    CHECK_TEXT("15", at(host.end, "signal"));
    libcni_free(cni);
}

static void every_begin_has_its_end(void) {
    static const struct {
        struct host does;
        const char *says;
    } cases[] = {
        {{.answer = -1, .message = "the host is tired"}, "the host is tired"},
        {{.answer = LIBCNI_DEFAULT, .path = "/absent/plugin"}, "No such file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        libcni_hooks hooks = hooks_of(cases[i].does);
        hooks.on_event = hear;
        hooks.exec_plugin = run;
        if (cases[i].does.path) hooks.find_in_path = find;
        in_case("%s", cases[i].says);
        if (cases[i].does.path) host.answer = 0, hooks.exec_plugin = NULL;
        libcni *cni = hooked(&hooks, "");
        CHECK(add(cni, good_list(), NULL) != LIBCNI_OK);
        CHECK(host.begins == 1 && host.ends == 1);
        CHECK_CONTAINS(cases[i].says, at(host.end, "notStarted"));
        CHECK(at(host.end, "pid") == NULL && at(host.end, "exitCode") == NULL);
        libcni_free(cni);
    }
}

static void every_command_of_every_operation_is_told_of(void) {
    libcni_hooks hooks = hooks_of((struct host){0});
    libcni_buf buf = LIBCNI_BUF_INIT;
    hooks.on_event = hear;
    libcni *cni = hooked(&hooks, "");
    const char *list = network("1.1.0", text("%s, %s", plugin("first", ""), plugin("second", "")));
    CHECK_STATUS(LIBCNI_OK, add(cni, list, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_check_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_get_status_network_list(cni, NULL, list, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_validate_network_list(cni, NULL, list, &buf, NULL));
    CHECK_TEXT("VERSION", at(host.end, "command"));
    CHECK(at(host.end, "containerId") == NULL);
    CHECK_STATUS(LIBCNI_OK, libcni_gc_network_list(cni, NULL, list, "{\"validAttachments\": []}", NULL));
    CHECK_TEXT("GC", at(host.end, "command"));
    CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(cni, NULL, list, runtime(""), NULL));
    CHECK_TEXT("0", at(host.end, "index"));
    /* Two plugins each: ADD, CHECK, STATUS, VERSION, the DEL of GC, GC, DEL. VERSION has no log. */
    CHECK(host.begins == 14 && host.ends == 14);
    CHECK(calls() == 12);
    libcni_buf_free(&buf);
    libcni_free(cni);
}

static void a_call_that_runs_nothing_is_not_told_of(void) {
    libcni_hooks hooks = hooks_of((struct host){0});
    libcni_buf buf = LIBCNI_BUF_INIT;
    hooks.on_event = hear;
    libcni *cni = hooked(&hooks, "");
    CHECK_STATUS(LIBCNI_OK, libcni_render_network_list(cni, "ADD", good_list(), runtime(""), &buf, NULL));
    CHECK(add(cni, network("1.0.0", plugin("absent", "")), NULL) == LIBCNI_ERR_PLUGIN_NOT_FOUND);
    CHECK(host.begins + host.ends + host.others == 0);
    libcni_buf_free(&buf);
    libcni_free(cni);
}

/* ---- the struct of hooks ---- */

static void hooks_that_this_library_does_not_know_are_refused(void) {
    libcni *cni = NULL;
    for (int i = 0; i < 4; i++) {
        libcni_hooks hooks = hooks_of((struct host){0});
        libcni_error *err = NULL;
        hooks.finalize = finish;
        if (i == 0) hooks.version = 0;
        if (i == 1) hooks.version = LIBCNI_HOOKS_VERSION + 1;
        if (i == 2) hooks.version = UINT32_MAX;
        if (i == 3) hooks.reserved = 1;
        in_case("case %d", i);
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, libcni_new(NULL, &hooks, &cni, &err));
        CHECK_CONTAINS(i < 3 ? "version" : "reserved", libcni_error_message(err));
        CHECK(cni == NULL);
        CHECK(host.finalized == 0);
        libcni_error_free(err);
    }
}

static void finalize_comes_once_after_calls_with_every_hook(void) {
    libcni_hooks hooks = hooks_of((struct host){.output = "{}", .path = "/anywhere"});
    hooks.exec_plugin = run;
    hooks.find_in_path = find;
    hooks.on_event = hear;
    hooks.finalize = finish;
    libcni *cni = hooked(&hooks, "");
    /* Copied: what happens to the host's own struct does not matter. */
    memset(&hooks, 0xff, sizeof hooks);
    CHECK_STATUS(LIBCNI_OK, add(cni, good_list(), NULL));
    CHECK(host.finalized == 0);
    libcni_free(cni);
    CHECK(host.finalized == 1);
}

RUN_TESTS(TEST(every_answer_of_exec_plugin_has_its_meaning), TEST(every_answer_of_find_in_path_has_its_meaning),
          TEST(a_callback_may_work_on_the_same_attachment),
          TEST(the_handles_time_limit_binds_the_calls_of_callbacks), TEST(the_events_of_every_end_are_whole),
          TEST(a_cancelled_run_says_so), TEST(every_begin_has_its_end),
          TEST(every_command_of_every_operation_is_told_of), TEST(a_call_that_runs_nothing_is_not_told_of),
          TEST(hooks_that_this_library_does_not_know_are_refused),
          TEST(finalize_comes_once_after_calls_with_every_hook))
