/* Every function of the ABI with everything that can be wrong with its arguments: the status, a message that
 * names the place, nothing written to the out-parameter, nothing run, nothing on disk. */
#include <libcni.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "functions.h"
#include "test.h"

static const char *good_text(enum kind kind) {
    switch (kind) {
    case LIST: case LIST_NAME: case BYTES: return network("1.0.0", plugin("first", ""));
    case PLUGIN_CONF: case CONF_NAME: case CONF:
        make_dir(text("%s/log", scratch()));
        return text("{\"cniVersion\": \"1.0.0\", \"name\": \"net\", \"type\": \"first\", "
                    "\"fake\": {\"log\": \"%s/log\"}}",
                    scratch());
    case RUNTIME: return runtime("");
    case VALUES: return "{\"mtu\": 1400}";
    case RESULT: return "{\"cniVersion\": \"1.0.0\", \"ips\": [{\"address\": \"10.0.0.2/8\"}]}";
    case VERSION: return "0.4.0";
    case DIRECTORY: return text("%s/net.d", scratch());
    case FILE_PATH: return text("%s/net.d/net.conflist", scratch());
    case NAME: return "net";
    case FILTER: return "{\"containerId\": \"box\"}";
    case VALID_ATTACHMENTS: return "{\"validAttachments\": [{\"containerId\": \"box\", \"ifName\": \"eth0\"}]}";
    case PLUGIN_TYPE: return "first";
    case COMMAND: return "ADD";
    case EXTENSIONS: return "[\".conflist\"]";
    case CNI_OPTIONS: case CONTEXT_OPTIONS: return "{}";
    case NONE: case KINDS: break;
    }
    return NULL;
}

static void make_network_files(void) {
    make_dir(text("%s/net.d", scratch()));
    write_file(text("%s/net.d/net.conflist", scratch()), network("1.0.0", plugin("first", "")));
}

/* The out-parameter of a call, and what it holds as long as nobody writes it. */
static char marker;
union output {
    libcni_buf buffer;
    libcni *cni;
    libcni_context *context;
};

static void *prepare_output(const struct function *f, union output *output) {
    switch (f->out) {
    case BUFFER: output->buffer = (libcni_buf){&marker, 12345}; break;
    case CNI: output->cni = (libcni *)(void *)&marker; break;
    case CONTEXT: output->context = (libcni_context *)(void *)&marker; break;
    case NOTHING: return NULL;
    }
    return output;
}

static bool untouched(const struct function *f, const union output *output) {
    switch (f->out) {
    case BUFFER: return output->buffer.data == &marker && output->buffer.len == 12345;
    case CNI: return output->cni == (libcni *)(void *)&marker;
    case CONTEXT: return output->context == (libcni_context *)(void *)&marker;
    case NOTHING: break;
    }
    return true;
}

static void free_output(const struct function *f, union output *output) {
    switch (f->out) {
    case BUFFER: libcni_buf_free(&output->buffer); break;
    case CNI: libcni_free(output->cni); break;
    case CONTEXT: libcni_context_free(output->context); break;
    case NOTHING: break;
    }
}

static struct arguments good_arguments(const struct function *f, const libcni *cni) {
    struct arguments a = {.cni = f->takes_cni ? cni : NULL};
    for (int k = 0; k < MAX_TEXTS; k++) a.texts[k] = good_text(f->texts[k].kind);
    return a;
}

/* What a call could have done although its arguments are bad. */
struct traces {
    int calls;
    bool cache;
};

static struct traces traces(void) {
    return (struct traces){calls(), exists(text("%s/cache", scratch()))};
}

static void expect_no_more_than(struct traces before) {
    CHECK(calls() == before.calls);
    CHECK(exists(text("%s/cache", scratch())) == before.cache);
}

/* Calls `f` with one bad argument, with and without a place for the error. */
static void expect_failure(const struct function *f, struct arguments a, int32_t status, const char *says) {
    union output output;
    struct traces before = traces();
    libcni_error *err = NULL;
    a.out = prepare_output(f, &output);
    a.err = &err;
    if (!CHECK_STATUS(status, f->call(&a))) {
        if (!untouched(f, &output)) free_output(f, &output);
        libcni_error_free(err);
        return;
    }
    CHECK(untouched(f, &output));
    if (CHECK(err != NULL)) {
        CHECK_STATUS(status, libcni_error_status(err));
        CHECK_CONTAINS(says, libcni_error_message(err));
        CHECK_TEXT(libcni_status_name(status), at(libcni_error_json(err), "status"));
        CHECK_TEXT(libcni_error_message(err), at(libcni_error_json(err), "message"));
        libcni_error_free(err);
    }
    a.err = NULL;
    CHECK_STATUS(status, f->call(&a));
    CHECK(untouched(f, &output));
    expect_no_more_than(before);
}

