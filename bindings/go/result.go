package libcni

import (
	"net"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"
)

// resultOf reads a result, which is in the version of the list. Without being told, the original looks for the version
// first, and reads the text twice.
func resultOf(text []byte, cniVersion string) (types.Result, error) {
	rest, found := strings.CutPrefix(string(text), `{"cniVersion":"`+cniVersion+`"`)
	if !found {
		return create.CreateFromBytes(text)
	}
	if cniVersion == "1.0.0" || cniVersion == "1.1.0" {
		if result := readResult(rest); result != nil {
			result.CNIVersion = cniVersion
			return result, nil
		}
	}
	return create.Create(cniVersion, text)
}

// readResult reads what stands behind the version in a result of 1.0.0 or later. After a process has run the caches are
// cold, and then the original's way, by reflection and twice for each address, takes as long as a tenth of a small
// plugin. It is for results as the core prints nearly all: without white space, escapes, letters beyond ASCII, and keys
// that the original does not know. Of all others it returns nil, and they are left to the original, errors with them.
func readResult(rest string) *types100.Result {
	r := resultReader{rest}
	result := &types100.Result{}
	good := (r.take("}") || r.take(",") && r.fields(resultKeys, func(key int) (ok bool) {
		switch key {
		case 0:
			result.Interfaces, ok = elements(&r, r.networkInterface)
		case 1:
			result.IPs, ok = elements(&r, r.ip)
		case 2:
			result.Routes, ok = elements(&r, r.route)
		case 3:
			ok = r.dns(&result.DNS)
		}
		return ok
	})) && r.rest == ""
	if !good {
		return nil
	}
	return result
}

var (
	resultKeys    = []string{"interfaces", "ips", "routes", "dns"}
	interfaceKeys = []string{"name", "mac", "mtu", "sandbox", "socketPath", "pciID"}
	ipKeys        = []string{"interface", "address", "gateway"}
	routeKeys     = []string{"dst", "gw", "mtu", "advmss", "priority", "table", "scope"}
	dnsKeys       = []string{"nameservers", "domain", "search", "options"}
)

// A resultReader has what is left to read. What reads a part of it tells whether it could.
type resultReader struct{ rest string }

func (r *resultReader) networkInterface() (*types100.Interface, bool) {
	i := &types100.Interface{}
	return i, r.object(interfaceKeys, func(key int) (ok bool) {
		switch key {
		case 0:
			i.Name, ok = r.text()
		case 1:
			i.Mac, ok = r.text()
		case 2:
			i.Mtu, ok = r.number()
		case 3:
			i.Sandbox, ok = r.text()
		case 4:
			i.SocketPath, ok = r.text()
		case 5:
			i.PciID, ok = r.text()
		}
		return ok
	})
}

func (r *resultReader) ip() (*types100.IPConfig, bool) {
	ip := &types100.IPConfig{}
	return ip, r.object(ipKeys, func(key int) (ok bool) {
		switch key {
		case 0:
			ip.Interface, ok = r.numberThere()
		case 1:
			ip.Address, ok = r.subnet()
		case 2:
			ip.Gateway, ok = r.address()
		}
		return ok
	})
}

func (r *resultReader) route() (*types.Route, bool) {
	route := &types.Route{}
	return route, r.object(routeKeys, func(key int) (ok bool) {
		switch key {
		case 0:
			route.Dst, ok = r.subnet()
		case 1:
			route.GW, ok = r.address()
		case 2:
			route.MTU, ok = r.number()
		case 3:
			route.AdvMSS, ok = r.number()
		case 4:
			route.Priority, ok = r.number()
		case 5:
			route.Table, ok = r.numberThere()
		case 6:
			route.Scope, ok = r.numberThere()
		}
		return ok
	})
}

func (r *resultReader) dns(dns *types.DNS) bool {
	return r.object(dnsKeys, func(key int) (ok bool) {
		switch key {
		case 0:
			dns.Nameservers, ok = elements(r, r.text)
		case 1:
			dns.Domain, ok = r.text()
		case 2:
			dns.Search, ok = elements(r, r.text)
		case 3:
			dns.Options, ok = elements(r, r.text)
		}
		return ok
	})
}

// subnet is an address with the length of its prefix.
func (r *resultReader) subnet() (net.IPNet, bool) {
	if text, ok := r.text(); ok {
		if subnet, err := types.ParseCIDR(text); err == nil {
			return *subnet, true
		}
	}
	return net.IPNet{}, false
}

func (r *resultReader) address() (net.IP, bool) {
	text, _ := r.text()
	ip := net.ParseIP(text)
	return ip, ip != nil
}

func (r *resultReader) object(keys []string, value func(key int) bool) bool {
	return r.take("{") && (r.take("}") || r.fields(keys, value))
}

// fields reads the fields of an object to its end, each key at most once: of two the original may make one.
func (r *resultReader) fields(keys []string, value func(key int) bool) bool {
	for seen := 0; ; {
		name, ok := r.text()
		key := slices.Index(keys, name)
		if !ok || key < 0 || seen&(1<<key) != 0 || !r.take(":") || !value(key) {
			return false
		}
		seen |= 1 << key
		if !r.take(",") {
			return r.take("}")
		}
	}
}

func elements[T any](r *resultReader, value func() (T, bool)) ([]T, bool) {
	// Not nil: that is no array.
	all := []T{}
	if !r.take("[") {
		return nil, false
	}
	if r.take("]") {
		return all, true
	}
	for {
		one, ok := value()
		if !ok {
			return nil, false
		}
		all = append(all, one)
		if !r.take(",") {
			return all, r.take("]")
		}
	}
}

func (r *resultReader) text() (string, bool) {
	if !r.take(`"`) {
		return "", false
	}
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			return text, true
		case c < ' ' || c == '\\' || c > '~':
			return "", false
		}
	}
	return "", false
}

// number reads a number that every int can hold.
func (r *resultReader) number() (number int, ok bool) {
	const mostDigits = 9
	digits := 0
	for digits < len(r.rest) && '0' <= r.rest[digits] && r.rest[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits > mostDigits || r.rest[0] == '0' && digits > 1 {
		return 0, false
	}
	for _, digit := range []byte(r.rest[:digits]) {
		number = 10*number + int(digit-'0')
	}
	r.rest = r.rest[digits:]
	return number, true
}

// numberThere is a number where none is something else than 0.
func (r *resultReader) numberThere() (*int, bool) {
	number, ok := r.number()
	return &number, ok
}

func (r *resultReader) take(token string) (ok bool) {
	r.rest, ok = strings.CutPrefix(r.rest, token)
	return ok
}
