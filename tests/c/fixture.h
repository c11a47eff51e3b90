/* What a test works with: a scratch directory of its own, the fake plugins (tests/plugins/fake.c) and what
 * they wrote down. Everything is released when the test ends. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <libcni.h>
#include <stdbool.h>

void fixture_begin(void);
void fixture_end(void);

/* The test's own directory; no path below it exists at the start. */
const char *scratch(void);

/* Texts that live as long as the test. Not for several threads at once. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *read_file(const char *path);
void write_file(const char *path, const char *content);
void make_dir(const char *path);
bool exists(const char *path);

/* The directory of the fake plugins: the one program under the names first, second, third. */
const char *plugin_dir(void);

/* A handle for the fake plugins with its cache in scratch()/cache; `more` is further options, as in
 * "\"timeoutMs\": 5", or "". Ends the program when it fails: no test can go on without. */
libcni *new_cni(const char *more);

/* `{"cniVersion": version, "name": "net", "plugins": [plugins]}` */
const char *network(const char *version, const char *plugins);

/* `{"type": type, "fake": {"log": ..., fake}}`: a fake plugin that writes down its calls. */
const char *plugin(const char *type, const char *fake);

/* The runtime configuration of the container "box", interface eth0; `more` as in new_cni(). */
const char *runtime(const char *more);
const char *cache_file(void); /* where libcni keeps that attachment */

/* How many calls the plugins wrote down, and one of the files of a call: command, plugin, env, stdin. */
int calls(void);
const char *called(int call, const char *file);

/* The value of a variable in the environment of a call, or NULL. */
const char *called_with(int call, const char *variable);

/* The plugins' calls in order, as in "ADD first, ADD second". */
const char *call_order(void);

/* The value at a path of keys and indices in a JSON text, as in "plugins.0.type": a string's content, else
 * the text of the value; NULL when there is none. */
const char *at(const char *json_text, const char *path);

#endif
