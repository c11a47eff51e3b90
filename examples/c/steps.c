#define _GNU_SOURCE
#include "steps.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NAME_WIDTH = 64, EXIT_CANNOT_RUN = 77 };

static FILE *stream;
static char name[160];
static double began, first;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void steps_to(FILE *to) {
    stream = to;
}

FILE *steps_stream(void) {
    return stream ? stream : stdout;
}

double steps_seconds(void) {
    return (now_ms() - first) / 1e3;
}

void step(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    began = now_ms();
    if (first == 0) first = began;
}

static void outcome(const char *word, const char *colour) {
    FILE *out = steps_stream();
    int coloured = isatty(fileno(out));
    fprintf(out, "  %-*s %s%-7s%s %8.1f ms\n", NAME_WIDTH, name, coloured ? colour : "", word,
            coloured ? "\033[0m" : "", now_ms() - began);
    fflush(out);
}

static void remark(const char *format, va_list arguments) {
    fputs("      ", steps_stream());
    vfprintf(steps_stream(), format, arguments);
    fputc('\n', steps_stream());
    fflush(steps_stream());
}

void step_ok(void) {
    outcome("ok", "\033[32m");
}

void step_skipped(const char *format, ...) {
    va_list arguments;
    outcome("skipped", "\033[33m");
    va_start(arguments, format);
    remark(format, arguments);
    va_end(arguments);
}

void note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    remark(format, arguments);
    va_end(arguments);
}

void step_failed(const char *format, ...) {
    va_list arguments;
    outcome("FAILED", "\033[31m");
    va_start(arguments, format);
    remark(format, arguments);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void cannot_run_here(const char *format, ...) {
    va_list arguments;
    outcome("cannot", "\033[33m");
    va_start(arguments, format);
    remark(format, arguments);
    va_end(arguments);
    exit(EXIT_CANNOT_RUN);
}
