/* What both plugins print. */

#define ANSWER_ADD                                                                                              \
    "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"0a:58:0a:01:00:05\",\"sandbox\":"   \
    "\"/run/netns/bench\"}],\"ips\":[{\"interface\":0,\"address\":\"10.1.0.5/16\",\"gateway\":\"10.1.0.1\"}],"  \
    "\"routes\":[{\"dst\":\"0.0.0.0/0\"}],\"dns\":{\"nameservers\":[\"10.1.0.1\"]}}"

#define ANSWER_VERSION "{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"0.4.0\",\"1.0.0\"]}"
