/* A plugin that does what a script says and leaves a record of how it was run.
 *
 * It stands in <root>/<some directory>/<type>. For CNI_COMMAND=ADD it writes what <root>/script/<type>.ADD.out
 * and <type>.ADD.err hold, and ends as <type>.ADD.end says: "exit N" or "signal N"; "deaf exit N" does not read
 * stdin. A file that is not there is empty, and an empty end is success.
 *
 * The record is <root>/log/<number>: argc, argv[0], the working directory and each variable, all ended by a NUL
 * byte; one more NUL; then stdin to its end. */

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what)
{
    perror(what);
    _exit(99);
}

static void write_all(int fd, const char *bytes, size_t left)
{
    while (left > 0) {
        ssize_t n = write(fd, bytes, left);
        if (n < 0)
            fail("write");
        bytes += n;
        left -= (size_t)n;
    }
}

static void copy(int from, int to)
{
    char bytes[65536];
    ssize_t n;
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        write_all(to, bytes, (size_t)n);
    if (n < 0)
        fail("read");
}

static int open_record(const char *root)
{
    char path[PATH_MAX + 16];
    for (int number = 0; number < 10000; number++) {
        snprintf(path, sizeof path, "%s/log/%04d", root, number);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0)
            return fd;
    }
    fail("no place for a record");
    return -1;
}

static int open_script(const char *root, const char *type, const char *command, const char *part)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/script/%s.%s.%s", root, type, command, part);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void play(const char *root, const char *type, const char *command, const char *part, int to)
{
    int fd = open_script(root, type, command, part);
    if (fd >= 0)
        copy(fd, to);
}

int main(int argc, char **argv)
{
    char path[PATH_MAX], cwd[PATH_MAX], number[16], end[64] = "";
    snprintf(path, sizeof path, "%s", argv[0]);
    char *slash = strrchr(path, '/');
    const char *type = slash + 1;
    *slash = 0;
    *strrchr(path, '/') = 0;
    const char *root = path;
    const char *command = getenv("CNI_COMMAND");
    if (command == NULL)
        command = "";

    int fd = open_script(root, type, command, "end");
    if (fd >= 0 && read(fd, end, sizeof end - 1) < 0)
        fail("end");
    const char *how = end;
    int deaf = strncmp(how, "deaf ", 5) == 0;
    how += deaf ? 5 : 0;

    int record = open_record(root);
    snprintf(number, sizeof number, "%d", argc);
    write_all(record, number, strlen(number) + 1);
    write_all(record, argv[0], strlen(argv[0]) + 1);
    if (getcwd(cwd, sizeof cwd) == NULL)
        fail("getcwd");
    write_all(record, cwd, strlen(cwd) + 1);
    for (char **variable = environ; *variable != NULL; variable++)
        write_all(record, *variable, strlen(*variable) + 1);
    write_all(record, "", 1);
    if (!deaf)
        copy(STDIN_FILENO, record);

    play(root, type, command, "err", STDERR_FILENO);
    play(root, type, command, "out", STDOUT_FILENO);
    if (strncmp(how, "signal ", 7) == 0) {
        int signal_number = atoi(how + 7);
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    return strncmp(how, "exit ", 5) == 0 ? atoi(how + 5) : 0;
}
