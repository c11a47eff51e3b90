/* Reads values out of a JSON text without copying it.
 *
 * The text must be valid JSON, as every text from libcni is: the reader follows the structure and does
 * not look for mistakes. A value that is not there is a json with a NULL text; asking it for members,
 * elements or its string is fine and finds nothing, so look-ups can be chained. */
#ifndef EXAMPLE_JSON_H
#define EXAMPLE_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct json {
    const char *text; /* the first byte of the value, inside the caller's text */
} json;

json json_from(const char *text);
bool json_exists(json value);

/* Keys are compared as they are written in the text, escapes included. */
json json_member(json object, const char *key);
json json_element(json array, size_t index);
size_t json_length(json array);

/* The whole number in `value`, or `otherwise` when there is none. */
long json_number(json value, long otherwise);

/* Copies a string (unescaped, as UTF-8) or any other value (as written) into `out`, cut to fit, always
 * terminated; an absent value gives "". Returns `out`. */
const char *json_copy(json value, char *out, size_t size);

/* Writes `string` as a JSON string with its quotes; false when it does not fit. */
bool json_quote(const char *string, char *out, size_t size);

#endif
