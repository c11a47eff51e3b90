#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *p) {
    return p + strspn(p, " \t\r\n");
}

/* `p` is at the opening quote; the answer is behind the closing one. */
static const char *skip_string(const char *p) {
    for (p++; *p != '"'; p++)
        if (*p == '\\') p++;
    return p + 1;
}

static const char *skip_value(const char *p) {
    if (*p == '"') return skip_string(p);
    if (*p != '{' && *p != '[') return p + strcspn(p, ",]} \t\r\n");
    int depth = 0;
    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[') depth++;
        if (*p == '}' || *p == ']') depth--;
        p++;
    } while (depth > 0);
    return p;
}

/* The first entry of an object or array, or NULL when it is empty or something else. */
static const char *first_entry(json value, char opening) {
    if (!value.text || *value.text != opening) return NULL;
    const char *p = skip_space(value.text + 1);
    return *p == '}' || *p == ']' ? NULL : p;
}

/* `p` is at a value; the answer is the next entry, or NULL behind the last. */
static const char *next_entry(const char *p) {
    p = skip_space(skip_value(p));
    return *p == ',' ? skip_space(p + 1) : NULL;
}

json json_from(const char *text) {
    return (json){text ? skip_space(text) : NULL};
}

bool json_exists(json value) {
    return value.text != NULL;
}

json json_member(json object, const char *key) {
    size_t length = strlen(key);
    for (const char *p = first_entry(object, '{'); p;) {
        const char *value = skip_space(skip_space(skip_string(p)) + 1);
        if (strncmp(p + 1, key, length) == 0 && p[1 + length] == '"') return (json){value};
        p = next_entry(value);
    }
    return (json){NULL};
}

json json_element(json array, size_t index) {
    const char *p = first_entry(array, '[');
    while (p && index-- > 0) p = next_entry(p);
    return (json){p};
}

size_t json_length(json array) {
    size_t length = 0;
    for (const char *p = first_entry(array, '['); p; p = next_entry(p)) length++;
    return length;
}

long json_number(json value, long otherwise) {
    if (!value.text) return otherwise;
    char *end;
    long number = strtol(value.text, &end, 10);
    return end == value.text ? otherwise : number;
}

/* Four hexadecimal digits, as in \u00e9. */
static unsigned long code_unit(const char *p) {
    char digits[5] = {p[0], p[1], p[2], p[3], 0};
    return strtoul(digits, NULL, 16);
}

/* Encodes one code point as UTF-8 into `out` and returns its length. */
static size_t utf8(unsigned long c, char out[4]) {
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[length] | c);
    return length;
}

/* Decodes the escape behind the backslash at `*p`, moves `*p` past it and returns the bytes' number. */
static size_t unescape(const char **p, char out[4]) {
    static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    char name = (*p)[1];
    *p += 2;
    if (name != 'u') {
        const char *found = strchr(names, name);
        out[0] = found ? bytes[found - names] : name;
        return 1;
    }
    unsigned long c = code_unit(*p);
    *p += 4;
    if (c >= 0xD800 && c < 0xDC00 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        c = 0x10000 + ((c - 0xD800) << 10) + (code_unit(*p + 2) - 0xDC00);
        *p += 6;
    }
    return utf8(c, out);
}

const char *json_copy(json value, char *out, size_t size) {
    size_t used = 0;
    if (value.text && *value.text == '"') {
        for (const char *p = value.text + 1; *p != '"';) {
            char bytes[4] = {*p};
            size_t length = *p == '\\' ? unescape(&p, bytes) : (p++, 1);
            if (used + length >= size) break;
            memcpy(out + used, bytes, length);
            used += length;
        }
    } else if (value.text) {
        used = (size_t)(skip_value(value.text) - value.text);
        if (used >= size) used = size - 1;
        memcpy(out, value.text, used);
    }
    out[used] = 0;
    return out;
}

bool json_quote(const char *string, char *out, size_t size) {
    size_t used = 0;
    if (size < 3) return false;
    out[used++] = '"';
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (used + 8 > size) return false; /* the longest escape, the closing quote and the terminator */
        if (*p == '"' || *p == '\\')
            used += (size_t)sprintf(out + used, "\\%c", *p);
        else if (*p < 0x20)
            used += (size_t)sprintf(out + used, "\\u%04x", (unsigned)*p);
        else
            out[used++] = (char)*p;
    }
    if (used + 2 > size) return false;
    out[used++] = '"';
    out[used] = 0;
    return true;
}
