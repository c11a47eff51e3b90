#include "test.h"

#include <libcni.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

/* One defect can fail the whole of a table: the first few tell enough. */
enum { SHOWN = 12 };

static int failed_checks;
static char current_case[512];

static bool report(bool held, const char *file, int line, const char *format, ...) {
    if (held) return true;
    va_list arguments;
    if (++failed_checks == SHOWN + 1) printf("    further failed checks of this test are not shown\n");
    if (failed_checks > SHOWN) return false;
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

int run_tests(const struct test *tests, size_t count) {
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        failed_checks = 0;
        fixture_begin();
        tests[i].run();
        fixture_end();
        in_case("%s", "");
        failures += failed_checks > 0;
        printf("%s - ", failed_checks > 0 ? "FAILED" : "ok");
        for (const char *c = tests[i].name; *c; c++) putchar(*c == '_' ? ' ' : *c);
        putchar('\n');
        fflush(stdout);
    }
    return failures > 0;
}
