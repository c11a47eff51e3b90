/* What the demo tells people: one line per step, with its outcome and how long it took. */
#ifndef EXAMPLE_STEPS_H
#define EXAMPLE_STEPS_H

#include <stdio.h>

/* Where the lines go: stdout unless told otherwise. */
void steps_to(FILE *stream);
FILE *steps_stream(void);

/* Begins a step: remembers its name and starts its clock. */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the step well, or as one that this machine does not allow and the demo can do without. */
void step_ok(void);
void step_skipped(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A remark of its own below the last line. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the step badly, says why, and ends the program: with status 1, or with 77, which test runners
 * know as "cannot run on this machine". Nothing needs to be undone: see sandbox.h. */
_Noreturn void step_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void cannot_run_here(const char *format, ...) __attribute__((format(printf, 1, 2)));

double steps_seconds(void); /* since the first step */

#endif
