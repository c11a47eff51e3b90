/* The floor of the cache: the least that its files cost. Paths are those of the cache format: <cache>/results/<name>. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include <dirent.h>

#include "text.h"

/* Makes and opens the directories; all names below are in them. */
void open_cache(const char *cache);
void store_file(const char *name, const text *file); /* written aside, renamed; flushed when it shall be durable */
void load_file(const char *name, text *file);        /* in place of what `file` had */
void remove_file(const char *name);                  /* never flushed: a DEL that is forgotten can be repeated */

DIR *open_results(void); /* to be closed */

/* Orders of listing.c: true when this was one. */
bool list_or_collect(const char *order);

/* What a cache file says of the result. */
void take_result(const text *file, text *result);

void read_to_end(int fd, text *text);
void check(bool right, const char *what);

#endif
