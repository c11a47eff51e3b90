/* What needs no plugin: versions, names, and freeing what is not there. */
#include <libcni.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

static void the_version_is_the_packages(void) {
    CHECK_TEXT(getenv("LIBCNI_VERSION"), libcni_version());
    CHECK_TEXT(getenv("LIBCNI_VERSION"), LIBCNI_VERSION);
    CHECK_TEXT(getenv("LIBCNI_SOVERSION"), text("%u", (unsigned)libcni_abi_version()));
}

static void every_status_has_its_number_and_name(void) {
    static const struct {
        int32_t number, constant;
        const char *name;
    } statuses[] = {
        {0, LIBCNI_OK, "OK"},
        {-1, LIBCNI_ERR_INVALID_ARGUMENT, "INVALID_ARGUMENT"},
        {-2, LIBCNI_ERR_INVALID_CONFIG, "INVALID_CONFIG"},
        {-3, LIBCNI_ERR_NETWORK_NOT_FOUND, "NETWORK_NOT_FOUND"},
        {-4, LIBCNI_ERR_PLUGIN_NOT_FOUND, "PLUGIN_NOT_FOUND"},
        {-5, LIBCNI_ERR_PLUGIN, "PLUGIN"},
        {-6, LIBCNI_ERR_INCOMPATIBLE_VERSION, "INCOMPATIBLE_VERSION"},
        {-7, LIBCNI_ERR_INVALID_RESULT, "INVALID_RESULT"},
        {-8, LIBCNI_ERR_IO, "IO"},
        {-9, LIBCNI_ERR_CACHE, "CACHE"},
        {-10, LIBCNI_ERR_NOT_ADDED, "NOT_ADDED"},
        {-11, LIBCNI_ERR_TIMEOUT, "TIMEOUT"},
        {-12, LIBCNI_ERR_CANCELLED, "CANCELLED"},
        {-13, LIBCNI_ERR_CHECK_NOT_SUPPORTED, "CHECK_NOT_SUPPORTED"},
        {-14, LIBCNI_ERR_CALLBACK, "CALLBACK"},
        {-15, LIBCNI_ERR_INTERNAL, "INTERNAL"},
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        in_case("%s", statuses[i].name);
        CHECK(statuses[i].number == statuses[i].constant);
        CHECK_TEXT(statuses[i].name, libcni_status_name(statuses[i].number));
    }
}

static void unknown_numbers_have_a_name_of_their_own(void) {
    static const int32_t unknown[] = {1, -16, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const char *name = libcni_status_name(unknown[i]);
        in_case("%d", (int)unknown[i]);
        if (!CHECK(name != NULL)) continue;
        CHECK(*name != 0);
        for (int32_t known = 0; known >= -15; known--) CHECK(strcmp(name, libcni_status_name(known)) != 0);
    }
}

static void every_free_accepts_null(void) {
    libcni_free(NULL);
    libcni_context_free(NULL);
    libcni_error_free(NULL);
    libcni_buf_free(NULL);
    CHECK(!libcni_context_is_cancelled(NULL));
    libcni_context_cancel(NULL);
}

static void the_facts_of_no_error_are_empty(void) {
    CHECK_STATUS(LIBCNI_OK, libcni_error_status(NULL));
    CHECK(libcni_error_code(NULL) == 0);
    CHECK_TEXT("", libcni_error_message(NULL));
    CHECK_TEXT("{}", libcni_error_json(NULL));
}

static void a_buffer_can_be_freed_twice(void) {
    libcni_buf buf = LIBCNI_BUF_INIT;
    libcni_buf_free(&buf);
    CHECK_STATUS(LIBCNI_OK, libcni_network_conf_from_bytes(network("1.0.0", plugin("first", "")), &buf, NULL));
    CHECK(buf.data != NULL);
    CHECK(strlen(buf.data) == buf.len);
    libcni_buf_free(&buf);
    CHECK(buf.data == NULL);
    CHECK(buf.len == 0);
    libcni_buf_free(&buf);
}

static void a_handle_is_cheap_and_touches_no_file(void) {
    libcni *cni = NULL;
    const char *options = text("{\"pluginDirs\": [\"%s/none\"], \"cacheDir\": \"%s/cache\"}", scratch(), scratch());
    CHECK_STATUS(LIBCNI_OK, libcni_new(options, NULL, &cni, NULL));
    CHECK(cni != NULL);
    CHECK(!exists(text("%s/cache", scratch())));
    libcni_free(cni);
}

static void defaults_need_no_options(void) {
    libcni *cni = NULL;
    libcni_context *ctx = NULL;
    CHECK_STATUS(LIBCNI_OK, libcni_new(NULL, NULL, &cni, NULL));
    CHECK_STATUS(LIBCNI_OK, libcni_context_new(NULL, NULL, &ctx, NULL));
    CHECK(cni != NULL);
    CHECK(ctx != NULL);
    libcni_context_free(ctx);
    libcni_free(cni);
}

RUN_TESTS(TEST(the_version_is_the_packages), TEST(every_status_has_its_number_and_name),
          TEST(unknown_numbers_have_a_name_of_their_own), TEST(every_free_accepts_null),
          TEST(the_facts_of_no_error_are_empty), TEST(a_buffer_can_be_freed_twice),
          TEST(a_handle_is_cheap_and_touches_no_file), TEST(defaults_need_no_options))
