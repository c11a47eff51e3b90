#define _GNU_SOURCE
#include "test.h"

#include <libcni.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

/* One defect can fail the whole of a table: the first few tell enough. */
enum { SHOWN = 12 };

/* Whatever hangs is ended after that many seconds, also on a slow machine under valgrind. */
enum { LONGEST = 600 };

/* Of the running test; shared with the processes that it starts (alone.h). */
static struct state {
    int failed_checks;
    char why_skipped[256];
} *state;

static char current_case[512];

static bool report(bool held, const char *file, int line, const char *format, ...) {
    if (held) return true;
    va_list arguments;
    if (++state->failed_checks == SHOWN + 1) printf("    further failed checks of this test are not shown\n");
    if (state->failed_checks > SHOWN) return false;
    printf("    %s:%d: ", file, line);
    if (*current_case) printf("[%s] ", current_case);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    return false;
}

bool check(bool held, const char *file, int line, const char *what) {
    return report(held, file, line, "not true: %s", what);
}

bool check_status(int32_t expected, int32_t actual, const char *file, int line, const char *what) {
    return report(expected == actual, file, line, "%s returned %d (%s), not %d (%s)", what, (int)actual,
                  libcni_status_name(actual), (int)expected, libcni_status_name(expected));
}

bool check_text(const char *expected, const char *actual, const char *file, int line, const char *what) {
    bool held = expected && actual && strcmp(expected, actual) == 0;
    return report(held, file, line, "%s is\n        %s\n      not\n        %s", what, actual ? actual : "NULL",
                  expected ? expected : "NULL");
}

bool check_contains(const char *part, const char *text, const char *file, int line, const char *what) {
    bool held = text && strstr(text, part);
    return report(held, file, line, "no \"%s\" in %s:\n        %s", part, what, text ? text : "NULL");
}

void in_case(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(current_case, sizeof current_case, format, arguments);
    va_end(arguments);
}

void skip(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state->why_skipped, sizeof state->why_skipped, format, arguments);
    va_end(arguments);
}

static void print_name(const char *name) {
    for (const char *c = name; *c; c++) putchar(*c == '_' ? ' ' : *c);
}

int run_tests(const struct test *tests, size_t count) {
    int failures = 0;
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (state == MAP_FAILED) abort();
    alarm(LONGEST);
    for (size_t i = 0; i < count; i++) {
        *state = (struct state){0};
        fixture_begin();
        tests[i].run();
        fixture_end();
        in_case("%s", "");
        failures += state->failed_checks > 0;
        bool skipped = state->failed_checks == 0 && *state->why_skipped;
        printf("%s - ", state->failed_checks > 0 ? "FAILED" : skipped ? "skipped" : "ok");
        print_name(tests[i].name);
        printf("%s%s\n", skipped ? ": " : "", skipped ? state->why_skipped : "");
        fflush(stdout);
    }
    return failures > 0;
}
