#define _GNU_SOURCE
#include "fixture.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

static char directory[4096];

/* The texts of the running test. */
static struct owned {
    struct owned *next;
    char bytes[];
} *texts;

_Noreturn static void broken(const char *what) {
    printf("    fixture: %s: %s\n", what, strerror(errno));
    exit(2);
}

static char *own(size_t size) {
    struct owned *owned = malloc(sizeof *owned + size);
    if (!owned) broken("memory");
    owned->next = texts;
    texts = owned;
    return owned->bytes;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *where) {
    (void)about, (void)type, (void)where;
    return remove(path);
}

void fixture_begin(void) {
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/libcni-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(directory)) broken(directory);
}

void fixture_end(void) {
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    while (texts) {
        struct owned *next = texts->next;
        free(texts);
        texts = next;
    }
}

const char *scratch(void) {
    return directory;
}

char *text(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *made = own((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(made, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return made;
}

char *read_file(const char *path) {
    struct stat about;
    FILE *file = fopen(path, "re");
    if (!file) return NULL;
    if (fstat(fileno(file), &about)) broken(path);
    char *content = own((size_t)about.st_size + 1);
    content[fread(content, 1, (size_t)about.st_size, file)] = 0;
    fclose(file);
    return content;
}

void write_file(const char *path, const char *content) {
    FILE *file = fopen(path, "we");
    if (!file || fputs(content, file) == EOF || fclose(file)) broken(path);
}

void make_dir(const char *path) {
    if (mkdir(path, 0755) && errno != EEXIST) broken(path);
}

bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

const char *plugin_dir(void) {
    const char *dir = getenv("LIBCNI_TEST_PLUGINS");
    if (!dir) broken("LIBCNI_TEST_PLUGINS is not set; use tests/c/run.sh");
    return dir;
}

libcni *new_cni(const char *more) {
    libcni *cni = NULL;
    libcni_error *err = NULL;
    const char *options = text("{\"pluginDirs\": [\"%s\"], \"cacheDir\": \"%s/cache\"%s%s}", plugin_dir(), scratch(),
                               *more ? ", " : "", more);
    if (libcni_new(options, NULL, &cni, &err) != LIBCNI_OK) {
        printf("    fixture: libcni_new: %s\n", libcni_error_message(err));
        exit(2);
    }
    return cni;
}

const char *network(const char *version, const char *plugins) {
    return text("{\"cniVersion\": \"%s\", \"name\": \"net\", \"plugins\": [%s]}", version, plugins);
}

const char *plugin(const char *type, const char *fake) {
    make_dir(text("%s/log", scratch()));
    return text("{\"type\": \"%s\", \"fake\": {\"log\": \"%s/log\"%s%s}}", type, scratch(), *fake ? ", " : "", fake);
}

const char *runtime(const char *more) {
    return text("{\"containerId\": \"box\", \"netns\": \"/run/netns/box\", \"ifName\": \"eth0\"%s%s}",
                *more ? ", " : "", more);
}

const char *cache_file(void) {
    return text("%s/cache/results/net-box-eth0", scratch());
}

const char *called(int call, const char *file) {
    return read_file(text("%s/log/%d/%s", scratch(), call, file));
}

int calls(void) {
    int count = 0;
    while (exists(text("%s/log/%d", scratch(), count))) count++;
    return count;
}

const char *called_with(int call, const char *variable) {
    char *environment = read_file(text("%s/log/%d/env", scratch(), call));
    const char *wanted = text("%s=", variable);
    for (char *line; environment && (line = strsep(&environment, "\n"));)
        if (strncmp(line, wanted, strlen(wanted)) == 0) return line + strlen(wanted);
    return NULL;
}

const char *call_order(void) {
    const char *order = "";
    for (int i = 0; i < calls(); i++)
        order = text("%s%s%s %s", order, i > 0 ? ", " : "", called(i, "command"), called(i, "plugin"));
    return order;
}

const char *at(const char *json_text, const char *path) {
    if (!json_text) return NULL;
    json value = json_from(json_text);
    char *rest = text("%s", path), *key;
    while ((key = strsep(&rest, ".")))
        value = isdigit((unsigned char)*key) ? json_element(value, strtoul(key, NULL, 10)) : json_member(value, key);
    if (!json_exists(value)) return NULL;
    size_t size = strlen(value.text) + 1;
    return json_copy(value, own(size), size);
}
