/* quickstart NETWORK.conflist NETNS: attach a network namespace to a network, print the result, detach it. */
#include <libcni.h>
#include <stdio.h>

static int failed(libcni_error *err) {
    fprintf(stderr, "%s\n", libcni_error_message(err));
    libcni_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: quickstart NETWORK.conflist NETNS\n"), 2;
    char rt[4200];
    snprintf(rt, sizeof rt, "{\"containerId\": \"c1\", \"netns\": \"%s\", \"ifName\": \"eth0\"}", argv[2]);

    libcni *cni = NULL;
    libcni_error *err = NULL;
    libcni_buf list = LIBCNI_BUF_INIT, result = LIBCNI_BUF_INIT;
    int status = libcni_new(NULL, NULL, &cni, &err); /* NULL options: the defaults */
    if (!status) status = libcni_network_conf_from_file(argv[1], &list, &err);
    if (!status) status = libcni_add_network_list(cni, NULL, list.data, rt, &result, &err);
    if (!status) puts(result.data);
    if (!status) status = libcni_del_network_list(cni, NULL, list.data, rt, &err);

    libcni_buf_free(&result);
    libcni_buf_free(&list);
    libcni_free(cni);
    return status ? failed(err) : 0;
}
