/* A CNI plugin for tests. It does nothing to any network: it writes down how it was called and answers what
 * its configuration says, under the key "fake" (all of it optional):
 *
 *   "fake": {
 *     "log": "/dir",          every call makes the next of /dir/0, /dir/1, ... with the files `command`, `plugin`
 *                             (the name it was called by), `env` (a variable per line) and `stdin`
 *     "ADD": {                what to do for a command: ADD, CHECK, DEL, GC, STATUS or VERSION
 *       "stdout": "text" or a JSON value,
 *       "stderr": "text",
 *       "exit": 3,
 *       "fifo": "/path",      opens it for writing, which waits until the test reads, and keeps it open: the
 *                             test knows when the plugin runs and, by end of file, when it is no more
 *       "hang": true          then waits for a signal to end it
 *     }
 *   }
 *
 * Without "stdout" it is a good plugin: ADD passes prevResult on, or returns one interface when it is the
 * first of its chain; VERSION lists all versions; the other commands print nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

extern char **environ;

_Noreturn static void broken(const char *what) {
    fprintf(stderr, "fake plugin: %s: %s\n", what, strerror(errno));
    exit(120);
}

static char *read_stdin(void) {
    size_t used = 0, size = 4096;
    char *text = malloc(size);
    ssize_t got;
    while (text && (got = read(STDIN_FILENO, text + used, size - used - 1)) > 0) {
        used += (size_t)got;
        if (size - used < 2) text = realloc(text, size *= 2);
    }
    if (!text) broken("memory");
    text[used] = 0;
    return text;
}

static FILE *create(const char *dir, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    if (!file) broken(path);
    return file;
}

/* Making a directory succeeds for one process only, so the numbers are the order of the calls. */
static void log_call(const char *log, const char *plugin, const char *command, const char *configuration) {
    char dir[4200];
    for (int i = 0;; i++) {
        snprintf(dir, sizeof dir, "%s/%d", log, i);
        if (mkdir(dir, 0755) == 0) break;
        if (errno != EEXIST) broken(dir);
    }
    FILE *file = create(dir, "stdin");
    fputs(configuration, file);
    fclose(file);
    file = create(dir, "env");
    for (char **variable = environ; *variable; variable++) fprintf(file, "%s\n", *variable);
    fclose(file);
    file = create(dir, "plugin");
    fputs(plugin, file);
    fclose(file);
    file = create(dir, "command");
    fputs(command, file);
    fclose(file);
}

static void print_value(FILE *out, json value) {
    size_t size = strlen(value.text) + 1;
    char *text = malloc(size);
    if (!text) broken("memory");
    fputs(json_copy(value, text, size), out);
    free(text);
}

static void meet(const char *fifo) {
    if (open(fifo, O_WRONLY | O_CLOEXEC) < 0) broken(fifo);
}

/* What a plugin prints that does as it is told. */
static void print_usual(const char *command, json configuration) {
    char version[32] = "";
    json previous = json_member(configuration, "prevResult");
    json_copy(json_member(configuration, "cniVersion"), version, sizeof version);
    if (strcmp(command, "VERSION") == 0)
        fputs("{\"cniVersion\": \"1.1.0\", \"supportedVersions\": "
              "[\"0.1.0\", \"0.2.0\", \"0.3.0\", \"0.3.1\", \"0.4.0\", \"1.0.0\", \"1.1.0\"]}",
              stdout);
    else if (strcmp(command, "ADD") == 0 && json_exists(previous))
        print_value(stdout, previous);
    else if (strcmp(command, "ADD") == 0)
        printf("{\"cniVersion\": \"%s\", \"interfaces\": [{\"name\": \"%s\", \"sandbox\": \"%s\"}]}", version,
               getenv("CNI_IFNAME"), getenv("CNI_NETNS"));
}

int main(int argc, char **argv) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *plugin = slash ? slash + 1 : argv[0];
    const char *command = getenv("CNI_COMMAND");
    if (!command) {
        fprintf(stderr, "fake plugin: CNI_COMMAND is not set\n");
        return 120;
    }
    char *text = read_stdin();
    json configuration = json_from(text), fake = json_member(configuration, "fake");
    json answer = json_member(fake, command), output = json_member(answer, "stdout");
    char log[4096], fifo[4096], hang[8];

    if (*json_copy(json_member(fake, "log"), log, sizeof log)) log_call(log, plugin, command, text);
    if (*json_copy(json_member(answer, "fifo"), fifo, sizeof fifo)) meet(fifo);
    while (strcmp(json_copy(json_member(answer, "hang"), hang, sizeof hang), "true") == 0) pause();
    if (json_exists(json_member(answer, "stderr"))) print_value(stderr, json_member(answer, "stderr"));
    if (json_exists(output))
        print_value(stdout, output);
    else
        print_usual(command, configuration);
    fflush(stdout);
    int status = (int)json_number(json_member(answer, "exit"), 0);
    free(text);
    return status;
}