/* Every function with every text argument replaced by `bad`, where it is one of that kind (KINDS: all). */
static void replace(enum kind kind, const char *bad, int32_t status, const char *says) {
    libcni *cni = new_cni("");
    for (size_t i = 0; i < function_count; i++) {
        const struct function *f = &functions[i];
        for (int k = 0; k < MAX_TEXTS; k++) {
            if (f->texts[k].kind == NONE || (kind != KINDS && f->texts[k].kind != kind)) continue;
            struct arguments a = good_arguments(f, cni);
            a.texts[k] = bad;
            in_case("%s with %s = %s", f->name, f->texts[k].name, bad ? bad : "NULL");
            expect_failure(f, a, status, says ? says : f->texts[k].name);
        }
    }
    libcni_free(cni);
}

static void good_arguments_leave_the_error_untouched(void) {
    libcni *cni = new_cni("");
    make_network_files();
    for (size_t i = 0; i < function_count; i++) {
        const struct function *f = &functions[i];
        struct arguments a = good_arguments(f, cni);
        union output output;
        libcni_error *err = (libcni_error *)(void *)&marker;
        a.out = prepare_output(f, &output);
        a.err = &err;
        in_case("%s", f->name);
        if (CHECK_STATUS(LIBCNI_OK, f->call(&a))) {
            CHECK(f->out == NOTHING || !untouched(f, &output));
            free_output(f, &output);
        }
        CHECK(err == (libcni_error *)(void *)&marker);
    }
    libcni_free(cni);
}

static void null_texts_are_invalid_arguments(void) {
    make_network_files();
    libcni *cni = new_cni("");
    for (size_t i = 0; i < function_count; i++) {
        const struct function *f = &functions[i];
        for (int k = 0; k < MAX_TEXTS; k++) {
            if (f->texts[k].kind == NONE || f->texts[k].may_be_null) continue;
            struct arguments a = good_arguments(f, cni);
            a.texts[k] = NULL;
            in_case("%s with %s = NULL", f->name, f->texts[k].name);
            expect_failure(f, a, LIBCNI_ERR_INVALID_ARGUMENT, text("%s is NULL", f->texts[k].name));
        }
    }
    libcni_free(cni);
}

static void a_null_handle_is_an_invalid_argument(void) {
    for (size_t i = 0; i < function_count; i++) {
        if (!functions[i].takes_cni) continue;
        in_case("%s with cni = NULL", functions[i].name);
        expect_failure(&functions[i], good_arguments(&functions[i], NULL), LIBCNI_ERR_INVALID_ARGUMENT, "cni is NULL");
    }
}

static void a_null_out_parameter_is_an_invalid_argument(void) {
    libcni *cni = new_cni("");
    make_network_files();
    for (size_t i = 0; i < function_count; i++) {
        const struct function *f = &functions[i];
        if (f->out == NOTHING) continue;
        struct arguments a = good_arguments(f, cni);
        struct traces before = traces();
        libcni_error *err = NULL;
        a.err = &err;
        in_case("%s with a NULL out-parameter", f->name);
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, f->call(&a));
        CHECK_CONTAINS("is NULL", libcni_error_message(err));
        libcni_error_free(err);
        a.err = NULL;
        CHECK_STATUS(LIBCNI_ERR_INVALID_ARGUMENT, f->call(&a));
        expect_no_more_than(before);
    }
    libcni_free(cni);
}

static void texts_that_are_not_utf8_are_invalid_arguments(void) {
    make_network_files();
    replace(KINDS, "\xff\xfe", LIBCNI_ERR_INVALID_ARGUMENT, "UTF-8");
    replace(KINDS, "{\"name\": \"\xc3\"}", LIBCNI_ERR_INVALID_ARGUMENT, NULL);
}

static void wrong_texts_are_named(void) {
    make_network_files();
    for (size_t i = 0; i < wrong_text_count; i++)
        replace(wrong_texts[i].kind, wrong_texts[i].text, wrong_texts[i].status, wrong_texts[i].says);
}

/* A table that forgets a kind would test nothing. */
static void every_kind_of_text_has_wrong_ones(void) {
    for (int kind = NONE + 1; kind < KINDS; kind++) {
        bool found = kind == DIRECTORY; /* a missing directory is an empty one: see configuration.c */
        for (size_t i = 0; i < wrong_text_count; i++) found = found || (int)wrong_texts[i].kind == kind;
        in_case("kind %d", kind);
        CHECK(found);
    }
}

RUN_TESTS(TEST(good_arguments_leave_the_error_untouched), TEST(null_texts_are_invalid_arguments),
          TEST(a_null_handle_is_an_invalid_argument), TEST(a_null_out_parameter_is_an_invalid_argument),
          TEST(texts_that_are_not_utf8_are_invalid_arguments), TEST(wrong_texts_are_named),
          TEST(every_kind_of_text_has_wrong_ones))
