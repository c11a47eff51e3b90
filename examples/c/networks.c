/* networks CONF_DIR NETNS: attach a network namespace to all networks of a directory, print what it got, detach it. */
#include <libcni.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: networks CONF_DIR NETNS\n"), 2;
    char options[4200], container[4200];
    snprintf(options, sizeof options, "{\"sources\": [{\"dir\": \"%s\", \"load\": \"all\"}]}", argv[1]);
    snprintf(container, sizeof container, "{\"containerId\": \"c1\", \"netns\": \"%s\"}", argv[2]);

    libcni *cni = NULL;
    libcni_networks *networks = NULL;
    libcni_error *err = NULL;
    libcni_buf result = LIBCNI_BUF_INIT;
    int status = libcni_new(NULL, NULL, &cni, &err);
    if (!status) status = libcni_networks_new(cni, options, &networks, &err);
    if (!status) status = libcni_networks_setup(networks, NULL, container, &result, &err);
    if (!status) puts(result.data); /* interfaces by name, dns, routes, and each network's own result */
    if (!status) status = libcni_networks_remove(networks, NULL, container, &err);
    if (status) fprintf(stderr, "%s\n", libcni_error_message(err));

    libcni_buf_free(&result);
    libcni_error_free(err);
    libcni_networks_free(networks);
    libcni_free(cni);
    return status != LIBCNI_OK;
}
