#define _GNU_SOURCE

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int results, aside; /* directories */

void check(bool right, const char *what)
{
    if (!right)
        fail("%s: %s", what, strerror(errno));
}

static int open_directory(const char *cache, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", cache, name);
    check(mkdir(path, 0700) == 0 || errno == EEXIST, path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(fd >= 0, path);
    return fd;
}

void open_cache(const char *cache)
{
    check(mkdir(cache, 0700) == 0 || errno == EEXIST, cache);
    results = open_directory(cache, "results");
    aside = open_directory(cache, "aside");
}

DIR *open_results(void)
{
    DIR *directory = fdopendir(openat(results, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    check(directory != NULL, "results");
    return directory;
}

void read_to_end(int fd, text *text)
{
    ssize_t length;
    while ((length = read(fd, text->bytes + text->size, sizeof text->bytes - text->size)) > 0)
        text->size += (size_t)length;
    check(length == 0, "read");
}

void store_file(const char *name, const text *file)
{
    int fd = openat(aside, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0, name);
    check(write(fd, file->bytes, file->size) == (ssize_t)file->size, name);
    check(!setting.durable || fsync(fd) == 0, name);
    close(fd);
    check(renameat(aside, name, results, name) == 0, name);
    check(!setting.durable || fsync(results) == 0, "results");
}

void load_file(const char *name, text *file)
{
    int fd = openat(results, name, O_RDONLY | O_CLOEXEC);
    check(fd >= 0, name);
    file->size = 0;
    read_to_end(fd, file);
    close(fd);
}

void remove_file(const char *name)
{
    check(unlinkat(results, name, 0) == 0, name);
}

/* The result stands last in the files of the floor and of libcni. */
void take_result(const text *file, text *result)
{
    static const char key[] = "\"result\":";
    const char *found = memmem(file->bytes, file->size, key, sizeof key - 1);
    check(found != NULL, "a cache file without a result");
    found += sizeof key - 1;
    result->size = 0;
    append(result, found, (size_t)(file->bytes + file->size - found) - 1);
}
