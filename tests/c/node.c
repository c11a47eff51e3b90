#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

const char *conf_dir(void) {
    const char *dir = text("%s/net.d", scratch());
    make_dir(dir);
    return dir;
}

const char *named_network(const char *name, const char *plugins) {
    return text("{\"cniVersion\": \"1.1.0\", \"name\": \"%s\", \"plugins\": [%s]}", name, plugins);
}

void put_network(const char *file, const char *name, const char *fake) {
    /* Moved into place: a watch never sees half of it. */
    const char *aside = text("%s/aside", scratch());
    write_file(aside, named_network(name, plugin("first", fake)));
    if (rename(aside, text("%s/%s", conf_dir(), file))) abort();
}

void remove_network(const char *file) {
    if (unlink(text("%s/%s", conf_dir(), file))) abort();
}

const char *networks_options(const char *more) {
    return text("{\"confDir\": \"%s\", \"sources\": [{\"load\": \"all\"}], \"loopback\": false%s%s}", conf_dir(),
                *more ? ", " : "", more);
}

libcni_networks *new_networks(const libcni *cni, const char *more) {
    libcni_networks *networks = NULL;
    libcni_error *err = NULL;
    if (libcni_networks_new(cni, networks_options(more), &networks, &err) != LIBCNI_OK) {
        printf("    node: libcni_networks_new: %s\n", libcni_error_message(err));
        exit(2);
    }
    return networks;
}

const char *container(const char *more) {
    const char *netns = text("%s/netns", scratch());
    if (!exists(netns)) write_file(netns, "");
    return text("{\"containerId\": \"box\", \"netns\": \"%s\"%s%s}", netns, *more ? ", " : "", more);
}

const char *config_of(const libcni_networks *networks) {
    libcni_buf config = LIBCNI_BUF_INIT;
    if (libcni_networks_config(networks, &config, NULL) != LIBCNI_OK) return NULL;
    const char *copy = text("%s", config.data);
    libcni_buf_free(&config);
    return copy;
}

const char *loaded(const libcni_networks *networks) {
    const char *config = config_of(networks), *all = "", *name;
    for (int i = 0; (name = at(config, text("networks.%d.name", i))); i++)
        all = text("%s%s%s %s", all, i > 0 ? ", " : "", name, at(config, text("networks.%d.ifName", i)));
    return all;
}

const char *asked(void) {
    const char *all = "";
    for (int i = 0; i < calls(); i++) {
        const char *name = at(called(i, "stdin"), "name"), *interface = called_with(i, "CNI_IFNAME");
        all = text("%s%s%s %s%s%s", all, i > 0 ? ", " : "", called(i, "command"), name,
                   interface && *interface ? " " : "", interface ? interface : "");
    }
    return all;
}
