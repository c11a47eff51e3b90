/* Every function of the ABI that takes texts, in one shape, so that one test can go through all of them. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

#include <libcni.h>
#include <stdbool.h>
#include <stddef.h>

/* What a text argument is, which decides what is wrong with it. */
enum kind {
    NONE,
    LIST,        /* a configuration list whose plugins will run */
    LIST_NAME,   /* a configuration list of which only name and version matter */
    PLUGIN_CONF, /* the configuration of one plugin that will run on its own */
    CONF_NAME,   /* the configuration of one plugin of which only name and version matter */
    RUNTIME,     /* a runtime configuration */
    BYTES,       /* a configuration list that is only parsed */
    CONF,        /* the configuration of one plugin that is only parsed */
    VALUES,      /* an object of new values */
    RESULT,
    VERSION,
    DIRECTORY,
    FILE_PATH,
    NAME,
    EXTENSIONS,
    FILTER,
    VALID_ATTACHMENTS,
    PLUGIN_TYPE,
    COMMAND,
    CNI_OPTIONS,
    CONTEXT_OPTIONS,
    KINDS
};

enum { MAX_TEXTS = 3 };

/* `out` is a libcni_buf, a handle, or not there, as the function has it. */
struct arguments {
    const libcni *cni;
    const char *texts[MAX_TEXTS];
    void *out;
    libcni_error **err;
};

struct function {
    const char *name;
    int32_t (*call)(const struct arguments *);
    bool takes_cni;
    enum out { NOTHING, BUFFER, CNI, CONTEXT } out;
    struct argument {
        enum kind kind;
        const char *name; /* as in the header */
        bool may_be_null;
    } texts[MAX_TEXTS];
};

/* In an order in which all of them succeed with good arguments: ADD before CHECK before DEL. */
extern const struct function functions[];
extern const size_t function_count;

/* What is wrong with a text of a kind, and what the error must say of it. */
struct wrong_text {
    enum kind kind;
    const char *text;
    int32_t status;
    const char *says;
};

extern const struct wrong_text wrong_texts[];
extern const size_t wrong_text_count;

#endif
