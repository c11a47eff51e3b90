/* A program of somebody else: it knows libcni only as installed. It asks for a plugin that is not there, and
 * is content when the library says so. */
#include <libcni.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const char *list = "{\"cniVersion\": \"1.0.0\", \"name\": \"net\", \"plugins\": [{\"type\": \"absent\"}]}";
    const char *rt = "{\"containerId\": \"box\", \"netns\": \"/run/netns/box\", \"ifName\": \"eth0\"}";
    libcni *cni = NULL;
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    if (libcni_new("{\"pluginDirs\": [\"/nowhere\"], \"cacheDir\": null}", NULL, &cni, &err)) {
        fprintf(stderr, "libcni_new: %s\n", libcni_error_message(err));
        return 1;
    }
    int32_t status = libcni_add_network_list(cni, NULL, list, rt, &result, &err);
    printf("libcni %s: %s: %s\n", libcni_version(), libcni_status_name(status), libcni_error_message(err));
    int ended_well = status == LIBCNI_ERR_PLUGIN_NOT_FOUND && strstr(libcni_error_message(err), "absent") != NULL;
    libcni_error_free(err);
    libcni_free(cni);
    return ended_well ? 0 : 1;
}
