package libcni

import (
	"bytes"
	"encoding/base64"
	"sync"
)

// A networkText is a network as the core takes it, with what it was made of: callers change both fields and bytes, also
// in place.
type networkText struct {
	network network
	plugins []pluginText

	// The list, and the end of the rt of calls that know the plugins.
	list, rtEnd []byte
}

type pluginText struct {
	bytes      []byte
	pluginType string
}

// newNetworkText makes the texts of a network.
func newNetworkText(n *network) (*networkText, error) {
	list, err := n.list()
	if err != nil {
		return nil, err
	}
	types, err := marshal(n.types())
	if err != nil {
		return nil, err
	}
	// Not null: who has no bytes remembers none.
	rtEnd := append([]byte(`,"cacheConfig":"`), base64.StdEncoding.EncodeToString(n.bytes)...)
	if len(n.plugins) > 0 {
		rtEnd = append(append(rtEnd, `","pluginTypes":`...), types...)
	} else {
		rtEnd = append(rtEnd, '"')
	}
	made := &networkText{network: *n, list: list, rtEnd: append(rtEnd, '}')}
	made.network.bytes = bytes.Clone(n.bytes)
	made.network.plugins = nil
	for _, plugin := range n.plugins {
		made.plugins = append(made.plugins, pluginText{bytes.Clone(plugin.Bytes), plugin.Network.Type})
	}
	return made, nil
}

// isOf tells whether the network is still what the texts were made of.
func (t *networkText) isOf(n *network) bool {
	of := &t.network
	if of.name != n.name || of.cniVersion != n.cniVersion || of.disableCheck != n.disableCheck ||
		of.disableGC != n.disableGC || len(t.plugins) != len(n.plugins) || !bytes.Equal(of.bytes, n.bytes) {
		return false
	}
	for i, plugin := range n.plugins {
		if t.plugins[i].pluginType != plugin.Network.Type || !bytes.Equal(t.plugins[i].bytes, plugin.Bytes) {
			return false
		}
	}
	return true
}

// networkTexts keeps the texts of networks from call to call, by their names.
type networkTexts struct {
	mu    sync.Mutex
	known map[textKey]*networkText
}

type textKey struct {
	name string
	// The configuration of one plugin on its own has the name of the list that it is also part of.
	single bool
}

// mostNetworkTexts is how many are kept: more than a node has networks.
const mostNetworkTexts = 64

func (t *networkTexts) of(n *network) (*networkText, error) {
	key := textKey{n.name, n.single}
	t.mu.Lock()
	known := t.known[key]
	t.mu.Unlock()
	if known != nil && known.isOf(n) {
		return known, nil
	}
	made, err := newNetworkText(n)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= mostNetworkTexts {
		t.known = make(map[textKey]*networkText)
	}
	t.known[key] = made
	return made, nil
}
