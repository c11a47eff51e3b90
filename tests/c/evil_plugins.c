/* Plugins on a bad day: whatever they and their descendants do, a call ends, says what happened, and leaves
 * nobody of the plugin's group behind. Nothing here measures time: a call that waits for what never comes
 * hangs, and the hour of grace does not pass. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "evil.h"
#include "fixture.h"
#include "test.h"

#define SOON "\"killGraceMs\": 20"

/* An ADD that is cancelled once the plugin is ready; the error must name the signal that ended it. */
static void expect_cancelled(const char *mode, const char *environment, const char *options, long signal) {
    const char *variables =
        text("%s%s%s", fifo_variable("EVIL_READY"), *environment ? ", " : "", environment);
    libcni *cni = evil_cni(mode, variables, options);
    libcni_error *err = NULL;
    in_case("%s", mode);
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add_evil_until_ready(cni, &err));
    CHECK(error_number(err, "signal") == signal);
    CHECK(at(libcni_error_json(err), "timedOut") == NULL);
    CHECK(at(libcni_error_json(err), "exitCode") == NULL);
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_plugin_that_hangs_gets_sigterm(void) {
    expect_cancelled("hang", "", "", 15);
}

static void a_plugin_that_ignores_sigterm_is_killed(void) {
    expect_cancelled("stubborn", "", SOON, 9);
}

static void a_plugin_that_stopped_itself_is_ended(void) {
    expect_cancelled("stop", "", "", 15);
}

static void a_plugin_may_clean_up_within_the_grace(void) {
    libcni *cni = evil_cni("obedient", fifo_variable("EVIL_READY"), "");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add_evil_until_ready(cni, &err));
    CHECK(error_number(err, "exitCode") == 9);
    CHECK_TEXT("cleaned up", at(libcni_error_json(err), "stderr"));
    libcni_error_free(err);
    libcni_free(cni);
}

static void the_last_words_of_a_plugin_that_was_killed_are_in_the_error(void) {
    libcni *cni = evil_cni("stubborn", fifo_variable("EVIL_READY"), SOON);
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_CANCELLED, add_evil_until_ready(cni, &err));
    CHECK_TEXT("last words", at(libcni_error_json(err), "stderr"));
    libcni_error_free(err);
    libcni_free(cni);
}

static void the_whole_group_is_killed(void) {
    static const char *const modes[] = {"family", "quiet-family"};
    for (size_t i = 0; i < 2; i++) {
        const char *alive = fifo_variable("EVIL_ALIVE");
        int watched = watch_family();
        expect_cancelled(modes[i], alive, SOON, 15);
        CHECK(family_is_gone(watched));
    }
}

static void a_descendant_that_left_the_group_and_keeps_the_pipes_holds_nobody_up(void) {
    int held = hold_survivor();
    const char *fifos = text("%s, %s", fifo_variable("EVIL_RELEASE"), fifo_variable("EVIL_ALIVE"));
    expect_cancelled("escape", fifos, SOON, 15);
    CHECK(survivor_is_alive(held));
}

static void a_daemon_that_a_good_plugin_leaves_behind_lives_and_holds_nobody_up(void) {
    int held = hold_survivor();
    const char *variables = text("%s, %s, \"EVIL_TEXT\": \"{}\"", fifo_variable("EVIL_RELEASE"),
                                 fifo_variable("EVIL_ALIVE"));
    libcni *cni = evil_cni("daemon", variables, "");
    CHECK_STATUS(LIBCNI_OK, add_evil(cni, NULL, evil_list(0), NULL));
    CHECK(survivor_is_alive(held));
    libcni_free(cni);
}

static void the_rest_of_an_answer_may_come_after_the_plugins_end(void) {
    int held = hold_survivor();
    const char *variables = text("%s, %s", fifo_variable("EVIL_RELEASE"), fifo_variable("EVIL_ALIVE"));
    libcni *cni = evil_cni("late", variables, "");
    libcni_buf result = LIBCNI_BUF_INIT;
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, evil_list(0), runtime(""), &result, NULL));
    CHECK_TEXT("1", at(result.data, "a"));
    CHECK(survivor_is_alive(held));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_plugin_need_not_read_its_stdin(void) {
    libcni *cni = evil_cni("sink", "", "");
    CHECK_STATUS(LIBCNI_OK, add_evil(cni, NULL, evil_list(0), NULL));
    CHECK_STATUS(LIBCNI_OK, add_evil(cni, NULL, evil_list(4 << 20), NULL));
    libcni_free(cni);
}

