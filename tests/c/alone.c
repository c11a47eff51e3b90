#define _GNU_SOURCE
#include "alone.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

void alone(void (*body)(void)) {
    int status = -1;
    fflush(stdout);
    pid_t process = fork();
    if (process < 0) abort();
    if (process == 0) {
        alarm(120);
        body();
        fflush(stdout);
        /* Without exit handlers: a body may have left a process in which none can run. */
        _exit(0);
    }
    CHECK(waitpid(process, &status, 0) == process);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
