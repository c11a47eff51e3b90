package libcni

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/types/create"
)

// wholeResult has everything that there is in a result.
const wholeResult = `{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","mac":"0a:58:0a:01:00:05","mtu":1500,` +
	`"sandbox":"/run/netns/a"},{"name":"vhost","socketPath":"/run/s","pciID":"0000:00:1f.6"}],"ips":[{"interface":0,` +
	`"address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"fd00::5/64"}],"routes":[{"dst":"0.0.0.0/0"},{"dst":` +
	`"fd00::/8","gw":"fd00::1","mtu":1400,"advmss":1360,"priority":10,"table":254,"scope":0}],"dns":{"nameservers":` +
	`["10.1.0.1","fd00::1"],"domain":"a.example","search":["example"],"options":[]}}`

func requireAsOriginal(t *testing.T, text string) {
	t.Helper()
	for _, version := range []string{"1.0.0", "1.1.0"} {
		text := strings.Replace(text, `"1.1.0"`, `"`+version+`"`, 1)
		expected, expectedErr := create.Create(version, []byte(text))
		got, err := resultOf([]byte(text), version)
		if fmt.Sprint(err) != fmt.Sprint(expectedErr) || !reflect.DeepEqual(got, expected) {
			t.Fatalf("%s:\n%+v, %v\nthe original:\n%+v, %v", text, got, err, expected, expectedErr)
		}
	}
}

func TestAResultIsReadAsByTheOriginal(t *testing.T) {
	for _, rest := range []string{
		``, `,"ips":[]`, `,"ips":null`, `,"interfaces":[],"routes":[],"dns":{}`, `,"ips":[{}],"interfaces":[{}]`,
		`,"routes":[{}]`, `,"routes":[null]`, `,"IPs":[{"address":"10.0.0.1/8"}]`, `,"dns":{"domain":"a","domain":"b"}`,
		`,"interfaces":[{"name":"a"}],"interfaces":[{"mac":"b"}]`, `,"cniVersion":"1.0.0"`, `,"cniVersion":"0.4.0"`,
		`,"ips":[{"address":""}]`, `,"ips":[{"address":"10.0.0.1"}]`, `,"ips":[{"address":"10.0.0.1/8","gateway":""}]`,
		`,"ips":[{"address":"::ffff:10.0.0.1/120","gateway":"::ffff:10.0.0.2"}]`, `,"ips":[{"gateway":"nobody"}]`,
		`,"ips":[{"interface":-1}]`, `,"ips":[{"interface":1.5}]`, `,"ips":[{"interface":1e2}]`,
		`,"ips":[{"interface":01}]`, `,"ips":[{"interface":"1"}]`, `,"ips":[{"interface":123456789}]`,
		`,"ips":[{"interface":1234567890}]`, `,"ips":[{"interface":12345678901234567890}]`,
		`,"interfaces":[{"name":"caf\u00e9"}]`, `,"interfaces":[{"name":"café"}]`, "," + `"interfaces":[{"name":"` + "\xff" + `"}]`,
		`,"interfaces":[{"name":"` + "\x7f" + `"}]`, `,"interfaces":[{"name":"` + "\n" + `"}]`,
		`,"custom":{"a":[1,2]}`, ` , "ips": [ ]`,
	} {
		requireAsOriginal(t, `{"cniVersion":"1.1.0"`+rest+`}`)
	}
}

// Whatever is changed in a result, by one character.
func TestAResultThatIsDamagedIsReadAsByTheOriginal(t *testing.T) {
	start := len(`{"cniVersion":"1.1.0"`)
	for i := start; i <= len(wholeResult); i++ {
		before, after := wholeResult[:i], wholeResult[i:]
		requireAsOriginal(t, before)
		for _, put := range strings.Split(`",\,{,},[,],:,0,9,.,-, ,a,I,é,null,"name":1`, ",") {
			requireAsOriginal(t, before+put+after)
			requireAsOriginal(t, before+","+after)
			if after != "" {
				requireAsOriginal(t, before+put+after[1:])
				requireAsOriginal(t, before+after[1:])
			}
		}
	}
}

func TestTheUsualResultIsNotLeftToTheOriginal(t *testing.T) {
	if readResult(strings.TrimPrefix(wholeResult, `{"cniVersion":"1.1.0"`)) == nil {
		t.Error("it is")
	}
}

func BenchmarkResult(b *testing.B) {
	for name, read := range map[string]func([]byte) (types.Result, error){
		"own":      func(text []byte) (types.Result, error) { return resultOf(text, "1.1.0") },
		"original": func(text []byte) (types.Result, error) { return create.Create("1.1.0", text) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read([]byte(wholeResult)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
