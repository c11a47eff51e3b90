/* A node for tests: a directory of network configurations, a file in the place of a network namespace, networks that are
 * loaded from there. The plugins are the fake ones of fixture.h. */
#ifndef NODE_H
#define NODE_H

#include <libcni.h>

/* The directory of configurations, scratch()/net.d; it is made when it is asked for. */
const char *conf_dir(void);

/* A file of that directory with the network `name`: one plugin, `first`, that writes down its calls and does `fake`
 * (as for plugin() in fixture.h). */
void put_network(const char *file, const char *name, const char *fake);
void remove_network(const char *file);

/* `{"cniVersion": "1.1.0", "name": name, "plugins": [plugins]}` */
const char *named_network(const char *name, const char *plugins);

/* Options: all networks of conf_dir(), no loopback; `more` is further options, as in "\"undo\": false", or "". */
const char *networks_options(const char *more);

/* Networks of such options. Ends the program when it fails: no test can go on without. */
libcni_networks *new_networks(const libcni *cni, const char *more);

/* The container "box" with a netns that is there; `more` as above. */
const char *container(const char *more);

/* What libcni_networks_config() tells; lives as long as the test. */
const char *config_of(const libcni_networks *networks);

/* The names of the loaded networks with their interfaces, as in "a eth0, b eth1". */
const char *loaded(const libcni_networks *networks);

/* What the plugins were asked since the start, as in "ADD a eth0, DEL a eth0". */
const char *asked(void);

#endif
