/* The smallest thing that runs named tests: each is a function, its name is the rule it holds. */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* Prints `ok - a name`, `FAILED - a name` or `skipped - a name: why` for each and returns main's status.
 * Between two tests the scratch directory and the texts of fixture.h go away. */
int run_tests(const struct test *tests, size_t count);

#define TEST(function) {#function, function}
#define RUN_TESTS(...)                                                                                         \
    int main(void) {                                                                                           \
        static const struct test tests[] = {__VA_ARGS__};                                                      \
        return run_tests(tests, sizeof tests / sizeof *tests);                                                 \
    }

/* A failed check marks the running test and goes on; the functions tell whether it held. */
bool check(bool held, const char *file, int line, const char *what);
bool check_status(int32_t expected, int32_t actual, const char *file, int line, const char *what);
bool check_text(const char *expected, const char *actual, const char *file, int line, const char *what);
bool check_contains(const char *part, const char *text, const char *file, int line, const char *what);

#define CHECK(condition) check(condition, __FILE__, __LINE__, #condition)
#define CHECK_STATUS(expected, call) check_status(expected, call, __FILE__, __LINE__, #call)
#define CHECK_TEXT(expected, actual) check_text(expected, actual, __FILE__, __LINE__, #actual)
#define CHECK_CONTAINS(part, text) check_contains(part, text, __FILE__, __LINE__, #text)

/* The running test cannot be held on this machine. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says which case of a table is being looked at; failed checks name it. "" ends it. */
void in_case(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
