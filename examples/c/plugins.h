/* Where CNI plugins are on this machine: distributions differ. */
#ifndef EXAMPLE_PLUGINS_H
#define EXAMPLE_PLUGINS_H

#include <stdbool.h>

enum { PLUGIN_DIRS_SIZE = 8192 };

/* Writes the directories to search as a JSON array, fit for libcni's "pluginDirs": those of $CNI_PATH, then
 * the usual ones. True when the plugins that the demo cannot do without are in one of them. */
bool plugins_find(char dirs[PLUGIN_DIRS_SIZE]);

#endif