static void megabytes_each_way_at_once_do_not_deadlock(void) {
    libcni *cni = evil_cni("echo", "", "");
    libcni_buf result = LIBCNI_BUF_INIT;
    /* What is echoed is the plugin's request, which is an object and so a result. */
    CHECK_STATUS(LIBCNI_OK, libcni_add_network_list(cni, NULL, evil_list(8 << 20), runtime(""), &result, NULL));
    CHECK(result.len > 8 << 20);
    CHECK_TEXT("evil", at(result.data, "type"));
    libcni_buf_free(&result);
    libcni_free(cni);
}

static void a_plugin_may_close_its_output_long_before_its_end(void) {
    libcni *cni = evil_cni("close", "", "");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add_evil(cni, NULL, evil_list(1 << 20), &err));
    CHECK(error_number(err, "exitCode") == 3);
    libcni_error_free(err);
    libcni_free(cni);
}

static void a_result_that_never_ends_is_refused(void) {
    libcni *cni = evil_cni("flood", "\"EVIL_FD\": \"1\"", "\"maxOutputBytes\": 100000");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_INVALID_RESULT, add_evil(cni, NULL, evil_list(0), &err));
    CHECK_CONTAINS("100000", libcni_error_message(err));
    CHECK(error_number(err, "signal") == 15);
    libcni_error_free(err);
    libcni_free(cni);
}

/* Whatever a plugin prints that need not answer, only a deadline can end it. */
static void output_that_nobody_wants_is_thrown_away(void) {
    for (int fd = 1; fd <= 2; fd++) {
        const char *variables = text("\"EVIL_FD\": \"%d\", \"EVIL_BYTES\": \"1000000\"", fd);
        libcni *good = evil_cni("print", variables, "\"maxOutputBytes\": 1000");
        libcni *endless = evil_cni("flood", variables, "\"maxOutputBytes\": 1000, \"timeoutMs\": 100");
        libcni_error *err = NULL;
        in_case("descriptor %d", fd);
        CHECK_STATUS(LIBCNI_OK, libcni_del_network_list(good, NULL, evil_list(0), runtime(""), NULL));
        CHECK_STATUS(LIBCNI_ERR_TIMEOUT,
                     libcni_del_network_list(endless, NULL, evil_list(0), runtime(""), &err));
        CHECK(strlen(libcni_error_json(err)) < 20000);
        libcni_error_free(err);
        libcni_free(good);
        libcni_free(endless);
    }
}

static void a_plugin_that_a_signal_ends_is_named_with_it(void) {
    libcni *cni = evil_cni("die", "", "");
    libcni_error *err = NULL;
    CHECK_STATUS(LIBCNI_ERR_PLUGIN, add_evil(cni, NULL, evil_list(0), &err));
    CHECK(error_number(err, "signal") == 9);
    CHECK_CONTAINS("signal: killed", libcni_error_message(err));
    libcni_error_free(err);
    libcni_free(cni);
}

RUN_TESTS(TEST(a_plugin_that_hangs_gets_sigterm), TEST(a_plugin_that_ignores_sigterm_is_killed),
          TEST(a_plugin_that_stopped_itself_is_ended), TEST(a_plugin_may_clean_up_within_the_grace),
          TEST(the_last_words_of_a_plugin_that_was_killed_are_in_the_error), TEST(the_whole_group_is_killed),
          TEST(a_descendant_that_left_the_group_and_keeps_the_pipes_holds_nobody_up),
          TEST(a_daemon_that_a_good_plugin_leaves_behind_lives_and_holds_nobody_up),
          TEST(the_rest_of_an_answer_may_come_after_the_plugins_end), TEST(a_plugin_need_not_read_its_stdin),
          TEST(megabytes_each_way_at_once_do_not_deadlock),
          TEST(a_plugin_may_close_its_output_long_before_its_end), TEST(a_result_that_never_ends_is_refused),
          TEST(output_that_nobody_wants_is_thrown_away), TEST(a_plugin_that_a_signal_ends_is_named_with_it))
