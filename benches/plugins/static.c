/* The least plugin with a C library: reads its configuration to the end and answers by CNI_COMMAND.
 *
 * Linked statically: a dynamic one would measure the dynamic linker. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

int main(void)
{
    char configuration[65536];
    ssize_t length;
    while ((length = read(STDIN_FILENO, configuration, sizeof configuration)) > 0)
        ;
    const char *command = getenv("CNI_COMMAND");
    if (length < 0 || command == NULL)
        return 1;
    const char *answer = strcmp(command, "ADD") == 0 ? ANSWER_ADD : strcmp(command, "VERSION") == 0 ? ANSWER_VERSION : "";
    size_t size = strlen(answer);
    return write(STDOUT_FILENO, answer, size) != (ssize_t)size;
}
