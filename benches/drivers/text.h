/* A text that grows in place, for the floor: nothing is allocated. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <string.h>

#include "driver.h"

typedef struct text {
    size_t size;
    char bytes[65536];
} text;

static inline void append(text *text, const char *bytes, size_t size)
{
    if (size > sizeof text->bytes - text->size)
        fail("a text of more than %zu bytes", sizeof text->bytes);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static inline void append_string(text *text, const char *string)
{
    append(text, string, strlen(string));
}

#endif
